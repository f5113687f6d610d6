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
import { first } from '../parts/first';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer } from '../parts/list';
import { Mark, SeverityMark } from '../parts/mark';
import { show } from '../parts/say';
import { SensorTrouble } from '../parts/sensor';
import { About, Asked, Empty, Panel } from '../parts/states';
import { clock, count, useNow } from '../time';
import { stateWord, together } from '../words';

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
                <p>{need.advice}</p>
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
                    {finding.title}
                </Link>
                {advised && <p>{finding.advice}</p>}
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

/** Devices of which a person has to say whether they may be there. */
function Waiting({ counts }: { counts: Today['counts'] }) {
    const admits = useMay('device.admit');
    return (
        <>
            {counts.devices_refused > 0 && (
                <li>
                    <SeverityMark severity="high" />
                    <div className="what">
                        <Link href="/devices?admission=refused" data-row>
                            <Plural value={counts.devices_refused} one="# device that was refused is still there." other="# devices that were refused are still there." />
                        </Link>
                        <p>
                            <Trans>Find it and unplug it, or shut its port.</Trans>
                        </p>
                    </div>
                </li>
            )}
            {counts.devices_waiting > 0 && (
                <li>
                    <SeverityMark severity="medium" />
                    <div className="what">
                        <Link href="/devices?admission=waiting&sort=first_seen" data-row>
                            <Plural value={counts.devices_waiting} one="# device waits for somebody to vouch for it." other="# devices wait for somebody to vouch for them." />
                        </Link>
                        <p>
                            <Trans>They are on the network of the analyzers. Whose are they?</Trans>
                        </p>
                    </div>
                    <div className="acts">
                        {admits && (
                            <Link href="/devices/vouch" asChild>
                                <Button component="a" variant="default">
                                    <Trans>Vouch for many</Trans>
                                </Button>
                            </Link>
                        )}
                    </div>
                </li>
            )}
        </>
    );
}

function LedgerCount({ ledger }: { ledger: Today['ledger'] }) {
    const now = useNow();
    const [state, word] = ledgerMark(ledger, useWitnesses().data, now);
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

/** Where the first start stopped. */
function FirstSteps() {
    const manages = useMay('people.manage');
    return manages && first() ? (
        <div className="band-line">
            <span>
                <Trans>The first steps are not finished.</Trans>
            </span>
            <Link href="/first-steps" className="target">
                <Trans>Go on with them</Trans>
            </Link>
        </div>
    ) : null;
}

/** Mails that somebody was not sure about, and nobody has decided. */
function MailWaits({ waiting }: { waiting: number }) {
    return waiting === 0 ? null : (
        <div className="band-line">
            <Mark state="medium">
                <Plural value={waiting} one="# mail waits for a decision." other="# mails wait for a decision." />
            </Mark>
            <Link href="/mail" className="target">
                <Trans>Look at the mail</Trans>
            </Link>
        </div>
    );
}

/** What people reported and nobody has looked at. */
function ReportsWait({ waiting }: { waiting: number }) {
    return waiting === 0 ? null : (
        <div className="band-line">
            <Mark state="medium">
                <Plural value={waiting} one="# report waits." other="# reports wait." />
            </Mark>
            <Link href="/reports" className="target">
                <Trans>Look at what was reported</Trans>
            </Link>
        </div>
    );
}

/** Access that nobody has confirmed for 90 days. */
function ReviewDue({ due }: { due: number }) {
    return due === 0 ? null : (
        <div className="band-line">
            <Mark state="medium">
                <Plural value={due} one="The access review is due: # person." other="The access review is due: # people." />
            </Mark>
            <Link href="/people?state=due" className="target">
                <Trans>Look at who may come in</Trans>
            </Link>
        </div>
    );
}

/** What ends by itself is told before. */
function AccessEnds({ ending }: { ending: number }) {
    return ending === 0 ? null : (
        <div className="band-line">
            <Mark state="low">
                <Plural value={ending} one="Within 14 days a role or an API token of # person ends." other="Within 14 days roles or API tokens of # people end." />
            </Mark>
            <Link href="/people?state=ending" className="target">
                <Trans>Look whose</Trans>
            </Link>
        </div>
    );
}

export function TodayPage() {
    const query = useToday();
    const away = useLostAt() !== null;
    const held = useHeld(query.data?.needs, 'today', nameOf);
    const first = held.rows.find((f) => !held.gone(f)) ?? held.rows[0];
    const today = query.data;
    const sensor = useSensor(); // a network that is not listened to comes first: nothing good is said before that is known
    return (
        <>
            <Head
                name={t`Today`}
                line={today && !sensor.isPending ? sentence(today, sensor.data ?? []) : <Trans>What needs you today</Trans>}
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
            <FirstSteps />
            {today && (
                <div className="band-lines">
                    <ReportsWait waiting={today.counts.reports_waiting ?? 0} />
                    <MailWaits waiting={today.counts.mail_waiting ?? 0} />
                    <ReviewDue due={today.counts.reviews_due ?? 0} />
                    <AccessEnds ending={today.counts.access_ending ?? 0} />
                </div>
            )}
            <Panel title={t`Needs you`} aside={<Newer newer={held.newer} show={held.show} />}>
                <Asked what={t`what needs you`} query={query} rows={6}>
                    {(data) =>
                        held.rows.length === 0 && data.counts.devices_waiting + data.counts.devices_refused === 0 ? (
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
                                <Waiting counts={data.counts} />
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
