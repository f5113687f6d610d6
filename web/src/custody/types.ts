// The shapes of docs/api.md: results and what became of them.

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
