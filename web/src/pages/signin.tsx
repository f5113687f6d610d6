import { Button, PasswordInput, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useRef, useState, type FormEvent } from 'react';
import { useSignIn } from '../api/queries';
import { DoorFrame, problem, Wrong } from './door';

function Refused({ error }: { error: unknown }) {
    const { status, retryAfter, detail } = problem(error);
    if (status === 401) {
        return <Trans>Name or password is wrong. Check both; capital letters count in the password.</Trans>;
    }
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

export function SignInPage() {
    const signIn = useSignIn();
    const [name, setName] = useState('');
    const [password, setPassword] = useState('');
    const field = useRef<HTMLInputElement>(null);
    const send = (event: FormEvent) => {
        event.preventDefault();
        signIn.mutate(
            { name: name.trim(), password },
            {
                onError: () => {
                    setPassword('');
                    field.current?.focus();
                },
            },
        );
    };
    return (
        <DoorFrame name={t`Sign in`}>
            <h1>
                <Trans>Sign in</Trans>
            </h1>
            <p>
                <Trans>With the name and password of your own account.</Trans>
            </p>
            <form onSubmit={send}>
                {signIn.isError && (
                    <Wrong>
                        <Refused error={signIn.error} />
                    </Wrong>
                )}
                <TextInput
                    label={t`Name`}
                    name="username"
                    autoComplete="username"
                    autoCapitalize="none"
                    spellCheck={false}
                    required
                    withAsterisk={false}
                    autoFocus
                    value={name}
                    onChange={(e) => setName(e.currentTarget.value)}
                />
                <PasswordInput
                    ref={field}
                    label={t`Password`}
                    name="password"
                    autoComplete="current-password"
                    required
                    withAsterisk={false}
                    value={password}
                    onChange={(e) => setPassword(e.currentTarget.value)}
                    visibilityToggleButtonProps={{ 'aria-label': t`Show the password`, tabIndex: 0, 'aria-hidden': undefined }}
                />
                <Button type="submit" loading={signIn.isPending}>
                    <Trans>Sign in</Trans>
                </Button>
            </form>
        </DoorFrame>
    );
}
