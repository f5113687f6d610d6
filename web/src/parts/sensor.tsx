// What listens, and what it lost. A network that is not read, or packets that were lost, are said; unknown never looks like fine.

import { i18n } from '@lingui/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useSensor } from '../api/queries';
import type { Capture } from '../api/types';
import { count, near, size, useNow } from '../time';
import { Age } from './age';
import { Shape, type State } from './mark';
import { Asked, Empty, Panel } from './states';

const RECENT_MS = 10 * 60_000;
const ENDED_MOST = 5;

/** What the page tells of: what is read, what cannot be read, and the last few that have ended. */
export function told(captures: Capture[]): Capture[] {
    const now = captures.filter((c) => c.state !== 'ended');
    return [...now.sort((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed')), ...captures.filter((c) => c.state === 'ended').slice(0, ENDED_MOST)];
}

const recent = (at: string | null, now: number) => at !== null && now - new Date(at).getTime() < RECENT_MS;

export function sensorState(c: Capture, now: number): State {
    if (c.state === 'failed') {
        return 'high';
    }
    if (c.state === 'ended') {
        return 'unknown';
    }
    if (c.dropped > 0) {
        return recent(c.dropped_last, now) ? (c.dropped > c.dropped_flows ? 'high' : 'medium') : 'low';
    }
    return recent(c.last_time, now) ? 'good' : 'unknown';
}

/** What was lost, as a list: packets that came too fast, records that found no room. */
function lost(c: Capture): string {
    const packets = c.dropped - c.dropped_flows - c.dropped_lab;
    const all = count(c.packets + packets);
    const parts = [];
    if (packets > 0) {
        parts.push(plural(packets, { one: `# of ${all} packets`, other: `${count(packets)} of ${all} packets` }));
    }
    if (c.dropped_flows > 0) {
        parts.push(plural(c.dropped_flows, { one: '# record about devices and conversations', other: `${count(c.dropped_flows)} records about devices and conversations` }));
    }
    if (c.dropped_lab > 0) {
        parts.push(plural(c.dropped_lab, { one: '# record of lab messages', other: `${count(c.dropped_lab)} records of lab messages` }));
    }
    return new Intl.ListFormat(i18n.locale).format(parts);
}

/** What was read only in part, so that lab messages were not lost. */
function passedOver(c: Capture): string {
    const packets = c.shed_bulk + c.shed_other;
    if (packets === 0) {
        return '';
    }
    const of = count(c.packets);
    const words = plural(packets, {
        one: `To keep up, the content of # of ${of} packets was passed over: what is worth least goes first, no lab connection was among it.`,
        other: `To keep up, the content of ${count(packets)} of ${of} packets was passed over: what is worth least goes first, no lab connection was among it.`,
    });
    return ` ${words}`;
}

/** The one honest sentence about a sensor. */
export function sensorSentence(c: Capture): string {
    const name = c.capture;
    if (c.state === 'failed') {
        return c.failed_at === null ? t`${name} cannot be read: what happens there is not seen.` : t`${name} cannot be read since ${near(c.failed_at)}: what happens there is not seen.`;
    }
    if (c.state === 'ended') {
        return t`${name} has ended: ${count(c.packets)} packets were read.`;
    }
    if (c.dropped === 0) {
        return `${t`Listening on ${name}: none of ${count(c.packets)} packets lost.`}${passedOver(c)}`;
    }
    const what = lost(c);
    const first = c.dropped_first === null ? '' : near(c.dropped_first);
    const last = c.dropped_last === null ? '' : near(c.dropped_last);
    const when = first === last ? t`Listening on ${name}: lost at ${first}: ${what}.` : t`Listening on ${name}: lost since ${first}, the last at ${last}: ${what}.`;
    const worth =
        c.dropped === c.dropped_flows
            ? t`What is worth least goes first: no lab message was among it.`
            : t`Lab messages may be missing from that time.`;
    return `${when} ${worth}${passedOver(c)}`;
}

function back(c: Capture): string | null {
    if (c.failures === 0 || c.state === 'failed' || c.failed_at === null || c.back_at === null) {
        return null;
    }
    const from = near(c.failed_at);
    const to = near(c.back_at);
    return plural(c.failures, {
        one: `It was away once, from ${from} to ${to}: what happened then was not seen.`,
        other: `It was away # times, the last time from ${from} to ${to}: what happened then was not seen.`,
    });
}

function Sentences({ capture }: { capture: Capture }) {
    const away = back(capture);
    return (
        <>
            {sensorSentence(capture)}
            {capture.state === 'failed' && capture.why !== null && (
                <>
                    {' '}
                    <span className="muted">
                        ({capture.why})
                    </span>
                </>
            )}
            {away !== null && ` ${away}`}
        </>
    );
}

/** Whatever is wrong with listening right now; nothing where all is well. */
export function SensorTrouble() {
    const captures = useSensor().data ?? [];
    const now = useNow();
    const wrong = captures.filter((c) => c.state === 'failed' || (c.state === 'reading' && c.dropped > 0 && recent(c.dropped_last, now)));
    if (wrong.length === 0) {
        return null;
    }
    return (
        <section className="trouble" aria-label={t`Listening`}>
            <ul>
                {wrong.map((c) => (
                    <li key={c.capture}>
                        <Shape state={sensorState(c, now)} size={20} />
                        <span>
                            <Sentences capture={c} />
                        </span>
                    </li>
                ))}
            </ul>
            <Link href="/devices#listening" className="target">
                <Trans>What is listened to</Trans>
            </Link>
        </section>
    );
}

/** In a few words, beside line one. */
export function SensorLine() {
    const captures = useSensor().data;
    const now = useNow();
    const away = useLostAt() !== null;
    if (captures === undefined) {
        return null;
    }
    const [first, ...more] = told(captures);
    if (first === undefined) {
        return <Trans>Nothing is listened to.</Trans>;
    }
    return (
        <span className="sensor-line">
            <Shape state={away ? 'unknown' : sensorState(first, now)} size={16} />
            <span>
                <Sentences capture={first} />{' '}
                {more.length > 0 && (
                    <a href="#listening">
                        <Trans>{count(more.length)} more</Trans>
                    </a>
                )}
            </span>
        </span>
    );
}

export function SensorPanel() {
    const query = useSensor();
    const now = useNow();
    const away = useLostAt() !== null;
    const place = useRef<HTMLDivElement>(null);
    const here = query.data !== undefined && window.location.hash === '#listening';
    useEffect(() => {
        if (here) {
            place.current?.scrollIntoView({ block: 'start' });
        }
    }, [here]);
    return (
        <div id="listening" ref={place}>
            <Panel title={t`Listening`}>
                <Asked what={t`what is listened to`} query={query} rows={2}>
                    {(captures) =>
                        captures.length === 0 ? (
                            <Empty title={t`Nothing is listened to.`}>
                                <Trans>Name an interface under "capture" in lab.yaml, or replay a capture.</Trans>
                            </Empty>
                        ) : (
                            <ul className="sensors">
                                {told(captures).map((c) => (
                                    <li key={c.capture}>
                                        <Shape state={away ? 'unknown' : sensorState(c, now)} size={20} />
                                        <div>
                                            <p>
                                                <Sentences capture={c} />
                                            </p>
                                            <p className="line muted small">
                                                <span>
                                                    <Trans>
                                                        {count(c.packets)} packets, {size(c.bytes)}
                                                    </Trans>
                                                </span>
                                                <span>
                                                    <Trans>lost by the kernel {count(c.dropped - c.dropped_flows - c.dropped_lab)}</Trans>
                                                </span>
                                                <span>
                                                    <Trans>
                                                        lost here {count(c.dropped_flows)} + {count(c.dropped_lab)}
                                                    </Trans>
                                                </span>
                                                {c.shed_bulk + c.shed_other > 0 && (
                                                    <span>
                                                        <Trans>
                                                            passed over {count(c.shed_bulk)} in bulk + {count(c.shed_other)}
                                                        </Trans>
                                                    </span>
                                                )}
                                                {c.damaged > 0 && (
                                                    <span>
                                                        <Trans>damaged {count(c.damaged)}</Trans>
                                                    </span>
                                                )}
                                                <span>
                                                    <Trans>last packet</Trans> <Age at={c.last_time} short />
                                                </span>
                                            </p>
                                        </div>
                                    </li>
                                ))}
                            </ul>
                        )
                    }
                </Asked>
            </Panel>
        </div>
    );
}
