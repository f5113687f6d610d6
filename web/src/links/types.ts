// The shapes of docs/api.md: links.

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
    /** So many of the names are tokens; a look at this record (and those that come with it) shows them. */
    hidden: number;
    look_at: number | null;
}

/** A message that the LIS refused for good: nobody sends it any more. */
export interface LinkAside {
    at: string;
    refused_at: string;
    type: string | null;
    control_id: string | null;
    results: number;
    record: number;
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
    /** Held because results may be wrong: two people let it go on. Who asked for it, and until when the second one may. */
    doubt: boolean;
    go_on_asked_by: string | null;
    go_on_until: string | null;
    decided_by: string | null;
    decided_why: string | null;
    decided_at: string | null;
    analyzer: LinkSide;
    lis: LinkSide;
    rate_per_min: number;
    delay_ms: { p50: number; p99: number; limit: number };
    queue: { messages: number; bytes: number; max: number; oldest_at: string | null };
    last: LinkMessage[];
    undelivered: LinkAside[];
    policy: {
        unknown: string;
        learning_since: string | null;
        learning_until: string | null;
        /** So far, while it learns. */
        learnt: LinkRules | null;
        proposed: LinkRules | null;
        proposed_at: string | null;
        approved: LinkRules | null;
        approved_by: string | null;
        approved_at: string | null;
    };
    counters: { received: number; forwarded: number; refused: number; flagged: number; late: number; spooled: number; resent: number };
}
