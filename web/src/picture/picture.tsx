// Who talks to whom? Loaded only when it is asked for. Marks are HTML (they take Tab, words, zoom and print); the links between them are one SVG.

import { Button, NativeSelect } from '@mantine/core';
import { useElementSize, useMediaQuery } from '@mantine/hooks';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { IconMinus, IconPlus, IconX } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { useNetwork } from '../api/queries';
import type { Network, NetworkEdge, NetworkEnd, NetworkNode, NetworkOdd } from './types';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer } from '../parts/list';
import { Mark as Word, Shape, type State } from '../parts/mark';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { count, near, size } from '../time';
import { layOut, type Heading, type Line, type Mark } from './layout';
import { belowOf, edgeWords, encryptedWord, laneWord, manyWord, oddWords, overWord, titleOf } from './words';

const DEFAULTS = { zone: '', since: '', open: '', at: '', show: '' };
const OPEN_MOST = 7;
const ROWS = 40;

const stateOf = (node: NetworkNode): State | null => {
    if (node.severity !== null) {
        return node.severity;
    }
    if (node.odd === 'outside' || node.odd === 'peer' || node.odd === 'searching') {
        return node.kind === 'device' ? 'medium' : null;
    }
    return node.role === 'unknown' ? 'unknown' : null;
};

// ── the picture itself ──

function look(edge: NetworkEdge): string {
    return `link ${edge.encrypted} ${edge.odd !== null && edge.odd !== 'new-link' ? 'odd' : edge.lab ? 'lab' : 'plain'}`;
}

function Links({ lines, width, height, picked }: { lines: Line[]; width: number; height: number; picked: string | null }) {
    const touches = (l: Line) => picked === null || l.edge.a === picked || l.edge.b === picked;
    const order = [...lines].sort((p, q) => Number(touches(p)) - Number(touches(q)) || Number(p.edge.lab) - Number(q.edge.lab));
    return (
        <svg className="links" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
            {order.map((l) => (
                <g key={`${l.edge.a} ${l.edge.b}`} className={`${look(l.edge)}${touches(l) ? '' : ' faint'}`}>
                    <path d={l.path} />
                    {l.edge.encrypted === 'yes' && <path d={l.path} className="inner" />}
                    {l.edge.odd !== null && l.edge.odd !== 'new-link' && touches(l) && (
                        <path className="sign" d="M0-7 7 0 0 7-7 0z" transform={`translate(${l.middle.x} ${l.middle.y})`} />
                    )}
                </g>
            ))}
        </svg>
    );
}

function Place({ heading, close }: { heading: Heading; close: (group: string) => void }) {
    const { kind, lane, node, count: devices, x, y, w, h } = heading;
    const style = { left: x, top: y, width: w, height: h };
    if (kind === 'lane') {
        return (
            <h3 className="lane" style={style}>
                {laneWord(lane)} <span className="muted">{count(devices)}</span>
            </h3>
        );
    }
    if (kind === 'zone') {
        return (
            <p className="zone" style={style} title={node?.zone ?? ''}>
                <span>{node?.zone}</span>
            </p>
        );
    }
    const group = node?.group ?? '';
    return (
        <button type="button" className="unfold" style={style} aria-expanded="true" onClick={() => close(group)}>
            <IconMinus size={16} aria-hidden />
            {manyWord(node?.role ?? '')}
        </button>
    );
}

function Device({ mark, picked, near: close, pick, open }: { mark: Mark; picked: boolean; near: boolean; pick: (id: string | null) => void; open: (group: string) => void }) {
    const { node, x, y, w, h } = mark;
    const style = { left: x, top: y, width: w, height: h };
    const state = stateOf(node);
    const group = node.kind === 'group';
    return (
        <button
            type="button"
            className={`device ${node.kind}${picked ? ' picked' : ''}${close ? '' : ' faint'}`}
            style={style}
            title={titleOf(node)}
            aria-pressed={group ? undefined : picked}
            aria-expanded={group ? false : undefined}
            onClick={() => (group && node.group !== null ? open(node.group) : pick(picked ? null : node.id))}
        >
            <span className="names">
                <b>{titleOf(node)}</b>
                <span>{belowOf(node)}</span>
            </span>
            {node.new && <span className="tag">{t`new`}</span>}
            {state !== null && <Shape state={state} size={18} />}
            <span className="unseen">
                {node.findings > 0 ? (
                    <Plural value={node.findings} one="# open finding" other="# open findings" />
                ) : state === 'medium' ? (
                    t`unusual`
                ) : null}
            </span>
            {group && <IconPlus size={16} aria-hidden />}
        </button>
    );
}

