// States as a shape and a word, never a colour alone. The colour only fills the shape.

import type { ReactNode } from 'react';
import { severityWord } from '../words';

export type State = 'critical' | 'high' | 'medium' | 'low' | 'info' | 'good' | 'unknown';

function shape(state: State): ReactNode {
    const ink = 'var(--ground)';
    switch (state) {
        case 'critical':
            return (
                <>
                    <path d="M6.7 2h6.6L18 6.7v6.6L13.3 18H6.7L2 13.3V6.7z" fill="var(--critical)" />
                    <path d="M10 5.6v5.2M10 14v.2" stroke={ink} strokeWidth="2.2" strokeLinecap="round" />
                </>
            );
        case 'high':
            return <path d="M10 2.2 18.6 17.4H1.4z" fill="var(--high)" stroke="var(--high)" strokeWidth="1.2" strokeLinejoin="round" />;
        case 'medium':
            return <path d="M10 1.8 18.2 10 10 18.2 1.8 10z" fill="var(--medium)" />;
        case 'low':
            return <circle cx="10" cy="10" r="6.8" fill="none" stroke="var(--low)" strokeWidth="3" />;
        case 'info':
            return (
                <>
                    <circle cx="10" cy="10" r="7.4" fill="none" stroke="var(--unknown)" strokeWidth="1.6" />
                    <path d="M10 9.2v4.4M10 6.4v.1" stroke="var(--unknown)" strokeWidth="2" strokeLinecap="round" />
                </>
            );
        case 'good':
            return (
                <>
                    <rect x="2" y="2" width="16" height="16" rx="2" fill="var(--good)" />
                    <path d="m5.8 10.2 2.9 2.9 5.6-6" fill="none" stroke={ink} strokeWidth="2.2" strokeLinecap="round" strokeLinejoin="round" />
                </>
            );
        case 'unknown':
            return (
                <>
                    <circle cx="10" cy="10" r="8" fill="none" stroke="var(--unknown)" strokeWidth="1.8" strokeDasharray="3.2 3.1" />
                    <path
                        d="M7.9 8.2a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.4M10 14v.1"
                        fill="none"
                        stroke="var(--unknown)"
                        strokeWidth="1.7"
                        strokeLinecap="round"
                    />
                </>
            );
    }
}

export function Shape({ state, size = 18 }: { state: State; size?: number }) {
    return (
        <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            {shape(state)}
        </svg>
    );
}

export function Mark({ state, children }: { state: State; children: ReactNode }) {
    return (
        <span className="mark">
            <Shape state={state} />
            <b>{children}</b>
        </span>
    );
}

const KNOWN: State[] = ['critical', 'high', 'medium', 'low', 'info'];

export function SeverityMark({ severity }: { severity: string }) {
    const state = KNOWN.find((s) => s === severity) ?? 'unknown';
    return <Mark state={state}>{severityWord(severity)}</Mark>;
}
