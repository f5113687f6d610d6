// Where everything is in the picture. Four lanes in a fixed order, like devices in the same order each time: a device is found where it was
// yesterday. In a narrow window the lanes stand one below the other and the links are arcs beside them.

import type { Lane, NetworkEdge, NetworkNode } from './types';

export const LANES: Lane[] = ['analyzer', 'middleware', 'lis', 'other'];
export const NARROW = 720;
const MARK = 48;
const GAP = 8;
const HEADING = 28;
const LANE_HEAD = 40;

export interface Point {
    x: number;
    y: number;
}
type Curve = [Point, Point, Point, Point];

export interface Box {
    x: number;
    y: number;
    w: number;
    h: number;
}
export interface Mark extends Box {
    node: NetworkNode;
}
export interface Heading extends Box {
    lane: Lane;
    /** The lane's own heading, the zone that begins here, or the open group whose members follow. */
    kind: 'lane' | 'zone' | 'open';
    node: NetworkNode | null;
    count: number;
}
export interface Line {
    edge: NetworkEdge;
    path: string;
    middle: Point;
}
export interface Layout {
    narrow: boolean;
    width: number;
    height: number;
    marks: Mark[];
    headings: Heading[];
    lines: Line[];
}

const devices = (nodes: NetworkNode[]) => nodes.reduce((sum, n) => sum + (n.kind === 'device' || (n.kind === 'group' && !AWAY.has(n.role)) ? n.members : 0), 0);
const AWAY = new Set(['outside', 'silent']);

interface Column {
    x: number;
    w: number;
    top: number;
}

/** One lane from the top down; gives the y below it. */
function stack(lane: Lane, nodes: NetworkNode[], { x, w, top }: Column, into: Layout): number {
    let y = top;
    into.headings.push({ lane, kind: 'lane', node: null, count: devices(nodes), x, y, w, h: LANE_HEAD });
    y += LANE_HEAD;
    let last: NetworkNode | null = null;
    for (const node of nodes) {
        if (node.zone !== null && (last === null || last.zone !== node.zone)) {
            into.headings.push({ lane, kind: 'zone', node, count: 0, x, y, w, h: HEADING });
            y += HEADING;
        }
        if (node.kind !== 'group' && node.group !== null && last?.group !== node.group) {
            into.headings.push({ lane, kind: 'open', node, count: 0, x, y, w, h: MARK });
            y += MARK + GAP;
        }
        into.marks.push({ node, x, y, w, h: MARK });
        y += MARK + GAP;
        last = node;
    }
    return y;
}

// ── curves ──

const at = ([p, q, r, s]: Curve, t: number): Point => {
    const u = 1 - t;
    const [a, b, c, d] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
    return { x: a * p.x + b * q.x + c * r.x + d * s.x, y: a * p.y + b * q.y + c * r.y + d * s.y };
};
const n1 = (v: number) => Math.round(v * 10) / 10;
const flow = (from: Point, to: Point): Curve => {
    const pull = Math.max(24, Math.abs(to.x - from.x) / 2);
    return [from, { x: from.x + pull, y: from.y }, { x: to.x - pull, y: to.y }, to];
};
const arc = (from: Point, to: Point, reach: number): Curve => [from, { x: from.x + reach, y: from.y }, { x: to.x + reach, y: to.y }, to];

const smooth = (curves: Curve[]) =>
    curves.map(([p, q, r, s], i) => `${i === 0 ? `M${n1(p.x)} ${n1(p.y)}` : ''}C${n1(q.x)} ${n1(q.y)} ${n1(r.x)} ${n1(r.y)} ${n1(s.x)} ${n1(s.y)}`).join('');

/** The same way as a wave: what is new is seen as such without colour. */
function wave(curves: Curve[]): string {
    const points: Point[] = curves.flatMap((c, i) => Array.from({ length: 65 }, (_, k) => at(c, k / 64)).slice(i === 0 ? 0 : 1));
    let way = 0;
    const out: string[] = [];
    points.forEach((p, i) => {
        const before = points[Math.max(0, i - 1)] ?? p;
        const after = points[Math.min(points.length - 1, i + 1)] ?? p;
        way += Math.hypot(p.x - before.x, p.y - before.y);
        const length = Math.hypot(after.x - before.x, after.y - before.y) || 1;
        const swing = i === 0 || i === points.length - 1 ? 0 : 3 * Math.sin((way / 14) * 2 * Math.PI);
        out.push(`${i === 0 ? 'M' : 'L'}${n1(p.x - ((after.y - before.y) / length) * swing)} ${n1(p.y + ((after.x - before.x) / length) * swing)}`);
    });
    return out.join('');
}

function line(edge: NetworkEdge, curves: Curve[]): Line {
    const middle = curves[Math.floor(curves.length / 2)] as Curve;
    return { edge, path: edge.new ? wave(curves) : smooth(curves), middle: at(middle, curves.length % 2 === 0 ? 0 : 0.5) };
}

