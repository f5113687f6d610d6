// Reports that could not be sent yet, on this device: sealed with a key that the browser never hands out, sent as soon as the program answers. The
// code of a report is made here, so that it can be shown before anything was sent, and so that sending twice makes one report.

import { call, Problem } from '../api/client';

export interface Draft {
    kind: string;
    text: string;
    now: boolean;
    /** base64; "": none. */
    photo: string;
    claim: string;
    /** Who reports; null: without a name. */
    person: string | null;
    at: string;
}

export interface Status {
    state: string;
    time: string;
    answer: string | null;
    answered: string | null;
}

const DB = 'tourniquet.reports';
const FLAG = 'tourniquet.reports.wait';
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const MOST = 20;

/** Four groups of five letters: 100 random bits. */
export function makeClaim(): string {
    const letters = [...crypto.getRandomValues(new Uint8Array(20))].map((byte) => LETTERS[byte & 31]).join('');
    return letters.replace(/(.{5})(?=.)/g, '$1-');
}

const done = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error('storage'));
    });

async function open(): Promise<IDBDatabase> {
    const request = indexedDB.open(DB, 1);
    request.onupgradeneeded = () => {
        request.result.createObjectStore('key');
        request.result.createObjectStore('waits');
    };
    return done(request);
}

async function keyOf(db: IDBDatabase): Promise<CryptoKey> {
    const had = await done(db.transaction('key').objectStore('key').get('key') as IDBRequest<CryptoKey | undefined>);
    if (had) {
        return had;
    }
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    await done(db.transaction('key', 'readwrite').objectStore('key').put(key, 'key'));
    return key;
}

interface Sealed {
    nonce: Uint8Array<ArrayBuffer>;
    bytes: ArrayBuffer;
}

/** Keeps a report until it can be sent. False: this browser keeps nothing, or 20 wait already. */
export async function keep(draft: Draft): Promise<boolean> {
    try {
        const db = await open();
        const waiting = await done(db.transaction('waits').objectStore('waits').count());
        const key = await keyOf(db);
        const nonce = crypto.getRandomValues(new Uint8Array(12));
        const bytes = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, key, new TextEncoder().encode(JSON.stringify(draft)));
        if (waiting < MOST) {
            await done(db.transaction('waits', 'readwrite').objectStore('waits').put({ nonce, bytes } satisfies Sealed, crypto.randomUUID()));
            localStorage.setItem(FLAG, '1');
        }
        db.close();
        return waiting < MOST;
    } catch {
        return false;
    }
}

async function read(db: IDBDatabase): Promise<{ name: IDBValidKey; draft: Draft }[]> {
    const key = await keyOf(db);
    const store = db.transaction('waits').objectStore('waits');
    const [names, all] = await Promise.all([done(store.getAllKeys()), done(store.getAll() as IDBRequest<Sealed[]>)]);
    const found: { name: IDBValidKey; draft: Draft }[] = [];
    for (const [i, sealed] of all.entries()) {
        try {
            const clear = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.nonce }, key, sealed.bytes);
            found.push({ name: names[i] as IDBValidKey, draft: JSON.parse(new TextDecoder().decode(clear)) as Draft });
        } catch {
            // Of another key, which is gone: it can never be read.
        }
    }
    return found;
}

export async function send(draft: Draft): Promise<Status> {
    const { person, at: _, photo, text, now, ...rest } = draft;
    const body = { ...rest, ...(text ? { text } : {}), ...(now ? { now } : {}), ...(photo ? { photo } : {}) };
    return call<Status>('POST', person === null ? '/reports/nameless' : '/reports', { body, nameless: person === null });
}

/** Worth keeping for later: nobody answered, too many just now, the program is locked or starting. */
export const later = (error: unknown) => error instanceof Problem && (error.status === 0 || error.status === 429 || error.status === 401 || error.status >= 500);

/** How many wait: of this person, or without a name. */
export async function waiting(person: string | null): Promise<Draft[]> {
    if (localStorage.getItem(FLAG) === null) {
        return [];
    }
    try {
        const db = await open();
        const all = await read(db);
        db.close();
        return all.map((w) => w.draft).filter((d) => d.person === null || d.person === person);
    } catch {
        return [];
    }
}

let sending = false;

/** Sends what waits and is this person's or nobody's. Returns how many went. */
export async function sendWaiting(person: string | null): Promise<number> {
    if (sending || localStorage.getItem(FLAG) === null) {
        return 0;
    }
    sending = true;
    let sent = 0;
    try {
        const db = await open();
        const all = await read(db);
        let left = await done(db.transaction('waits').objectStore('waits').count());
        for (const { name, draft } of all) {
            if (draft.person !== null && draft.person !== person) {
                continue;
            }
            try {
                await send(draft);
                sent += 1;
            } catch (error) {
                if (later(error)) {
                    break;
                }
                // Refused for what it says: sending it again would not help.
            }
            await done(db.transaction('waits', 'readwrite').objectStore('waits').delete(name));
            left -= 1;
        }
        if (left === 0) {
            localStorage.removeItem(FLAG);
        }
        db.close();
    } catch {
        // This browser keeps nothing.
    } finally {
        sending = false;
    }
    return sent;
}
