// "I have read and understood": the sentence, and that it is really this person who says so.

import { Button } from '@mantine/core';
import { Trans } from '@lingui/react/macro';
import { useState, type ReactNode } from 'react';
import { Problem } from '../api/client';
import { problem, Wrong } from '../pages/door';
import { useAgain } from '../sign/again';
import { useSign } from './ask';

function Refused({ error }: { error: unknown }) {
    if (error instanceof Problem && error.code === 'wrong-password') {
        return <Trans>Not signed: that is not your password. This attempt is recorded.</Trans>;
    }
    const { code, detail } = problem(error);
    if (code === 'offline' || detail === '') {
        return <Trans>Not signed: Tourniquet did not answer. Try again in a moment.</Trans>;
    }
    return <>{detail}</>;
}

export function SignFor({ path, body, sentence, signed }: { path: string; body: Record<string, string>; sentence: ReactNode; signed: (record: number) => void }) {
    const sign = useSign(path, body);
    const again = useAgain();
    const [asked, setAsked] = useState(false);
    return (
        <form
            className="ask sign-for"
            onSubmit={(event) => {
                event.preventDefault();
                setAsked(true);
                if (again.ready) {
                    sign.mutate(again.proof, { onSuccess: ({ record }) => signed(record), onSettled: () => again.clear() });
                }
            }}
        >
            <p className="remember">{sentence}</p>
            {again.field(asked)}
            {sign.error !== null && (
                <Wrong>
                    <Refused error={sign.error} />
                </Wrong>
            )}
            <div className="thumb">
                <Button type="submit" loading={sign.isPending}>
                    <Trans>Sign</Trans>
                </Button>
            </div>
        </form>
    );
}
