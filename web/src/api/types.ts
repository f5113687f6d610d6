// The shapes of docs/api.md. Times are RFC 3339 in UTC. Here: what every page needs, and what has no folder of its own.

export interface Page<T> {
    items: T[];
    next: string | null;
    total: number;
}

export interface Session {
    person: { name: string; display_name: string; role: string; roles: string[]; permissions: string[]; token?: string | null };
    csrf: string;
    site: string;
    /** The lab's time zone: every time on the page is shown in it. */
    time_zone?: string | null;
    mail_to?: string | null;
    /** Seconds that nobody touches the page before it locks. */
    lock_s?: number;
    /** withheld: the roles count only once a passkey or a code of an app was shown. */
    sign_in: { passkeys: number; app: boolean; withheld: boolean };
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
    /** Packets whose content was passed over to keep up; lab connections are never among them. */
    shed_bulk: number;
    shed_other: number;
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
        devices_waiting: number;
        devices_refused: number;
        results: number;
        messages: number;
        malformed: number;
        messages_clear: number;
        /** Devices and conversations that found no room. */
        not_kept: number;
        /** That nobody has taken; null where the person does not handle reports. */
        reports_waiting: number | null;
        /** About which nobody has decided; null where the person does not. */
        mail_waiting: number | null;
        reviews_due: number | null;
        /** People of whom a role or an API token ends within 14 days. */
        access_ending: number | null;
    };
    custody: { total: number; compared: number; wrong: number };
    capture: { state: string; last_time: string | null; packets: number } | null;
    ledger: { records: number; size: number; root: string | null; holds: boolean | null; verified_at: string | null };
}

/** One mail about new findings, or a test. */
export interface Told {
    time: string;
    record: number;
    findings: number;
    addresses: number;
    why: string | null;
}

export interface FindingMail {
    addresses: string[];
    from: string;
    last: Told | null;
    tested: Told | null;
}

export interface Notice {
    topic: string;
    id: string;
    etag: string;
}
