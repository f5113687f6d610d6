// One door to the API: every request of the page goes through call().

import { t } from '@lingui/core/macro';
import { connection } from './connection';

/** What the API said went wrong (RFC 9457), or that it could not be reached (status 0). */
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

interface Options {
    body?: unknown;
    /** A body that is no JSON, with its type. */
    file?: { type: string; content: Blob };
    etag?: string;
    /** The answer is bytes, not JSON. */
    blob?: boolean;
    signal?: AbortSignal;
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
    return new Problem(answer.status, text('code', String(answer.status)), text('detail', text('title', '')), retry);
}

export async function call<T>(method: string, path: string, { body, file, etag, blob, signal }: Options = {}): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (body !== undefined) {
        headers['Content-Type'] = 'application/json';
    }
    if (file !== undefined) {
        headers['Content-Type'] = file.type;
    }
    if (method !== 'GET') {
        headers['X-CSRF'] = csrf;
    }
    if (etag !== undefined) {
        headers['If-Match'] = `"${etag}"`;
    }
    let answer: Response;
    try {
        answer = await fetch(`/api/v1${path}`, {
            method,
            headers,
            body: file !== undefined ? file.content : body === undefined ? undefined : JSON.stringify(body),
            signal,
            credentials: 'same-origin',
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
