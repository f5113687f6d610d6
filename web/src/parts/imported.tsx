// Lists of devices that were read in: one act takes one back, right after it or later. What was changed since stays, and is named.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { call, get, Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { client, deviceSettled } from '../api/queries';
import type { ImportedList, ImportUndone } from '../device/types';
import { fieldWord } from '../words';
import { Age, Near } from './age';
import { show } from './say';
import { Panel } from './states';

const UNDONE = ['import-undone'];

function sentence({ back, gone, stay }: ImportUndone): string {
    const done = plural(back + gone, { 0: 'No device is as before', one: '# device is as before', other: '# devices are as before' });
    return stay > 0 ? `${done}; ${plural(stay, { one: 'of # something stays.', other: 'of # something stays.' })}` : `${done}.`;
}

async function takeBack(list: number): Promise<ImportUndone> {
    try {
        const undone = await call<ImportUndone>('POST', `/devices/imports/${list}/undo`, { body: {} });
        client.setQueryData(UNDONE, undone);
        show({ text: sentence(undone) });
        return undone;
    } finally {
        deviceSettled();
        void client.invalidateQueries({ queryKey: ['imports'] });
    }
}

/** Right after a list was applied: ten seconds to take it back. Where something stays, the page Import says what. */
export function offerUndo(text: string, list: number | null, go: (path: string) => void) {
    const undo = () =>
        void takeBack(list ?? 0).then(
            ({ stay }) => stay > 0 && go('/devices/import'),
            (error: unknown) => show({ text: error instanceof Problem && error.detail !== '' ? error.detail : t`Not taken back. Try again on the page Import.` }),
        );
    show(list === null ? { text } : { text, undoWord: t`Undo`, undo });
}

function Stayed({ undone }: { undone: ImportUndone }) {
    return (
        <div className="inside" role="status">
            <p>{sentence(undone)}</p>
            {undone.stayed.length > 0 && (
                <ul className="plain">
                    {undone.stayed.slice(0, 200).map((s) => (
                        <li key={s.device}>
                            <Link href={`/devices/${s.device}`} className="row-link">
                                {s.title}
                            </Link>{' '}
                            <span className="muted">
                                {s.why === 'changed' ? (
                                    <Trans>changed since, stays: {s.fields.map(fieldWord).join(', ')}</Trans>
                                ) : (
                                    <Trans>stays a device: it was heard, or something was said of it, since</Trans>
                                )}
                            </span>
                        </li>
                    ))}
                </ul>
            )}
        </div>
    );
}

function Row({ list }: { list: ImportedList }) {
    const away = useLostAt() !== null;
    const back = useMutation({ mutationFn: () => takeBack(list.list) });
    return (
        <li>
            <div className="what">
                <b>
                    <Plural value={list.devices} one="# device" other="# devices" />
                </b>{' '}
                <span className="muted">
                    {list.person ?? t`at the machine`} · <Age at={list.time} />
                </span>
                {back.error && (
                    <div className="wrong" role="alert">
                        {back.error.message || <Trans>Not taken back. Try again.</Trans>}
                    </div>
                )}
            </div>
            {list.undone_at !== null ? (
                <span className="muted">
                    <Trans>
                        taken back by {list.undone_by ?? t`at the machine`}, <Near at={list.undone_at} />
                    </Trans>
                </span>
            ) : (
                <div className="acts">
                    <Button variant="default" loading={back.isPending} disabled={away} onClick={() => back.mutate()}>
                        <Trans>Take it back</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

export function Imported() {
    const lists = useQuery({ queryKey: ['imports'], queryFn: async ({ signal }) => (await get<{ items: ImportedList[] }>('/devices/imports', signal)).items });
    const undone = useQuery<ImportUndone | null>({ queryKey: UNDONE, enabled: false, initialData: null }).data;
    if (lists.data === undefined || lists.data.length === 0) {
        return null;
    }
    return (
        <Panel title={t`Lists that were read in`}>
            {undone && <Stayed undone={undone} />}
            <ul className="kept">
                {lists.data.map((l) => (
                    <Row key={l.list} list={l} />
                ))}
            </ul>
        </Panel>
    );
}
