// Is each link delivering, encrypted? A link is drawn as a line from analyzer to LIS.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { lazy, Suspense, useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useLinks } from '../api/queries';
import type { LinkAside, LinkMessage, LinkSide, RelayLink } from '../links/types';
import type { Act } from '../links/decide';
import { answerWord, lockOf, modeWord, protocolWord, sentence, stateOf, unknownWord } from '../links/words';
import { useMay } from '../may';
import { Age, Near } from '../parts/age';
import { Head } from '../parts/head';
import { Mark, Shape } from '../parts/mark';
import { Asked, Empty, Panel } from '../parts/states';
import { clock, count, stamp } from '../time';

const Decide = lazy(() => import('../links/decide').then((m) => ({ default: m.Decide })));

const DAY = 86_400_000;
const ms = (value: number) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

/** One end of the line: who is there, and for how long its certificate lasts. */
function End({ side, what }: { side: LinkSide; what: string }) {
    const days = side.tls.expires_at === null ? null : Math.floor((new Date(side.tls.expires_at).getTime() - Date.now()) / DAY);
    const name = side.tls.peer ?? side.peer ?? side.address;
    return (
        <div className="relay-end">
            <span className="muted small">{what}</span>
            <strong className="break">{side.device ? <Link href={`/devices/${side.device}`}>{name}</Link> : name}</strong>
            <span className="muted small">
                {side.connected ? plural(side.connections, { one: '# connection', other: '# connections' }) : t`not connected`}
                {name !== side.address && <span className="mono"> {side.address}</span>}
            </span>
            {days !== null && (
                <span className="small" title={stamp(side.tls.expires_at as string)}>
                    {days < 0 ? (
                        <Mark state="high">
                            <Trans>certificate ended</Trans>
                        </Mark>
                    ) : days <= 30 ? (
                        <Mark state={days <= 7 ? 'high' : 'medium'}>{plural(days, { one: 'certificate: # day left', other: 'certificate: # days left' })}</Mark>
                    ) : (
                        plural(days, { one: 'certificate: # day left', other: 'certificate: # days left' })
                    )}
                </span>
            )}
        </div>
    );
}

/** How what passes between two ends is protected. */
function Wire({ side }: { side: LinkSide }) {
    const [state, word] = lockOf(side);
    return (
        <div className={!side.connected ? 'relay-wire broken' : side.tls.on ? 'relay-wire locked' : 'relay-wire'}>
            <span>
                {state === 'good' && <Shape state={state} size={14} />} {word} <span aria-hidden="true">→</span>
            </span>
        </div>
    );
}

function Line({ link }: { link: RelayLink }) {
    return (
        <div className="relay-line">
            <End side={link.analyzer} what={t`Analyzer`} />
            <Wire side={link.analyzer} />
            <div className="relay-end">
                <span className="muted small" translate="no">
                    Tourniquet
                </span>
                <strong>{protocolWord(link.protocol)}</strong>
                <span className="muted small">{modeWord(link.mode)}</span>
            </div>
            <Wire side={link.lis} />
            <End side={link.lis} what={t`LIS`} />
        </div>
    );
}

function Numbers({ link }: { link: RelayLink }) {
    const { delay_ms: delay, queue, counters } = link;
    const last = link.last[0];
    const late = delay.limit > 0 && delay.p99 > delay.limit;
    const full = queue.max > 0 && queue.messages >= queue.max * 0.8;
    return (
        <dl className="facts">
            <dt>
                <Trans>Last message</Trans>
            </dt>
            <dd>{last ? <Age at={last.at} /> : <Trans>none yet</Trans>}</dd>
            <dt>
                <Trans>Rate</Trans>
            </dt>
            <dd>
                <Trans>{count(link.rate_per_min)} a minute</Trans>
            </dd>
            <dt>
                <Trans>Added delay</Trans>
            </dt>
            <dd>
                {counters.forwarded === 0 ? (
                    '–'
                ) : (
                    <>
                        {late && <Shape state="medium" size={14} />}{' '}
                        <Trans>
                            {ms(delay.p50)} ms mostly, {ms(delay.p99)} ms at worst
                        </Trans>{' '}
                        {delay.limit > 0 && (
                            <span className="muted">
                                <Trans>(limit {ms(delay.limit)} ms)</Trans>
                            </span>
                        )}
                    </>
                )}
            </dd>
            <dt>
                <Trans>Waiting</Trans>
            </dt>
            <dd>
                {full && <Shape state="high" size={14} />}{' '}
                {queue.messages === 0 ? (
                    <Trans>nothing</Trans>
                ) : (
                    <>
                        <Trans>
                            {count(queue.messages)} of at most {count(queue.max)}
                        </Trans>
                        {queue.oldest_at && (
                            <>
                                , <Trans>the oldest since</Trans> <Near at={queue.oldest_at} />
                            </>
                        )}
                    </>
                )}
            </dd>
            <dt>
                <Trans>Passed</Trans>
            </dt>
            <dd>
                <Trans>
                    {count(counters.received)} received, {count(counters.forwarded)} forwarded
                </Trans>
                {counters.refused > 0 && (
                    <>
                        , <Trans>{count(counters.refused)} refused</Trans>
                    </>
                )}
                {counters.flagged > 0 && (
                    <>
                        , <Trans>{count(counters.flagged)} flagged</Trans>
                    </>
                )}
                {counters.spooled > 0 && (
                    <>
                        , <Trans>{count(counters.spooled)} recorded later, by way of the spool</Trans>
                    </>
                )}
                {counters.resent > 0 && (
                    <>
                        , <Trans>{count(counters.resent)} sent again: their answer had not come</Trans>
                    </>
                )}
                {counters.late > 0 && (
                    <>
                        , <Trans>{count(counters.late)} answered before they were durable</Trans>
                    </>
                )}
            </dd>
        </dl>
    );
}

