// What is done about one's own ways to sign in, each in a window of its own.

import { TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { call, get, type Proof } from '../api/client';
import { client } from '../api/queries';
import type { Methods, NewPasskeyWish, Passkey } from './types';
import { problem, Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { show } from '../parts/say';
import { useAgain } from './again';

// ── asking ──

export const useMethods = () => useQuery({ queryKey: ['methods'], queryFn: ({ signal }) => get<Methods>('/session/methods', signal) });

const settled = () => {
    for (const key of ['methods', 'session', 'records']) {
        void client.invalidateQueries({ queryKey: [key] });
    }
};

const useAct = <V, A = unknown>(act: (input: V) => Promise<A>) => useMutation({ mutationFn: act, onSettled: settled, gcTime: 0 });

const of = (key: Passkey) => `/passkeys/${encodeURIComponent(key.id)}`;

/** What people call the thing in their hand, until they say better. */
export function suggestion(): string {
    const agent = navigator.userAgent;
    if (/iPhone|iPad/.test(agent)) {
        return /iPad/.test(agent) ? 'iPad' : 'iPhone';
    }
    return /Android/.test(agent) ? t`Android phone` : /Windows/.test(agent) ? t`Windows computer` : /Mac/.test(agent) ? 'Mac' : t`This computer`;
}

// ── windows ──

function Refused({ error }: { error: unknown }) {
    const { code, detail } = problem(error);
    switch (code) {
        case 'wrong-password':
            return <Trans>Not done: that is not your password. This attempt is recorded.</Trans>;
        case 'wrong-code':
            return <Trans>This is not the code that the app shows now. Look at its clock, and try the next code.</Trans>;
        case 'offline':
            return <Trans>Not done: Tourniquet did not answer. Try again in a moment.</Trans>;
        default:
            return <>{detail}</>;
    }
}

function Form({ title, go, busy, ready, error, close, submit, children }: { title: string; go: string; busy: boolean; ready: boolean; error: unknown; close: () => void; submit: () => void; children: ReactNode }) {
    const send = () => {
        if (ready && !busy) {
            submit();
        }
    };
    return (
        <Box title={title} close={close} submit={send}>
            {error !== null && (
                <Wrong>
                    <Refused error={error} />
                </Wrong>
            )}
            {children}
            <Ends close={close} go={go} busy={busy} ready={ready} />
        </Box>
    );
}

export function Add({ close }: { close: () => void }) {
    const again = useAgain();
    const [name, setName] = useState(suggestion);
    const add = useAct(async (proof: Proof) => {
        const wish = await call<NewPasskeyWish>('POST', '/passkeys/options', { body: {}, proof });
        const { make } = await import('./passkey');
        return call<Methods>('POST', '/passkeys', { body: { name: name.trim(), ...(await make(wish)) } });
    });
    const submit = () =>
        add.mutate(again.proof, {
            onSettled: again.clear,
            onSuccess: () => {
                show({ text: t`“${name.trim()}” is added. Try it out: it is the fast way to sign in.` });
                close();
            },
        });
    return (
        <Form title={t`Add a passkey`} go={t`Go on`} busy={add.isPending} ready={again.ready && name.trim() !== ''} error={add.error} close={close} submit={submit}>
            <p>
                <Trans>Your device asks for fingerprint, face or PIN, or for the touch of a security key. What makes it yours never leaves it.</Trans>
            </p>
            <TextInput label={t`Name of the key`} description={t`So that you know it again.`} maxLength={60} autoComplete="off" value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
            {again.field()}
        </Form>
    );
}

export function Rename({ passkey, close }: { passkey: Passkey; close: () => void }) {
    const [name, setName] = useState(passkey.name);
    const rename = useAct(() => call<Methods>('PATCH', of(passkey), { body: { name: name.trim() } }));
    return (
        <Form title={t`Name the key`} go={t`Save`} busy={rename.isPending} ready={name.trim() !== ''} error={rename.error} close={close} submit={() => rename.mutate(undefined, { onSuccess: close })}>
            <TextInput label={t`Name of the key`} maxLength={60} autoComplete="off" value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
        </Form>
    );
}

export function Remove({ passkey, last, close }: { passkey: Passkey; last: boolean; close: () => void }) {
    const again = useAgain();
    const remove = useAct((proof: Proof) => call<Methods>('POST', `${of(passkey)}/remove`, { body: {}, proof }));
    const submit = () =>
        remove.mutate(again.proof, {
            onSettled: again.clear,
            onSuccess: () => {
                show({ text: t`“${passkey.name}” opens nothing any more.` });
                close();
            },
        });
    return (
        <Form title={t`Remove “${passkey.name}”`} go={t`Remove it`} busy={remove.isPending} ready={again.ready} error={remove.error} close={close} submit={submit}>
            <p>
                <Trans>It signs you in no more, from now on. Sessions that are open stay open.</Trans> {last && <Trans>It is your last one: you need your password then.</Trans>}
            </p>
            {again.field()}
        </Form>
    );
}

/** Which passkey answers: a try that changes nothing. */
export const useTest = () =>
    useAct(async () => {
        const { name } = await call<{ name: string }>('POST', '/passkeys/test', { body: {}, proof: { by: 'passkey' } });
        show({ text: t`“${name}” works.` });
    });

interface TotpWish {
    secret: string;
    token: string;
    site: string;
    name: string;
}

function Secret({ wish, close }: { wish: TotpWish; close: () => void }) {
    const [code, setCode] = useState('');
    const set = useAct(() => call<Methods>('POST', '/totp', { body: { secret: wish.secret, token: wish.token, code } }));
    const label = encodeURIComponent(`${wish.site}:${wish.name}`);
    const submit = () =>
        set.mutate(undefined, {
            onSuccess: () => {
                show({ text: t`From now on your password needs the app's code.` });
                close();
            },
        });
    return (
        <Form title={t`App with codes`} go={t`Turn it on`} busy={set.isPending} ready={/^\s*(\d\s*){6}$/.test(code)} error={set.error} close={close} submit={submit}>
            <p>
                <Trans>Type this key into your authenticator app (time-based, six digits). It is shown this once.</Trans>
            </p>
            <p className="mono code" data-testid="secret">
                {wish.secret.match(/.{1,4}/g)?.join(' ')}
            </p>
            <p>
                <a href={`otpauth://totp/${label}?secret=${wish.secret}&issuer=${encodeURIComponent(wish.site)}`}>
                    <Trans>Open it in the app of this phone</Trans>
                </a>
            </p>
            <TextInput label={t`Code`} description={t`The six digits that your app shows now.`} inputMode="numeric" autoComplete="one-time-code" maxLength={10} value={code} onChange={(e) => setCode(e.currentTarget.value)} />
        </Form>
    );
}

export function SetApp({ close }: { close: () => void }) {
    const again = useAgain();
    const start = useAct((proof: Proof) => call<TotpWish>('POST', '/totp/options', { body: {}, proof }));
    if (start.data) {
        return <Secret wish={start.data} close={close} />;
    }
    return (
        <Form title={t`App with codes`} go={t`Go on`} busy={start.isPending} ready={again.ready} error={start.error} close={close} submit={() => start.mutate(again.proof, { onSettled: again.clear })}>
            <p>
                <Trans>Where no passkey can be used, a code of an app stands beside the password. A code can be given away by telephone to somebody who lies; a passkey cannot.</Trans>
            </p>
            {again.field()}
        </Form>
    );
}

export function RemoveApp({ close }: { close: () => void }) {
    const again = useAgain();
    const remove = useAct((proof: Proof) => call<Methods>('POST', '/totp/remove', { body: {}, proof }));
    return (
        <Form title={t`Remove the app`} go={t`Remove it`} busy={remove.isPending} ready={again.ready} error={remove.error} close={close} submit={() => remove.mutate(again.proof, { onSettled: again.clear, onSuccess: close })}>
            <p>
                <Trans>Your password alone signs you in again.</Trans>
            </p>
            {again.field()}
        </Form>
    );
}
