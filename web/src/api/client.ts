// One door to the API: every request of the page goes through call().

import { i18n } from '@lingui/core';
import { t } from '@lingui/core/macro';
import { connection } from './connection';
import { preview } from './preview';

/** What the API said went wrong (RFC 9457), in the reader's language, or that it could not be reached (status 0). */
export class Problem extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        readonly detail: string,
        readonly retryAfter: number | null = null,
    ) {
        super(detail);
    }
}

let csrf = '';
export function rememberCsrf(value: string) {
    csrf = value;
}

/** How somebody shows again that it is they: a passkey that signs this very request, or the password. */
export type Proof = { by: 'passkey' } | { by: 'password'; password: string };

interface Options {
    body?: object;
    /** For dangerous acts. */
    proof?: Proof;
    /** A body that is no JSON, with its type. */
    file?: { type: string; content: Blob };
    etag?: string;
    /** The answer is bytes, not JSON. */
    blob?: boolean;
    signal?: AbortSignal;
    /** Nothing that says who asks goes along. */
    nameless?: boolean;
}

async function problemOf(answer: Response): Promise<Problem> {
    let body: Record<string, unknown> = {};
    try {
        body = (await answer.json()) as Record<string, unknown>;
    } catch {
        // Not JSON: the status alone must do.
    }
    const text = (key: string, otherwise: string) => (typeof body[key] === 'string' ? (body[key] as string) : otherwise);
    const retry = typeof body.retry_after_s === 'number' ? body.retry_after_s : null;
    const code = text('code', String(answer.status));
    return new Problem(answer.status, code, text('detail', text('title', '')), retry);
}

export async function call<T>(method: string, path: string, { body, proof, file, etag, blob, signal, nameless }: Options = {}): Promise<T> {
    if (preview() !== null && method !== 'GET' && path !== '/search' && !(method === 'DELETE' && path === '/session')) {
        throw new Problem(403, 'preview', t`You only look at the page as another role sees it. End that first; then it can be done.`);
    }
    const sent = proof?.by === 'password' ? { ...body, password: proof.password } : body;
    const json = sent === undefined ? undefined : JSON.stringify(sent);
    const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': i18n.locale };
    if (json !== undefined) {
        headers['Content-Type'] = 'application/json';
    }
    if (file !== undefined) {
        headers['Content-Type'] = file.type;
    }
    if (method !== 'GET' && !nameless) {
        headers['X-CSRF'] = csrf;
    }
    if (etag !== undefined) {
        headers['If-Match'] = `"${etag}"`;
    }
    if (proof?.by === 'passkey') {
        const { pathname, search } = new URL(`/api/v1${path}`, window.location.href);
        const { prove } = await import('../sign/passkey');
        headers['X-Proof'] = await prove(method, pathname, search.slice(1), json ?? '');
    }
    let answer: Response;
    try {
        answer = await fetch(`/api/v1${path}`, {
            method,
            headers,
            body: file !== undefined ? file.content : json,
            signal,
            credentials: nameless ? 'omit' : 'same-origin',
            cache: 'no-store',
        });
    } catch (error) {
        if (signal?.aborted) {
            throw error;
        }
        connection.lost();
        throw new Problem(0, 'offline', t`Tourniquet did not answer.`);
    }
    const wrong = answer.ok ? null : await problemOf(answer);
    if ((answer.status === 502 || answer.status === 503) && wrong?.code !== 'locked') {
        connection.check();
    } else {
        connection.found();
    }
    if (wrong !== null) {
        throw wrong;
    }
    return (answer.status === 204 ? undefined : blob ? await answer.blob() : await answer.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>('GET', path, { signal });

/** A query string from what is set; empty values are left out. */
export function query(values: Record<string, string | number | null | undefined>): string {
    const set = new URLSearchParams();
    for (const [key, value] of Object.entries(values)) {
        if (value !== null && value !== undefined && value !== '') {
            set.set(key, String(value));
        }
    }
    const text = set.toString();
    return text === '' ? '' : `?${text}`;
}
