// The button, the question and what was shown, in the hand of one page. When the page goes, or the person, so does what was shown.

import { lazy, Suspense, useCallback, useState, type ReactNode } from 'react';
import { useLostAt } from '../api/connection';
import type { Shown } from './types';
import { useMay } from '../may';
import type { Wanted } from './ask';

const Ask = lazy(() => import('./ask').then((m) => ({ default: m.Ask })));
const Values = lazy(() => import('./values'));

export interface Looking {
    /** May this person look at all? */
    may: boolean;
    /** Not connected: nothing can be asked. */
    away: boolean;
    ask: (wanted: Wanted) => void;
    /** The question while it is open. */
    question: ReactNode;
    /** What was shown, until it is hidden; null: nothing. */
    values: ReactNode;
}

export function useLooking(): Looking {
    const may = useMay('phi.look');
    const away = useLostAt() !== null;
    const [wanted, setWanted] = useState<Wanted | null>(null);
    const [shown, setShown] = useState<Shown | null>(null);
    const hide = useCallback(() => setShown(null), []);
    return {
        may,
        away,
        ask: setWanted,
        question: wanted && (
            <Suspense>
                <Ask
                    wanted={wanted}
                    close={() => setWanted(null)}
                    shown={(answer) => {
                        setWanted(null);
                        setShown(answer);
                    }}
                />
            </Suspense>
        ),
        values: shown && (
            <Suspense>
                <Values key={shown.look} shown={shown} hide={hide} />
            </Suspense>
        ),
    };
}
