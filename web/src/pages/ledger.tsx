// Was the record rewritten?

import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useRef } from 'react';
import { useLostAt } from '../api/connection';
import { useLedger, useRecords, useVerify } from '../api/queries';
import type { Ledger, LedgerRecord } from '../api/types';
import { useMay } from '../may';
import { Age, Near, When } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager } from '../parts/list';
import { Mark } from '../parts/mark';
import { say } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { count, near, size } from '../time';
import { eventWord, said } from '../words';
import { problem, Wrong } from './door';

const DEFAULTS = { cursor: '' };

function answer(ledger: Ledger): string {
    const { verified } = ledger;
    if (verified === null) {
        return t`Not checked yet: ${count(ledger.records)} records are on the ledger.`;
    }
    if (!verified.holds) {
        return verified.first_bad === null ? t`The record does not hold.` : t`The record does not hold: record ${count(verified.first_bad)} was changed or is missing.`;
    }
    const newer = ledger.records - verified.records;
    const held = t`Not rewritten: ${count(verified.records)} records held at ${near(verified.at)}.`;
    return newer > 0 ? `${held} ${plural(newer, { one: '# came after.', other: `${count(newer)} came after.` })}` : held;
}

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
            {verified.why && <p lang={said()}>{verified.why}</p>}
        </>
    );
}

function Check({ ledger }: { ledger: Ledger }) {
    const verify = useVerify();
    const away = useLostAt() !== null;
    const was = useRef(ledger.verifying);
    useEffect(() => {
        if (was.current && !ledger.verifying) {
            say(answer(ledger));
        }
        was.current = ledger.verifying;
    }, [ledger]);
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
                    <span lang={said()}>{r.summary}</span>
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
                            <td lang={said()}>{r.summary}</td>
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

export function LedgerPage() {
    const [{ cursor }, change] = useParams(DEFAULTS);
    const query = useLedger();
    const records = useRecords(cursor);
    const held = useHeld(records.isPlaceholderData ? undefined : records.data?.items, cursor, (r) => `${r.index}${r.event}${r.summary}`);
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    const verifies = useMay('ledger.verify');
    const ledger = query.data;
    return (
        <>
            <Head
                name={t`Ledger`}
                line={ledger ? answer(ledger) : t`Was the record rewritten?`}
                note={<Trans>Everything that was seen and decided, in order, under a signed checkpoint. A change of any record breaks it.</Trans>}
            >
                {ledger && verifies && <Check ledger={ledger} />}
            </Head>
            <div className="columns">
                <Panel title={t`The ledger`}>
                    <Asked what={t`the ledger`} query={query} rows={6}>
                        {(data) => (
                            <div className="inside">
                                <Facts ledger={data} />
                            </div>
                        )}
                    </Asked>
                </Panel>
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
                    {ledger?.checkpoint && (
                        <Panel title={t`Checkpoint to keep elsewhere`}>
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
            <Panel title={t`What was recorded, newest first`} aside={<Newer newer={cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the records`} query={records} rows={10}>
                    {() => (held.rows.length === 0 ? <Empty title={t`No record yet.`} /> : phone ? <Cards rows={held.rows} /> : <Records rows={held.rows} />)}
                </Asked>
                {records.data && held.rows.length > 0 && (
                    <Pager shown={held.rows.length} total={records.data.total} first={cursor === ''} next={records.data.next} change={(next) => change({ cursor: next })} />
                )}
            </Panel>
        </>
    );
}
