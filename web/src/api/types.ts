// The shapes of docs/api.md. Times are RFC 3339 in UTC.

export interface Page<T> {
    items: T[];
    next: string | null;
    total: number;
}

export interface Session {
    person: { name: string; display_name: string; role: string; roles: string[]; permissions: string[]; token?: string | null };
    csrf: string;
    site: string;
    sign_in: { passkeys: number; app: boolean };
}

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
    evidence: {
        packets: { record: number; time: string; packets: number; bytes: number; removed_at?: string | null }[];
        packets_removed_at?: string | null;
    } | null;
}

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
    findings_open: number;
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
    receiver_device: string | null;
    sender_title: string | null;
    receiver_title: string | null;
    message: { id: string; protocol: string; type: string; control_id: string | null; record: number | null; link: string | null; leg: string | null };
    verdict: Verdict;
}

/** What became of a result: `why` in a word, `changed` which part, records where it was seen first and last. */
export interface Verdict {
    state: string;
    why: string;
    changed: string | null;
    text: string;
    received: number | null;
    forwarded: number | null;
    finding: string | null;
}

/** One place where a result was seen; `step`: how it compares with the one before. */
export interface Sighting extends Result {
    step: { verdict: string; changed: string | null } | null;
}

export interface ResultWay extends Result {
    way: Sighting[];
}

export interface LinkSide {
    address: string;
    peer: string | null;
    device: string | null;
    connected: boolean;
    connections: number;
    why: string | null;
    tls: { on: boolean; version: string | null; peer: string | null; expires_at: string | null };
}

export interface LinkMessage {
    at: string;
    type: string | null;
    control_id: string | null;
    results: number;
    answer: string | null;
    policy: string | null;
    record: number;
}

/** What was seen on a link while it learnt, or what a person approved of it. */
export interface LinkRules {
    types?: string[];
    senders?: string[];
    tests?: string[];
    size?: number;
    rate?: number;
}

/** One connection of an analyzer to the LIS through this box. */
export interface RelayLink {
    name: string;
    protocol: string;
    mode: string;
    state: string;
    why: string | null;
    bypass: boolean;
    hold: boolean;
    decided_by: string | null;
    decided_why: string | null;
    decided_at: string | null;
    analyzer: LinkSide;
    lis: LinkSide;
    rate_per_min: number;
    delay_ms: { p50: number; p99: number; limit: number };
    queue: { messages: number; bytes: number; max: number; oldest_at: string | null };
    last: LinkMessage[];
    policy: {
        unknown: string;
        learning_until: string | null;
        proposed: LinkRules | null;
        proposed_at: string | null;
        approved: LinkRules | null;
        approved_by: string | null;
        approved_at: string | null;
    };
    counters: { received: number; forwarded: number; refused: number; flagged: number; late: number; spooled: number; resent: number };
}

/** Results, each counted once. */
export interface ResultSummary {
    total: number;
    as_sent: number;
    changed: number;
    missing: number;
    extra: number;
    replayed: number;
    corrected: number;
    unclear: number;
    one_sided: number;
    pending: number;
    since: string | null;
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
        /** Devices and conversations that found no room. */
        not_kept: number;
    };
    custody: { total: number; compared: number; wrong: number };
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

/** One time that somebody was shown what is hidden. */
export interface Look {
    record: number;
    time: string;
    person: string;
    display_name: string;
    what: string;
    reason: string;
    subject: { index: number; event: string; patient: string | null };
}

/** A message as it was received, taken apart: texts of its sender, to be shown as texts. A text is null where a password is withheld. */
export interface ShownBody {
    bytes: number;
    kept: number;
    cut: boolean;
    sha256: string | null;
    charset: string;
    lines: { name: string; depth: number; fields: { number: number; name: string | null; text: string | null }[] }[];
    left: number;
}

export interface ShownRecord {
    record: number;
    event: string;
    seen: Record<string, unknown> | null;
    clear: Record<string, unknown> | null;
    body: ShownBody | null;
    erased: string | null;
}

/** The answer to a look: stays in a page's memory for so many seconds, and nowhere else. */
export interface Shown {
    look: number;
    seconds: number;
    record: number;
    items: ShownRecord[];
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

export interface Notice {
    topic: string;
    id: string;
    etag: string;
}

/** The certificates of links: GET /certificates. */
export interface CertificateAct {
    at: string;
    by: string | null;
    why: string | null;
    record: number | null;
}
export interface Certificate {
    serial: string;
    name: string;
    for: string;
    link: string;
    side: 'analyzer' | 'lis';
    holder: 'ours' | 'peer';
    issuer: 'own' | 'outside';
    names: string;
    not_before: string | null;
    not_after: string;
    days_left: number;
    fingerprint: string;
    renew_at: string | null;
    state: 'in-force' | 'rotating' | 'expiring' | 'expired' | 'replaced' | 'revoked' | 'not-yet';
    replaces: string | null;
    made: CertificateAct | null;
    revoked: CertificateAct | null;
}
export interface OpenEnrolment {
    id: string;
    for: string;
    link: string;
    side: 'analyzer' | 'lis';
    names: string;
    days: number;
    until: string;
}
export interface Certificates {
    authority: { subject: string; serial: string; not_before: string; not_after: string; days_left: number; fingerprint: string } | null;
    items: Certificate[];
    enrolments: OpenEnrolment[];
}

/** A training course: docs/formats/course.md. */
export interface CourseSummary {
    id: string;
    title: string;
    about: string;
    for: string[];
    after: 'simulation' | 'finding' | null;
    language: string;
    version: number;
    minutes: number;
    pass: number;
    own: boolean;
    pool: number;
    parts: { title: string; minutes: number; questions: number }[];
}

export type CourseRun = { text: string; as?: 'strong' | 'soft' | 'code' } | { source: string };

export type CourseBlock =
    | { kind: 'text' | 'heading' | 'note'; runs: CourseRun[] }
    | { kind: 'list' | 'steps'; items: CourseRun[][] }
    | { kind: 'picture'; picture: string; shows: string };

export interface CourseAnswer {
    runs: CourseRun[];
    right: boolean;
    feedback: CourseRun[];
}

export interface CourseQuestion {
    id: string;
    kind: 'one' | 'several' | 'order';
    ask: CourseBlock[];
    answers: CourseAnswer[];
    see: string;
}

export interface CourseLesson {
    title: string;
    minutes: number;
    scenario: CourseQuestion | null;
    text: CourseBlock[];
    questions: CourseQuestion[];
}

export interface CourseSource {
    id: string;
    name: string;
    section: string;
}

export interface Course extends CourseSummary {
    sources: CourseSource[];
    lessons: CourseLesson[];
}

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

export interface AccessPolicy {
    password_shortest: number;
    password_longest: number;
    password_days: number;
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
