// The shapes of docs/api.md: the network.

import type { Severity } from '../api/types';
import type { Basis } from '../device/types';

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
