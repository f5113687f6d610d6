// The shapes of docs/api.md: ways to sign in.

interface PasskeyDescriptor {
    id: string;
    transports: string[];
}

/** What a passkey has to sign to sign in; bytes are base64url here and below. */
export interface PasskeyWish {
    challenge: string;
    rp_id: string;
    allow: PasskeyDescriptor[];
}

export interface PasskeyAnswer {
    id: string;
    data: string;
    client: string;
    signature: string;
    user?: string;
}

export interface ProofWish {
    nonce: string;
    rp_id: string;
    allow: PasskeyDescriptor[];
}

export interface NewPasskeyWish {
    challenge: string;
    rp_id: string;
    site: string;
    user: string;
    name: string;
    display_name: string;
    algorithms: number[];
    exclude: PasskeyDescriptor[];
}

export interface Passkey {
    id: string;
    name: string;
    transports: string;
    synchronised: boolean;
    added: string;
    used: string | null;
    stopped: string | null;
}

/** One's own ways to sign in: GET /session/methods. */
export interface Methods {
    host: string;
    passkeys: Passkey[];
    app_since: string | null;
}

/** Somebody who is being let in again: GET /recoveries. */
export interface Recovery {
    id: string;
    account: string;
    why: string;
    asked_by: string;
    asked_at: string;
    approved_by: string | null;
    until: string;
}
