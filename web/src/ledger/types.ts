// The shapes of docs/api.md: the record, what keeps it, and its lock.

/** How the ledger stands: GET /unlock. */
export interface Lock {
    locked: boolean;
    stage: 'locked' | 'new' | 'opening' | 'open';
    since: string | null;
    records: number;
    bytes: number;
    max_bytes: number;
    lost: number;
    nearly_full: boolean;
    keeping: boolean;
    csrf: string;
}

export interface Ledger {
    records: number;
    origin: string;
    checkpoint: { size: number; root: string; time: string; text: string } | null;
    verified: { at: string; holds: boolean; records: number; first_bad: number | null; why: string | null } | null;
    verifying: boolean;
    verifier: string;
    since: string | null;
    bytes: number;
}

export interface LedgerRecord {
    index: number;
    stream: string;
    time: string;
    event: string;
    summary: string;
}

export interface Witness {
    name: string;
    /** Its verifier line. */
    key: string;
    /** null: its cosignatures are brought by hand. */
    url: string | null;
    last_size: number | null;
    last_at: string | null;
    state: 'agrees' | 'behind' | 'silent' | 'refused' | 'never';
    why: string | null;
    asking: boolean;
}

export interface Keys {
    source: 'file' | 'credential' | 'passphrase';
    protects: string[];
    made: string | null;
    epoch: number;
    rotated_at: string | null;
    recovery: { made: string | null; tested: string | null };
    period_keys: number;
    erased: number;
    last_erasure: string | null;
    at_risk: string | null;
}

export interface Backup {
    id: string;
    at: string;
    bytes: number;
    records: number;
    where: string;
    tested_at: string | null;
    holds: boolean | null;
    why: string | null;
}

export interface Backups {
    items: Backup[];
    last: string | null;
    tested: string | null;
    due: string | null;
    doing?: string | null;
    failed?: { id: string; why: string } | null;
}

export interface Disk {
    total: number;
    free: number;
    used: { what: string; bytes: number }[];
    per_day: number | null;
    full_at: string | null;
    state: 'ok' | 'short' | 'very-short';
    not_kept?: number;
    goes_first: string[];
    retention: { kind: string; days: number | null; removed_until: string | null }[];
}
