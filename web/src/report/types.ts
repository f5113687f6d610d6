// The shapes of docs/api.md: reports.

/** What somebody reported; `person` is null where it came without a name. */
export interface Report {
    id: string;
    etag: string;
    kind: string;
    text: string;
    now: boolean;
    time: string;
    person: string | null;
    display_name: string | null;
    photo: string | null;
    state: 'received' | 'looking' | 'answered' | 'closed';
    taken_by: string | null;
    answer: string | null;
    answered: string | null;
    record: number;
}

export interface ReportWhole extends Report {
    history: { time: string; event: string; person: string | null; why: string | null; record: number }[];
}
