// The shapes of docs/api.md. Times are RFC 3339 in UTC.

export interface Page<T> {
    items: T[];
    next: string | null;
    total: number;
}

export interface Session {
    person: { name: string; display_name: string; role: string };
    csrf: string;
    site: string;
}

export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info';
export type FindingState = 'open' | 'taken' | 'dismissed';

export interface Flow {
    id: string;
    proto?: string;
    src?: string;
    sport?: number;
    dst?: string;
    dport?: number;
}

export interface Finding {
    id: string;
    etag: string;
    kind: string;
    severity: Severity;
    title: string;
    advice: string;
    technique: string | null;
    state: FindingState;
    taken_by: string | null;
    first_time: string;
    last_time: string;
    count: number;
    device: string | null;
    device_title: string | null;
    flows: (Flow | string)[];
    messages: string[];
    records: number[];
}

/** What needs a person: one finding, or several of one kind that are medium or low, told by the first of them. */
export interface Need extends Finding {
    same: number;
    same_last: string;
}

export interface FindingStep {
    time: string;
    event: string;
    person: string | null;
    why: string | null;
    record: number;
}

export interface FindingDetail extends Finding {
    history: FindingStep[];
    evidence: unknown;
}

export type Basis = 'seen' | 'inferred' | 'told' | 'unknown';

export interface Device {
    id: string;
    etag: string;
    name: string | null;
    title: string;
    role: string;
    role_basis: Basis;
    maker: string | null;
    model: string | null;
    serial: string | null;
    software: string | null;
    hostname: string | null;
    ip: string[];
    mac: string[];
    protocols: string[];
    first_seen: string;
    last_seen: string;
    messages: number;
    findings_open: number;
    why: { text: string; source: string; time: string }[];
}

export interface Peer {
    ip: string;
    name: string | null;
    app: string | null;
    packets: number;
    bytes: number;
    last_seen: string;
}

export interface DeviceDetail extends Device {
    evidence: { time: string; source: string; fields: Record<string, unknown> }[];
    peers: Peer[];
}

export interface Result {
    record: number;
    position: number;
    time: string;
    recorded: string;
    sender: string | null;
    sender_device: string | null;
    receiver: string | null;
    test: { code: string | null; system: string | null; text: string | null };
    patient: string | null;
    specimen: string | null;
    units: string | null;
    flags: string[];
    status: string | null;
    observed_at: string | null;
    message: { id: string; protocol: string; type: string; control_id: string | null };
    verdict: string;
}

export interface Today {
    sentence: string;
    checked_at: string;
    needs: Need[];
    counts: {
        needs: number;
        findings_open: number;
        findings_critical: number;
        devices: number;
        devices_unknown: number;
        results: number;
        messages: number;
        malformed: number;
        messages_clear: number;
    };
    capture: { state: string; last_time: string | null; packets: number } | null;
    ledger: { records: number; holds: boolean | null; verified_at: string | null };
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

export interface Notice {
    topic: string;
    id: string;
    etag: string;
}
