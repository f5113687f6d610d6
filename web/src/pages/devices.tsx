// What is on my network?

import { NativeSelect } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { lazy, Suspense, useCallback } from 'react';
import { Link } from 'wouter';
import { useDevices, useToday, useZones } from '../api/queries';
import type { Device } from '../api/types';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager, Search, SortHead } from '../parts/list';
import { Shape } from '../parts/mark';
import { SensorLine, SensorPanel } from '../parts/sensor';
import { Asked, Empty, Loading, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { count } from '../time';
import { basisWord, protocols, roleWord, ROLES, severityWord } from '../words';

const Picture = lazy(() => import('../picture/picture'));

const DEFAULTS = { q: '', role: '', zone: '', criticality: '', sort: 'title', cursor: '' };
const VIEW = { view: '' };

/** The same devices as a list, or as a picture of who talks to whom. */
function Views({ view }: { view: string }) {
    return (
        <nav className="views" aria-label={t`Views`}>
            <Link href="/devices" aria-current={view === '' ? 'page' : undefined}>
                <Trans>List</Trans>
            </Link>
            <Link href="/devices?view=picture" aria-current={view === 'picture' ? 'page' : undefined}>
                <Trans>Picture</Trans>
            </Link>
        </nav>
    );
}

function Role({ device }: { device: Device }) {
    return device.role === 'unknown' ? (
        <span className="mark">
            <Shape state="unknown" size={16} />
            {roleWord(device.role)}
        </span>
    ) : (
        <>
            {roleWord(device.role)} <span className="muted">{basisWord(device.role_basis)}</span>
        </>
    );
}

function Open({ device }: { device: Device }) {
    return device.findings_open > 0 ? (
        <b>
            <Plural value={device.findings_open} one="# finding" other="# findings" />
        </b>
    ) : (
        <span className="muted">
            <Trans>none</Trans>
        </span>
    );
}

/** What people said of it, beside its name. */
function Marks({ device }: { device: Device }) {
    return (
        <>
            {device.retired && <span className="tag">{t`retired`}</span>}
            {(device.criticality === 'critical' || device.criticality === 'high') && <span className="tag">{t`criticality: ${severityWord(device.criticality).toLowerCase()}`}</span>}
            {device.instruments > 0 && (
                <span className="tag">
                    <Plural value={device.instruments} one="# instrument" other="# instruments" />
                </span>
            )}
        </>
    );
}

const addresses = (device: Device) => {
    const [one, ...more] = device.ip.length > 0 ? device.ip : device.mac;
    return one === undefined ? '–' : more.length > 0 ? `${one} +${more.length}` : one;
};

function Table({ rows, sort, setSort, total, gone }: { rows: Device[]; sort: string; setSort: (s: string) => void; total: number; gone: (d: Device) => boolean }) {
    return (
        <div className="scroll">
            <table aria-rowcount={total + 1}>
                <caption className="unseen">
                    <Trans>Devices</Trans>
                </caption>
                <thead>
                    <tr>
                        <SortHead name="title" label={t`Device`} sort={sort} change={setSort} />
                        <th scope="col">
                            <Trans>Type</Trans>
                        </th>
                        <th scope="col" className="wide">
                            <Trans>Zone</Trans>
                        </th>
                        <th scope="col" className="middle">
                            <Trans>Address</Trans>
                        </th>
                        <th scope="col" className="wide">
                            <Trans>Speaks</Trans>
                        </th>
                        <th scope="col" className="number wide">
                            <Trans>Messages</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Open findings</Trans>
                        </th>
                        <SortHead name="last_seen" label={t`Seen`} sort={sort} change={setSort} down />
                    </tr>
                </thead>
                <tbody>
                    {rows.map((d, i) => (
                        <tr key={d.id} aria-rowindex={i + 2} className={gone(d) ? 'gone' : undefined}>
                            <th scope="row">
                                <Link href={`/devices/${d.id}`} className="row-link" data-row>
                                    {d.title}
                                </Link>{' '}
                                <Marks device={d} />
                            </th>
                            <td>
                                <Role device={d} />
                            </td>
                            <td className="wide">{d.zone === null ? '–' : <span className="mono">{d.zone}</span>}</td>
                            <td className="mono nowrap middle">{addresses(d)}</td>
                            <td className="wide">{protocols(d.protocols, 3) || '–'}</td>
                            <td className="number wide">{count(d.messages)}</td>
                            <td>
                                <Open device={d} />
                            </td>
                            <td>
                                <Age at={d.last_seen} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Cards({ rows, gone }: { rows: Device[]; gone: (d: Device) => boolean }) {
    return (
        <ul className="cards">
            {rows.map((d) => (
                <li key={d.id} className={gone(d) ? 'gone' : undefined}>
                    <Link href={`/devices/${d.id}`} className="card" data-row>
                        <strong>
                            {d.title} <Marks device={d} />
                        </strong>
                        <span className="line">
                            <span>
                                <Role device={d} />
                            </span>
                            <span className="mono">{addresses(d)}</span>
                        </span>
                        <span className="line">
                            <Age at={d.last_seen} short />
                            {d.findings_open > 0 && <Open device={d} />}
                        </span>
                    </Link>
                </li>
            ))}
        </ul>
    );
}

function ListView() {
    const [filter, change] = useParams(DEFAULTS);
    const query = useDevices(filter);
    const counts = useToday().data?.counts;
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), (d) => d.id);
    const setQ = useCallback((q: string) => change({ q, cursor: '' }, true), [change]);
    const setSort = (sort: string) => change({ sort, cursor: '' });
    const filtered = filter.q !== '' || filter.role !== '' || filter.zone !== '' || filter.criticality !== '';
    const zones = useZones().data ?? [];
    const imports = useMay('device.import');
    const line = !counts
        ? t`What is on your network`
        : plural(counts.devices, { one: '# device seen', other: '# devices seen' }) +
          (counts.devices_unknown > 0 ? `; ${plural(counts.devices_unknown, { one: 'for # we do not know what it is.', other: 'for # we do not know what they are.' })}` : '.');
    return (
        <>
            <Head name={t`Devices`} line={line} note={<SensorLine />}>
                <Views view="" />
            </Head>
            <div className="tools" role="search">
                <Search value={filter.q} label={t`Search devices`} hint={t`Name, maker, address, serial`} change={setQ} />
                <NativeSelect
                    label={t`Type`}
                    className="half"
                    value={filter.role}
                    onChange={(e) => change({ role: e.currentTarget.value, cursor: '' })}
                    data={[{ value: '', label: t`All types` }, ...ROLES.map((r) => ({ value: r, label: roleWord(r) }))]}
                />
                <NativeSelect
                    label={t`Zone`}
                    className="half"
                    value={filter.zone}
                    onChange={(e) => change({ zone: e.currentTarget.value, cursor: '' })}
                    data={[
                        { value: '', label: t`All zones` },
                        ...zones.map((z) => ({ value: z.name, label: `${z.name} (${count(z.devices)})` })),
                        ...(filter.zone !== '' && !zones.some((z) => z.name === filter.zone) ? [{ value: filter.zone, label: filter.zone }] : []),
                    ]}
                />
                <NativeSelect
                    label={t`Criticality`}
                    className="half"
                    value={filter.criticality}
                    onChange={(e) => change({ criticality: e.currentTarget.value, cursor: '' })}
                    data={[{ value: '', label: t`Any` }, ...['critical', 'high', 'medium', 'low'].map((c) => ({ value: c, label: severityWord(c) }))]}
                />
                <NativeSelect
                    label={t`Sort by`}
                    className="half"
                    value={filter.sort}
                    onChange={(e) => setSort(e.currentTarget.value)}
                    data={[
                        { value: 'title', label: t`Name` },
                        { value: 'last_seen', label: t`Last seen` },
                        { value: 'first_seen', label: t`Newest` },
                        { value: 'unknown', label: t`Unknown first` },
                    ]}
                />
            </div>
            <Panel title={filtered ? t`Devices that match` : t`All devices`} aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the devices`} query={query} rows={10}>
                    {(page) =>
                        held.rows.length === 0 ? (
                            filtered ? (
                                <Empty title={t`No device matches.`}>
                                    <Trans>Try a part of the name, or another type.</Trans>
                                </Empty>
                            ) : (
                                <Empty title={t`Nothing seen: check the mirror port.`}>
                                    <Trans>Devices appear here as soon as one of them speaks.</Trans>
                                </Empty>
                            )
                        ) : phone ? (
                            <Cards rows={held.rows} gone={held.gone} />
                        ) : (
                            <Table rows={held.rows} sort={filter.sort} setSort={setSort} total={page.total} gone={held.gone} />
                        )
                    }
                </Asked>
                {query.data && held.rows.length > 0 && (
                    <Pager shown={held.rows.length} total={query.data.total} first={filter.cursor === ''} next={query.data.next} change={(cursor) => change({ cursor })} />
                )}
                <p className="take-home">
                    <span className="muted">
                        <Trans>The inventory as a file:</Trans>
                    </span>{' '}
                    <a href="/api/v1/devices/export.csv" download className="target">
                        CSV
                    </a>
                    <a href="/api/v1/devices/export.cdx.json" download className="target">
                        CycloneDX
                    </a>
                    {imports && (
                        <Link href="/devices/import" className="target">
                            <Trans>Import a list…</Trans>
                        </Link>
                    )}
                </p>
            </Panel>
            <SensorPanel />
        </>
    );
}

export function DevicesPage() {
    const [{ view }] = useParams(VIEW);
    if (view !== 'picture') {
        return <ListView />;
    }
    return (
        <Suspense
            fallback={
                <>
                    <Head name={t`Devices`} line={<Trans>Who talks to whom</Trans>} />
                    <Loading what={t`the picture`} rows={10} />
                </>
            }
        >
            <Picture views={<Views view="picture" />} />
        </Suspense>
    );
}
