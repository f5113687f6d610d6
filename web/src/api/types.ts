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

export type Lane = 'analyzer' | 'middleware' | 'lis' | 'other';
export type Encrypted = 'yes' | 'no' | 'unknown';
export type Oddity = 'outside' | 'peer' | 'searching' | 'new-device' | 'new-link';

/** A mark of the picture: a device, an address that no device holds, or a group of like ones. */
export interface NetworkNode {
    id: string;
    kind: 'device' | 'outside' | 'silent' | 'group';
    lane: Lane;
    title: string;
    role: string;
    role_basis: Basis | null;
    zone: string | null;
    address: string | null;
    group: string | null;
    members: number;
    findings: number;
    severity: Severity | null;
    new: boolean;
    odd: Oddity | null;
    first_seen: string | null;
    last_seen: string | null;
}

export interface NetworkEdge {
    a: string;
    b: string;
    apps: string[];
    encrypted: Encrypted;
    lab: boolean;
    new: boolean;
    odd: Oddity | null;
    links: number;
    packets: number;
    bytes: number;
    messages: number;
    first_seen: string | null;
    last_seen: string | null;
}

export interface NetworkEnd {
    id: string;
    kind: NetworkNode['kind'];
    title: string;
    role: string;
}

export interface NetworkOdd {
    kind: Oddity;
    a: NetworkEnd;
    b: NetworkEnd | null;
    apps: string[];
    share: number;
    of: number;
    first_seen: string | null;
    last_seen: string | null;
}

export interface Network {
    from: string | null;
    until: string | null;
    since: string | null;
    judged: boolean;
    cut: boolean;
    nodes: NetworkNode[];
    edges: NetworkEdge[];
    odd: NetworkOdd[];
    zones: { name: string; told: boolean; devices: number }[];
    counts: {
        zones: number;
        devices: number;
        outside: number;
        silent: number;
        links: number;
        links_lab: number;
        links_lab_clear: number;
        links_new: number;
        odd: number;
    };
}

/** What one sensor reads, and how well. Of `dropped`, two kinds of record are told apart; the rest are packets. */
export interface Capture {
    capture: string;
    state: 'reading' | 'ended' | 'failed';
    packets: number;
    bytes: number;
    flows: number;
    dropped: number;
    dropped_flows: number;
    dropped_lab: number;
    dropped_first: string | null;
    dropped_last: string | null;
    damaged: number;
    failures: number;
    failed_at: string | null;
    back_at: string | null;
    first_time: string | null;
    last_time: string | null;
    why: string | null;
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
