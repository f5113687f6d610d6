// Two messages field by field. Lines are paired by what they are about: results by their test, others by their name and how often it came before.

import type { ShownBody } from './types';

export interface FieldPair {
    /** "OBX-5", "V" */
    label: string;
    left: string | null;
    right: string | null;
    /** One of them is withheld: a password. */
    withheld: boolean;
    differs: boolean;
}

export interface LinePair {
    key: string;
    name: string;
    fields: FieldPair[];
    differs: boolean;
}

interface Cell {
    label: string;
    text: string | null;
}
interface Row {
    name: string;
    cells: Map<string, Cell>;
}

/** The field that says what a line is about, where it is not the only one of its name. */
const ABOUT: Record<string, number> = { OBX: 3, OBR: 4, R: 3, O: 5, NTE: 1 };

function rows(body: ShownBody): Map<string, Row> {
    const found = new Map<string, Row>();
    const before = new Map<string, number>();
    for (const line of body.lines) {
        const about = line.fields.find((f) => f.number === ABOUT[line.name])?.text ?? '';
        const stem = `${line.depth} ${line.name} ${about}`;
        const nth = (before.get(stem) ?? 0) + 1;
        before.set(stem, nth);
        const cells = new Map<string, Cell>();
        for (const field of line.fields) {
            const label = field.name ?? (line.name === '' ? String(field.number) : `${line.name}-${field.number}`);
            cells.set(`${field.number} ${field.name ?? ''}`, { label, text: field.text });
        }
        found.set(`${stem} ${nth}`, { name: line.name, cells });
    }
    return found;
}

function pairOf(left: Cell | undefined, right: Cell | undefined): FieldPair {
    const withheld = left?.text === null || right?.text === null;
    return {
        label: (right ?? left)?.label ?? '',
        left: left?.text ?? null,
        right: right?.text ?? null,
        withheld,
        differs: !withheld && left?.text !== right?.text,
    };
}

const fieldNumber = (key: string) => parseInt(key, 10);

function linePair(key: string, left: Row | undefined, right: Row | undefined): LinePair {
    const names = [...new Set([...(left?.cells.keys() ?? []), ...(right?.cells.keys() ?? [])])].sort((a, b) => fieldNumber(a) - fieldNumber(b));
    const fields = names.map((name) => pairOf(left?.cells.get(name), right?.cells.get(name)));
    return { key, name: (right ?? left)?.name ?? '', fields, differs: fields.some((f) => f.differs) };
}

/** In the order of the second message; what only the first one has stands where it stood there. */
export function differ(first: ShownBody, second: ShownBody): LinePair[] {
    const left = rows(first);
    const right = rows(second);
    const order = [...right.keys()];
    let at = 0;
    for (const key of left.keys()) {
        const place = order.indexOf(key);
        if (place >= 0) {
            at = place + 1;
        } else {
            order.splice(at, 0, key);
            at += 1;
        }
    }
    return order.map((key) => linePair(key, left.get(key), right.get(key)));
}

/** One message alone, in the same form. */
export const alone = (body: ShownBody): LinePair[] => [...rows(body)].map(([key, row]) => linePair(key, undefined, row)).map((l) => ({ ...l, differs: false, fields: l.fields.map((f) => ({ ...f, differs: false })) }));

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** What a sender wrote, with everything visible: control and direction characters as signs, so that they do nothing and hide nothing. */
export const visible = (text: string) =>
    text.replace(CONTROL, (c) => {
        const code = c.charCodeAt(0);
        return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : `\u27e8${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
    });
