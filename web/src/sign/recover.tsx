// Let in again: with the code that two others of the lab made, a new passkey or a new password.

import { Button, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent } from 'react';
import { useRecover } from '../api/queries';
import { DoorFrame, problem, Wrong } from '../pages/door';
import { possible } from './passkey';
import { suggestion } from './methods';
import { NewPassword } from './newpassword';

export default function Recover({ name: typed, back }: { name: string; back: () => void }) {
    const recover = useRecover();
    const can = possible();
    const [name, setName] = useState(typed);
    const [code, setCode] = useState('');
    const [byPassword, setByPassword] = useState(!can);
    const [password, setPassword] = useState('');
    const submit = (event: FormEvent) => {
        event.preventDefault();
        const who = { name: name.trim(), code: code.trim() };
        recover.mutate(byPassword ? { ...who, password } : { ...who, label: suggestion() }, { onError: () => setPassword('') });
    };
    const { code: why, detail } = problem(recover.error);
    return (
        <DoorFrame name={t`Let in again`}>
            <h1>
                <Trans>Let in again</Trans>
            </h1>
            <p>
                <Trans>Go to the lab manager. Two people together make a code for you; it is good for a day and for one use. What you lost opens nothing any more.</Trans>
            </p>
            <form onSubmit={submit}>
                {recover.isError && (
                    <Wrong>{why === 'wrong-code' ? <Trans>Name or code is wrong, or the code was used or is more than a day old.</Trans> : detail}</Wrong>
                )}
                <TextInput label={t`Name`} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required withAsterisk={false} value={name} onChange={(e) => setName(e.currentTarget.value)} />
                <TextInput label={t`Code`} name="code" autoComplete="off" spellCheck={false} required withAsterisk={false} value={code} onChange={(e) => setCode(e.currentTarget.value)} />
                {byPassword && (
                    <NewPassword label={t`New password`} value={password} change={setPassword} />
                )}
                <Button type="submit" loading={recover.isPending}>
                    {byPassword ? <Trans>Set the password and sign in</Trans> : <Trans>Make a passkey and sign in</Trans>}
                </Button>
                {can && (
                    <button type="button" className="link-button" onClick={() => setByPassword(!byPassword)}>
                        {byPassword ? <Trans>A passkey instead</Trans> : <Trans>A password instead</Trans>}
                    </button>
                )}
                <button type="button" className="link-button" onClick={back}>
                    <Trans>Back to signing in</Trans>
                </button>
            </form>
        </DoorFrame>
    );
}
