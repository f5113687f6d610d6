// May this device be here? Who said so, and its certificates.

import { Button, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { useAdmit, type Vouching } from '../api/queries';
import type { Admission as State, DeviceDetail } from './types';
import { useMay } from '../may';
import { problem, Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { Near } from '../parts/age';
import { Mark, type State as Shape } from '../parts/mark';
import { show } from '../parts/say';
import { useCertificates } from '../pki/ask';
import { EnrolDevice } from '../pki/forms';
import { isOver, stateOf } from '../pki/words';
import { day } from '../time';

const SHAPES: Record<State, Shape> = { vouched: 'good', refused: 'high', waiting: 'medium', unknown: 'unknown' };

function sentence(device: DeviceDetail): string {
    if (device.admission === 'vouched') {
        return t`Yes: somebody vouches for it.`;
    }
    if (device.admission === 'refused') {
        return t`No: it was refused.`;
    }
    if (device.admitted.mixed) {
        return t`Not clear: parts of it were decided in different ways.`;
    }
    if (device.admitted.new_macs.length > 0) {
        return t`It has an address that nobody vouched for.`;
    }
    return device.admission === 'waiting' ? t`Nobody vouches for it yet, and it is on the analyzers’ network.` : t`Nobody has said yet.`;
}

function title(decision: Vouching): string {
    return decision === 'vouch' ? t`Vouch for this device` : decision === 'refuse' ? t`Refuse this device` : t`Take the decision back`;
}

function Ask({ device, decision, close }: { device: DeviceDetail; decision: Vouching; close: () => void }) {
    const admit = useAdmit(device.id);
    const [why, setWhy] = useState('');
    const submit = () => {
        if (why.trim() !== '' && !admit.isPending) {
            admit.mutate(
                { decision, why: why.trim(), etag: device.etag },
                {
                    onSuccess: () => {
                        show({ text: t`Recorded.` });
                        close();
                    },
                },
            );
        }
    };
    const stale = admit.error instanceof Problem && admit.error.status === 412;
    return (
        <Box title={title(decision)} close={close} submit={submit}>
            <p>
                {decision === 'vouch' ? (
                    <Trans>You say: I know {device.title}, it belongs here, with these addresses. What joins it later is not covered.</Trans>
                ) : decision === 'refuse' ? (
                    <Trans>{device.title} may not be here. It leaves the list for RADIUS, and its certificates are revoked. Tourniquet itself cuts nothing off.</Trans>
                ) : (
                    <Trans>{device.title} is as if nobody had decided.</Trans>
                )}
            </p>
            {decision === 'vouch' && device.mac.length > 0 && <p className="mono">{device.mac.join(', ')}</p>}
            {admit.isError && (
                <Wrong>
                    {stale ? <Trans>Not saved: somebody changed this device meanwhile. You see the newest state now; save again.</Trans> : <span>{problem(admit.error).detail}</span>}
                </Wrong>
            )}
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            <Ends close={close} go={title(decision)} busy={admit.isPending} ready={why.trim() !== ''} />
        </Box>
    );
}

function Certificates({ device }: { device: DeviceDetail }) {
    const all = useCertificates().data;
    const manages = useMay('certificate.manage');
    const away = useLostAt() !== null;
    const [asking, setAsking] = useState(false);
    const mine = (all?.items ?? []).filter((c) => c.device === device.id && !isOver(c));
    const open = (all?.enrolments ?? []).filter((e) => e.device === device.id);
    if (all === undefined || (device.admission !== 'vouched' && mine.length === 0)) {
        return null;
    }
    return (
        <>
            <h3 className="inner-head">
                <Trans>Certificate for 802.1X</Trans>
            </h3>
            {mine.length === 0 && (
                <p className="muted">
                    {open.length > 0 ? <Trans>A code was made; no request has come yet.</Trans> : <Trans>None. With one it shows the switch who it is; a MAC address can be copied.</Trans>}
                </p>
            )}
            {mine.map((c) => {
                const { state, word } = stateOf(c);
                return (
                    <p key={c.serial}>
                        <Mark state={state}>{word}</Mark>{' '}
                        <span className="muted">
                            {c.names.replaceAll(',', ', ')} · <Trans>until {day(c.not_after)}</Trans>
                        </span>
                    </p>
                );
            })}
            {manages && device.admission === 'vouched' && (
                <div className="acts">
                    <Button variant="default" disabled={away} onClick={() => setAsking(true)}>
                        <Trans>Give it a certificate</Trans>
                    </Button>
                </div>
            )}
            {asking && <EnrolDevice device={device.id} address={device.hostname ?? device.ip[0] ?? ''} close={() => setAsking(false)} />}
        </>
    );
}

export default function Admission({ device }: { device: DeviceDetail }) {
    const admits = useMay('device.admit');
    const sees = useMay('acts.read');
    const away = useLostAt() !== null;
    const [deciding, setDeciding] = useState<Vouching | null>(null);
    const { by, at, why, new_macs } = device.admitted;
    const button = (decision: Vouching, word: string, filled = false) => (
        <Button variant={filled ? 'filled' : 'default'} disabled={away} onClick={() => setDeciding(decision)}>
            {word}
        </Button>
    );
    return (
        <div className="inside">
            <p>
                <Mark state={SHAPES[device.admission]}>{sentence(device)}</Mark>
            </p>
            {new_macs.length > 0 && <p className="mono">{new_macs.join(', ')}</p>}
            {device.behind !== null && device.admission === 'unknown' && (
                <p className="muted">
                    <Trans>It speaks through a terminal server: that is vouched for in its place.</Trans>
                </p>
            )}
            {at !== null && (
                <p className="muted">
                    {by ?? <Trans>the program</Trans>} · <Near at={at} />
                    {why !== null && <span className="break"> · “{why}”</span>}
                </p>
            )}
            {admits && (
                <div className="acts">
                    {device.admission !== 'vouched' && button('vouch', t`Vouch for it`, device.admission === 'waiting')}
                    {device.admission !== 'refused' && button('refuse', t`Refuse it`)}
                    {at !== null && button('withdraw', t`Take back`)}
                </div>
            )}
            <Certificates device={device} />
            {sees && (
                <p>
                    <Link href={`/acts?device=${device.id}`} className="target">
                        <Trans>Who did what with it</Trans>
                    </Link>
                </p>
            )}
            {deciding !== null && <Ask device={device} decision={deciding} close={() => setDeciding(null)} />}
        </div>
    );
}
