// What must I do now?

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useCallback } from 'react';
import { Link, useLocation } from 'wouter';
import { useLostAt } from '../api/connection';
import { useDecide, useSensor, useToday } from '../api/queries';
import { arrived } from '../custody/verdict';
import type { Capture, Need as NeedRow, Today } from '../api/types';
import { ledgerMark } from '../ledger/since';
import { useWitnesses } from '../ledger/ask';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer } from '../parts/list';
import { Mark, SeverityMark } from '../parts/mark';
import { show } from '../parts/say';
import { SensorTrouble } from '../parts/sensor';
import { About, Asked, Empty, Original, Panel } from '../parts/states';
import { clock, count, useNow } from '../time';
import { headline, original, said, stateWord, together } from '../words';

function sentence(today: Today, captures: Capture[]): string {
    const { needs: open, malformed } = today.counts;
    const unread = captures.filter((c) => c.state === 'failed').length;
    const blind = unread === 0 ? '' : `${plural(unread, { one: '# network is not being listened to.', other: '# networks are not being listened to.' })} `;
    const first =
        open === 0 ? (unread > 0 ? t`Nothing else needs you.` : t`Nothing needs you.`) : plural(open, { one: '# thing needs you.', other: '# things need you.' });
    const seen = arrived(today.custody) + (malformed === 0 ? '' : ` ${plural(malformed, { one: '# message was damaged.', other: '# messages were damaged.' })}`);
    return `${blind}${first} ${seen}`;
}

/** Names a row. A kind has one row at most for its medium and low findings: it stays where it is when one more joins or the first one goes. */
const nameOf = (need: NeedRow) => (need.severity === 'critical' || need.severity === 'high' ? need.id : need.kind);

const pathOf = (need: NeedRow) => (need.same > 0 ? `/findings?kind=${encodeURIComponent(need.kind)}&severity=minor` : `/findings/${need.id}`);

/** Several findings of one kind: they are looked at as a list, and taken one by one there. */
function Several({ need, gone }: { need: NeedRow; gone: boolean }) {
    const findings = need.same + 1;
    return (
        <li className={gone ? 'gone' : undefined}>
            <SeverityMark severity={need.severity} />
            <div className="what">
                <Link href={pathOf(need)} data-row>
                    {together(need.kind, findings)}
                </Link>
                <p lang={said()}>{need.advice}</p>
                <p className="line">
                    <span>{gone ? <Trans>No longer open</Trans> : stateWord('open')}</span>
                    <span>
                        <Trans>in one row because they are of one kind and none is above medium</Trans>
                    </span>
                    <Age at={need.same_last} />
                </p>
            </div>
            <div className="acts">
                <Link href={pathOf(need)} asChild>
                    <Button component="a" variant="default">
                        <Trans>See all {count(findings)}</Trans>
                    </Button>
                </Link>
            </div>
        </li>
    );
}

/** `advised` is false where the row above has just given the same advice. */
function Need({ finding, advised, away, gone }: { finding: NeedRow; advised: boolean; away: boolean; gone: boolean }) {
    const decide = useDecide(finding.id);
    const decides = useMay('finding.decide');
    const [, go] = useLocation();
    const open = useCallback(() => go(`/findings/${finding.id}`), [go, finding.id]);
    const take = () =>
        decide.mutate(
            { act: 'take', etag: finding.etag },
            {
                onSuccess: (now) =>
                    show({ text: t`You took it.`, undoWord: t`Undo`, undo: () => decide.mutate({ act: 'release', etag: now.etag }) }),
                onError: open,
            },
        );
    return (
        <li className={gone ? 'gone' : undefined}>
            <SeverityMark severity={finding.severity} />
            <div className="what">
                <Link href={`/findings/${finding.id}`} data-row>
                    {headline(finding)}
                </Link>
                <Original text={original(finding)} />
                {advised && <p lang={said()}>{finding.advice}</p>}
                <p className="line">
                    <About finding={finding} />
                    <span>{gone ? <Trans>No longer open</Trans> : stateWord(finding.state)}</span>
                    {finding.count > 1 && (
                        <span>
                            <Plural value={finding.count} one="seen once" other="seen # times" />
                        </span>
                    )}
                    <Age at={finding.last_time} />
                </p>
            </div>
            <div className="acts">
                {finding.state === 'open' && !gone && decides && (
                    <Button variant="default" onClick={take} disabled={away} loading={decide.isPending}>
                        <Trans>Take it</Trans>
                    </Button>
                )}
            </div>
        </li>
    );
}

