// What a page shows while it waits, when something failed and when there is nothing: never a blank, never a lie.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import type { UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { Problem } from '../api/client';
import type { Finding } from '../api/types';
import { Shape } from './mark';

function useAfter(ms: number): boolean {
    const [passed, setPassed] = useState(false);
    useEffect(() => {
        const timer = setTimeout(() => setPassed(true), ms);
        return () => clearTimeout(timer);
    }, [ms]);
    return passed;
}

/** A skeleton in the final shape: after 200 ms; past 5 s it says what is slow. */
export function Loading({ what, rows = 6 }: { what: string; rows?: number }) {
    const visible = useAfter(200);
    const slow = useAfter(5000);
    return (
        <div role="status" aria-label={t`Loading ${what}`} style={{ minHeight: `calc(var(--row) * ${rows})` }}>
            {visible && (
                <div className="bones" aria-hidden="true">
                    {Array.from({ length: rows }, (_, i) => (
                        <div className="bone" key={i}>
                            <span style={{ width: `${24 + ((i * 7) % 18)}%` }} />
                            <span style={{ width: `${14 + ((i * 5) % 12)}%` }} />
                            <span style={{ width: '10%', marginLeft: 'auto' }} />
                        </div>
                    ))}
                </div>
            )}
            {slow && (
                <p className="muted" style={{ padding: 16 }}>
                    <Trans>Still waiting for {what}. The rest of the page works.</Trans>
                </p>
            )}
        </div>
    );
}

function reason(error: unknown): { text: string; code: string } {
    if (!(error instanceof Problem)) {
        return { text: t`The page could not read the answer.`, code: 'page' };
    }
    if (error.status === 0) {
        return { text: t`Tourniquet did not answer.`, code: 'offline' };
    }
    if (error.status === 403) {
        return { text: t`Your role may not see this. Ask an administrator.`, code: error.code };
    }
    return { text: error.detail || t`The program answered with an error.`, code: error.code };
}

export function Failed({ what, error, again }: { what: string; error: unknown; again: () => void }) {
    const { text, code } = reason(error);
    return (
        <div className="failed" role="alert">
            <div className="mark" style={{ whiteSpace: 'normal' }}>
                <Shape state="unknown" size={24} />
                <div>
                    <strong>
                        <Trans>Could not load {what}.</Trans>
                    </strong>
                    <span className="muted">
                        {text} <Trans>Watching and recording go on.</Trans>{' '}
                        <span className="nowrap">
                            <Trans>Code: {code}</Trans>
                        </span>
                    </span>
                </div>
            </div>
            <Button variant="default" onClick={again}>
                <Trans>Try again</Trans>
            </Button>
        </div>
    );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
    return (
        <div className="empty">
            <strong>{title}</strong>
            {children}
        </div>
    );
}

/** One question and its answer in one panel: what it shows never blanks or poses as empty. */
export function Asked<T>({
    what,
    query,
    rows,
    children,
}: {
    what: string;
    query: UseQueryResult<T>;
    rows?: number;
    children: (data: T) => ReactNode;
}) {
    if (query.data !== undefined) {
        return <>{children(query.data)}</>;
    }
    if (query.isError) {
        return <Failed what={what} error={query.error} again={() => void query.refetch()} />;
    }
    return <Loading what={what} rows={rows} />;
}

/** The device that a finding is about, where its sentence names an address only. */
export function About({ finding }: { finding: Finding }) {
    const title = finding.device_title;
    return title === null || finding.title.includes(title) ? null : (
        <span className="about">
            <Trans>Device: {title}</Trans>
        </span>
    );
}

export function Panel({ title, aside, className, children }: { title: string; aside?: ReactNode; className?: string; children: ReactNode }) {
    return (
        <section className={className ? `panel ${className}` : 'panel'} aria-label={title}>
            <header>
                <h2>{title}</h2>
                {aside}
            </header>
            {children}
        </section>
    );
}
