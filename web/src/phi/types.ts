// The shapes of docs/api.md: looks, and what they show.

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
