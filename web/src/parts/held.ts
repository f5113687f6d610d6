// Nothing moves under the hand: rows that are on screen stay where they are and change in place; new rows wait until they are asked for.

import { useMemo, useRef, useState } from 'react';

export interface Held<T> {
    rows: T[];
    /** Rows that the list has and the screen does not show yet. */
    newer: number;
    show: () => void;
    /** Is this row still part of what was asked for? */
    gone: (row: T) => boolean;
}

/** `fresh` is the newest answer to the same question `scope`; `id` names a row. */
export function useHeld<T>(fresh: T[] | undefined, scope: string, id: (row: T) => string): Held<T> {
    const held = useRef<{ scope: string; rows: T[] } | null>(null);
    const [, again] = useState(0);
    return useMemo(() => {
        const now = fresh ?? [];
        if (fresh !== undefined && (held.current === null || held.current.scope !== scope || held.current.rows.length === 0)) {
            held.current = { scope, rows: now };
        }
        const byId = new Map(now.map((row) => [id(row), row]));
        const rows = (held.current?.scope === scope ? held.current.rows : now).map((row) => byId.get(id(row)) ?? row);
        const shown = new Set(rows.map(id));
        if (held.current?.scope === scope) {
            held.current = { scope, rows };
        }
        return {
            rows,
            newer: now.filter((row) => !shown.has(id(row))).length,
            show: () => {
                held.current = { scope, rows: now };
                again((n) => n + 1);
            },
            gone: (row: T) => !byId.has(id(row)),
        };
        // `again` changes what the ref holds, so the memo must follow it as well.
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, [fresh, scope, id, again]);
}