/** In a lane that is only passed: the free row nearest to the straight way. */
function pass(marks: Mark[], y: number): number {
    let best = y;
    let least = Infinity;
    const try_ = (candidate: number) => {
        if (Math.abs(candidate - y) < least) {
            least = Math.abs(candidate - y);
            best = candidate;
        }
    };
    marks.forEach((m, i) => {
        const below = marks[i + 1];
        try_(m.y - GAP / 2);
        try_(below === undefined ? m.y + m.h + GAP : m.y + m.h + GAP / 2);
    });
    const inside = marks.some((m) => y > m.y - 3 && y < m.y + m.h + 3);
    return inside ? best : y;
}

/** Spreads the ends of links over the side of a mark, in the order of what is at their other end. */
class Ports {
    private readonly wanted = new Map<string, { edge: NetworkEdge; y: number }[]>();
    add(side: string, edge: NetworkEdge, y: number) {
        const list = this.wanted.get(side) ?? [];
        list.push({ edge, y });
        this.wanted.set(side, list);
    }
    settle() {
        this.wanted.forEach((list) => list.sort((p, q) => p.y - q.y));
    }
    y(side: string, edge: NetworkEdge, box: Box): number {
        const list = this.wanted.get(side) ?? [];
        const place = list.findIndex((p) => p.edge === edge);
        return box.y + box.h / 2 + (list.length < 2 ? 0 : (place / (list.length - 1) - 0.5) * Math.min(box.h - 14, list.length * 6));
    }
}

function wideLines(edges: NetworkEdge[], places: Map<string, Mark>, byLane: Mark[][]): Line[] {
    const lane = (m: Mark) => LANES.indexOf(m.node.lane);
    const ordered = edges.flatMap((edge) => {
        const [p, q] = [places.get(edge.a), places.get(edge.b)];
        return p === undefined || q === undefined ? [] : [{ edge, from: lane(p) <= lane(q) ? p : q, to: lane(p) <= lane(q) ? q : p }];
    });
    const ports = new Ports();
    for (const { edge, from, to } of ordered) {
        const same = lane(from) === lane(to);
        ports.add(`${from.node.id}>`, edge, to.y);
        ports.add(`${to.node.id}${same ? '>' : '<'}`, edge, from.y);
    }
    ports.settle();
    return ordered.map(({ edge, from, to }) => {
        const same = lane(from) === lane(to);
        const start = { x: from.x + from.w, y: ports.y(`${from.node.id}>`, edge, from) };
        const end = { x: same ? to.x + to.w : to.x, y: ports.y(`${to.node.id}${same ? '>' : '<'}`, edge, to) };
        if (same) {
            return line(edge, [arc(start, end, 26 + Math.min(22, Math.abs(end.y - start.y) / 12))]);
        }
        const curves: Curve[] = [];
        let here = start;
        for (let l = lane(from) + 1; l < lane(to); l++) {
            const passed = byLane[l] as Mark[];
            const box = passed[0];
            if (box === undefined) {
                continue;
            }
            const straight = here.y + ((end.y - here.y) * (box.x + box.w / 2 - here.x)) / (end.x - here.x);
            const y = pass(passed, straight);
            curves.push(flow(here, { x: box.x - 8, y }), flow({ x: box.x - 8, y }, { x: box.x + box.w + 8, y }));
            here = { x: box.x + box.w + 8, y };
        }
        curves.push(flow(here, end));
        return line(edge, curves);
    });
}

function narrowLines(edges: NetworkEdge[], places: Map<string, Mark>, room: number, height: number): Line[] {
    return edges.flatMap((edge) => {
        const [p, q] = [places.get(edge.a), places.get(edge.b)];
        if (p === undefined || q === undefined) {
            return [];
        }
        const [from, to] = p.y <= q.y ? [p, q] : [q, p];
        const far = Math.min(1, (to.y - from.y) / Math.max(1, height));
        const spread = edge.lab ? 4 : -4;
        return [
            line(edge, [
                arc({ x: from.x + from.w, y: from.y + from.h / 2 + spread }, { x: to.x + to.w, y: to.y + to.h / 2 + spread }, (room - 6) * (0.35 + far) * 0.98),
            ]),
        ];
    });
}

export function layOut(nodes: NetworkNode[], edges: NetworkEdge[], width: number): Layout {
    const narrow = width < NARROW;
    const into: Layout = { narrow, width, height: 0, marks: [], headings: [], lines: [] };
    const lanes = LANES.map((lane) => nodes.filter((n) => n.lane === lane));
    if (narrow) {
        const room = Math.min(96, Math.max(56, width * 0.2));
        let y = 0;
        LANES.forEach((lane, i) => {
            y = stack(lane, lanes[i] ?? [], { x: 0, w: width - room, top: y }, into) + (i < LANES.length - 1 ? 8 : 0);
        });
        into.height = y;
        const places = new Map(into.marks.map((m) => [m.node.id, m]));
        into.lines = narrowLines(edges, places, room, y);
        return into;
    }
    const side = 56;
    const w = Math.max(132, Math.min(208, width * 0.172));
    const between = (width - side - 4 * w) / 3;
    LANES.forEach((lane, i) => {
        const bottom = stack(lane, lanes[i] ?? [], { x: i * (w + between), w, top: 0 }, into);
        into.height = Math.max(into.height, bottom);
    });
    const places = new Map(into.marks.map((m) => [m.node.id, m]));
    into.lines = wideLines(
        edges,
        places,
        LANES.map((lane) => into.marks.filter((m) => m.node.lane === lane)),
    );
    return into;
}
