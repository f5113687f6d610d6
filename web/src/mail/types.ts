// The shapes of docs/api.md: mails that somebody asked about.

/** A mail that somebody was not sure about. */
export interface Mail {
    id: string;
    etag: string;
    time: string;
    person: string | null;
    display_name: string | null;
    verdict: 'dangerous' | 'suspicious' | 'fine';
    score: number;
    reasons: { code: string; text: string; against: boolean }[];
    sender: string | null;
    files: number;
    links: number;
    scanned: string;
    exercise: boolean;
    state: 'waiting' | 'answered' | 'dangerous' | 'harmless';
    decided_by: string | null;
    decided: string | null;
    answer: string | null;
    incident: string | null;
    record: number;
}

export interface MailWhole extends Mail {
    indicators: { kind: string; value: string; incident: string | null }[];
    alike: { id: string; time: string; verdict: string; state: string; person: string | null; alike: number }[];
}

/** What a mail says, as text, shown by a look. */
export interface MailShown {
    look: number;
    seconds: number;
    name: string | null;
    from: string | null;
    reply_to: string | null;
    subject: string | null;
    files: { name: string | null; type: string; sha256: string | null; bytes: number; inside: boolean }[];
    links: { scheme: string; before: string; site: string; rest: string; shown: string | null; dressed: boolean }[];
    text: string;
}

export interface Indicator {
    kind: string;
    value: string;
    incident: string;
    title: string | null;
    time: string;
    record: number;
}
