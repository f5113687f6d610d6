// First start: who holds the code from the server's console makes the first account.

import { Button, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent } from 'react';
import { useSetUp } from '../api/queries';
import { Shape } from '../parts/mark';
import { DoorFrame, problem, Wrong } from './door';
import { NewPassword, PASSWORD_MIN } from '../sign/newpassword';


function Refused({ error }: { error: unknown }) {
    const { status, detail } = problem(error);
    switch (status) {
        case 403:
            return <Trans>This code is not right. It was printed when Tourniquet started; compare it letter by letter.</Trans>;
        case 409:
            return <Trans>Set-up is already done. Reload the page and sign in.</Trans>;
        case 429:
            return <Trans>Too many wrong codes. Wait a minute, then try again.</Trans>;
        case 0:
            return <Trans>Tourniquet did not answer. Try again in a moment.</Trans>;
        default:
            return <>{detail}</>;
    }
}

function Ask({ met, children }: { met: boolean; children: React.ReactNode }) {
    return (
        <li>
            <Shape state={met ? 'good' : 'unknown'} size={16} />
            <span>
                {children}
                <span className="unseen">: {met ? t`yes` : t`not yet`}</span>
            </span>
        </li>
    );
}

export default function SetUpPage() {
    const setUp = useSetUp();
    const [values, setValues] = useState({ code: '', name: '', display_name: '', password: '' });
    const set = (key: keyof typeof values) => (e: React.ChangeEvent<HTMLInputElement>) => setValues({ ...values, [key]: e.currentTarget.value });
    const long = [...values.password].length >= PASSWORD_MIN;
    const apart = values.password !== '' && (values.name === '' || !values.password.toLowerCase().includes(values.name.trim().toLowerCase()));
    const send = (event: FormEvent) => {
        event.preventDefault();
        setUp.mutate({ ...values, code: values.code.trim().toUpperCase(), name: values.name.trim(), display_name: values.display_name.trim() });
    };
    return (
        <DoorFrame name={t`Set up`}>
            <h1>
                <Trans>Make the first account</Trans>
            </h1>
            <p>
                <Trans>It will be the administrator of this site. You need the set-up code that Tourniquet printed when it started.</Trans>
            </p>
            <form onSubmit={send}>
                {setUp.isError && (
                    <Wrong>
                        <Refused error={setUp.error} />
                    </Wrong>
                )}
                <TextInput
                    label={t`Set-up code`}
                    description={t`Two groups of five, for example ABCDE-12345. It works once.`}
                    required
                    withAsterisk={false}
                    autoComplete="one-time-code"
                    autoCapitalize="characters"
                    spellCheck={false}
                    autoFocus
                    classNames={{ input: 'mono' }}
                    value={values.code}
                    onChange={set('code')}
                />
                <TextInput label={t`Your name`} description={t`As colleagues know you. It stands beside what you do.`} required withAsterisk={false} autoComplete="name" value={values.display_name} onChange={set('display_name')} />
                <TextInput label={t`Sign-in name`} description={t`Short, without spaces, for example ana.`} required withAsterisk={false} autoComplete="username" autoCapitalize="none" spellCheck={false} value={values.name} onChange={set('name')} />
                <NewPassword label={t`Password`} description={t`A sentence is easier to keep than a puzzle. Pasting works.`} value={values.password} change={(password) => setValues((v) => ({ ...v, password }))} />
                <ul className="asks" aria-label={t`What the password needs`}>
                    <Ask met={long}>
                        <Trans>{PASSWORD_MIN} characters or more</Trans>
                    </Ask>
                    <Ask met={apart}>
                        <Trans>Not your sign-in name</Trans>
                    </Ask>
                    <li className="muted">
                        <Shape state="info" size={16} />
                        <Trans>Common passwords are refused when you send it</Trans>
                    </li>
                </ul>
                <Button type="submit" loading={setUp.isPending}>
                    <Trans>Make the account</Trans>
                </Button>
            </form>
        </DoorFrame>
    );
}
