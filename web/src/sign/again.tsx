// "It is still you": before a dangerous act a passkey signs exactly that request; the password again is the weaker way, and says so.

import { PasswordInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconFingerprint } from '@tabler/icons-react';
import { useState, type ReactNode, type Ref } from 'react';
import { Link } from 'wouter';
import type { Proof } from '../api/client';
import { useSession } from '../api/queries';
import { possible } from './passkey';

interface Again {
    /** What call() takes. */
    proof: Proof;
    /** There is enough to go on with. */
    ready: boolean;
    /** Forgets what was typed. */
    clear: () => void;
    /** Draws it: `asked` after a try, so that what is missing is said. */
    field: (asked?: boolean, ref?: Ref<HTMLInputElement>) => ReactNode;
}

export function useAgain(): Again {
    const session = useSession().data;
    const can = possible() && (session?.sign_in.passkeys ?? 0) > 0;
    const [typing, setTyping] = useState(false);
    const [password, setPassword] = useState('');
    const byKey = can && !typing;
    const switchTo = (type: boolean) => {
        setPassword('');
        setTyping(type);
    };
    return {
        proof: byKey ? { by: 'passkey' } : { by: 'password', password },
        ready: byKey || password !== '',
        clear: () => setPassword(''),
        field: (asked, ref) =>
            byKey ? (
                <div className="again">
                    <IconFingerprint size={24} aria-hidden />
                    <p>
                        <Trans>You are asked for your passkey: it signs this act and no other.</Trans>{' '}
                        <button type="button" className="link-button" onClick={() => switchTo(true)}>
                            <Trans>Password instead</Trans>
                        </button>
                    </p>
                </div>
            ) : (
                <div className="again-typed">
                    <PasswordInput
                        ref={ref}
                        label={t`Your password, again`}
                        description={t`Weaker than a passkey: whoever has taken over this browser has it.`}
                        autoComplete="current-password"
                        value={password}
                        onChange={(e) => setPassword(e.currentTarget.value)}
                        error={asked && password === '' ? t`Enter your password: it shows that it is you.` : undefined}
                        visibilityToggleButtonProps={{ 'aria-label': t`Show the password`, tabIndex: 0, 'aria-hidden': undefined }}
                    />
                    {can ? (
                        <button type="button" className="link-button" onClick={() => switchTo(false)}>
                            <Trans>Passkey instead</Trans>
                        </button>
                    ) : (
                        possible() && (
                            <Link href="/sign-in" className="link-button">
                                <Trans>Add a passkey</Trans>
                            </Link>
                        )
                    )}
                </div>
            ),
    };
}
