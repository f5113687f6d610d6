// Was the record rewritten?

import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useRef } from 'react';
import { Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { useLedger, useRecords, useVerify } from '../api/queries';
import type { Ledger, LedgerRecord, Witness } from '../ledger/types';
import { useDisk, useKeys, useWitnesses } from '../ledger/ask';
import { Drop } from '../ledger/drop';
import { BackupsPanel, DiskPanel, KeysPanel } from '../ledger/kept';
import { LooksPanel } from '../ledger/looks';
import { footnotes, sentence } from '../ledger/since';
import { Witnesses } from '../ledger/witnesses';
import { useMay } from '../may';
import { Age, Near, When } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager } from '../parts/list';
import { Mark } from '../parts/mark';
import { say } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { count, size, useNow } from '../time';
import { eventWord } from '../words';
import { problem, Wrong } from './door';

const DEFAULTS = { cursor: '', from: '' };

function Outcome({ ledger }: { ledger: Ledger }) {
    if (ledger.verifying) {
        return (
            <div>
                <p>
                    <Trans>Checking {count(ledger.records)} records. You can leave this page.</Trans>
                </p>
                <div className="progress" role="progressbar" aria-label={t`Checking the ledger`} />
            </div>
        );
    }
    const { verified } = ledger;
    if (verified === null) {
        return (
            <Mark state="unknown">
                <Trans>Not checked since the program started</Trans>
            </Mark>
        );
    }
    return (
        <>
            <Mark state={verified.holds ? 'good' : 'critical'}>{verified.holds ? <Trans>Holds</Trans> : <Trans>Does not hold</Trans>}</Mark>
            <p className="muted">
                <Trans>
                    {count(verified.records)} records recomputed, <Age at={verified.at} />
                </Trans>
            </p>
            {verified.why && <p>{verified.why}</p>}
        </>
    );
}

function Check({ ledger, witnesses }: { ledger: Ledger; witnesses: Witness[] | undefined }) {
    const verify = useVerify();
    const away = useLostAt() !== null;
    const was = useRef(ledger.verifying);
    useEffect(() => {
        if (was.current && !ledger.verifying) {
            say(sentence(ledger, witnesses, Date.now(), null));
        }
        was.current = ledger.verifying;
    }, [ledger, witnesses]);
    return (
        <>
            <Button onClick={() => verify.mutate()} disabled={away} loading={verify.isPending || ledger.verifying}>
                {ledger.verified === null ? <Trans>Check now</Trans> : <Trans>Check again</Trans>}
            </Button>
            {verify.isError && problem(verify.error).status !== 409 && (
                <Wrong>
                    <Trans>The check did not start: {problem(verify.error).detail}</Trans>
                </Wrong>
            )}
        </>
    );
}

function Facts({ ledger }: { ledger: Ledger }) {
    return (
        <dl className="facts">
            <dt>
                <Trans>Records</Trans>
            </dt>
            <dd>
                {count(ledger.records)} <span className="muted">{size(ledger.bytes)}</span>
            </dd>
            {ledger.since && (
                <>
                    <dt>
                        <Trans>Since</Trans>
                    </dt>
                    <dd>
                        <When at={ledger.since} />
                    </dd>
                </>
            )}
            <dt>
                <Trans>Last checkpoint</Trans>
            </dt>
            <dd>
                {ledger.checkpoint ? (
                    <>
                        <Trans>{count(ledger.checkpoint.size)} records</Trans> · <Age at={ledger.checkpoint.time} />
                    </>
                ) : (
                    <Trans>none yet</Trans>
                )}
            </dd>
            {ledger.checkpoint && (
                <>
                    <dt>
                        <Trans>Root</Trans>
                    </dt>
                    <dd className="mono">{ledger.checkpoint.root}</dd>
                </>
            )}
            <dt>
                <Trans>Origin</Trans>
            </dt>
            <dd className="mono">{ledger.origin}</dd>
            <dt>
                <Trans>Public key</Trans>
            </dt>
            <dd className="mono">{ledger.verifier}</dd>
        </dl>
    );
}

function Cards({ rows }: { rows: LedgerRecord[] }) {
    return (
        <ul className="cards">
            {rows.map((r) => (
                <li key={`${r.index}${r.event}${r.summary}`} className="card">
                    <span className="line">
                        <span className="mono">{r.index}</span>
                        <Near at={r.time} seconds />
                    </span>
                    <strong>{eventWord(r.event)}</strong>
                    <span>{r.summary}</span>
                </li>
            ))}
        </ul>
    );
}