function Messages({ last, link }: { last: LinkMessage[]; link: string }) {
    return last.length === 0 ? null : (
        <details>
            <summary>
                <Trans>Last {count(last.length)} messages</Trans>
            </summary>
            <div className="scroll" tabIndex={0} role="region" aria-label={t`Last messages of ${link}`}>
                <table>
                    <caption className="unseen">
                        <Trans>Last messages of {link}</Trans>
                    </caption>
                    <thead>
                        <tr>
                            <th scope="col">
                                <Trans>Time</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Type</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Number</Trans>
                            </th>
                            <th scope="col" className="number">
                                <Trans>Results</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Answer</Trans>
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {last.map((m) => (
                            <tr key={m.record}>
                                <td>
                                    <Near at={m.at} seconds />
                                </td>
                                <td>{m.type ?? '–'}</td>
                                <td className="mono">{m.control_id ?? '–'}</td>
                                <td className="number">{count(m.results)}</td>
                                <td>{answerWord(m.answer)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </details>
    );
}

/** What the LIS refused for good: which messages, and what to do about them. */
function Aside({ aside, link }: { aside: LinkAside[]; link: string }) {
    return aside.length === 0 ? null : (
        <section aria-label={t`Not delivered: ${link}`}>
            <p>
                <Mark state="high">{plural(aside.length, { one: '# message not delivered: the LIS refused it', other: '# messages not delivered: the LIS refused them' })}</Mark>{' '}
                <Trans>Look in the LIS why. Then send them again from the analyzer, or enter their results in the LIS.</Trans>
            </p>
            <div className="scroll" tabIndex={0} role="region" aria-label={t`Messages of ${link} that the LIS refused`}>
                <table>
                    <caption className="unseen">
                        <Trans>Messages of {link} that the LIS refused</Trans>
                    </caption>
                    <thead>
                        <tr>
                            <th scope="col">
                                <Trans>Time</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Type</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Number</Trans>
                            </th>
                            <th scope="col" className="number">
                                <Trans>Results</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Refused for good</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Record</Trans>
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {aside.map((m) => (
                            <tr key={m.record}>
                                <td>
                                    <Near at={m.at} seconds />
                                </td>
                                <td>{m.type ?? '–'}</td>
                                <td className="mono">{m.control_id ?? '–'}</td>
                                <td className="number">{count(m.results)}</td>
                                <td>
                                    <Near at={m.refused_at} seconds />
                                </td>
                                <td className="mono">
                                    <Link href={`/ledger?from=${m.record}#records`}>{m.record}</Link>
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

function Policy({ link }: { link: RelayLink }) {
    const { policy } = link;
    return (
        <p className="muted small">
            {policy.learning_until ? (
                <>
                    <Trans>Learning what is usual until {stamp(policy.learning_until)}.</Trans>
                    {policy.learnt && (
                        <>
                            {' '}
                            <Trans>
                                So far: types {count(policy.learnt.types?.length ?? 0)}, senders {count(policy.learnt.senders?.length ?? 0)}, tests {count(policy.learnt.tests?.length ?? 0)}.
                            </Trans>
                        </>
                    )}
                </>
            ) : policy.approved ? (
                <Trans>
                    Policy approved by {policy.approved_by ?? '?'}; others: {unknownWord(policy.unknown)}.
                </Trans>
            ) : (
                <Trans>No policy of its own; unknown messages: {unknownWord(policy.unknown)}.</Trans>
            )}
        </p>
    );
}

function Row({ link, act, away }: { link: RelayLink; act: (what: Act) => void; away: boolean }) {
    const bypasses = useMay('links.bypass');
    const manages = useMay('links.manage');
    const [state, word] = away ? (['unknown', t`unknown now`] as const) : stateOf(link);
    const decided = link.bypass || link.hold;
    return (
        <li className="relay">
            <div className="relay-head">
                <h3>{link.name}</h3>
                {state === 'unknown' ? (
                    <span className="mark">
                        <Shape state={state} />
                        {word}
                    </span>
                ) : (
                    <Mark state={state}>{word}</Mark>
                )}
                <span className="acts">
                    {link.policy.proposed && !link.policy.approved && manages && (
                        <Button disabled={away} onClick={() => act('policy')}>
                            <Trans>Look at its policy…</Trans>
                        </Button>
                    )}
                    {link.policy.approved && manages && (
                        <Button variant="default" disabled={away} onClick={() => act('take-back')}>
                            <Trans>Take its policy back…</Trans>
                        </Button>
                    )}
                    {manages && (
                        <Button variant="default" disabled={away} onClick={() => act('hold')} aria-label={link.hold ? t`Let go on: ${link.name}` : t`Hold ${link.name}`}>
                            {link.hold ? <Trans>Let go on…</Trans> : <Trans>Hold…</Trans>}
                        </Button>
                    )}
                    {bypasses && (
                        <Button variant="default" disabled={away} onClick={() => act('bypass')} aria-label={link.bypass ? t`End the bypass of ${link.name}` : t`Bypass ${link.name}`}>
                            {link.bypass ? <Trans>End the bypass…</Trans> : <Trans>Bypass…</Trans>}
                        </Button>
                    )}
                </span>
            </div>
            {(link.why ?? link.lis.why ?? link.analyzer.why) && (
                <p className="line" lang="en">
                    {link.why ?? link.lis.why ?? link.analyzer.why}
                </p>
            )}
            {decided && link.decided_by && link.decided_at && (
                <p>
                    <Trans>
                        By {link.decided_by} since {stamp(link.decided_at)}: “{link.decided_why ?? ''}”
                    </Trans>
                </p>
            )}
            {link.doubt && (
                <p>
                    <Mark state="high">
                        <Trans>held because results may be wrong</Trans>
                    </Mark>{' '}
                    {link.go_on_asked_by && link.go_on_until ? (
                        <Trans>
                            {link.go_on_asked_by} asked to let it go on; another person confirms until {clock(link.go_on_until)}.
                        </Trans>
                    ) : (
                        <Trans>Two people let it go on.</Trans>
                    )}
                </p>
            )}
            <Line link={link} />
            <Numbers link={link} />
            <Aside aside={link.undelivered} link={link.name} />
            <Policy link={link} />
            <Messages last={link.last} link={link.name} />
        </li>
    );
}

function None() {
    return (
        <Empty title={t`No link passes through this box: results go in clear text.`}>
            <ol>
                <li>
                    <Trans>Write the link into lab.yaml, under relay: where the analyzer connects, and where the LIS is.</Trans>
                </li>
                <li>
                    <Trans>Make its certificates: tourniquet pki, or the page Certificates.</Trans>
                </li>
                <li>
                    <Trans>Point the analyzer at this box. Nothing else changes for it.</Trans>
                </li>
                <li>
                    <Trans>Let it learn for a few days, then approve the policy that it proposes here.</Trans>
                </li>
            </ol>
        </Empty>
    );
}

export default function LinksPage() {
    const query = useLinks();
    const lost = useLostAt();
    const [doing, setDoing] = useState<{ act: Act; name: string } | null>(null);
    const links = query.data ?? [];
    const chosen = doing && links.find((l) => l.name === doing.name);
    const line = lost ? t`Unknown since ${clock(lost)}: not connected.` : !query.data ? t`Links` : links.length === 0 ? t`No link passes through this box.` : sentence(links);
    return (
        <>
            <Head name={t`Links`} line={line} note={links.length > 0 ? <Trans>Each line is one connection of analyzers to the LIS, through this box.</Trans> : undefined} />
            {doing && chosen && (
                <Suspense>
                    <Decide act={doing.act} link={chosen} close={() => setDoing(null)} />
                </Suspense>
            )}
            <Panel title={t`Links`}>
                <Asked what={t`the links`} query={query} rows={8}>
                    {(items) =>
                        items.length === 0 ? (
                            <None />
                        ) : (
                            <ul className="relays">
                                {items.map((l) => (
                                    <Row key={l.name} link={l} act={(act) => setDoing({ act, name: l.name })} away={lost !== null} />
                                ))}
                            </ul>
                        )
                    }
                </Asked>
            </Panel>
        </>
    );
}
