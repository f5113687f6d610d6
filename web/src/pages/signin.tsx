import { Button, PasswordInput, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { IconFingerprint } from '@tabler/icons-react';
import { lazy, Suspense, useRef, useState, type FormEvent } from 'react';
import { Problem } from '../api/client';
import { usePasskeySignIn, useSignIn } from '../api/queries';
import { lockedFor } from '../parts/idle';
import { possible, underAddress } from '../sign/passkey';
import { Link } from 'wouter';
import { NewPassword } from '../sign/newpassword';
import { DoorFrame, problem, Unheard, Wrong } from './door';

const TakeUp = lazy(() => import('./takeup'));
const Recover = lazy(() => import('../sign/recover'));

function Refused({ error }: { error: unknown }) {
    const { status, code, detail } = problem(error);
    if (code === 'wrong-code') {
        return <Trans>This is not the code that your app shows now, or it was used already. Wait for the next one.</Trans>;
    }
    if (code === 'password-old') {
        return <Trans>Your password is older than this site allows. Choose another one to go on.</Trans>;
    }
    if (code === 'password-breached') {
        return <Trans>Your password is on a list of those that leaked elsewhere. Choose another one to go on.</Trans>;
    }
    if (code.startsWith('passkey-')) {
        return <>{detail}</>;
    }
    if (status === 401) {
        return <Trans>Name or password is wrong. Check both; capital letters count in the password.</Trans>;
    }
    return <Unheard error={error} />;
}

export function SignInPage() {
    const signIn = useSignIn();
    const byKey = usePasskeySignIn();
    const [was] = useState(lockedFor);
    const [name, setName] = useState(was?.name ?? '');
    const [password, setPassword] = useState('');
    const [code, setCode] = useState<string | null>(null);
    const [recovering, setRecovering] = useState(false);
    const [fresh, setFresh] = useState<string | null>(null);
    const [invited, setInvited] = useState(false);
    const field = useRef<HTMLInputElement>(null);
    const can = possible();
    const send = (event: FormEvent) => {
        event.preventDefault();
        byKey.reset();
        signIn.mutate(
            { name: name.trim(), password, ...(code ? { code: code.trim() } : {}), ...(fresh ? { new_password: fresh } : {}) },
            {
                onError: (error) => {
                    const why = error instanceof Problem ? error.code : '';
                    if (why === 'code-needed' || why === 'wrong-code') {
                        setCode('');
                        return;
                    }
                    if (why === 'password-old' || why === 'password-breached' || why === 'weak-password') {
                        setFresh('');
                        return;
                    }
                    setFresh(null);
                    setCode(null);
                    setPassword('');
                    field.current?.focus();
                },
            },
        );
    };
    if (invited) {
        return (
            <Suspense fallback={null}>
                <TakeUp name={name.trim()} back={() => setInvited(false)} />
            </Suspense>
        );
    }
    if (recovering) {
        return (
            <Suspense fallback={null}>
                <Recover name={name.trim()} back={() => setRecovering(false)} />
            </Suspense>
        );
    }
    const wrong = byKey.error ?? (problem(signIn.error).code === 'code-needed' ? null : signIn.error);
    return (
        <DoorFrame name={t`Sign in`}>
            <h1>
                <Trans>Sign in</Trans>
            </h1>
            {was !== null && (
                <p role="status">
                    <Plural
                        value={was.minutes}
                        one="Locked: nobody touched the page for # minute. What was begun waits; somebody else can sign in, too."
                        other="Locked: nobody touched the page for # minutes. What was begun waits; somebody else can sign in, too."
                    />
                </p>
            )}
            {can ? (
                <p>
                    <Trans>With the fingerprint, face, PIN or security key that you registered here.</Trans>
                </p>
            ) : (
                <p>
                    <Trans>With the name and password of your own account.</Trans>{' '}
                    {underAddress() && <Trans>Passkeys belong to the name of this page, not to its address: open it by its name to use one.</Trans>}
                </p>
            )}
            <form onSubmit={send}>
                {wrong !== null && (
                    <Wrong>
                        <Refused error={wrong} />
                    </Wrong>
                )}
                {can && (
                    <>
                        <Button
                            size="md"
                            autoFocus
                            leftSection={<IconFingerprint size={24} aria-hidden />}
                            loading={byKey.isPending}
                            onClick={() => {
                                signIn.reset();
                                byKey.mutate(name.trim());
                            }}
                        >
                            <Trans>Sign in with a passkey</Trans>
                        </Button>
                        <p className="or">
                            <Trans>or with name and password</Trans>
                        </p>
                    </>
                )}
                <TextInput
                    label={t`Name`}
                    name="username"
                    autoComplete="username"
                    autoCapitalize="none"
                    spellCheck={false}
                    required
                    withAsterisk={false}
                    autoFocus={!can}
                    value={name}
                    onChange={(e) => {
                        setName(e.currentTarget.value);
                        setCode(null);
                    }}
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
                {fresh !== null && (
                    <NewPassword label={t`Your new password`} autoFocus value={fresh} change={setFresh} />
                )}
                {code !== null && (
                    <TextInput
                        label={t`Code`}
                        description={t`The six digits that your app shows now.`}
                        name="code"
                        inputMode="numeric"
                        autoComplete="one-time-code"
                        maxLength={10}
                        autoFocus
                        value={code}
                        onChange={(e) => setCode(e.currentTarget.value)}
                    />
                )}
                <Button type="submit" variant={can ? 'default' : 'filled'} loading={signIn.isPending}>
                    <Trans>Sign in</Trans>
                </Button>
            </form>
            <p className="small">
                <button type="button" className="link-button" onClick={() => setInvited(true)}>
                    <Trans>I have a code</Trans>
                </button>
            </p>
            <p className="small">
                <button type="button" className="link-button" onClick={() => setRecovering(true)}>
                    <Trans>I can't sign in any more</Trans>
                </button>
            </p>
            <p className="small">
                <Link href="/report/nameless" className="link-button">
                    <Trans>Report something without signing in</Trans>
                </Link>
            </p>
        </DoorFrame>
    );
}
