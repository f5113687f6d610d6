// The browser's side of passkeys: bytes and base64url, asking an authenticator, and the proof that goes with a dangerous request (docs/api.md, X-Proof).

import { t } from '@lingui/core/macro';
import { call, Problem } from '../api/client';
import type { NewPasskeyWish, PasskeyAnswer, PasskeyWish, ProofWish } from './types';

export const bytes = (text: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

export const text = (data: ArrayBuffer | Uint8Array): string =>
    btoa(String.fromCharCode(...new Uint8Array(data)))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replaceAll('=', '');

/** Passkeys belong to a host name, never to an address. */
export const underAddress = () => /^[\d.]+$|^\[.*\]$|:/.test(window.location.hostname);

/** Can this browser use passkeys here? */
export const possible = () => typeof PublicKeyCredential === 'function' && window.isSecureContext && !underAddress();

const MINUTES = 2;

const wanted = (list: { id: string; transports: string[] }[]): PublicKeyCredentialDescriptor[] =>
    list.map(({ id, transports }) => ({ type: 'public-key', id: bytes(id), ...(transports.length > 0 ? { transports: transports as AuthenticatorTransport[] } : {}) }));

/** What the browser says when nothing came of it, in our words. */
function failed(error: unknown): Problem {
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'InvalidStateError') {
        return new Problem(409, 'passkey-known', t`This key is registered already.`);
    }
    if (name === 'SecurityError') {
        return new Problem(400, 'passkey-host', t`Passkeys belong to the host name of this page. Open it by its own name.`);
    }
    if (name === 'NotAllowedError' || name === 'AbortError') {
        return new Problem(400, 'passkey-cancelled', t`No passkey answered: it was cancelled, took too long, or none of yours is here.`);
    }
    return new Problem(400, 'passkey-browser', t`This browser could not ask for a passkey.`);
}

async function ask(challenge: Uint8Array<ArrayBuffer>, rpId: string, allow: { id: string; transports: string[] }[], signal?: AbortSignal) {
    try {
        const credential = (await navigator.credentials.get({
            publicKey: { challenge, rpId, allowCredentials: wanted(allow), userVerification: 'required', timeout: MINUTES * 60_000 },
            signal,
        })) as PublicKeyCredential;
        return { id: text(credential.rawId), answer: credential.response as AuthenticatorAssertionResponse };
    } catch (error) {
        throw failed(error);
    }
}

/** Asks a passkey to sign in; which one, the person says there. */
export async function answerSignIn(wish: PasskeyWish): Promise<PasskeyAnswer> {
    const { id, answer } = await ask(bytes(wish.challenge), wish.rp_id, wish.allow);
    return {
        id,
        data: text(answer.authenticatorData),
        client: text(answer.clientDataJSON),
        signature: text(answer.signature),
        ...(answer.userHandle && answer.userHandle.byteLength > 0 ? { user: text(answer.userHandle) } : {}),
    };
}

/** Makes a new passkey on an authenticator. */
export async function make(wish: NewPasskeyWish): Promise<{ client: string; attestation: string; transports: string }> {
    try {
        const credential = (await navigator.credentials.create({
            publicKey: {
                challenge: bytes(wish.challenge),
                rp: { id: wish.rp_id, name: `Tourniquet ${wish.site}` },
                user: { id: bytes(wish.user), name: wish.name, displayName: wish.display_name },
                pubKeyCredParams: wish.algorithms.map((alg) => ({ type: 'public-key', alg })),
                excludeCredentials: wanted(wish.exclude),
                authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
                attestation: 'none',
                timeout: MINUTES * 60_000,
            },
        })) as PublicKeyCredential;
        const answer = credential.response as AuthenticatorAttestationResponse;
        return { client: text(answer.clientDataJSON), attestation: text(answer.attestationObject), transports: answer.getTransports?.().join(' ') ?? '' };
    } catch (error) {
        throw failed(error);
    }
}

const encode = (s: string) => new TextEncoder().encode(s);
const sha256 = async (data: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', data));

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of parts) {
        all.set(part, at);
        at += part.length;
    }
    return all;
}

/** The X-Proof header of exactly this request. path: with /api/v1, without its query. */
export async function prove(method: string, path: string, search: string, body: string): Promise<string> {
    const wish = await call<ProofWish>('POST', '/session/proof', { body: {} });
    const challenge = await sha256(
        joined(encode('tourniquet proof v1\n'), bytes(wish.nonce), encode(`${method}\n${path}\n${search}\n`), await sha256(encode(body))),
    );
    const { id, answer } = await ask(challenge, wish.rp_id, wish.allow);
    return [wish.nonce, id, text(answer.authenticatorData), text(answer.clientDataJSON), text(answer.signature)].join('.');
}
