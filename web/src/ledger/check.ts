// Checks proofs, checkpoints and offers in the browser, with public keys alone (C2SP tlog-proof, signed-note, tlog-checkpoint, tlog-cosignature,
// tlog-witness; RFC 6962): what the program says of itself is not asked.

const MOST = 400_000; // characters of a file that can be one of these
const LINES = 64;

export interface Key {
    line: string;
    name: string;
    id: Uint8Array;
    type: number;
    bytes: Uint8Array<ArrayBuffer>;
}

export interface Head {
    origin: string;
    size: bigint;
    root: Uint8Array;
}

export interface Cosigned {
    name: string;
    /** Seconds since 1970. */
    at: number;
}

export type Kind = 'proof' | 'offer' | 'checkpoint';

export type Why =
    | 'unknown' // none of these files
    | 'malformed'
    | 'key' // the key is none
    | 'foreign' // signed by another key only
    | 'signature' // this key's line does not hold
    | 'origin' // it names another log than its key
    | 'entry' // the proof does not bring the record's entry
    | 'path' // the record is not in the tree that was signed
    | 'cosignature'; // a witness's line does not hold

export type Verdict =
    | { holds: true; kind: Kind; head: Head; note: string; cosigned: Cosigned[]; index?: bigint; recorded?: number; custody?: boolean; old?: bigint }
    | { holds: false; kind: Kind | null; why: Why; name?: string };

/** This browser has no Ed25519. */
export class Unable extends Error {}

class Bad extends Error {
    why: Why;
    who: string | undefined;
    constructor(why: Why, who?: string) {
        super(why);
        this.why = why;
        this.who = who;
    }
}

// ── bytes ──

const utf8 = new TextEncoder();

const join = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => {
    const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of parts) {
        all.set(part, at);
        at += part.length;
    }
    return all;
};

const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Strict base64: padded, no spaces, spare bits zero. */
function unbase64(text: string): Uint8Array<ArrayBuffer> | null {
    try {
        const raw = atob(text);
        return btoa(raw) === text ? Uint8Array.from(raw, (c) => c.charCodeAt(0)) : null;
    } catch {
        return null;
    }
}

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