function Records({ rows }: { rows: LedgerRecord[] }) {
    return (
        <div className="scroll" tabIndex={0} role="group" aria-label={t`Records`}>
            <table>
                <thead>
                    <tr>
                        <th scope="col" className="number">
                            <Trans>Record</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Time</Trans>
                        </th>
                        <th scope="col">
                            <Trans>What</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Content, without patient data</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Proof</Trans>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map((r) => (
                        <tr key={`${r.index}${r.event}${r.summary}`}>
                            <th scope="row" className="number mono">
                                {r.index}
                            </th>
                            <td>
                                <Near at={r.time} seconds />
                            </td>
                            <td className="nowrap">{eventWord(r.event)}</td>
                            <td>{r.summary}</td>
                            <td>
                                <a href={`/api/v1/ledger/proof/${r.index}`} download={`record-${r.index}.tlog-proof`} className="target">
                                    <Trans>Save</Trans>
                                    <span className="unseen">
                                        {' '}
                                        <Trans>the proof of record {r.index}</Trans>
                                    </span>
                                </a>
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** The head as a file, to be kept where nobody here can change it. */
function keepCheckpoint(ledger: Ledger) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([ledger.checkpoint?.text ?? ''], { type: 'text/plain' }));
    link.download = `checkpoint-${ledger.checkpoint?.size}.txt`;
    link.click();
    URL.revokeObjectURL(link.href);
}

/** Line one, or what stands in its place while the ledger cannot be asked. */
function useLineOne(ledger: Ledger | undefined, error: unknown, witnesses: Witness[] | undefined): string {
    const now = useNow();
    const lost = useLostAt();
    if (ledger) {
        return sentence(ledger, witnesses, now, lost === null ? null : lost.getTime());
    }
    return error instanceof Problem && error.code === 'locked'
        ? t`Locked: recording goes on, sealed; nothing can be read or checked until it is unlocked.`
        : t`Was the record rewritten?`;
}

function Notes({ ledger }: { ledger: Ledger | undefined }) {
    const erased = useKeys().data?.erased ?? 0;
    const removed = (useDisk().data?.retention ?? []).flatMap((r) => r.removed_until ?? []).sort().at(-1) ?? null;
    const notes = ledger ? footnotes(ledger, erased, removed) : [];
    return (
        <>
            {notes.map((note) => (
                <p key={note}>{note}</p>
            ))}
            <p>
                <Trans>Everything that was seen and decided, in order, under a signed checkpoint. A change of any record breaks it.</Trans>
            </p>
        </>
    );
}

/** Everything that was recorded, newest first. */
function AllRecords() {
    const [{ cursor, from }, change] = useParams(DEFAULTS);
    const records = useRecords(cursor, from);
    useEffect(() => {
        if (from !== '') {
            document.getElementById('records')?.scrollIntoView();
        }
    }, [from, records.isPending]);
    const held = useHeld(records.isPlaceholderData ? undefined : records.data?.items, cursor + from, (r) => `${r.index}${r.event}${r.summary}`);
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    return (
        <div id="records">
        <Panel
            title={from === '' ? t`What was recorded, newest first` : t`Record ${from}, and what was recorded before it`}
            aside={<Newer newer={cursor === '' && from === '' ? held.newer : 0} show={held.show} />}
        >
            <Asked what={t`the records`} query={records} rows={10}>
                {() => (held.rows.length === 0 ? <Empty title={t`No record yet.`} /> : phone ? <Cards rows={held.rows} /> : <Records rows={held.rows} />)}
            </Asked>
            {records.data && held.rows.length > 0 && (
                <Pager shown={held.rows.length} total={records.data.total} first={cursor === '' && from === ''} next={records.data.next} change={(next) => change(next === '' ? { cursor: '', from: '' } : { cursor: next })} />
            )}
        </Panel>
        </div>
    );
}

export default function LedgerPage() {
    const query = useLedger();
    const witnesses = useWitnesses().data;
    const verifies = useMay('ledger.verify');
    const keys = useMay('keys.read');
    const backups = useMay('backup.read');
    const looks = useMay('looks.read');
    const ledger = query.data;
    const line = useLineOne(ledger, query.error, witnesses);
    return (
        <>
            <Head name={t`Ledger`} line={line} note={<Notes ledger={ledger} />}>
                {ledger && verifies && <Check ledger={ledger} witnesses={witnesses} />}
            </Head>
            <div className="columns">
                <div className="stack">
                    {ledger && <Drop ledger={ledger} witnesses={witnesses ?? []} />}
                    <Witnesses />
                    {backups && <BackupsPanel />}
                    {backups && <DiskPanel />}
                    {looks && <LooksPanel />}
                </div>
                <div className="stack">
                    <Panel title={t`Last check`}>
                        <Asked what={t`the last check`} query={query} rows={2}>
                            {(data) => (
                                <div className="inside">
                                    <Outcome ledger={data} />
                                </div>
                            )}
                        </Asked>
                    </Panel>
                    {keys && <KeysPanel />}
                    <Panel title={t`The ledger`}>
                        <Asked what={t`the ledger`} query={query} rows={6}>
                            {(data) => (
                                <div className="inside">
                                    <Facts ledger={data} />
                                </div>
                            )}
                        </Asked>
                    </Panel>
                    {ledger?.checkpoint && (
                        <Panel
                            title={t`Checkpoint to keep elsewhere`}
                            aside={
                                <Button variant="default" onClick={() => keepCheckpoint(ledger)}>
                                    <Trans>Save it</Trans>
                                </Button>
                            }
                        >
                            <div className="inside">
                                <p className="small muted" style={{ marginBottom: 8 }}>
                                    <Trans>Print it or mail it to someone outside. With it, nobody can rewrite what came before.</Trans>
                                </p>
                                <pre className="note">{ledger.checkpoint.text.trim()}</pre>
                            </div>
                        </Panel>
                    )}
                </div>
            </div>
            <AllRecords />
        </>
    );
}
