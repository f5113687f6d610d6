// The first time: with the one-time code that a lab manager gave, a password of one's own is chosen.

import { Button, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent } from 'react';
import { useTakeUp } from '../api/queries';
import { DoorFrame, problem, Wrong } from './door';
import { NewPassword } from '../sign/newpassword';

export default function TakeUpPage({ name: typed, back }: { name: string; back: () => void }) {
    const take = useTakeUp();
    const [name, setName] = useState(typed);
    const [code, setCode] = useState('');
    const [password, setPassword] = useState('');
    const send = (event: FormEvent) => {
        event.preventDefault();
        take.mutate({ name: name.trim(), code: code.trim(), password });
    };
    const wrong = problem(take.error);
    return (
        <DoorFrame name={t`I have a code`}>
            <h1>
                <Trans>Choose your password</Trans>
            </h1>
            <p>
                <Trans>A lab manager gave you a code. It is good for one time.</Trans>
            </p>
            <form onSubmit={send}>
                {take.isError && (
                    <Wrong>
                        {wrong.code === 'wrong-code' ? (
                            <Trans>Name or code is wrong, or the code is too old. Ask who gave it to you for a new one.</Trans>
                        ) : wrong.status === 0 ? (
                            <Trans>Tourniquet did not answer. Watching goes on; try again in a moment.</Trans>
                        ) : (
                            <span>{wrong.detail}</span>
                        )}
                    </Wrong>
                )}
                <TextInput label={t`Name`} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required withAsterisk={false} value={name} onChange={(e) => setName(e.currentTarget.value)} autoFocus />
                <TextInput label={t`Code`} name="code" autoComplete="off" spellCheck={false} required withAsterisk={false} value={code} onChange={(e) => setCode(e.currentTarget.value)} />
                <NewPassword label={t`Your new password`} value={password} change={setPassword} />
                <Button type="submit" loading={take.isPending}>
                    <Trans>Choose it and sign in</Trans>
                </Button>
            </form>
            <p className="small">
                <button type="button" className="link-button" onClick={back}>
                    <Trans>Back to signing in</Trans>
                </button>
            </p>
        </DoorFrame>
    );
}
