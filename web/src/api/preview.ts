// The page as another role sees it: whoever manages people looks before they invite an assessor or a phlebotomist. Only the page changes: what is asked
// is answered as ever, since a role is offered only where all that it may is one's own right; and nothing is changed meanwhile. A reload ends it.

import { useSyncExternalStore } from 'react';
import type { Session } from './types';

export interface Preview {
    role: string;
    permissions: string[];
}

let now: Preview | null = null;
const listeners = new Set<() => void>();

/** What is looked at now; null: the page as it is for whoever is signed in. */
export const preview = () => now;

export function setPreview(to: Preview | null) {
    now = to;
    listeners.forEach((l) => l());
}

export const usePreview = () =>
    useSyncExternalStore((l) => {
        listeners.add(l);
        return () => listeners.delete(l);
    }, preview);

/** The session as the page shall take it. */
export const seenAs = (session: Session | null, as: Preview | null): Session | null =>
    session === null || as === null ? session : { ...session, person: { ...session.person, role: as.role, roles: [as.role], permissions: as.permissions.filter((p) => session.person.permissions.includes(p)) } };
