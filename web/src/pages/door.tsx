// The frame of the pages before one is signed in.

import { i18n } from '@lingui/core';
import { Plural, Trans } from '@lingui/react/macro';
import { useEffect, type ReactNode } from 'react';
import { Problem } from '../api/client';
import { choose, LOCALES, type Locale } from '../i18n';
import { Shape } from '../parts/mark';
import { Brand } from '../parts/shell';

export function DoorFrame({ name, children }: { name: string; children: ReactNode }) {
    useEffect(() => {
        document.title = `${name} · Tourniquet`;
    }, [name]);
    const other: Locale = i18n.locale === 'es' ? 'en' : 'es';
    return (
        <main className="door">
            <div className="door-box">
                <Brand />
                {children}
                <div className="door-foot">
                    <span>
                        <Trans>Nothing leaves this site.</Trans>
                    </span>
                    <button type="button" lang={other} onClick={() => void choose(other)}>
                        {LOCALES[other]}
                    </button>
                </div>
            </div>
        </main>
    );
}

export function Wrong({ children }: { children: ReactNode }) {
    return (
        <div className="wrong" role="alert">
            <Shape state="high" />
            <div>{children}</div>
        </div>
    );
}

export const problem = (error: unknown): Problem => (error instanceof Problem ? error : new Problem(0, 'page', ''));

/** Why somebody is not let in where it is not what they typed. */
export function Unheard({ error }: { error: unknown }) {
    const { status, retryAfter, detail } = problem(error);
    if (status === 429) {
        return retryAfter ? (
            <Plural value={retryAfter} one="Too many tries. Wait # second, then try again." other="Too many tries. Wait # seconds, then try again." />
        ) : (
            <Trans>Too many tries. Wait a minute, then try again.</Trans>
        );
    }
    if (status === 0) {
        return <Trans>Tourniquet did not answer. Watching goes on; try again in a moment.</Trans>;
    }
    return <>{detail}</>;
}
