// What is on my network?

import { Button, NativeSelect } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { lazy, memo, Suspense, useCallback } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useDevices, useToday, useZones } from '../api/queries';
import type { Device } from '../device/types';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager, Search, SortHead } from '../parts/list';
import { Shape } from '../parts/mark';
import { SensorLine, SensorPanel } from '../parts/sensor';
import { Asked, Empty, Loading, Panel } from '../parts/states';
import { useTakeOut } from '../parts/takeout';
import { useParams } from '../parts/url';
import { count } from '../time';
import { admissionWord, basisWord, protocols, roleWord, ROLES, severityWord } from '../words';

const Picture = lazy(() => import('../picture/picture'));

const FILES = [
    ['CSV', '/devices/export.csv', 'devices.csv'],
    ['CycloneDX', '/devices/export.cdx.json', 'devices.cdx.json'],
    ['RADIUS', '/devices/export.radius', 'authorize'],
] as const;
const DEFAULTS = { q: '', role: '', zone: '', criticality: '', admission: '', sort: 'title', cursor: '' };
const VIEW = { view: '' };
const idOf = (device: Device) => device.id;

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
            {(device.admission === 'waiting' || device.admission === 'refused') && <span className="tag">{admissionWord(device.admission)}</span>}
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

/** Drawn anew only when its rows are others: the page around it hears of counts and zones meanwhile. */
const Table = memo(function Table({ rows, sort, setSort, total, gone }: { rows: Device[]; sort: string; setSort: (s: string) => void; total: number; gone: (d: Device) => boolean }) {
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
});

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
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), idOf);
    const setQ = useCallback((q: string) => change({ q, cursor: '' }, true), [change]);
    const setSort = useCallback((sort: string) => change({ sort, cursor: '' }), [change]);
    const filtered = filter.q !== '' || filter.role !== '' || filter.zone !== '' || filter.criticality !== '' || filter.admission !== '';
    const zones = useZones().data ?? [];
    const imports = useMay('device.import');
    const admits = useMay('device.admit');
    const away = useLostAt() !== null;
    const [take, asking] = useTakeOut();
    const line = !counts
        ? t`What is on your network`
        : plural(counts.devices, { one: '# device seen', other: '# devices seen' }) +
          (counts.devices_unknown > 0 ? `; ${plural(counts.devices_unknown, { one: 'for # we do not know what it is.', other: 'for # we do not know what they are.' })}` : '.');
    return (
        <>
            <Head name={t`Devices`} line={line} note={<SensorLine />}>
                {admits && (counts?.devices_waiting ?? 0) > 0 && (
                    <Link href="/devices/vouch" asChild>
                        <Button component="a" variant="default">
                            <Trans>Vouch for many</Trans>
                        </Button>
                    </Link>
                )}
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
                    label={t`Admission`}
                    className="half"
                    value={filter.admission}
                    onChange={(e) => change({ admission: e.currentTarget.value, cursor: '' })}
                    data={[
                        { value: '', label: t`Any` },
                        { value: 'waiting', label: t`Waiting for somebody to vouch` },
                        { value: 'not-vouched', label: t`Not vouched for` },
                        { value: 'vouched', label: t`Vouched for` },
                        { value: 'refused', label: t`Refused` },
                    ]}
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
                    {FILES.map(([word, path, name]) => (
                        <button key={path} type="button" className="link-button target" disabled={away} onClick={() => take({ path, name, what: t`the inventory (${word})` })}>
                            {word}
                        </button>
                    ))}
                    {imports && (
                        <Link href="/devices/import" className="target">
                            <Trans>Import a list…</Trans>
                        </Link>
                    )}
                </p>
            </Panel>
            {asking}
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
