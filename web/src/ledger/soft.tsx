import { Trans } from '@lingui/react/macro';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Asked, Panel } from '../parts/states';
import { early } from './ask';

/** A panel with one question; what the program has not looked at yet is told as such, and not as a failure. */
export function Soft<T>({ title, what, query, rows = 3, aside, children }: { title: string; what: string; query: UseQueryResult<T>; rows?: number; aside?: ReactNode; children: (data: T) => ReactNode }) {
    return (
        <Panel title={title} aside={aside}>
            {early(query) ? (
                <p className="inside muted">
                    <Trans>Not looked at yet. It shows here in a moment.</Trans>
                </p>
            ) : (
                <Asked what={what} query={query} rows={rows}>
                    {children}
                </Asked>
            )}
        </Panel>
    );
}
