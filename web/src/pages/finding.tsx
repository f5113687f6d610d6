// What happened, how sure we are, what to do now; and the decision about it.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useCallback, useState } from 'react';
import { Link } from 'wouter';
import { Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { useDecide, useDevice, useFinding, type Decision } from '../api/queries';
import type { FindingDetail, Flow } from '../api/types';
import { useMay } from '../may';
import { Age, When } from '../parts/age';
import { Head } from '../parts/head';
import { useKey } from '../parts/keys';
import { SeverityMark } from '../parts/mark';
import { show } from '../parts/say';
import { Asked, Panel } from '../parts/states';
import { useLooking, type Looking } from '../phi/show';
import { count, day, size } from '../time';
import { eventWord, kindWord, stateWord } from '../words';
import { Wrong } from './door';
import { Reason, refusal } from './findingdecide';

function Acts({ finding, failed }: { finding: FindingDetail; failed: (text: string | null) => void }) {
    const decide = useDecide(finding.id);
    const away = useLostAt() !== null;
    const [reason, setReason] = useState<'dismiss' | 'reopen' | null>(null);
    const { mutate } = decide;
    const act = useCallback(
        (what: Decision, why?: string) => {
            failed(null);
            mutate(
                { act: what, etag: finding.etag, why },
                {
                    onError: (error) => failed(refusal(error)),
                    onSuccess: (now) => {
                        if (what === 'take') {
                            show({ text: t`You took it.`, undoWord: t`Undo`, undo: () => mutate({ act: 'release', etag: now.etag }) });
                        } else if (what === 'release') {
                            show({ text: t`It is open again.`, undoWord: t`Undo`, undo: () => mutate({ act: 'take', etag: now.etag }) });
                        } else {
                            show({ text: what === 'dismiss' ? t`Dismissed. It can be reopened here.` : t`Reopened.` });
                        }
                    },
                },
            );
        },
        [mutate, finding.etag, failed],
    );
    useKey(
        't',
        useCallback(() => act('take'), [act]),
        finding.state === 'open' && !away,
    );
    return (
        <>
            {finding.state === 'open' && (
                <Button onClick={() => act('take')} disabled={away} loading={decide.isPending}>
                    <Trans>Take it</Trans>
                </Button>
            )}
            {finding.state === 'taken' && (
                <Button variant="default" onClick={() => act('release')} disabled={away}>
                    <Trans>Give it back</Trans>
                </Button>
            )}
            {finding.state === 'dismissed' ? (
                <Button variant="default" onClick={() => setReason('reopen')} disabled={away}>
                    <Trans>Reopen…</Trans>
                </Button>
            ) : (
                <Button variant="default" onClick={() => setReason('dismiss')} disabled={away}>
                    <Trans>Dismiss…</Trans>
                </Button>
            )}
            {reason && (
                <Reason
                    title={reason === 'dismiss' ? t`Dismiss this finding` : t`Reopen this finding`}
                    word={reason === 'dismiss' ? t`Dismiss with this reason` : t`Reopen with this reason`}
                    close={() => setReason(null)}
                    send={(why) => {
                        setReason(null);
                        act(reason, why);
                    }}
                >
                    {reason === 'dismiss' ? (
                        <Trans>It leaves the list of open findings. It stays on the ledger with your name and reason, and it can be reopened.</Trans>
                    ) : (
                        <Trans>It comes back to the list of open findings.</Trans>
                    )}
                </Reason>
            )}
        </>
    );
}

const end = (host?: string, port?: number) => (host?.includes(':') ? `[${host}]` : (host ?? '?')) + (port ? `:${port}` : '');
const flowText = (flow: Flow | string) => (typeof flow === 'string' ? flow : flow.src ? `${end(flow.src, flow.sport)} → ${end(flow.dst, flow.dport)}` : flow.id);

function DeviceName({ id }: { id: string }) {
    const device = useDevice(id).data;
    return <Link href={`/devices/${id}`}>{device?.title ?? t`Open the device`}</Link>;
}

const SHOWN = 12;

function Chips({ texts }: { texts: string[] }) {
    const [all, setAll] = useState(false);
    const shown = all ? texts : texts.slice(0, SHOWN);
    return (
        <div>
            <ul className="chips">
                {shown.map((text) => (
                    <li key={text} className="chip mono">
                        {text}
                    </li>
                ))}
            </ul>
            {texts.length > SHOWN && !all && (
                <button type="button" className="link-button" onClick={() => setAll(true)}>
                    <Trans>Show all {count(texts.length)}</Trans>
                </button>
            )}
        </div>
    );
}

/** Packets that are kept of it: saved on this computer by a look. */
function Packets({ finding, looking }: { finding: FindingDetail; looking: Looking }) {
    const packets = finding.evidence?.packets ?? [];
    return (
        <>
            {packets.map((kept) => (
                <p key={kept.record} className="line">
                    <span>
                        <Plural value={kept.packets} one="# packet" other="# packets" />, {size(kept.bytes)}
                    </span>
                    {kept.removed_at && (
                        <span className="muted">
                            <Trans>removed on {day(kept.removed_at)}, kept long enough</Trans>
                        </span>
                    )}
                    {looking.may && !kept.removed_at && (
                        <button
                            type="button"
                            className="link-button"
                            disabled={looking.away}
                            onClick={() => looking.ask({ record: kept.record, what: t`Packets of this finding (pcapng)`, file: `finding-${finding.id.slice(0, 8)}-${kept.record}.pcapng` })}
                        >
                            <Trans>Save a copy: reason…</Trans>
                        </button>
                    )}
                </p>
            ))}
            {packets.length === 0 && finding.evidence?.packets_removed_at && (
                <p className="muted">
                    <Trans>Packets of that time were removed on {day(finding.evidence.packets_removed_at)}, kept long enough.</Trans>
                </p>
            )}
        </>
    );
}

function Facts({ finding, looking }: { finding: FindingDetail; looking: Looking }) {
    return (
        <dl className="facts">
            <dt>
                <Trans>Kind</Trans>
            </dt>
            <dd>
                {kindWord(finding.kind)} <span className="muted mono">{finding.kind}</span>
            </dd>
            {finding.device && (
                <>
                    <dt>
                        <Trans>Device</Trans>
                    </dt>
                    <dd>
                        <DeviceName id={finding.device} />
                    </dd>
                </>
            )}
            <dt>
                <Trans>First seen</Trans>
            </dt>
            <dd>
                <When at={finding.first_time} seconds />
            </dd>
            <dt>
                <Trans>Last seen</Trans>
            </dt>
            <dd>
                <When at={finding.last_time} seconds />
            </dd>
            {finding.count > 1 && (
                <>
                    <dt>
                        <Trans>Times</Trans>
                    </dt>
                    <dd>
                        {count(finding.count)}{' '}
                        <span className="muted">
                            <Trans>one row: the cause is the same</Trans>
                        </span>
                    </dd>
                </>
            )}
            {finding.technique && (
                <>
                    <dt>
                        <Trans>Technique</Trans>
                    </dt>
                    <dd>
                        <span className="mono">{finding.technique}</span> <span className="muted">MITRE ATT&CK</span>
                    </dd>
                </>
            )}
            {finding.flows.length > 0 && (
                <>
                    <dt>
                        <Trans>Conversations</Trans>
                    </dt>
                    <dd>
                        <Chips texts={finding.flows.map(flowText)} />
                    </dd>
                </>
            )}
            {finding.messages.length > 0 && (
                <>
                    <dt>
                        <Trans>Messages</Trans>
                    </dt>
                    <dd>
                        <Chips texts={finding.messages} />
                    </dd>
                </>
            )}
            {((finding.evidence?.packets ?? []).length > 0 || finding.evidence?.packets_removed_at) && (
                <>
                    <dt>
                        <Trans>Packets kept</Trans>
                    </dt>
                    <dd>
                        <Packets finding={finding} looking={looking} />
                    </dd>
                </>
            )}
            {finding.records.length > 0 && (
                <>
                    <dt>
                        <Trans>Ledger records</Trans>
                    </dt>
                    <dd>
                        <Chips texts={finding.records.map(String)} />
                    </dd>
                </>
            )}
        </dl>
    );
}

function Story({ finding }: { finding: FindingDetail }) {
    return (
        <ol className="story">
            {finding.history.map((step) => (
                <li key={`${step.record}-${step.time}`}>
                    <strong>{step.event === 'finding' ? <Trans>Found</Trans> : eventWord(step.event)}</strong>
                    {step.person && <> · {step.person}</>}
                    {step.why && <p>“{step.why}”</p>}
                    <p className="muted small line">
                        <When at={step.time} seconds />
                        <span>
                            <Trans>record {count(step.record)}</Trans>
                        </span>
                    </p>
                </li>
            ))}
        </ol>
    );
}

function state(finding: FindingDetail): string {
    if (finding.state === 'open') {
        return t`open, nobody has it`;
    }
    return finding.taken_by ? t`${stateWord(finding.state)} by ${finding.taken_by}` : stateWord(finding.state);
}

/** The record of the newest time that it was found: a look is of one record. */
const told = (finding: FindingDetail) => finding.history.filter((step) => step.event === 'finding').at(-1)?.record ?? (finding.records.at(-1) as number);

export default function FindingPage({ id }: { id: string }) {
    const query = useFinding(id);
    const [wrong, setWrong] = useState<string | null>(null);
    const decides = useMay('finding.decide');
    const looking = useLooking();
    const finding = query.data;
    const parent = (
        <Link href="/findings" className="quiet-link">
            <Trans>Findings</Trans>
        </Link>
    );
    return (
        <>
            <Head
                name={t`Finding`}
                parent={parent}
                line={finding ? finding.title : t`Finding`}
                note={
                    finding && (
                        <>
                            <span className="line">
                                <SeverityMark severity={finding.severity} />
                                <span>{state(finding)}</span>
                                {finding.count > 1 && (
                                    <span>
                                        <Plural value={finding.count} one="seen once" other="seen # times" />
                                    </span>
                                )}
                                <Age at={finding.last_time} />
                            </span>
                        </>
                    )
                }
            >
                {finding && decides && <Acts finding={finding} failed={setWrong} />}
                {finding && looking.may && finding.messages.length > 0 && (
                    <Button variant="default" disabled={looking.away} onClick={() => looking.ask({ record: told(finding), what: finding.title })}>
                        <Trans>Show values: reason…</Trans>
                    </Button>
                )}
            </Head>
            {wrong && <Wrong>{wrong}</Wrong>}
            {looking.question}
            {looking.values}
            {query.isError && query.error instanceof Problem && query.error.status === 404 ? (
                <p>
                    <Trans>There is no such finding.</Trans>
                </p>
            ) : (
                <Asked what={t`this finding`} query={query} rows={8}>
                    {(data) => (
                        <>
                            <Panel title={t`What to do now`} className="advice">
                                <div className="inside">
                                    {data.advice}
                                </div>
                            </Panel>
                            <div className="columns">
                                <Panel title={t`What happened`}>
                                    <div className="inside">
                                        <Facts finding={data} looking={looking} />
                                    </div>
                                </Panel>
                                <Panel title={t`Who did what`}>
                                    <div className="inside">
                                        {data.history.length === 0 ? (
                                            <p className="muted">
                                                <Trans>Nobody has decided on it yet.</Trans>
                                            </p>
                                        ) : (
                                            <Story finding={data} />
                                        )}
                                    </div>
                                </Panel>
                            </div>
                        </>
                    )}
                </Asked>
            )}
        </>
    );
}
