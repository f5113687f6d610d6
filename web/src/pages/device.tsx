// Is it safe to use, what is it, and why do we think so?

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { Problem } from '../api/client';
import { useDevice, useFindings } from '../api/queries';
import type { DeviceDetail } from '../device/types';
import { EditDevice, Edits } from '../device/edit';
import { Hours } from '../device/hours';
import { Addresses, Duplicates } from '../device/same';
import { useMay } from '../may';
import { Age, Near } from '../parts/age';
import { Head } from '../parts/head';
import { Mark, SeverityMark, Shape } from '../parts/mark';
import { Asked, Empty, Loading, Panel } from '../parts/states';
import { count, near, size } from '../time';
import { basisWord, protocols, roleWord, severityWord, stateWord } from '../words';

const Admission = lazy(() => import('../device/admission'));

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

/** Its clock beside ours: results carry its times. */
function Clock({ skew }: { skew: number | null }) {
    if (skew === null) {
        return <Value value={null} />;
    }
    const off = Math.abs(skew);
    if (off < 2) {
        return <Trans>right to the second</Trans>;
    }
    const amount = off < 120 ? plural(off, { one: '# s', other: '# s' }) : off < 7200 ? plural(Math.round(off / 60), { one: '# min', other: '# min' }) : off < 172_800 ? plural(Math.round(off / 3600), { one: '# h', other: '# h' }) : plural(Math.round(off / 86_400), { one: '# day', other: '# days' });
    const words = skew > 0 ? t`${amount} ahead` : t`${amount} behind`;
    return off > 60 ? <Mark state="medium">{words}</Mark> : <>{words}</>;
}

function Behind({ id }: { id: string }) {
    const server = useDevice(id).data;
    return (
        <Link href={`/devices/${id}`} className="target">
            {server?.title ?? <Trans>a terminal server</Trans>}
        </Link>
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
            <Fact name={t`Operating system`}>
                <Value value={device.os} />
            </Fact>
            <Fact name={t`Host name`}>
                <Value value={device.hostname} mono />
            </Fact>
            {device.behind !== null && (
                <Fact name={t`Speaks through`}>
                    <Behind id={device.behind} />
                </Fact>
            )}
            <Fact name={t`Zone`}>
                <Value value={device.zone} mono />
            </Fact>
            <Fact name={t`MAC address`}>
                <Value value={device.mac.join(', ')} mono />
            </Fact>
            <Fact name={t`Speaks`}>
                <Value value={protocols(device.protocols)} />
            </Fact>
            <Fact name={t`Clock`}>
                <Clock skew={device.clock_skew_s} />
            </Fact>
            <Fact name={t`Messages`}>
                {count(device.messages)}
                {device.messages_per_hour > 0 && (
                    <>
                        {' '}
                        <span className="muted">
                            <Trans>{count(device.messages_per_hour)} an hour</Trans>
                        </span>
                    </>
                )}
            </Fact>
            <Fact name={t`Owner`}>
                <Value value={device.owner} />
            </Fact>
            <Fact name={t`Place`}>
                <Value value={device.place} />
            </Fact>
            <Fact name={t`Criticality`}>
                <Value value={device.criticality === null ? null : severityWord(device.criticality)} />
            </Fact>
            <Fact name={t`First seen`}>
                <Age at={device.first_seen} />
            </Fact>
            <Fact name={t`Last seen`}>
                <Age at={device.last_seen} />
            </Fact>
        </dl>
    );
}

/** What we take it for, in a few words: "a Sysmex XN-1000", "a workstation". */
function taken(device: DeviceDetail): string | null {
    if (device.model !== null) {
        return device.maker === null || device.model.startsWith(device.maker) ? device.model : `${device.maker} ${device.model}`;
    }
    return device.role === 'unknown' ? null : roleWord(device.role).toLowerCase();
}

const whyTitle = (device: DeviceDetail) => {
    const what = taken(device);
    if (what === null) {
        return t`What speaks for what it is`;
    }
    return device.model === null && device.role === 'lis'
        ? t`Why do we think this is the LIS?`
        : /^[aeiou]/i.test(what)
          ? t`Why do we think this is an ${what}?`
          : t`Why do we think this is a ${what}?`;
};

function Candidates({ device }: { device: DeviceDetail }) {
    const others = device.candidates ?? [];
    if (others.length === 0) {
        return null;
    }
    return (
        <>
            <h3 className="inner-head">
                <Trans>Models that fit what was seen</Trans>
            </h3>
            <ul className="story">
                {others.map((c) => (
                    <li key={`${c.maker} ${c.model}`}>
                        <b>
                            {c.maker} {c.model}
                        </b>{' '}
                        <span className="muted">{c.confidence} %</span>
                        {c.reasons.map((reason) => (
                            <p key={reason} className="muted small">
                                {reason}
                            </p>
                        ))}
                    </li>
                ))}
            </ul>
        </>
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
            <p className="sure">
                {device.role_basis === 'told' ? (
                    <Trans>A person said so.</Trans>
                ) : device.confidence > 0 ? (
                    <Trans>
                        {basisWord(device.role_basis)}, {device.confidence} % sure.
                    </Trans>
                ) : (
                    <Trans>Nothing of this is sure.</Trans>
                )}
            </p>
            <ul className="story">
                {device.why.map((w) => (
                    <li key={`${w.source}${w.text}`}>
                        <span>{w.text}</span>
                        <p className="muted small">
                            <span className="mono">{w.source}</span>
                            {w.time !== null && (
                                <>
                                    {' '}
                                    · <Near at={w.time} seconds />
                                </>
                            )}
                            {w.record !== null && w.record !== undefined && (
                                <>
                                    {' '}
                                    · <Trans>record {w.record}</Trans>
                                </>
                            )}
                        </p>
                    </li>
                ))}
            </ul>
            <Candidates device={device} />
        </div>
    );
}

