// A button for data that leaves, and the window that asks for it: fetched when it is wanted.

import { lazy, Suspense, useState, type ReactNode } from 'react';
import type { Taken } from '../sign/takeout';

const TakeOut = lazy(() => import('../sign/takeout'));

/** What takes data out, and where its window is drawn. */
export function useTakeOut(): [(taken: Taken) => void, ReactNode] {
    const [taken, setTaken] = useState<Taken | null>(null);
    return [
        setTaken,
        taken !== null && (
            <Suspense key="out" fallback={null}>
                <TakeOut taken={taken} close={() => setTaken(null)} />
            </Suspense>
        ),
    ];
}
