// How do I sign in, and is it the strong way?

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { useLostAt } from '../api/connection';
import type { Methods, Passkey } from '../sign/types';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { Mark } from '../parts/mark';
import { Asked, Empty, Panel } from '../parts/states';
import { LetIn } from '../sign/letin';
import { Add, Remove, RemoveApp, Rename, SetApp, useMethods, useTest } from '../sign/methods';
import { possible, underAddress } from '../sign/passkey';
import { day } from '../time';
import { problem, Wrong } from './door';

type Doing = { what: 'add' | 'app' | 'no-app' } | { what: 'rename' | 'remove'; passkey: Passkey } | null;

function sentence(all: Methods): string {
    const good = all.passkeys.filter((p) => p.stopped === null).length;
    if (good > 1) {
        return t`You sign in with ${good} passkeys.`;
    }
    if (good === 1) {
        return t`You sign in with one passkey. Add a second one, for the day when it is lost.`;
    }
    return all.app_since !== null ? t`You sign in with your password and a code.` : t`You sign in with a password alone.`;
}

function kind(p: Passkey): string {
    const words = p.transports.split(' ');
    if (p.synchronised) {
        return t`kept by your account at its maker, on all your devices`;
    }
    return words.includes('internal') ? t`in this or another device` : words.includes('hybrid') ? t`in a phone` : t`a security key`;
}

function Row({ passkey, does }: { passkey: Passkey; does: (doing: Doing) => void }) {
    const away = useLostAt() !== null;
    return (
        <li>
            <div className="what">
                <strong className="break">{passkey.name}</strong> <span className="muted">· {kind(passkey)}</span>
                <p>
                    {passkey.stopped !== null ? (
                        <Mark state="high">
                            <Trans>stopped: there seem to be two of it</Trans>
                        </Mark>
                    ) : (
                        <Mark state="good">
                            <Trans>signs you in</Trans>
                        </Mark>
                    )}
                </p>
                <p className="muted">
                    <Trans>added on {day(passkey.added)}</Trans> ·{' '}
                    {passkey.used === null ? (
                        <Trans>not used yet</Trans>
                    ) : (
                        <>
                            <Trans>last used</Trans> <Age at={passkey.used} />
                        </>
                    )}
                </p>
            </div>
            <div className="acts">
                <Button variant="default" disabled={away} onClick={() => does({ what: 'rename', passkey })} aria-label={t`Name “${passkey.name}” anew`}>
                    <Trans>Name…</Trans>
                </Button>
                <Button variant="default" disabled={away} onClick={() => does({ what: 'remove', passkey })} aria-label={t`Remove “${passkey.name}”`}>
                    <Trans>Remove…</Trans>
                </Button>
            </div>
        </li>
    );
}

export default function MethodsPage() {
    const query = useMethods();
    const away = useLostAt() !== null;
    const manages = useMay('recovery.manage');
    const test = useTest();
    const can = possible();
    const [doing, setDoing] = useState<Doing>(null);
    const close = () => setDoing(null);
    const all = query.data;
    const good = (all?.passkeys ?? []).filter((p) => p.stopped === null);
    return (
        <>
            <Head name={t`My sign-in`} line={all ? sentence(all) : t`My sign-in`} note={<Trans>A passkey is the fast way, and the strong one: nobody can guess it, or get it out of you by a false page.</Trans>}>
                {can && (
                    <Button disabled={away} onClick={() => setDoing({ what: 'add' })}>
                        <Trans>Add a passkey</Trans>
                    </Button>
                )}
                {can && good.length > 0 && (
                    <Button variant="default" disabled={away} loading={test.isPending} onClick={() => test.mutate(undefined)}>
                        <Trans>Try one out</Trans>
                    </Button>
                )}
            </Head>
            {test.isError && <Wrong>{problem(test.error).detail}</Wrong>}
            <Asked query={query} what={t`your ways to sign in`}>
                {(methods: Methods) => (
                    <>
                        <Panel
                            title={t`Passkeys`}
                            aside={
                                <span className="muted">
                                    <Plural value={methods.passkeys.length} one="# key" other="# keys" />
                                </span>
                            }
                        >
                            {!can && (
                                <p className="panel-foot">
                                    {underAddress() ? (
                                        <Trans>Passkeys belong to the name of this page, {methods.host}, not to its address: open it by its name to add one.</Trans>
                                    ) : (
                                        <Trans>This browser cannot use passkeys here.</Trans>
                                    )}
                                </p>
                            )}
                            {methods.passkeys.length === 0 ? (
                                <Empty title={t`You have no passkey yet.`}>
                                    <Trans>Fingerprint, face or PIN of this device, a phone, or a security key on the key ring: each can be one.</Trans>
                                </Empty>
                            ) : (
                                <ul className="kept">
                                    {methods.passkeys.map((p) => (
                                        <Row key={p.id} passkey={p} does={setDoing} />
                                    ))}
                                </ul>
                            )}
                        </Panel>
                        <Panel title={t`App with codes`}>
                            <div className="inside">
                                {methods.app_since === null ? (
                                    <p>
                                        <Trans>Off: your password alone is enough where you use it.</Trans>
                                    </p>
                                ) : (
                                    <p>
                                        <Trans>On since {day(methods.app_since)}: your password needs the app's code.</Trans>
                                    </p>
                                )}
                                <div className="acts">
                                    {methods.app_since === null ? (
                                        <Button variant="default" disabled={away} onClick={() => setDoing({ what: 'app' })}>
                                            <Trans>Turn it on…</Trans>
                                        </Button>
                                    ) : (
                                        <Button variant="default" disabled={away} onClick={() => setDoing({ what: 'no-app' })}>
                                            <Trans>Remove the app…</Trans>
                                        </Button>
                                    )}
                                </div>
                            </div>
                        </Panel>
                        {manages && <LetIn />}
                    </>
                )}
            </Asked>
            {doing?.what === 'add' && <Add close={close} />}
            {doing?.what === 'rename' && <Rename passkey={doing.passkey} close={close} />}
            {doing?.what === 'remove' && <Remove passkey={doing.passkey} last={good.length === 1 && good[0]?.id === doing.passkey.id} close={close} />}
            {doing?.what === 'app' && <SetApp close={close} />}
            {doing?.what === 'no-app' && <RemoveApp close={close} />}
        </>
    );
}
