// Sessions and API tokens, of oneself or of somebody else.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { useLostAt } from '../api/connection';
import type { ApiToken, OpenSession } from './types';
import { Age } from '../parts/age';
import { Mark } from '../parts/mark';
import { Asked, Empty } from '../parts/states';
import { day } from '../time';
import { EndSession } from './forms';
import { useRevokeToken, useSessions, useTokens } from './ask';
import { permissionWord } from './words';

function SessionRow({ session, ends }: { session: OpenSession; ends: boolean }) {
    const [asks, setAsks] = useState(false);
    const away = useLostAt() !== null;
    return (
        <li>
            <div className="what">
                <strong className="break">{session.origin ?? t`unknown place`}</strong>
                {session.this && (
                    <p>
                        <Mark state="good">
                            <Trans>this one</Trans>
                        </Mark>
                    </p>
                )}
                <p className="muted">
                    <Trans>
                        Opened <Age at={session.opened} />, last used <Age at={session.last_used} />.
                    </Trans>
                </p>
            </div>
            {ends && !session.this && (
                <div className="acts">
                    <Button variant="default" disabled={away} onClick={() => setAsks(true)} aria-label={t`End it: the session from ${session.origin ?? ""}`}>
                        <Trans>End it…</Trans>
                    </Button>
                </div>
            )}
            {asks && <EndSession session={session} close={() => setAsks(false)} />}
        </li>
    );
}

export function Sessions({ account, ends }: { account: string; ends: boolean }) {
    const query = useSessions(account);
    return (
        <Asked what={t`the sessions`} query={query} rows={2}>
            {(items) =>
                items.length === 0 ? (
                    <Empty title={t`None is open.`} />
                ) : (
                    <ul className="kept">
                        {items.map((s) => (
                            <SessionRow key={s.id} session={s} ends={ends} />
                        ))}
                    </ul>
                )
            }
        </Asked>
    );
}

function TokenRow({ token, ends }: { token: ApiToken; ends: boolean }) {
    const revoke = useRevokeToken();
    const away = useLostAt() !== null;
    return (
        <li>
            <div className="what">
                <strong className="break">{token.label}</strong>
                <p>
                    {token.good ? (
                        <Mark state="good">
                            <Trans>good until {day(token.until)}</Trans>
                        </Mark>
                    ) : (
                        <Mark state="unknown">{token.revoked !== null ? t`revoked` : t`ended`}</Mark>
                    )}
                </p>
                <p className="muted break">{token.scopes.map(permissionWord).join('; ')}</p>
                <p className="muted small">
                    {token.last_used !== null ? (
                        <Trans>
                            Last used <Age at={token.last_used} />.
                        </Trans>
                    ) : (
                        <Trans>Not used since the program started.</Trans>
                    )}
                </p>
            </div>
            {ends && token.good && (
                <div className="acts">
                    <Button variant="default" disabled={away} loading={revoke.isPending} onClick={() => revoke.mutate(token.id)} aria-label={t`Revoke the token ${token.label}`}>
                        <Trans>Revoke</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

export function Tokens({ account, ends }: { account: string; ends: boolean }) {
    const query = useTokens(account);
    return (
        <Asked what={t`the API tokens`} query={query} rows={2}>
            {(items) =>
                items.length === 0 ? (
                    <Empty title={t`None.`}>
                        <Trans>With a token, a program uses the API in its owner's name, for some of what its owner may.</Trans>
                    </Empty>
                ) : (
                    <ul className="kept">
                        {items.map((s) => (
                            <TokenRow key={s.id} token={s} ends={ends} />
                        ))}
                    </ul>
                )
            }
        </Asked>
    );
}
