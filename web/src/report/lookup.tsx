// How far a report without a name is, by its code.

import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent } from 'react';
import { call } from '../api/client';
import { problem, Wrong } from '../pages/door';
import { Near } from '../parts/age';
import { Mark } from '../parts/mark';
import type { Status } from './kept';
import { stateOf } from './words';

export function Lookup() {
    const [code, setCode] = useState('');
    const ask = useMutation({ mutationFn: (claim: string) => call<Status>('POST', '/reports/status', { body: { claim }, nameless: true }) });
    const found = ask.data;
    const submit = (event: FormEvent) => {
        event.preventDefault();
        if (code.trim() !== '') {
            ask.mutate(code.trim());
        }
    };
    const state = found ? stateOf(found.state) : null;
    return (
        <form className="lookup" onSubmit={submit}>
            {ask.isError && (
                <Wrong>
                    {problem(ask.error).status === 429 ? (
                        <Trans>Too many codes were tried. Wait a minute, then try again.</Trans>
                    ) : problem(ask.error).status === 0 ? (
                        <Trans>Tourniquet did not answer. Try again in a moment.</Trans>
                    ) : (
                        <Trans>No report has this code. Compare it letter by letter; it may also not have been sent yet.</Trans>
                    )}
                </Wrong>
            )}
            <TextInput
                label={t`Code of a report without a name`}
                description={t`Four groups of five letters and digits.`}
                classNames={{ input: 'mono' }}
                autoComplete="off"
                autoCapitalize="characters"
                spellCheck={false}
                maxLength={40}
                value={code}
                onChange={(e) => setCode(e.currentTarget.value)}
            />
            <Button type="submit" variant="default" loading={ask.isPending}>
                <Trans>Look it up</Trans>
            </Button>
            {found && state && (
                <div className="reported" role="status">
                    <p className="line">
                        <Mark state={state.mark}>{state.word}</Mark>
                        <Near at={found.time} />
                    </p>
                    {found.answer && <blockquote className="break">{found.answer}</blockquote>}
                </div>
            )}
        </form>
    );
}
