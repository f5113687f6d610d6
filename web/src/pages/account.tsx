// My account: what may I do, where am I signed in, what was done in my name?

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useSession } from '../api/queries';
import { Head } from '../parts/head';
import { Empty, Panel } from '../parts/states';
import { Sessions, Tokens } from '../people/access';
import { Doings } from '../people/acts';
import { useActs, usePolicy, useRoles, useSessions } from '../people/ask';
import { MakeToken, NewPassword } from '../people/forms';
import { permissionWord, rolesWord } from '../people/words';

export default function AccountPage() {
    const session = useSession().data;
    const me = session?.person;
    const name = me?.name ?? '';
    const sessions = useSessions(name);
    const roles = useRoles();
    const policy = usePolicy();
    const acts = useActs({ person: name, event: '', q: '', cursor: '', limit: '20' });
    const away = useLostAt() !== null;
    const [doing, setDoing] = useState<'password' | 'token' | null>(null);
    const close = () => setDoing(null);
    if (!session || !me) {
        return null;
    }
    const open = sessions.data?.length;
    const sealed = me.role === 'emergency';
    return (
        <>
            <Head
                name={t`My account`}
                line={`${me.display_name}: ${rolesWord(me.roles)}.${open === undefined ? '' : ` ${plural(open, { one: 'Signed in at one place.', other: 'Signed in at # places.' })}`}`}
                note={<Trans>What is here belongs to you alone. A session or token that you do not know: end it, and tell a lab manager.</Trans>}
            >
                {!sealed && (
                    <Button variant="default" component={Link} href="/sign-in">
                        <Trans>Passkeys and codes</Trans>
                    </Button>
                )}
                {!sealed && (
                    <Button disabled={away} onClick={() => setDoing('password')}>
                        <Trans>Change password…</Trans>
                    </Button>
                )}
            </Head>
            <Panel title={t`Where you are signed in`}>
                <Sessions account={name} ends />
            </Panel>
            <Panel
                title={t`API tokens`}
                aside={
                    sealed ? undefined : (
                        <Button variant="default" disabled={away || !roles.data} onClick={() => setDoing('token')}>
                            <Trans>New token…</Trans>
                        </Button>
                    )
                }
            >
                <Tokens account={name} ends />
            </Panel>
            <Panel title={t`What you may do`}>
                {me.permissions.length === 0 ? (
                    <Empty title={t`Nothing yet.`}>
                        <Trans>You have no role here. A lab manager gives roles.</Trans>
                    </Empty>
                ) : (
                    <div className="inside">
                        <ul className="plain">
                            {me.permissions.map((p) => (
                                <li key={p}>{permissionWord(p)}</li>
                            ))}
                        </ul>
                    </div>
                )}
            </Panel>
            <Panel title={t`What you did, and what was done with your account`} aside={<Link href={`/acts?person=${name}`} className="all-link">{t`All of them`}</Link>}>
                <Doings query={acts} />
            </Panel>
            <Panel title={t`What is kept of you, and what for`}>
                <div className="inside">
                    <p>
                        <Trans>
                            Your name, your roles and who gave them; when and from which address you signed in; what you changed, took out, or looked at, with the reason you gave; what you learnt and when. It is kept so that
                            it can be said later who did what, and to show that people were trained.
                        </Trans>
                    </p>
                    <p>
                        <Trans>
                            It stands on the ledger, which nobody can change, as long as the lab keeps it. You see all of it here and under Learn; the lab manager, the privacy officer and auditors see it too. What you
                            answered in lessons and tests is yours alone. Ask the privacy officer if you have questions.
                        </Trans>
                    </p>
                </div>
            </Panel>
            {doing === 'password' && policy.data && <NewPassword shortest={policy.data.password_shortest} close={close} />}
            {doing === 'token' && roles.data && <MakeToken roles={roles.data} permissions={me.permissions} close={close} />}
        </>
    );
}
