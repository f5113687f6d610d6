// Is it safe to use, what is it, and why do we think so?

import { Button, Modal, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useState, type FormEvent, type ReactNode } from 'react';
import { Link } from 'wouter';
import { Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { useDevice, useFindings, useNameDevice } from '../api/queries';
import type { DeviceDetail } from '../api/types';
import { useMay } from '../may';
import { Age, Near } from '../parts/age';
import { Head } from '../parts/head';
import { SeverityMark, Shape } from '../parts/mark';
import { Asked, Empty, Original, Panel } from '../parts/states';
import { count, near, size } from '../time';
import { basisWord, headline, original, protocols, roleWord, said, stateWord } from '../words';
import { Wrong } from './door';

function Name({ device }: { device: DeviceDetail }) {
    const save = useNameDevice(device.id);
    const away = useLostAt() !== null;
    const [opened, setOpened] = useState(false);
    const [name, setName] = useState(device.name ?? '');
    const send = (event: FormEvent) => {
        event.preventDefault();
        save.mutate({ name: name.trim(), etag: device.etag }, { onSuccess: () => setOpened(false) });
    };
    const stale = save.error instanceof Problem && save.error.status === 412;
    return (
        <>
            <Button
                variant={device.name === null && device.findings_open === 0 ? 'filled' : 'default'}
                disabled={away}
                onClick={() => {
                    save.reset();
                    setName(device.name ?? '');
                    setOpened(true);
                }}
            >
                {device.name === null ? <Trans>Name it</Trans> : <Trans>Rename</Trans>}
            </Button>
            <Modal opened={opened} onClose={() => setOpened(false)} title={t`Name this device`} closeButtonProps={{ 'aria-label': t`Close` }}>
                <form onSubmit={send}>
                    {save.isError && (
                        <div style={{ marginBottom: 16 }}>
                            <Wrong>
                                {stale ? <Trans>Not saved: somebody changed this device meanwhile. You see the newest state now; save again.</Trans> : save.error.message || <Trans>Not saved.</Trans>}
                            </Wrong>
                        </div>
                    )}
                    <TextInput
                        label={t`Name`}
                        description={t`As people in the lab call it, for example Chem 2.`}
                        maxLength={64}
                        required
                        withAsterisk={false}
                        value={name}
                        onChange={(e) => setName(e.currentTarget.value)}
                        data-autofocus
                    />
                    <div className="acts" style={{ marginTop: 16, justifyContent: 'flex-end' }}>
                        <Button variant="default" onClick={() => setOpened(false)}>
                            <Trans>Cancel</Trans>
                        </Button>
                        <Button type="submit" loading={save.isPending}>
                            <Trans>Save the name</Trans>
                        </Button>
                    </div>
                </form>
            </Modal>
        </>
    );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
    return (
        <>
            <dt>{name}</dt>
            <dd>{children}</dd>
        </>
    );
}

function Value({ value, mono = false }: { value: string | null; mono?: boolean }) {
    return value === null || value === '' ? (
        <span className="mark muted">
            <Shape state="unknown" size={16} />
            <Trans>unknown</Trans>
        </span>
    ) : (
        <span className={mono ? 'mono' : undefined}>{value}</span>
    );
}

function Facts({ device }: { device: DeviceDetail }) {
    return (
        <dl className="facts">
            <Fact name={t`Type`}>
                {device.role === 'unknown' ? (
                    <Value value={null} />
                ) : (
                    <>
                        {roleWord(device.role)} <span className="muted">{basisWord(device.role_basis)}</span>
                    </>
                )}
            </Fact>
            <Fact name={t`Maker`}>
                <Value value={device.maker} />
            </Fact>
            <Fact name={t`Model`}>
                <Value value={device.model} />
            </Fact>
            <Fact name={t`Serial`}>
                <Value value={device.serial} mono />
            </Fact>
            <Fact name={t`Software`}>
                <Value value={device.software} />
            </Fact>
            <Fact name={t`Host name`}>
                <Value value={device.hostname} mono />
            </Fact>
            <Fact name={t`IP address`}>
                <Value value={device.ip.join(', ')} mono />
            </Fact>
            <Fact name={t`MAC address`}>
                <Value value={device.mac.join(', ')} mono />
            </Fact>
            <Fact name={t`Speaks`}>
                <Value value={protocols(device.protocols)} />
            </Fact>
            <Fact name={t`Messages`}>{count(device.messages)}</Fact>
            <Fact name={t`First seen`}>
                <Age at={device.first_seen} />
            </Fact>
            <Fact name={t`Last seen`}>
                <Age at={device.last_seen} />
            </Fact>
        </dl>
    );
}

function Why({ device }: { device: DeviceDetail }) {
    if (device.why.length === 0) {
        return (
            <Empty title={t`Nothing yet says what it is.`}>
                <Trans>It has been seen on the network, no more. Ask who runs it, then name it.</Trans>
            </Empty>
        );
    }
    return (
        <div className="inside">
            <ul className="story">
                {device.why.map((w) => (
                    <li key={`${w.source}${w.text}`}>
                        <span lang={said()}>{w.text}</span>
                        <p className="muted small">
                            <span className="mono">{w.source}</span> · <Near at={w.time} seconds />
                        </p>
                    </li>
                ))}
            </ul>
        </div>
    );
}

function Peers({ device }: { device: DeviceDetail }) {
    if (device.peers.length === 0) {
        return <Empty title={t`No conversation seen.`} />;
    }
    return (
        <div className="scroll" tabIndex={0} role="group" aria-label={t`Whom it talks to`}>
            <table>
                <thead>
                    <tr>
                        <th scope="col">
                            <Trans>With</Trans>
                        </th>
                        <th scope="col">
                            <Trans>By</Trans>
                        </th>
                        <th scope="col" className="number wide">
                            <Trans>Packets</Trans>
                        </th>
                        <th scope="col" className="number">
                            <Trans>Bytes</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Last</Trans>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {device.peers.map((p) => (
                        <tr key={`${p.ip}${p.app}`}>
                            <th scope="row">
                                {p.name ?? <span className="mono">{p.ip}</span>} {p.name && <span className="mono muted">{p.ip}</span>}
                            </th>
                            <td>{p.app?.toUpperCase() ?? <Trans>unknown</Trans>}</td>
                            <td className="number wide">{count(p.packets)}</td>
                            <td className="number nowrap">{size(p.bytes)}</td>
                            <td>
                                <Age at={p.last_seen} short />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Evidence({ device }: { device: DeviceDetail }) {
    if (device.evidence.length === 0) {
        return <Empty title={t`No evidence kept.`} />;
    }
    const text = (fields: Record<string, unknown>) =>
        Object.entries(fields)
            .map(([k, v]) => `${k} ${typeof v === 'object' ? JSON.stringify(v) : String(v)}`)
            .join(' · ');
    return (
        <div className="scroll" tabIndex={0} role="group" aria-label={t`Evidence`}>
            <table>
                <thead>
                    <tr>
                        <th scope="col">
                            <Trans>When</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Source</Trans>
                        </th>
                        <th scope="col">
                            <Trans>What it says</Trans>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {device.evidence.map((e, i) => (
                        <tr key={`${e.time}${i}`}>
                            <td>
                                <Near at={e.time} seconds />
                            </td>
                            <td className="mono">{e.source}</td>
                            <td>{text(e.fields)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

const useItsFindings = () => useFindings({ state: 'all', severity: 'all', kind: '', cursor: '' });

/** The act that the device's state asks for: look at what is wrong with it first. */
function First({ device }: { device: DeviceDetail }) {
    const first = useItsFindings().data?.items.find((f) => f.device === device.id && f.state === 'open' && f.severity !== 'info');
    return first ? (
        <Link href={`/findings/${first.id}`} asChild>
            <Button component="a">
                <Trans>Open the finding</Trans>
            </Button>
        </Link>
    ) : null;
}

function ItsFindings({ device }: { device: DeviceDetail }) {
    const query = useItsFindings();
    return (
        <Asked what={t`its findings`} query={query} rows={3}>
            {(page) => {
                const mine = page.items.filter((f) => f.device === device.id);
                if (mine.length === 0) {
                    return <Empty title={t`No finding about this device.`} />;
                }
                return (
                    <ul className="cards">
                        {mine.map((f) => (
                            <li key={f.id}>
                                <Link href={`/findings/${f.id}`} className="card" data-row>
                                    <span className="line">
                                        <SeverityMark severity={f.severity} />
                                        {(f.severity !== 'info' || f.state !== 'open') && <span>{stateWord(f.state)}</span>}
                                    </span>
                                    <strong>{headline(f)}</strong>
                                    <Original text={original(f)} />
                                </Link>
                            </li>
                        ))}
                    </ul>
                );
            }}
        </Asked>
    );
}

export function DevicePage({ id }: { id: string }) {
    const query = useDevice(id);
    const device = query.data;
    const names = useMay('device.name');
    const open = device?.findings_open ?? 0;
    const missing = query.error instanceof Problem && query.error.status === 404;
    return (
        <>
            <Head
                name={t`Device`}
                parent={
                    <Link href="/devices" className="quiet-link">
                        <Trans>Devices</Trans>
                    </Link>
                }
                line={
                    !device ? (
                        missing ? (
                            t`There is no such device.`
                        ) : (
                            t`Device`
                        )
                    ) : open > 0 ? (
                        <Plural value={open} one={`${device.title}: # finding is open.`} other={`${device.title}: # findings are open.`} />
                    ) : device.role === 'unknown' ? (
                        t`${device.title}: no finding is open, but nobody knows yet what it is.`
                    ) : (
                        t`${device.title}: no finding is open.`
                    )
                }
                note={
                    device && (
                        <>
                            {device.role !== 'unknown' && (
                                <>
                                    {roleWord(device.role)}, {basisWord(device.role_basis)} ·{' '}
                                </>
                            )}
                            <Trans>last seen {near(device.last_seen)}</Trans>
                        </>
                    )
                }
            >
                {device && device.findings_open > 0 && <First device={device} />}
                {device && names && <Name device={device} />}
            </Head>
            {!missing && (
                <Asked what={t`this device`} query={query} rows={10}>
                    {(data) => (
                        <div className="columns">
                            <div className="stack">
                                <Panel title={t`Why we think so`}>
                                    <Why device={data} />
                                </Panel>
                                <Panel title={t`Whom it talks to`}>
                                    <Peers device={data} />
                                </Panel>
                                <Panel title={t`Evidence`}>
                                    <Evidence device={data} />
                                </Panel>
                            </div>
                            <div className="stack">
                                <Panel title={t`Findings`}>
                                    <ItsFindings device={data} />
                                </Panel>
                                <Panel title={t`What it is`}>
                                    <div className="inside">
                                        <Facts device={data} />
                                    </div>
                                </Panel>
                            </div>
                        </div>
                    )}
                </Asked>
            )}
        </>
    );
}