function Legend() {
    const item = (words: string, look_: string, path: string, inner = false): ReactNode => (
        <li key={words}>
            <svg width="40" height="14" viewBox="0 0 40 14" className="links" aria-hidden="true" focusable="false">
                <g className={`link ${look_}`}>
                    <path d={path} />
                    {inner && <path d={path} className="inner" />}
                    {look_.includes('odd') && <path className="sign" d="M0-6 6 0 0 6-6 0z" transform="translate(20 7)" />}
                </g>
            </svg>
            {words}
        </li>
    );
    return (
        <ul className="legend" aria-label={t`What the lines mean`}>
            {item(t`encrypted`, 'yes lab', 'M0 7H40', true)}
            {item(t`in clear text`, 'no lab', 'M0 7H40')}
            {item(t`not known`, 'unknown lab', 'M0 7H40')}
            {item(t`no lab messages`, 'no plain', 'M0 7H40')}
            {item(t`new`, 'yes-not lab', 'M0 7q3.3-8 6.7 0t6.7 0 6.7 0 6.7 0 6.7 0 6.7 0')}
            {item(t`unusual`, 'no odd', 'M0 7H40')}
        </ul>
    );
}

/** What is known of the mark in hand: its links, in words. */
function InHand({ node, network, pick }: { node: NetworkNode; network: Network; pick: (id: string | null) => void }) {
    const byId = new Map(network.nodes.map((n) => [n.id, n]));
    const its = network.edges.filter((e) => e.a === node.id || e.b === node.id);
    const shown = its.slice(0, 8);
    return (
        <section className="in-hand" aria-label={titleOf(node)}>
            <header>
                <h3>
                    {stateOf(node) !== null && <Shape state={stateOf(node) as State} size={18} />} {titleOf(node)} <span className="muted">{belowOf(node)}</span>
                </h3>
                <span className="acts">
                    {node.kind === 'device' && (
                        <Link href={`/devices/${node.id}`} asChild>
                            <Button component="a" variant="default">
                                <Trans>Open the device</Trans>
                            </Button>
                        </Link>
                    )}
                    <Button variant="default" onClick={() => pick(null)} leftSection={<IconX size={16} aria-hidden />}>
                        <Trans>Close</Trans>
                    </Button>
                </span>
            </header>
            {its.length === 0 ? (
                <p className="muted">
                    <Trans>No conversation seen.</Trans>
                </p>
            ) : (
                <ul>
                    {shown.map((e) => {
                        const other = byId.get(e.a === node.id ? e.b : e.a);
                        return (
                            <li key={`${e.a}${e.b}`}>
                                <b>{other ? titleOf(other) : ''}</b>: {edgeWords(e)}
                            </li>
                        );
                    })}
                    {its.length > shown.length && (
                        <li className="muted">
                            <Plural value={its.length - shown.length} one="# more in the list below" other="# more in the list below" />
                        </li>
                    )}
                </ul>
            )}
        </section>
    );
}

