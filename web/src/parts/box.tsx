// A window with a form, as all of them are: what it asks, and at its foot a way out and the act. And one that tells a secret, once.

import { Button, CopyButton, Modal } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import type { FormEvent, ReactNode } from 'react';

export function Box({ title, close, submit, children }: { title: string; close: () => void; submit?: () => void; children: ReactNode }) {
    const go = (event: FormEvent) => {
        event.preventDefault();
        submit?.();
    };
    return (
        <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': t`Close` }}>
            <form onSubmit={go} className="ask">
                {children}
            </form>
        </Modal>
    );
}

/** careful: the way out has the focus. */
export function Ends({ close, go, busy = false, ready = true, careful = false }: { close: () => void; go: string; busy?: boolean; ready?: boolean; careful?: boolean }) {
    return (
        <div className="acts" style={{ justifyContent: 'flex-end' }}>
            <Button variant="default" onClick={close} data-autofocus={careful || undefined}>
                <Trans>Cancel</Trans>
            </Button>
            <Button type="submit" loading={busy} disabled={!ready}>
                {go}
            </Button>
        </div>
    );
}

/** What is told this once: a code, a token. */
export function Once({ title, secret, copy = t`Copy`, close, children }: { title: string; secret: string; copy?: string; close: () => void; children: ReactNode }) {
    return (
        <Box title={title} close={close}>
            <p className="mono code break" data-testid="code">
                {secret}
            </p>
            {children}
            <div className="acts" style={{ justifyContent: 'flex-end' }}>
                <CopyButton value={secret}>
                    {(clip) => (
                        <Button variant="default" onClick={clip.copy}>
                            {clip.copied ? t`Copied` : copy}
                        </Button>
                    )}
                </CopyButton>
                <Button onClick={close}>
                    <Trans>Done</Trans>
                </Button>
            </div>
        </Box>
    );
}
