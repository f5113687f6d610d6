// Are we connected, and since when not? One truth for the band, the greyed buttons and the pages that turn to "unknown".

import { useSyncExternalStore } from 'react';

interface State {
    lostAt: Date | null;
}

let state: State = { lostAt: null };
const listeners = new Set<() => void>();
let probe: ReturnType<typeof setTimeout> | undefined;
let lastGood = new Date();

function set(next: State) {
    state = next;
    for (const listener of listeners) {
        listener();
    }
}

/** A locked program answers that it is not ready, but it answers. */
async function stands(answer: Response): Promise<boolean> {
    return answer.ok || (answer.status === 503 && (await answer.text()).includes('"locked"'));
}

async function look() {
    probe = undefined;
    try {
        const answer = await fetch('/readyz', { cache: 'no-store' });
        if (await stands(answer)) {
            connection.found();
            return;
        }
    } catch {
        // Still away: look again.
    }
    if (state.lostAt !== null) {
        probe = setTimeout(() => void look(), 3000);
    }
}

export const connection = {
    lost() {
        if (state.lostAt === null) {
            set({ lostAt: lastGood });
            probe ??= setTimeout(() => void look(), 3000);
        }
    },
    found() {
        lastGood = new Date();
        if (state.lostAt !== null) {
            set({ lostAt: null });
        }
    },
    /** Something looks wrong (the stream broke): ask the program itself. */
    check() {
        fetch('/readyz', { cache: 'no-store' })
            .then(stands)
            .then(
                (there) => (there ? connection.found() : connection.lost()),
                () => connection.lost(),
            );
    },
    subscribe(listener: () => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
    },
    get: () => state,
};

/** The last moment at which the program answered, while it does not answer; null while connected. */
export function useLostAt(): Date | null {
    return useSyncExternalStore(connection.subscribe, connection.get).lostAt;
}