function Canvas({ shown, picked, pick, open, close }: { shown: Network; picked: string | null; pick: (id: string | null) => void; open: (group: string) => void; close: (group: string) => void }) {
    const { ref, width } = useElementSize<HTMLDivElement>();
    const layout = useMemo(() => (width === 0 ? null : layOut(shown.nodes, shown.edges, Math.floor(width))), [shown, width]);
    const beside = useMemo(() => {
        const ids = new Set<string>();
        for (const e of shown.edges) {
            if (picked !== null && (e.a === picked || e.b === picked)) {
                ids.add(e.a).add(e.b);
            }
        }
        return ids;
    }, [shown, picked]);
    const node = picked === null ? undefined : shown.nodes.find((n) => n.id === picked);
    return (
        <>
            <Legend />
            <div className="inside">
                <div className={layout?.narrow ? 'picture narrow' : 'picture'} ref={ref} style={{ height: layout?.height ?? 480 }} role="group" aria-label={t`Who talks to whom`}>
                    {layout && (
                        <>
                            <Links lines={layout.lines} width={layout.width} height={layout.height} picked={picked} />
                            {layout.headings.map((h) => (
                                <Place key={`${h.kind} ${h.lane} ${h.y}`} heading={h} close={close} />
                            ))}
                            {layout.marks.map((m) => (
                                <Device
                                    key={m.node.id}
                                    mark={m}
                                    picked={picked === m.node.id}
                                    near={picked === null || picked === m.node.id || beside.has(m.node.id)}
                                    pick={pick}
                                    open={open}
                                />
                            ))}
                        </>
                    )}
                </div>
            </div>
            {node && <InHand node={node} network={shown} pick={pick} />}
        </>
    );
}

// ── in words ──

function End({ end }: { end: NetworkEnd }) {
    return end.kind === 'device' ? (
        <Link href={`/devices/${end.id}`} className="target">
            {end.title}
        </Link>
    ) : (
        <b className="mono">{end.title}</b>
    );
}

function OddOne({ odd }: { odd: NetworkOdd }) {
    const words = oddWords(odd);
    const state: State = odd.kind === 'new-device' || odd.kind === 'new-link' ? 'low' : 'medium';
    return (
        <li>
            <Shape state={state} />
            <span>
                <End end={odd.a} />
                {words.between}
                {odd.b && <End end={odd.b} />}
                {words.after}
                {odd.kind !== 'new-device' && odd.kind !== 'new-link' && odd.last_seen !== null && (
                    <>
                        {' '}
                        <span className="muted">
                            <Trans>Last {near(odd.last_seen)}.</Trans>
                        </span>
                    </>
                )}
            </span>
        </li>
    );
}

function Odd({ network }: { network: Network }) {
    const more = network.counts.odd - network.odd.length;
    const [all, setAll] = useState(false);
    const shown = all ? network.odd : network.odd.slice(0, 8);
    return (
        <>
            {network.odd.length === 0 ? (
                <Empty title={t`No odd one seen.`}>
                    <Trans>Devices that handle results talk to their usual peers only.</Trans>
                </Empty>
            ) : (
                <ul className="odd-ones">
                    {shown.map((o, i) => (
                        <OddOne key={`${o.kind} ${o.a.id} ${o.b?.id ?? ''} ${i}`} odd={o} />
                    ))}
                </ul>
            )}
            {!all && network.odd.length > shown.length && (
                <div className="pager">
                    <Button variant="default" onClick={() => setAll(true)}>
                        <Trans>Show all {count(network.odd.length)}</Trans>
                    </Button>
                </div>
            )}
            {all && more > 0 && (
                <div className="pager">
                    <Plural value={more} one="# more is not listed: choose a zone." other="# more are not listed: choose a zone." />
                </div>
            )}
            <p className="panel-foot muted">
                {network.judged && network.since !== null ? (
                    <Trans>New means first seen since {near(network.since)}.</Trans>
                ) : (
                    <Trans>What is new cannot be told yet: there was too little time before to compare with.</Trans>
                )}
            </p>
        </>
    );
}

