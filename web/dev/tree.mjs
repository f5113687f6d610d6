// A made-up ledger that holds: entries, their Merkle tree, signed heads, proofs and offers (C2SP), so that the page has something true to check.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const leaf = (entry) => sha(Buffer.of(0), entry);
const node = (l, r) => sha(Buffer.of(1), l, r);
const split = (n) => 2 ** Math.ceil(Math.log2(n) - 1);
const b64 = (bytes) => Buffer.from(bytes).toString('base64');

/** A key that signs notes: type 1 a log's, type 4 a witness's. */
export function noteKey(name, type) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const typed = Buffer.concat([Buffer.of(type), publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)]);
    const id = sha(Buffer.from(`${name}\n`), typed).subarray(0, 4);
    return { name, id, privateKey, line: `${name}+${id.toString('hex')}+${b64(typed)}` };
}
export const publicOf = (key) => createPublicKey(createPrivateKey(key.privateKey.export({ type: 'pkcs8', format: 'der' })));

export function makeTree(log, since) {
    const entries = [];
    const whole = new Map(); // hashes of full subtrees never change
    const grow = (n) => {
        while (entries.length < n) {
            const i = entries.length;
            const entry = Buffer.alloc(116, i % 251);
            entry.write('TQE1', 0);
            entry.writeUInt16BE((1 << 8) | 1, 4);
            entry.writeUInt16BE(0, 6);
            entry.writeBigInt64BE(BigInt(new Date(since).getTime() + i * 1000) * 1_000_000n, 8);
            entries.push(entry);
        }
    };
    const root = (from, to) => {
        const n = to - from;
        if (n === 0) {
            return sha();
        }
        if (n === 1) {
            return leaf(entries[from]);
        }
        const key = `${from} ${to}`;
        const k = split(n);
        const had = whole.get(key) ?? node(root(from, from + k), root(from + k, to));
        if (n === 2 * k) {
            whole.set(key, had);
        }
        return had;
    };
    const path = (index, from, to) => {
        const n = to - from;
        if (n === 1) {
            return [];
        }
        const mid = from + split(n);
        return index < mid ? [...path(index, from, mid), root(mid, to)] : [...path(index, mid, to), root(from, mid)];
    };
    const consistency = (m, from, to, flag) => {
        const n = to - from;
        if (m === n) {
            return flag ? [] : [root(from, to)];
        }
        const k = split(n);
        return m <= k ? [...consistency(m, from, from + k, flag), root(from + k, to)] : [...consistency(m - k, from + k, to, false), root(from, from + k)];
    };
    return {
        note(size, cosigners = []) {
            grow(size);
            const text = `${log.name}\n${size}\n${b64(root(0, size))}\n`;
            const line = (key, bytes) => `\u2014 ${key.name} ${b64(Buffer.concat([key.id, bytes]))}\n`;
            const at = Math.floor(Date.now() / 1000) - 300;
            const time = Buffer.alloc(8);
            time.writeBigUInt64BE(BigInt(at));
            const cosigned = cosigners.map((w) => line(w, Buffer.concat([time, sign(null, Buffer.from(`cosignature/v1\ntime ${at}\n${text}`), w.privateKey)])));
            return `${text}\n${line(log, sign(null, Buffer.from(text), log.privateKey))}${cosigned.join('')}`;
        },
        proof(index, size, cosigners) {
            grow(size);
            return `c2sp.org/tlog-proof@v1\nextra ${b64(entries[index])}\nindex ${index}\n${path(index, 0, size).map((h) => `${b64(h)}\n`).join('')}\n${this.note(size, cosigners)}`;
        },
        offer(old, size) {
            grow(size);
            return `old ${old}\n${(old === 0 ? [] : consistency(old, 0, size, true)).map((h) => `${b64(h)}\n`).join('')}\n${this.note(size)}`;
        },
        root: (size) => {
            grow(size);
            return b64(root(0, size));
        },
    };
}
