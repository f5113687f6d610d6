// People from a list: choose a file, see what would happen, then do it. The codes of those who are new are shown once.

import { Button, FileButton } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import type { PeopleImport } from '../people/types';
import { Box, Ends } from '../parts/box';
import { Head } from '../parts/head';
import { Mark, type State } from '../parts/mark';
import { save } from '../parts/save';
import { Empty, Panel } from '../parts/states';
import { useImportPeople } from '../people/ask';
import { useAgain } from '../sign/again';
import { day } from '../time';
import { personRole } from '../words';
import { TextInput } from '@mantine/core';
import { problem, Wrong } from './door';

const BYTES = 262144;

function sentence({ counts }: PeopleImport): string {
    const left = counts.error > 0 ? ` ${plural(counts.error, { one: '# line is left out.', other: '# lines are left out.' })}` : '';
    return counts.create + counts.grant === 0
        ? `${t`Nothing would change.`}${left}`
        : `${plural(counts.create, { 0: 'Nobody new', one: '# new person', other: '# new people' })}, ${plural(counts.grant, { 0: 'no role more', one: '# role more', other: '# roles more' })}.${left}`;
}

type Row = PeopleImport['rows'][number];
const STATES: Record<Row['action'], State> = { create: 'low', grant: 'low', same: 'good', error: 'high' };
function actionWord(action: Row['action']): string {
    switch (action) {
        case 'create':
            return t`new`;
        case 'grant':
            return t`gets a role`;
        case 'same':
            return t`as it is`;
        default:
            return t`not understood`;
    }
}

function Confirm({ list, preview, done, close }: { list: string; preview: PeopleImport; done: (made: PeopleImport) => void; close: () => void }) {
    const run = useImportPeople();
    const again = useAgain();
    const [why, setWhy] = useState('');
    const ready = why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !run.isPending) {
            run.mutate({ body: { list, token: preview.token ?? '', why: why.trim() }, proof: again.proof }, { onSuccess: done, onSettled: again.clear });
        }
    };
    return (
        <Box title={sentence(preview)} close={close} submit={submit}>
            {run.isError && (
                <Wrong>
                    <span>{problem(run.error).detail}</span>
                </Wrong>
            )}
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            {again.field()}
            <Ends close={close} go={t`Do it`} busy={run.isPending} ready={ready} />
        </Box>
    );
}

function Codes({ made }: { made: PeopleImport }) {
    const text = ['name,display name,code,until', ...made.codes.map((c) => [c.name, `"${c.display_name.replaceAll('"', '""')}"`, c.code, c.until].join(','))].join('\r\n') + '\r\n';
    return (
        <Panel
            title={t`Codes, shown this once`}
            aside={
                made.codes.length > 0 && (
                    <Button variant="default" onClick={() => save(new Blob([text], { type: 'text/csv' }), 'codes.csv')}>
                        <Trans>Save as a file</Trans>
                    </Button>
                )
            }
        >
            {!made.whole && (
                <div className="inside">
                    <Wrong>
                        <Trans>Not all of it could be saved. Bring the list again: who is in shows as it is.</Trans>
                    </Wrong>
                </div>
            )}
            {made.codes.length === 0 ? (
                <Empty title={t`Nobody new.`} />
            ) : (
                <ul className="kept">
                    {made.codes.map((c) => (
                        <li key={c.name}>
                            <div className="what">
                                <strong className="break">{c.display_name}</strong> <span className="muted mono">{c.name}</span>
                                <p className="mono break">{c.code}</p>
                            </div>
                        </li>
                    ))}
                </ul>
            )}
        </Panel>
    );
}

export default function PeopleImportPage() {
    const preview = useImportPeople();
    const away = useLostAt() !== null;
    const [list, setList] = useState('');
    const [large, setLarge] = useState(false);
    const [asking, setAsking] = useState(false);
    const [made, setMade] = useState<PeopleImport | null>(null);
    const take = (file: File | null) => {
        if (file === null) {
            return;
        }
        setLarge(file.size > BYTES);
        if (file.size <= BYTES) {
            void file.text().then((text) => {
                setList(text);
                setMade(null);
                preview.mutate({ body: { list: text } });
            });
        }
    };
    const shown = preview.data;
    const news = shown ? shown.counts.create + shown.counts.grant : 0;
    return (
        <>
            <Head
                name={t`From a list`}
                parent={<Link href="/people" className="quiet-link">{t`People`}</Link>}
                line={made ? plural(made.saved, { one: '# line was done.', other: '# lines were done.' }) : shown ? sentence(shown) : t`People from a list`}
                note={<Trans>A table as CSV, whose first row names the columns: name, display name, role, until, site. Nothing changes before you have seen what would happen.</Trans>}
            >
                <FileButton onChange={take} accept=".csv,.txt,text/csv">
                    {(props) => (
                        <Button variant={shown ? 'default' : 'filled'} disabled={away} loading={preview.isPending} {...props}>
                            <Trans>Choose the file</Trans>
                        </Button>
                    )}
                </FileButton>
                {shown && !made && news > 0 && (
                    <Button disabled={away} onClick={() => setAsking(true)}>
                        <Trans>Go on…</Trans>
                    </Button>
                )}
            </Head>
            {(large || preview.isError) && (
                <Wrong>
                    {large ? <Trans>This file is larger than 256 KiB. Part it.</Trans> : <span>{problem(preview.error).detail}</span>}
                </Wrong>
            )}
            {made ? (
                <Codes made={made} />
            ) : (
                shown && (
                    <Panel title={t`What would happen`}>
                        {shown.rows.length === 0 ? (
                            <Empty title={t`The list is empty.`} />
                        ) : (
                            <ul className="kept">
                                {shown.rows.map((r) => (
                                    <li key={r.line}>
                                        <div className="what">
                                            <strong className="break">{r.display_name ?? r.name ?? t`line ${r.line}`}</strong> <span className="muted mono break">{r.name}</span>
                                            <p>
                                                <Mark state={STATES[r.action]}>{actionWord(r.action)}</Mark>
                                            </p>
                                            {r.role !== null && (
                                                <p>
                                                    {personRole(r.role)}
                                                    {r.until !== null && <> · {t`until ${day(r.until)}`}</>}
                                                </p>
                                            )}
                                            {r.reason !== null && (
                                                <p className="muted">
                                                    {r.reason}
                                                </p>
                                            )}
                                        </div>
                                        <span className="muted small">
                                            <Trans>line {r.line}</Trans>
                                        </span>
                                    </li>
                                ))}
                            </ul>
                        )}
                    </Panel>
                )
            )}
            {asking && shown && (
                <Confirm
                    list={list}
                    preview={shown}
                    close={() => setAsking(false)}
                    done={(result) => {
                        setMade(result);
                        setAsking(false);
                    }}
                />
            )}
        </>
    );
}
