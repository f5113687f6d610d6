// The shapes of docs/api.md: accounts, roles, and who did what.

export type AccountState = 'invited' | 'active' | 'closed';

export interface Account {
    name: string;
    etag: number;
    display_name: string;
    state: AccountState;
    roles: string[];
    role: string;
    permissions: string[];
    /** When the first of its roles ends by itself. */
    ends: string | null;
    token_ends: string | null;
    /** There is a passkey, or an app with codes. */
    second_factor: boolean;
    created: string;
    created_by: string | null;
    closed: string | null;
    last_sign_in: string | null;
    password_set: string | null;
    invited_until: string | null;
    reviewed: string | null;
    reviewed_by: string | null;
    review_due: boolean;
    sessions: number;
    emergency: boolean;
}

export interface Grant {
    role: string;
    site: string | null;
    since: string;
    until: string | null;
    by: string | null;
    why: string | null;
    record: number;
    ended: string | null;
    ended_by: string | null;
    ended_why: string | null;
    in_force: boolean;
}

export interface AccountDetail extends Account {
    grants: Grant[];
}

/** A one-time code, told once. */
export interface Invitation {
    name: string;
    /** None where the person still has another way in: a passkey, an app. */
    code: string | null;
    until?: string;
}

export interface OpenSession {
    id: string;
    account: string;
    origin: string | null;
    opened: string;
    last_used: string;
    this: boolean;
}

export interface ApiToken {
    id: string;
    account: string;
    label: string;
    scopes: string[];
    created: string;
    until: string;
    last_used: string | null;
    revoked: string | null;
    revoked_by: string | null;
    revoked_why: string | null;
    good: boolean;
}

export interface Act {
    record: number;
    time: string;
    person: string | null;
    display_name: string | null;
    account: string | null;
    event: string;
    what: string;
    permission: string | null;
    role: string | null;
    why: string | null;
    origin: string | null;
    /** What it was done to: a role, a right, an account, names of settings … as the event says. */
    object: string | null;
    device: string | null;
}

/** Which roles gave somebody a permission. */
export interface Why {
    person: string;
    display_name: string;
    act: Act | null;
    at: string;
    permission: string | null;
    may: boolean;
    grants: Grant[];
}

export interface RoleTable {
    roles: { name: string; needs_end: boolean; given: boolean }[];
    permissions: { name: string; what: string; token: boolean; roles: string[] }[];
}

export type SecondFactor = 'none' | 'managers' | 'everybody';

export interface AccessPolicy {
    password_shortest: number;
    password_longest: number;
    password_days: number;
    second_factor: SecondFactor;
    breached: number;
    session_idle_s: number;
    session_longest_s: number;
    by: string | null;
    changed: string | null;
    why: string | null;
}

export interface PeopleImport {
    token: string | null;
    counts: { create: number; grant: number; same: number; error: number };
    rows: { line: number; action: 'create' | 'grant' | 'same' | 'error'; name: string | null; display_name: string | null; role: string | null; until: string | null; reason: string | null }[];
    saved: number;
    whole: boolean;
    codes: { name: string; display_name: string; code: string; until: string }[];
}
