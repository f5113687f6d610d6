// The shapes of docs/api.md: certificates of links.

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
    side: 'analyzer' | 'lis' | 'device';
    device: string | null;
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
    side: 'analyzer' | 'lis' | 'device';
    device: string | null;
    names: string;
    days: number;
    until: string;
}

export interface AuthorityBeside {
    serial: string;
    not_after: string;
    fingerprint: string;
}

export interface LinkAuthority {
    subject: string;
    serial: string;
    not_before: string;
    not_after: string;
    days_left: number;
    fingerprint: string;
    /** While one takes the place of another: the one that comes, and the one that was. */
    next?: AuthorityBeside | null;
    former?: AuthorityBeside | null;
}

/** GET /certificates. */
export interface Certificates {
    authority: LinkAuthority | null;
    items: Certificate[];
    enrolments: OpenEnrolment[];
}