function decimal(text: string | undefined): bigint | null {
    return text !== undefined && /^(0|[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : null;
}

// ── keys and notes ──

export async function parseKey(text: string): Promise<Key> {
    const line = text.trim();
    const [, name, hex, base64] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    const typed = base64 === undefined ? null : unbase64(base64);
    if (name === undefined || hex === undefined || typed === null || typed.length !== 33) {
        throw new Bad('key');
    }
    const id = (await sha256(join(utf8.encode(`${name}\n`), typed))).slice(0, 4);
    if ([...id].map((b) => b.toString(16).padStart(2, '0')).join('') !== hex) {
        throw new Bad('key');
    }
    return { line, name, id, type: typed[0] ?? 0, bytes: typed.slice(1) };
}

async function verify(key: Key, message: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean> {
    try {
        const imported = await crypto.subtle.importKey('raw', key.bytes, { name: 'Ed25519' }, false, ['verify']);
        return await crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, message);
    } catch (error) {
        if (error instanceof DOMException && error.name === 'NotSupportedError') {
            throw new Unable();
        }
        return false;
    }
}

interface Line {
    name: string;
    id: Uint8Array;
    signature: Uint8Array<ArrayBuffer>;
}

function splitNote(note: string): { text: string; lines: Line[] } {
    const at = note.lastIndexOf('\n\n');
    if (at < 0 || !note.endsWith('\n') || /[\u0000-\u0009\u000b-\u001f]/.test(note)) {
        throw new Bad('malformed');
    }
    const rows = note.slice(at + 2, -1).split('\n');
    if (rows.length > LINES || rows[0] === '') {
        throw new Bad('malformed');
    }
    const lines = rows.map((row) => {
        const [, name, base64] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(row) ?? [];
        const bytes = base64 === undefined ? null : unbase64(base64);
        if (name === undefined || bytes === null || bytes.length < 5) {
            throw new Bad('malformed');
        }
        return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
    });
    return { text: note.slice(0, at + 1), lines };
}

const linesOf = (lines: Line[], key: Key) => lines.filter((l) => l.name === key.name && same(l.id, key.id));

function parseHead(text: string): Head {
    const [origin, size, root] = text.split('\n');
    const bytes = root === undefined ? null : unbase64(root);
    const records = decimal(size);
    if (!origin || records === null || bytes === null || bytes.length !== 32) {
        throw new Bad('malformed');
    }
    return { origin, size: records, root: bytes };
}

/** The head in a note that the log signed. */
export async function openHead(note: string, log: Key): Promise<Head> {
    const { text, lines } = splitNote(note);
    const own = linesOf(lines, log);
    if (own.length === 0) {
        throw new Bad('foreign', lines[0]?.name);
    }
    for (const line of own) {
        if (!(await verify(log, utf8.encode(text), line.signature))) {
            throw new Bad('signature');
        }
    }
    const head = parseHead(text);
    if (head.origin !== log.name) {
        throw new Bad('origin', head.origin);
    }
    return head;
}

/** Which of these witnesses cosigned it, and when. A known witness's line that does not hold spoils the note. */
async function openCosigned(note: string, witnesses: Key[]): Promise<Cosigned[]> {
    const { text, lines } = splitNote(note);
    const found: Cosigned[] = [];
    for (const key of witnesses) {
        for (const line of linesOf(lines, key)) {
            const seconds = line.signature.length === 72 ? new DataView(line.signature.buffer, line.signature.byteOffset).getBigUint64(0) : 0n;
            const message = utf8.encode(`cosignature/v1\ntime ${seconds}\n${text}`);
            if (seconds === 0n || !(await verify(key, message, line.signature.slice(8)))) {
                throw new Bad('cosignature', key.name);
            }
            found.push({ name: key.name, at: Number(seconds) });
        }
    }
    return found;
}

// ── the tree (RFC 9162, 2.1.3 and 2.1.4) ──

const node = (left: Uint8Array, right: Uint8Array) => sha256(join(Uint8Array.of(1), left, right));

async function includes(index: bigint, head: Head, entry: Uint8Array, path: Uint8Array[]): Promise<boolean> {
    if (index >= head.size) {
        return false;
    }
    let [fn, sn] = [index, head.size - 1n];
    let hash: Uint8Array = await sha256(join(Uint8Array.of(0), entry));
    for (const p of path) {
        if (sn === 0n) {
            return false;
        }
        if ((fn & 1n) === 1n || fn === sn) {
            hash = await node(p, hash);
            while ((fn & 1n) === 0n && fn !== 0n) {
                fn >>= 1n;
                sn >>= 1n;
            }
        } else {
            hash = await node(hash, p);
        }
        fn >>= 1n;
        sn >>= 1n;
    }
    return sn === 0n && same(hash, head.root);
}

export async function goesOn(from: Head, to: Head, path: Uint8Array[]): Promise<boolean> {
    if (from.size > to.size) {
        return false;
    }
    if (from.size === to.size) {
        return path.length === 0 && same(from.root, to.root);
    }
    if (from.size === 0n) {
        return path.length === 0;
    }
    const whole = (from.size & (from.size - 1n)) === 0n;
    const [first, ...rest] = whole ? [from.root, ...path] : path;
    if (first === undefined || path.length === 0) {
        return false;
    }
    let [fn, sn] = [from.size - 1n, to.size - 1n];
    while ((fn & 1n) === 1n) {
        fn >>= 1n;
        sn >>= 1n;
    }
    let [was, now] = [first, first];
    for (const c of rest) {
        if (sn === 0n) {
            return false;
        }
        if ((fn & 1n) === 1n || fn === sn) {
            was = await node(c, was);
            now = await node(c, now);
            while ((fn & 1n) === 0n && fn !== 0n) {
                fn >>= 1n;
                sn >>= 1n;
            }
        } else {
            now = await node(now, c);
        }
        fn >>= 1n;
        sn >>= 1n;
    }
    return sn === 0n && same(was, from.root) && same(now, to.root);
}

// ── files ──

function hashes(rows: string[]): Uint8Array[] {
    return rows.map((row) => {
        const bytes = unbase64(row);
        if (bytes === null || bytes.length !== 32) {
            throw new Bad('malformed');
        }
        return bytes;
    });
}

function parts(text: string): { head: string[]; note: string } {
    const at = text.indexOf('\n\n');
    if (at < 0) {
        throw new Bad('malformed');
    }
    return { head: text.slice(0, at).split('\n'), note: text.slice(at + 2) };
}

async function checkProof(text: string, log: Key, witnesses: Key[]): Promise<Verdict> {
    const { head: rows, note } = parts(text);
    const extra = rows[1]?.startsWith('extra ') ? unbase64(rows[1].slice(6)) : null;
    const rest = rows.slice(extra === null ? 1 : 2);
    const index = rest[0]?.startsWith('index ') ? decimal(rest[0].slice(6)) : null;
    if (index === null || rest.length > LINES) {
        throw new Bad('malformed');
    }
    const path = hashes(rest.slice(1));
    if (extra === null) {
        throw new Bad('entry');
    }
    const head = await openHead(note, log);
    if (!(await includes(index, head, extra, path))) {
        throw new Bad('path');
    }
    // The entry's own words: docs/formats/ledger.md, Entry.
    const known = extra.length === 116 && new TextDecoder().decode(extra.slice(0, 4)) === 'TQE1';
    const recorded = known ? Number(new DataView(extra.buffer, extra.byteOffset).getBigInt64(8) / 1_000_000n) : undefined;
    return { holds: true, kind: 'proof', head, note, cosigned: await openCosigned(note, witnesses), index, recorded, custody: known ? extra[4] === 1 : undefined };
}

export interface Offer {
    old: bigint;
    path: Uint8Array[];
    note: string;
}

export function parseOffer(text: string): Offer {
    const { head: rows, note } = parts(text);
    const old = rows[0]?.startsWith('old ') ? decimal(rows[0].slice(4)) : null;
    if (old === null || rows.length > LINES) {
        throw new Bad('malformed');
    }
    return { old, path: hashes(rows.slice(1)), note };
}

const kindOf = (text: string): Kind | null =>
    text.startsWith('c2sp.org/tlog-proof@v1\n') ? 'proof' : text.startsWith('old ') ? 'offer' : /\n\n\u2014 /.test(text) ? 'checkpoint' : null;

/** Checks a file's text under the log's key; lines of these witnesses count too. Throws Unable where the browser cannot. */
export async function check(text: string, key: string, witnessKeys: string[]): Promise<Verdict> {
    const kind = text.length > MOST ? null : kindOf(text);
    if (kind === null) {
        return { holds: false, kind, why: 'unknown' };
    }
    try {
        const log = await parseKey(key);
        const witnesses: Key[] = [];
        for (const line of witnessKeys) {
            witnesses.push(await parseKey(line));
        }
        if (kind === 'proof') {
            return await checkProof(text, log, witnesses);
        }
        const offer = kind === 'offer' ? parseOffer(text) : null;
        const note = offer === null ? text : offer.note;
        const head = await openHead(note, log);
        return { holds: true, kind, head, note, cosigned: await openCosigned(note, witnesses), old: offer?.old };
    } catch (error) {
        if (error instanceof Bad) {
            return { holds: false, kind, why: error.why, name: error.who };
        }
        throw error;
    }
}
