// Which is one device and which are two: what the evidence suggests, and a person decides.

import { Button, Modal } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { get } from '../api/client';
import { useLostAt } from '../api/connection';
import { useRelateDevice } from '../api/queries';
import type { DeviceDetail } from './types';
import { useMay } from '../may';
import { Wrong } from '../pages/door';
import { Near } from '../parts/age';
import { show } from '../parts/say';
import { Empty, Panel } from '../parts/states';

export function Duplicates({ device }: { device: DeviceDetail }) {
    const relate = useRelateDevice(device.id);
    const edits = useMay('device.edit');
    const away = useLostAt() !== null;
    if (device.duplicates.length === 0) {
        return null;
    }
    const same = async (other: string, title: string) => {
        const address = (await get<DeviceDetail>(`/devices/${encodeURIComponent(other)}`).catch(() => null))?.ip.find((ip) => !device.ip.includes(ip));
        relate.mutate(
            { act: 'join', etag: device.etag, other },
            {
                onSuccess: (now) =>
                    show({
                        text: t`${title} and this are one device now.`,
                        undoWord: t`Undo`,
                        undo: address === undefined ? undefined : () => relate.mutate({ act: 'split', etag: now.etag, address }),
                    }),
            },
        );
    };
    const different = (other: string) =>
        relate.mutate({ act: 'distinct', etag: device.etag, other }, { onSuccess: () => show({ text: t`They stay two devices; evidence joins them no more.` }) });
    return (
        <Panel title={t`Perhaps the same device`}>
            {relate.isError && (
                <div className="inside">
                    <Wrong>{relate.error.message || <Trans>Not saved.</Trans>}</Wrong>
                </div>
            )}
            <ul className="said">
                {device.duplicates.map((d) => (
                    <li key={d.id}>
                        <span>
                            <Link href={`/devices/${d.id}`} className="target">
                                {d.title}
                            </Link>{' '}
                            <span className="muted small">
                                {d.why}
                            </span>
                        </span>
                        {edits && (
                            <span className="acts">
                                <Button variant="default" disabled={away || relate.isPending} onClick={() => void same(d.id, d.title)}>
                                    <Trans>Same device</Trans>
                                </Button>
                                <Button variant="default" disabled={away || relate.isPending} onClick={() => different(d.id)}>
                                    <Trans>Not the same</Trans>
                                </Button>
                            </span>
                        )}
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

const isMac = (address: string) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(address);

/** Addresses that it holds and held; one that belongs to another device can be parted from it. */
export function Addresses({ device }: { device: DeviceDetail }) {
    const relate = useRelateDevice(device.id);
    const edits = useMay('device.edit');
    const away = useLostAt() !== null;
    const [part, setPart] = useState<string | null>(null);
    // Only one of several of a kind can go: an IP address and its MAC address belong together.
    const held = device.address_history.filter((a) => a.now);
    const parts = (a: string) => held.filter((o) => isMac(o.address) === isMac(a)).length > 1;
    if (device.address_history.length === 0) {
        return <Empty title={t`No address seen.`} />;
    }
    return (
        <>
            <ul className="said">
                {device.address_history.map((a) => (
                    <li key={`${a.address}${a.from}`}>
                        <span>
                            <span className="mono">{a.address}</span>{' '}
                            <span className="muted small">
                                {a.now ? (
                                    <Trans>
                                        since <Near at={a.from} />
                                    </Trans>
                                ) : (
                                    <Trans>
                                        from <Near at={a.from} /> to <Near at={a.to} />
                                    </Trans>
                                )}
                            </span>
                        </span>
                        {edits && a.now && parts(a.address) && (
                            <Button variant="default" disabled={away} onClick={() => setPart(a.address)}>
                                <Trans>Another device…</Trans>
                            </Button>
                        )}
                    </li>
                ))}
            </ul>
            <Modal opened={part !== null} onClose={() => setPart(null)} title={t`Is ${part ?? ''} another device?`} closeButtonProps={{ 'aria-label': t`Close` }}>
                {relate.isError && <Wrong>{relate.error.message || <Trans>Not saved.</Trans>}</Wrong>}
                <p>
                    <Trans>Its conversations and evidence go with it. Nothing changes on the network.</Trans>
                </p>
                <div className="acts" style={{ marginTop: 16, justifyContent: 'flex-end' }}>
                    <Button variant="default" onClick={() => setPart(null)} data-autofocus>
                        <Trans>Cancel</Trans>
                    </Button>
                    <Button
                        loading={relate.isPending}
                        onClick={() => part !== null && relate.mutate({ act: 'split', etag: device.etag, address: part }, { onSuccess: () => setPart(null) })}
                    >
                        <Trans>Part them</Trans>
                    </Button>
                </div>
            </Modal>
        </>
    );
}