function LedgerCount({ ledger }: { ledger: Today['ledger'] }) {
    const now = useNow();
    const [state, word] = ledgerMark(ledger, useWitnesses().data ?? [], now);
    return (
        <Link href="/ledger">
            <b>
                <Mark state={state}>{word}</Mark>
            </b>
            <span>
                <Trans>Ledger, {count(ledger.records)} records</Trans>
            </span>
        </Link>
    );
}

function Counts({ today, away }: { today: Today; away: boolean }) {
    const { counts, capture } = today;
    const failed = (useSensor().data ?? []).filter((c) => c.state === 'failed').length;
    const ledger = useMay('ledger.read');
    const results = useMay('result.read');
    const unknown = counts.devices_unknown;
    return (
        <ul className="counts" aria-label={t`Counts`}>
            <li>
                <Link href="/findings">
                    <b>{count(counts.findings_open)}</b>
                    <span>
                        <Plural value={counts.findings_critical} _0="open findings" one="open findings, # critical" other="open findings, # critical" />
                    </span>
                </Link>
            </li>
            {results && (
                <li>
                    <Link href="/results">
                        <b>{count(today.custody.total)}</b>
                        <span>
                            <Trans>results in {count(counts.messages)} messages</Trans>
                        </span>
                    </Link>
                </li>
            )}
            <li>
                <Link href="/findings?kind=phi.cleartext&state=all">
                    <b>{count(counts.messages_clear)}</b>
                    <span>
                        <Trans>messages in clear text</Trans>
                    </span>
                </Link>
            </li>
            <li>
                <Link href="/devices">
                    <b>{count(counts.devices)}</b>
                    <span>
                        <Plural value={unknown} _0="devices" one="devices, # unknown" other="devices, # unknown" />
                    </span>
                </Link>
            </li>
            {ledger && (
                <li>
                    <LedgerCount ledger={today.ledger} />
                </li>
            )}
            <li>
                <Link href="/devices#listening">
                    <b>
                        {failed === 0 && capture?.state === 'reading' && !away ? (
                            <Mark state="good">
                                <Trans>Listening</Trans>
                            </Mark>
                        ) : failed > 0 || capture?.state === 'failed' ? (
                            <Mark state="high">
                                <Trans>Stopped</Trans>
                            </Mark>
                        ) : capture?.state === 'ended' ? (
                            <Mark state="unknown">
                                <Trans>Ended</Trans>
                            </Mark>
                        ) : (
                            <Mark state="unknown">
                                <Trans>Unknown</Trans>
                            </Mark>
                        )}
                    </b>
                    <span>
                        <Trans>Network, {count(capture?.packets ?? 0)} packets</Trans>
                    </span>
                </Link>
            </li>
        </ul>
    );
}

export function TodayPage() {
    const query = useToday();
    const away = useLostAt() !== null;
    const held = useHeld(query.data?.needs, 'today', nameOf);
    const first = held.rows.find((f) => !held.gone(f)) ?? held.rows[0];
    const today = query.data;
    const captures = useSensor().data ?? [];
    return (
        <>
            <Head
                name={t`Today`}
                line={today ? sentence(today, captures) : <Trans>What needs you today</Trans>}
                note={today && <Trans>Checked {clock(today.checked_at)}.</Trans>}
            >
                {first && (
                    <Link href={pathOf(first)} asChild>
                        <Button component="a">
                            <Trans>Do the first</Trans>
                        </Button>
                    </Link>
                )}
            </Head>
            <SensorTrouble />
            <Panel title={t`Needs you`} aside={<Newer newer={held.newer} show={held.show} />}>
                <Asked what={t`what needs you`} query={query} rows={6}>
                    {(data) =>
                        held.rows.length === 0 ? (
                            <Empty title={t`Nothing needs you. Checked ${clock(data.checked_at)}.`}>
                                <Trans>New findings appear here by themselves.</Trans>
                            </Empty>
                        ) : (
                            <ul className="needs">
                                {held.rows.map((need, i) =>
                                    need.same > 0 ? (
                                        <Several key={nameOf(need)} need={need} gone={held.gone(need)} />
                                    ) : (
                                        <Need
                                            key={nameOf(need)}
                                            finding={need}
                                            advised={held.rows[i - 1]?.advice !== need.advice}
                                            away={away}
                                            gone={held.gone(need)}
                                        />
                                    ),
                                )}
                            </ul>
                        )
                    }
                </Asked>
                {today && today.counts.findings_open > today.needs.length && (
                    <div className="pager">
                        <Link href="/findings" className="target">
                            <Trans>All {count(today.counts.findings_open)} open findings</Trans>
                        </Link>
                    </div>
                )}
            </Panel>
            {today && <Counts today={today} away={away} />}
        </>
    );
}