function Rows({ network }: { network: Network }) {
    const [most, setMost] = useState(ROWS);
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    const byId = new Map(network.nodes.map((n) => [n.id, n]));
    const worth = (e: NetworkEdge) => (e.odd !== null && e.odd !== 'new-link' ? 4 : 0) + (e.lab ? 2 : 0) + (e.new ? 1 : 0);
    const edges = [...network.edges].sort((p, q) => worth(q) - worth(p) || q.bytes - p.bytes);
    const name = (id: string) => {
        const node = byId.get(id);
        if (node === undefined) {
            return '';
        }
        return node.kind === 'device' ? (
            <Link href={`/devices/${node.id}`} className="row-link">
                {node.title}
            </Link>
        ) : (
            <>
                {titleOf(node)} {node.kind === 'group' && <span className="muted">{belowOf(node)}</span>}
            </>
        );
    };
    const marks = (e: NetworkEdge) => (
        <>
            {e.odd !== null && e.odd !== 'new-link' && <Word state="medium">{t`unusual`}</Word>} {e.new && <span className="tag">{t`new`}</span>}
        </>
    );
    if (edges.length === 0) {
        return <Empty title={t`No conversation seen.`} />;
    }
    return (
        <>
            {phone ? (
                <ul className="cards">
                    {edges.slice(0, most).map((e) => (
                        <li key={`${e.a}${e.b}`} className="card">
                            <strong>
                                {name(e.a)} – {name(e.b)}
                            </strong>
                            <span className="line">
                                <span>{edgeWords(e)}</span>
                                <Age at={e.last_seen} short />
                            </span>
                        </li>
                    ))}
                </ul>
            ) : (
                <div className="scroll">
                    <table aria-rowcount={edges.length + 1}>
                        <caption className="unseen">
                            <Trans>All links in the picture</Trans>
                        </caption>
                        <thead>
                            <tr>
                                <th scope="col">
                                    <Trans>Device</Trans>
                                </th>
                                <th scope="col">
                                    <Trans>With</Trans>
                                </th>
                                <th scope="col">
                                    <Trans>By</Trans>
                                </th>
                                <th scope="col">
                                    <Trans>Encrypted</Trans>
                                </th>
                                <th scope="col" className="number wide">
                                    <Trans>Lab messages</Trans>
                                </th>
                                <th scope="col" className="number wide">
                                    <Trans>Bytes</Trans>
                                </th>
                                <th scope="col" className="middle">
                                    <Trans>First seen</Trans>
                                </th>
                                <th scope="col">
                                    <Trans>Last</Trans>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {edges.slice(0, most).map((e, i) => (
                                <tr key={`${e.a}${e.b}`} aria-rowindex={i + 2}>
                                    <th scope="row">
                                        {name(e.a)} {marks(e)}
                                    </th>
                                    <td>{name(e.b)}</td>
                                    <td>{overWord(e.apps)}</td>
                                    <td>{encryptedWord(e.encrypted)}</td>
                                    <td className="number wide">{e.messages > 0 ? count(e.messages) : '–'}</td>
                                    <td className="number nowrap wide">{size(e.bytes)}</td>
                                    <td className="middle nowrap">{e.first_seen === null ? '–' : near(e.first_seen)}</td>
                                    <td>
                                        <Age at={e.last_seen} short />
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            <div className="pager">
                <span>
                    <Trans>
                        {count(Math.min(most, edges.length))} of {count(edges.length)} shown
                    </Trans>
                    {network.cut && (
                        <>
                            {' '}
                            <Trans>The least telling links were left out: choose a zone.</Trans>
                        </>
                    )}
                </span>
                {most < edges.length && (
                    <Button variant="default" onClick={() => setMost(most + 200)}>
                        <Trans>Show more</Trans>
                    </Button>
                )}
            </div>
        </>
    );
}

// ── the view ──

function sentence(network: Network): string {
    const { devices, links, odd } = network.counts;
    if (devices === 0) {
        return t`No device seen yet.`;
    }
    const first = `${plural(devices, { one: '# device', other: `${count(devices)} devices` })}, ${plural(links, { one: '# link', other: `${count(links)} links` })}`;
    const flagged = network.nodes.filter((n) => n.severity === 'critical' || n.severity === 'high').length;
    const wrong = flagged > 0 ? ` ${plural(flagged, { one: '# mark has a finding to look at.', other: '# marks have findings to look at.' })}` : '';
    return odd > 0 ? `${first}; ${plural(odd, { one: '# odd one.', other: `${count(odd)} odd ones.` })}${wrong}` : `${first}; ${t`no odd one.`}${wrong}`;
}

function clear(network: Network): string {
    const { links_lab, links_lab_clear } = network.counts;
    if (links_lab === 0) {
        return t`No lab message seen in what could be read.`;
    }
    return plural(links_lab, { one: '# link carries lab messages', other: '# links carry lab messages' }) + `; ${plural(links_lab_clear, { 0: 'none in clear text.', one: '# in clear text.', other: '# in clear text.' })}`;
}

function only(network: Network, show: string): Network {
    if (show !== 'lab') {
        return network;
    }
    const edges = network.edges.filter((e) => e.lab || (e.odd !== null && e.odd !== 'new-link'));
    const ends = new Set(edges.flatMap((e) => [e.a, e.b]));
    return { ...network, edges, nodes: network.nodes.filter((n) => ends.has(n.id) || n.lane !== 'other') };
}

export default function PictureView({ views }: { views: ReactNode }) {
    const [filter, change] = useParams(DEFAULTS);
    const { zone, since, open: opened, at, show } = filter;
    const query = useNetwork({ zone, since, open: opened, at });
    const [picked, pick] = useState<string | null>(at === '' ? null : at);
    const scope = JSON.stringify([zone, since, opened, at, show]);
    const fresh = useMemo(() => (query.data && !query.isPlaceholderData ? only(query.data, show) : undefined), [query.data, query.isPlaceholderData, show]);
    const held = useHeld(fresh?.nodes, scope, (n) => n.id);
    const groups = opened === '' ? [] : opened.split(',');
    const open = (group: string) => change({ open: [...groups.filter((g) => g !== group), group].slice(-OPEN_MOST).join(',') }, true);
    const close = (group: string) => change({ open: groups.filter((g) => g !== group).join(',') }, true);
    const network = query.data;
    const shown = useMemo(() => (fresh ? { ...fresh, nodes: held.rows } : network ? only(network, show) : undefined), [fresh, held.rows, network, show]);
    return (
        <>
            <Head name={t`Devices`} line={network ? sentence(network) : <Trans>Who talks to whom</Trans>} note={network && clear(network)}>
                {views}
            </Head>
            <div className="tools">
                <NativeSelect
                    label={t`Zone`}
                    className="half"
                    value={zone}
                    onChange={(e) => change({ zone: e.currentTarget.value, open: '' })}
                    data={[
                        { value: '', label: t`All zones` },
                        ...(network?.zones ?? []).map((z) => ({ value: z.name, label: `${z.name} (${count(z.devices)})` })),
                        ...(zone !== '' && !network?.zones.some((z) => z.name === zone) ? [{ value: zone, label: zone }] : []),
                    ]}
                />
                <NativeSelect
                    label={t`New means`}
                    className="half"
                    value={since}
                    onChange={(e) => change({ since: e.currentTarget.value })}
                    data={[
                        { value: '', label: t`in the last week` },
                        { value: '1h', label: t`in the last hour` },
                        { value: '24h', label: t`in the last day` },
                        { value: '30d', label: t`in the last 30 days` },
                    ]}
                />
                <NativeSelect
                    label={t`Show`}
                    className="half"
                    value={show}
                    onChange={(e) => change({ show: e.currentTarget.value })}
                    data={[
                        { value: '', label: t`Every link` },
                        { value: 'lab', label: t`Lab messages and odd ones` },
                    ]}
                />
            </div>
            <Panel title={t`Odd ones`}>
                <Asked what={t`the network`} query={query} rows={3}>
                    {(data) => <Odd network={data} />}
                </Asked>
            </Panel>
            <Panel title={t`Picture`} className="picture-panel" aside={<Newer newer={held.newer} show={held.show} />}>
                <Asked what={t`the network`} query={query} rows={10}>
                    {(data) =>
                        shown === undefined || data.nodes.length === 0 ? (
                            <Empty title={t`Nothing seen: check the mirror port.`}>
                                <Trans>Devices appear here as soon as one of them speaks.</Trans>
                            </Empty>
                        ) : (
                            <Canvas shown={shown} picked={picked} pick={pick} open={open} close={close} />
                        )
                    }
                </Asked>
            </Panel>
            <Panel title={t`All links in the picture`}>
                <Asked what={t`the network`} query={query} rows={6}>
                    {() => (shown ? <Rows network={shown} /> : null)}
                </Asked>
            </Panel>
        </>
    );
}

