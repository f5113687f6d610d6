// What deciding on a finding needs, on one or on many: a reason, and words for a refusal.

import { Button, Modal, Textarea } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent, type ReactNode } from 'react';
import { Problem } from '../api/client';

export function refusal(error: unknown): string {
    if (error instanceof Problem) {
        if (error.status === 412) {
            return t`Not saved: somebody changed this finding meanwhile. You see the newest state now; decide again.`;
        }
        if (error.status === 403) {
            return t`Not saved: your role may not decide on findings.`;
        }
        if (error.status === 0) {
            return t`Not saved: Tourniquet did not answer. Try again in a moment.`;
        }
        return t`Not saved: ${error.detail}`;
    }
    return t`Not saved.`;
}

/** Asks for the reason. children: what it is about, and what becomes of it. */
export function Reason({ title, word, close, send, children }: { title: string; word: string; close: () => void; send: (why: string) => void; children: ReactNode }) {
    const [why, setWhy] = useState('');
    const [asked, setAsked] = useState(false);
    const submit = (event: FormEvent) => {
        event.preventDefault();
        if (why.trim() === '') {
            setAsked(true);
            return;
        }
        send(why.trim());
    };
    return (
        <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': t`Close` }}>
            <form onSubmit={submit}>
                <div style={{ marginBottom: 16 }}>{children}</div>
                <Textarea
                    label={t`Reason`}
                    description={t`One sentence for whoever asks later. No names of patients.`}
                    rows={3}
                    maxLength={500}
                    value={why}
                    onChange={(e) => setWhy(e.currentTarget.value)}
                    error={asked && why.trim() === '' ? t`Write a reason: it is kept with the decision.` : undefined}
                    data-autofocus
                />
                <div className="acts" style={{ marginTop: 16, justifyContent: 'flex-end' }}>
                    <Button variant="default" onClick={close}>
                        <Trans>Cancel</Trans>
                    </Button>
                    <Button type="submit">{word}</Button>
                </div>
            </form>
        </Modal>
    );
}