const REPORTS = 12;

/** The tests whose results it sends. */
function Reports({ device }: { device: DeviceDetail }) {
    const [all, setAll] = useState(false);
    if (device.reports.length === 0) {
        return <Empty title={t`No result seen from it.`} />;
    }
    const shown = all ? device.reports : device.reports.slice(0, REPORTS);
    return (
        <>
            <div className="scroll" tabIndex={0} role="group" aria-label={t`What it reports`}>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">
                                <Trans>Test</Trans>
                            </th>
                            <th scope="col">
                                <Trans>Code</Trans>
                            </th>
                            <th scope="col" className="number">
                                <Trans>Results</Trans>
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map((r) => (
                            <tr key={r.code}>
                                <th scope="row">{r.text ?? <span className="mono">{r.code}</span>}</th>
                                <td className="mono">{r.code}</td>
                                <td className="number">{count(r.count)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {shown.length < device.reports.length && (
                <div className="pager">
                    <Button variant="default" onClick={() => setAll(true)}>
                        <Trans>Show all {count(device.reports.length)}</Trans>
                    </Button>
                </div>
            )}
        </>
    );
}

function Instruments({ device }: { device: DeviceDetail }) {
    return (
        <ul className="cards">
            {device.instruments.map((i) => (
                <li key={i.id}>
                    <Link href={`/devices/${i.id}`} className="card">
                        <strong>{i.title}</strong>
                    </Link>
                </li>
            ))}
        </ul>
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
                                {p.device !== null && p.name !== null ? (
                                    <Link href={`/devices/${p.device}`} className="row-link">
                                        {p.name}
                                    </Link>
                                ) : (
                                    (p.name ?? <span className="mono">{p.ip}</span>)
                                )}{' '}
                                {p.name !== null && p.name !== p.ip && <span className="mono muted">{p.ip}</span>}
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
                                    <strong>{f.title}</strong>
                                </Link>
                            </li>
                        ))}
                    </ul>
                );
            }}
        </Asked>
    );
}

export default function DevicePage({ id }: { id: string }) {
    const query = useDevice(id);
    const device = query.data;
    const edits = useMay('device.edit');
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
                            {device.last_seen === null ? <Trans>never seen, only told of</Trans> : <Trans>last seen {near(device.last_seen)}</Trans>}
                            {device.retired && (
                                <>
                                    {' '}
                                    · <b><Trans>retired</Trans></b>
                                </>
                            )}
                        </>
                    )
                }
            >
                {device && device.findings_open > 0 && <First device={device} />}
                {device && edits && <EditDevice device={device} />}
                {device && (
                    <Link href={`/devices?view=picture&at=${device.id}`} asChild>
                        <Button component="a" variant="default">
                            <Trans>In the picture</Trans>
                        </Button>
                    </Link>
                )}
            </Head>
            {!missing && (
                <Asked what={t`this device`} query={query} rows={10}>
                    {(data) => (
                        <div className="columns">
                            <div className="stack">
                                <Duplicates device={data} />
                                <Panel title={whyTitle(data)}>
                                    <Why device={data} />
                                </Panel>
                                {data.instruments.length > 0 && (
                                    <Panel title={t`Instruments behind it`}>
                                        <Instruments device={data} />
                                    </Panel>
                                )}
                                <Panel title={t`Lab messages`}>
                                    <Hours hours={data.hours} />
                                </Panel>
                                <Panel title={t`Whom it talks to`}>
                                    <Peers device={data} />
                                </Panel>
                                <Panel title={t`What it reports`}>
                                    <Reports device={data} />
                                </Panel>
                                <Panel title={t`Evidence`}>
                                    <Evidence device={data} />
                                </Panel>
                            </div>
                            <div className="stack">
                                <Panel title={t`Findings`}>
                                    <ItsFindings device={data} />
                                </Panel>
                                <Panel title={t`May it be here?`}>
                                    <Suspense fallback={<Loading what={t`this page`} rows={2} />}>
                                        <Admission device={data} />
                                    </Suspense>
                                </Panel>
                                <Panel title={t`What it is`}>
                                    <div className="inside">
                                        <Facts device={data} />
                                    </div>
                                </Panel>
                                <Edits device={data} />
                                <Panel title={t`Addresses`}>
                                    <Addresses device={data} />
                                </Panel>
                            </div>
                        </div>
                    )}
                </Asked>
            )}
        </>
    );
}
