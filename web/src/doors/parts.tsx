// What both pages about doors draw.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { problem, Wrong } from '../pages/door';
import { Near } from '../parts/age';
import { Mark, Shape } from '../parts/mark';
import { Problem } from '../api/client';
import { count, size, useNow } from '../time';
import { useMay } from '../may';
import type { Door, Firewall } from './ask';
import { lasts, left, serviceWord, stateOf } from './words';

/** Nothing pretends: where the firewall does not do what it is told, that comes first. */
export function FirewallSays({ firewall }: { firewall: Firewall }) {
    if (firewall.on) {
        return null;
    }
    return (
        <div className="mark" role="status" style={{ whiteSpace: 'normal', marginBottom: 16 }}>
            <Shape state={firewall.configured ? 'high' : 'unknown'} size={20} />
            <div>
                <strong>{firewall.configured ? t`The firewall opens no doors now.` : t`This installation has no firewall for doors.`}</strong>{' '}
                {firewall.configured ? (
                    <span className="muted" lang="en">
                        {firewall.why}
                    </span>
                ) : (
                    <span className="muted">
                        <Trans>It is set up in lab.yaml, under warden. Until then nothing is opened, and nothing is kept out.</Trans>
                    </span>
                )}
            </div>
        </div>
    );
}

export function Failure({ error }: { error: unknown }) {
    if (error === null) {
        return null;
    }
    const { code, detail } = problem(error);
    return (
        <Wrong>
            {error instanceof Problem && code === 'wrong-password' ? (
                <Trans>Not done: that is not your password. This attempt is recorded.</Trans>
            ) : (
                detail
            )}
        </Wrong>
    );
}

/** Bytes to the device and back; what the firewall did not tell is not zero. */
function Through({ door }: { door: Door }) {
    return door.bytes_up === null || door.bytes_down === null ? (
        <Trans>not told</Trans>
    ) : (
        <Trans>
            {size(door.bytes_up)} to the device, {size(door.bytes_down)} back, {count(door.packets ?? 0)} packets
        </Trans>
    );
}

export function DoorCard({ door, children }: { door: Door; children?: ReactNode }) {
    const now = useNow();
    const devices = useMay('device.read');
    const { state, word } = stateOf(door);
    const time = door.state === 'open' || door.state === 'closing' ? left(door.until, now) : null;
    return (
        <li className="relay" data-door={door.id}>
            <div className="relay-head">
                <h3 className="break">{devices ? <Link href={`/devices/${door.asset}`}>{door.device}</Link> : door.device}</h3>
                {state === 'unknown' ? (
                    <span className="muted">{word}</span>
                ) : (
                    <Mark state={state}>{word}</Mark>
                )}
                {time !== null && <strong className="nowrap">{time}</strong>}
            </div>
            <p>“{door.why}”</p>
            <dl className="facts">
                <dt>
                    <Trans>What for</Trans>
                </dt>
                <dd>
                    {serviceWord(door.service, door.port)}, <span className="mono nowrap">{`${door.address}:${door.port}`}</span>
                </dd>
                <dt>
                    <Trans>Who</Trans>
                </dt>
                <dd>
                    {door.asked_by}
                    {door.maker !== null && `, ${door.maker}`}, <Trans>coming from</Trans> <span className="mono nowrap">{door.from}</span>
                </dd>
                <dt>
                    <Trans>How long</Trans>
                </dt>
                <dd>
                    {lasts(door.minutes)}
                    {door.opened_at !== null && (
                        <>
                            , <Trans>open from</Trans> <Near at={door.opened_at} /> – {door.closed_at !== null ? <Near at={door.closed_at} /> : door.until !== null && <Near at={door.until} />}
                        </>
                    )}
                </dd>
                {door.opened_at !== null && (
                    <>
                        <dt>
                            <Trans>Went through</Trans>
                        </dt>
                        <dd>
                            <Through door={door} />
                        </dd>
                    </>
                )}
                {door.decided_by !== null && (
                    <>
                        <dt>{door.state === 'refused' ? <Trans>Refused by</Trans> : <Trans>Approved by</Trans>}</dt>
                        <dd>
                            {door.decided_by}
                            {door.decided_why !== null && `: “${door.decided_why}”`}
                        </dd>
                    </>
                )}
                {door.ended_reason !== null && (
                    <>
                        <dt>
                            <Trans>Ended by</Trans>
                        </dt>
                        <dd>
                            {door.ended_by}: “{door.ended_reason}”
                        </dd>
                    </>
                )}
            </dl>
            {door.ended_why !== null && (
                <p className="muted small" lang="en">
                    {door.ended_why}
                </p>
            )}
            {children}
        </li>
    );
}
