// Who did what? Whoever may see only their own doings sees those.

import { Button, NativeSelect, TextInput } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useCallback } from 'react';
import type { Act } from '../people/types';
import { useMay } from '../may';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager, Search } from '../parts/list';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { ActRow } from '../people/acts';
import { useActs, useRoles } from '../people/ask';
import { ACT_KINDS, permissionWord, whoWord } from '../people/words';
import { count, near } from '../time';

const DEFAULTS = { person: '', event: '', q: '', permission: '', since: '', until: '', device: '', cursor: '' };

function lineOne(all: boolean, filtered: boolean, total: number, newest: Act | undefined): string {
    if (total === 0 || !newest) {
        return filtered ? t`Nothing matches.` : t`Nothing was done yet.`;
    }
    const many = plural(total, { one: '# entry', other: `${count(total)} entries` });
    return all ? t`${many}; the newest by ${whoWord(newest)}, ${near(newest.time)}.` : t`${many} about you; the newest ${near(newest.time)}.`;
}

export default function ActsPage() {
    const [filter, change] = useParams(DEFAULTS);
    const all = useMay('acts.read');
    const query = useActs(filter);
    const rights = (useRoles().data?.permissions ?? []).map((p) => p.name);
    const held = useHeld(query.data?.items, JSON.stringify(filter), (act) => String(act.record));
    const search = useCallback((q: string) => change({ q, cursor: '' }, true), [change]);
    const filtered = filter.person !== '' || filter.event !== '' || filter.q !== '' || filter.permission !== '' || filter.since !== '' || filter.until !== '' || filter.device !== '';
    return (
        <>
            <Head
                name={t`Who did what`}
                line={query.data ? lineOne(all, filtered, query.data.total, held.rows[0]) : t`Who did what`}
                note={
                    all ? (
                        <Trans>Sign-ins, refusals, changes, looks and what was taken out, each with who, why and by what right. The ledger keeps all of them.</Trans>
                    ) : (
                        <Trans>What you did, and what was done with your account.</Trans>
                    )
                }
            />
            <div className="tools" role="search">
                <Search value={filter.q} label={t`Search doings`} hint={t`Words, a reason, an address`} change={search} />
                <NativeSelect
                    label={t`By what right`}
                    className="half"
                    value={filter.permission}
                    onChange={(e) => change({ permission: e.currentTarget.value, cursor: '' })}
                    data={[{ value: '', label: t`Any` }, ...rights.map((r) => ({ value: r, label: permissionWord(r) }))]}
                />
                <TextInput type="date" className="half" label={t`From`} value={filter.since} onChange={(e) => change({ since: e.currentTarget.value, cursor: '' })} />
                <TextInput type="date" className="half" label={t`Until`} value={filter.until} onChange={(e) => change({ until: e.currentTarget.value, cursor: '' })} />
                {filter.device !== '' && (
                    <Button variant="default" onClick={() => change({ device: '', cursor: '' })}>
                        <Trans>Only one device: show all</Trans>
                    </Button>
                )}
                {filter.person !== '' && (
                    <Button variant="default" onClick={() => change({ person: '', cursor: '' })}>
                        <Trans>Only {filter.person}: show everybody</Trans>
                    </Button>
                )}
            </div>
            <div className="views filter" role="group" aria-label={t`What kind`}>
                {ACT_KINDS.map(([kind, word]) => (
                    <button key={kind} type="button" aria-pressed={filter.event === kind} onClick={() => change({ event: kind, cursor: '' })}>
                        {word()}
                    </button>
                ))}
            </div>
            <Panel title={filtered ? t`What matches` : t`Newest first`} aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the doings`} query={query} rows={8}>
                    {() =>
                        held.rows.length === 0 ? (
                            <Empty title={t`Nothing matches.`}>
                                <Trans>Take the filter away to see all.</Trans>
                            </Empty>
                        ) : (
                            <ul className="kept">
                                {held.rows.map((act) => (
                                    <ActRow key={act.record} act={act} />
                                ))}
                            </ul>
                        )
                    }
                </Asked>
                {query.data && held.rows.length > 0 && (
                    <Pager shown={held.rows.length} total={query.data.total} first={filter.cursor === ''} next={query.data.next} change={(cursor) => change({ cursor })} />
                )}
            </Panel>
        </>
    );
}
