// The shapes of docs/api.md: devices, who may be there, and lists of them.

export type Basis = 'seen' | 'inferred' | 'told' | 'unknown';

interface DeviceItself {
    id: string;
    etag: string;
    name: string | null;
    title: string;
    role: string;
    role_basis: Basis;
    /** How sure we are of what it is, 0 to 100. */
    confidence: number;
    class: string | null;
    maker: string | null;
    model: string | null;
    serial: string | null;
    software: string | null;
    os: string | null;
    hostname: string | null;
    ip: string[];
    mac: string[];
    protocols: string[];
    owner: string | null;
    place: string | null;
    criticality: string | null;
    zone: string | null;
    /** The terminal server through which it speaks. */
    behind: string | null;
    first_seen: string | null;
    last_seen: string | null;
    messages: number;
    messages_per_hour: number;
    clock_skew_s: number | null;
    retired: boolean;
    admission: Admission;
    findings_open: number;
}

/** May it be there? waiting: it is on an analyzer network, and a person has to say. */
export type Admission = 'vouched' | 'refused' | 'waiting' | 'unknown';

/** Who said so: GET /devices/{id}. */
export interface Admitted {
    by: string | null;
    at: string | null;
    why: string | null;
    record: number | null;
    mixed: boolean;
    new_macs: string[];
}

/** Devices that wait and were there in the first days: POST /devices/admission. */
export interface Learnt {
    token: string | null;
    until: string | null;
    learning_until: string | null;
    total: number;
    saved: number | null;
    items: { id: string; title: string; role: string; ip: string[]; mac: string[]; first_seen: string }[];
    cut: boolean;
}

export interface Device extends DeviceItself {
    instruments: number;
}

export interface Peer {
    ip: string;
    name: string | null;
    device: string | null;
    app: string | null;
    packets: number;
    bytes: number;
    last_seen: string;
}

export interface Candidate {
    maker: string;
    model: string | null;
    class: string | null;
    confidence: number;
    reasons: string[];
}

export interface DeviceDetail extends DeviceItself {
    hours: number[];
    admitted: Admitted;
    why: { text: string; source: string; time: string | null; record: number | null }[];
    candidates?: Candidate[];
    evidence: { time: string; source: string; fields: Record<string, unknown>; record: number }[];
    peers: Peer[];
    reports: { code: string; text: string | null; count: number }[];
    instruments: { id: string; title: string }[];
    duplicates: { id: string; title: string; why: string }[];
    edits: { field: string; value: string; person: string | null; time: string }[];
    address_history: { address: string; from: string; to: string; now: boolean }[];
}

export type ImportAction = 'create' | 'change' | 'same' | 'ambiguous' | 'error';

/** What a list would do. Rows that change nothing are only counted. */
export interface ImportPreview {
    token: string;
    counts: Record<ImportAction, number>;
    /** The field that each column was taken for; null: none. */
    columns: (string | null)[];
    rows: {
        line: number;
        action: ImportAction;
        device: string | null;
        title: string;
        changes: { field: string; from: string | null; to: string }[];
        reason: string | null;
        column: number | null;
        candidates: { id: string; title: string }[];
    }[];
    cut: boolean;
}

/** A list that was read in; undone_at: it was taken back. */
export interface ImportedList {
    list: number;
    person: string | null;
    time: string;
    devices: number;
    undone_by: string | null;
    undone_at: string | null;
}

export interface ImportUndone {
    list: number;
    back: number;
    gone: number;
    stay: number;
    /** changed: these fields, since; known: the list had made it, and it is more than that by now. */
    stayed: { device: string; title: string; why: 'changed' | 'known'; fields: string[] }[];
}
