// Before anything hidden is shown: why, who (a passkey, or the password again), and what it leads to. The answer stays in the page's memory and nowhere else.

import { Textarea } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useRef, useState, type ReactNode } from 'react';
import { call, Problem, type Proof } from '../api/client';
import { client } from '../api/queries';
import type { Shown } from './types';
import { Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { save } from '../parts/save';
import { useAgain } from '../sign/again';

/** What is wanted: the fields of a record, its bytes as a file, or (of a result) a proof as a file. */
export interface Wanted {
    record: number;
    what: string;
    file?: string;
    proof?: boolean;
}

const WORDS = 3;

function Refused({ error }: { error: unknown }) {
    if (!(error instanceof Problem)) {
        return <Trans>Not shown.</Trans>;
    }
    switch (error.code) {
        case 'wrong-password':
            return <Trans>Not shown: that is not your password. This attempt is recorded.</Trans>;
        case 'throttled':
            return error.retryAfter ? (
                <Plural value={error.retryAfter} one="Not shown: too often in a short time. Wait # second." other="Not shown: too often in a short time. Wait # seconds." />
            ) : (
                <Trans>Not shown: too often in a short time. Wait a minute, then try again.</Trans>
            );
        case 'not-permitted':
            return <Trans>Not shown: your role may not see values. This attempt is recorded.</Trans>;
        case 'reason':
            return <Trans>Not shown: say in at least three words why.</Trans>;
        case 'erased':
            return <Trans>It cannot be shown any more: its key was erased. {error.detail}</Trans>;
        case 'no-record':
            return <Trans>Not shown: there is nothing kept of it.</Trans>;
        case 'offline':
            return <Trans>Not shown: Tourniquet did not answer. Try again in a moment.</Trans>;
        default:
            return <Trans>Not shown: {error.detail}</Trans>;
    }
}

interface Looking {
    title: string;
    /** A reason to begin with. */
    first?: string;
    go?: string;
    close: () => void;
    /** The look itself: what it refuses with is said. */
    look: (why: string, proof: Proof) => Promise<void>;
    /** What is shown, and who hears of it. */
    children: ReactNode;
}

/** The window before every look. */
export function Look({ title, first = '', go = t`Show for this reason`, close, look, children }: Looking) {
    const [reason, setReason] = useState(first);
    const again = useAgain();
    const [asked, setAsked] = useState(false);
    const [waiting, setWaiting] = useState(false);
    const [wrong, setWrong] = useState<unknown>(null);
    const field = useRef<HTMLInputElement>(null);
    const why = reason.trim();
    const enough = why.split(/\s+/).length >= WORDS && why.length >= 12;
    const submit = () => {
        setAsked(true);
        if (!enough || !again.ready || waiting) {
            return;
        }
        setWrong(null);
        setWaiting(true);
        look(why, again.proof)
            .catch((error: unknown) => {
                setWrong(error);
                field.current?.focus();
            })
            .finally(() => {
                again.clear();
                setWaiting(false);
                for (const key of ['looks', 'records', 'findings', 'today']) {
                    void client.invalidateQueries({ queryKey: [key] });
                }
            });
    };
    return (
        <Box title={title} close={close} submit={submit}>
            {children}
            {wrong !== null && (
                <Wrong>
                    <Refused error={wrong} />
                </Wrong>
            )}
            <Textarea
                label={t`Why do you need to see it?`}
                description={t`At least three words. No names of patients.`}
                rows={2}
                maxLength={500}
                autoComplete="off"
                value={reason}
                onChange={(e) => setReason(e.currentTarget.value)}
                error={asked && !enough ? t`Write a reason of at least three words: it is kept with the look.` : undefined}
                data-autofocus={first === '' || undefined}
            />
            {again.field(asked && !waiting && wrong === null, field)}
            <Ends close={close} go={go} busy={waiting} />
        </Box>
    );
}

export function Ask({ wanted, close, shown }: { wanted: Wanted; close: () => void; shown: (answer: Shown) => void }) {
    const look = async (reason: string, proof: Proof) => {
        const body = { record: String(wanted.record), reason, ...(wanted.file && !wanted.proof ? { as: 'file' } : {}) };
        if (wanted.file && wanted.proof) {
            const made = await call<{ proof: string }>('POST', '/proofs', { body, proof });
            save(new Blob([made.proof], { type: 'text/plain' }), wanted.file);
            close();
        } else if (wanted.file) {
            save(await call<Blob>('POST', '/looks', { body, proof, blob: true }), wanted.file);
            close();
        } else {
            shown(await call<Shown>('POST', '/looks', { body, proof }));
        }
    };
    return (
        <Look title={wanted.proof ? t`Save a proof` : wanted.file ? t`Save a copy` : t`Show values`} go={wanted.file ? t`Save for this reason` : undefined} close={close} look={look}>
            <p>
                <strong>{wanted.what}</strong>
            </p>
            <p>
                <Trans>Your name, the time and this reason are kept on the ledger, and the privacy officer sees them.</Trans>{' '}
                {wanted.proof ? (
                    <Trans>The file proves where the result was seen and what it said there, to anybody with the ledger's public key; and it opens those records. Keep it as you keep the result.</Trans>
                ) : wanted.file ? (
                    <Trans>The file is saved on this computer: nobody hides it again but you.</Trans>
                ) : (
                    <Trans>The values are hidden again after 5 minutes, and when you leave.</Trans>
                )}
            </p>
        </Look>
    );
}
