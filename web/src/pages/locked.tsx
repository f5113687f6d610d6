// While the ledger waits for its passphrase: how long, how much waits, and the way in. Nobody is signed in then.

import { Button, PasswordInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useRef, useState, type FormEvent } from 'react';
import { useUnlock } from '../api/queries';
import type { Lock } from '../ledger/types';
import { When } from '../parts/age';
import { Shape } from '../parts/mark';
import { size } from '../time';
import { DoorFrame, problem, Unheard, Wrong } from './door';

function Refused({ error }: { error: unknown }) {
    if (problem(error).code === 'wrong-passphrase') {
        return <Trans>This is not the passphrase. Capital letters and spaces count.</Trans>;
    }
    return <Unheard error={error} />;
}

/** What happens to what is seen meanwhile. */
function Kept({ lock }: { lock: Lock }) {
    if (!lock.keeping || lock.lost > 0) {
        return (
            <Wrong>
                {lock.lost > 0 ? (
                    <Plural value={lock.lost} one="# record found no room and is lost. Unlock now." other="# records found no room and are lost. Unlock now." />
                ) : (
                    <Trans>What is seen now cannot be kept. Unlock now.</Trans>
                )}
            </Wrong>
        );
    }
    if (lock.nearly_full) {
        return (
            <Wrong>
                <Trans>
                    The room for them is nearly used up ({size(lock.bytes)} of {size(lock.max_bytes)}). Unlock soon, or what is seen will be lost.
                </Trans>
            </Wrong>
        );
    }
    return (
        <p className="held">
            <Shape state="good" />
            <span>
                <Trans>Watching goes on. What is seen is kept sealed ({size(lock.bytes)}) and joins the ledger once it is open.</Trans>
            </span>
        </p>
    );
}

export default function LockedPage({ lock }: { lock: Lock }) {
    const unlock = useUnlock();
    const [passphrase, setPassphrase] = useState('');
    const field = useRef<HTMLInputElement>(null);
    const opening = lock.stage === 'opening' || unlock.isSuccess;
    const send = (event: FormEvent) => {
        event.preventDefault();
        unlock.mutate(
            { passphrase, csrf: lock.csrf },
            {
                onSettled: () => setPassphrase(''),
                onError: () => field.current?.focus(),
            },
        );
    };
    return (
        <DoorFrame name={t`Locked`}>
            <h1>
                <Trans>
                    Locked since <When at={lock.since ?? ''} />; <Plural value={lock.records} one="# record waits" other="# records wait" />.
                </Trans>
            </h1>
            <p>
                <Trans>After a start the ledger waits for its passphrase. Until then nobody can sign in, and nothing that was kept can be read.</Trans>
            </p>
            <Kept lock={lock} />
            {opening ? (
                <p role="status">
                    <Trans>The passphrase is right. Opening the ledger…</Trans>
                </p>
            ) : (
                <form onSubmit={send}>
                    {unlock.isError && (
                        <Wrong>
                            <Refused error={unlock.error} />
                        </Wrong>
                    )}
                    <PasswordInput
                        ref={field}
                        label={t`Passphrase`}
                        name="passphrase"
                        autoComplete="off"
                        required
                        withAsterisk={false}
                        autoFocus
                        value={passphrase}
                        onChange={(e) => setPassphrase(e.currentTarget.value)}
                        visibilityToggleButtonProps={{ 'aria-label': t`Show the passphrase`, tabIndex: 0, 'aria-hidden': undefined }}
                    />
                    <Button type="submit" loading={unlock.isPending}>
                        <Trans>Unlock</Trans>
                    </Button>
                </form>
            )}
        </DoorFrame>
    );
}
