// Who is this, and what may they do, since when, and who said so?

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useSession } from '../api/queries';
import type { AccountDetail, Grant } from '../people/types';
import { useMay } from '../may';
import { Head } from '../parts/head';
import { Mark } from '../parts/mark';
import { Asked, Empty, Failed, Loading, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { Sessions, Tokens } from '../people/access';
import { ActRow, Doings } from '../people/acts';
import { useActs, usePerson, useRoles, useWhy } from '../people/ask';
import { GrantRole, NewCode, Rename, TakeAway } from '../people/forms';
import { permissionWord, rolesWord, stateOf } from '../people/words';
import { count, day, stamp } from '../time';
import { personRole } from '../words';

function sentence(p: AccountDetail): string {
    if (p.state === 'closed') {
        return t`${p.display_name} can no longer come in.`;
    }
    const roles = rolesWord(p.roles);
    if (p.roles.length === 0) {
        return t`${p.display_name} has no role, and may do nothing.`;
    }
    return p.ends !== null ? t`${p.display_name}: ${roles}, until ${day(p.ends)}.` : t`${p.display_name}: ${roles}.`;
}

function GrantRow({ grant, take }: { grant: Grant; take: (() => void) | null }) {
    return (
        <li>
            <div className="what">
                <strong>{personRole(grant.role)}</strong> {grant.site !== null && <span className="muted">· {grant.site}</span>}
                <p>{grant.in_force ? <Mark state="good">{grant.until !== null ? t`until ${day(grant.until)}` : t`in force`}</Mark> : <Mark state="unknown">{t`over`}</Mark>}</p>
                <p className="muted">
                    {grant.by !== null ? (
                        <Trans>
                            Given by {grant.by}, {stamp(grant.since)}.
                        </Trans>
                    ) : (
                        <Trans>The first administrator, with the set-up code, {stamp(grant.since)}.</Trans>
                    )}{' '}
                    <Trans>record {count(grant.record)}</Trans>
                </p>
                {grant.why !== null && <p className="break">“{grant.why}”</p>}
                {grant.ended !== null && (
                    <p className="muted break">
                        <Trans>
                            Taken back by {grant.ended_by}, {stamp(grant.ended)}: {grant.ended_why}
                        </Trans>
                    </p>
                )}
            </div>
            {take !== null && grant.in_force && (
                <div className="acts">
                    <Button variant="default" onClick={take} aria-label={t`Take back: ${personRole(grant.role)}`}>
                        <Trans>Take back…</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

/** Why could they do this? Of one record of theirs. */
function Explained({ name, record }: { name: string; record: string }) {
    const why = useWhy(name, { record });
    return (
        <Panel title={t`Why could they do this?`}>
            <Asked what={t`the explanation`} query={why} rows={3}>
                {(w) => (
                    <>
                        {w.act !== null && (
                            <ul className="kept">
                                <ActRow act={w.act} />
                            </ul>
                        )}
                        <div className="inside">
                            <p>
                                {w.permission === null ? (
                                    <Trans>On {stamp(w.at)} these roles were in force:</Trans>
                                ) : w.may ? (
                                    <Trans>
                                        On {stamp(w.at)} they could {permissionWord(w.permission)}, because of:
                                    </Trans>
                                ) : (
                                    <Trans>
                                        On {stamp(w.at)} no role let them {permissionWord(w.permission)}.
                                    </Trans>
                                )}
                            </p>
                        </div>
                        <ul className="kept">
                            {w.grants.map((g) => (
                                <GrantRow key={g.record} grant={g} take={null} />
                            ))}
                        </ul>
                    </>
                )}
            </Asked>
        </Panel>
    );
}

const DEFAULTS = { record: '' };

export default function PersonPage({ name }: { name: string }) {
    const query = usePerson(name);
    const roles = useRoles();
    const session = useSession().data;
    const manages = useMay('people.manage');
    const searches = useMay('acts.read');
    const acts = useActs({ person: name, event: '', q: '', cursor: '', limit: '10' });
    const away = useLostAt() !== null;
    const [params] = useParams(DEFAULTS);
    const [doing, setDoing] = useState<{ what: 'grant' | 'code' | 'name' } | { what: 'take'; role: string | null } | null>(null);
    const close = () => setDoing(null);
    const parent = <Link href="/people" className="quiet-link">{t`People`}</Link>;
    if (query.data === undefined) {
        return (
            <>
                <Head name={name} parent={parent} line={t`Person`} />
                {query.isError ? <Failed what={t`this person`} error={query.error} again={() => void query.refetch()} /> : <Loading what={t`this person`} />}
            </>
        );
    }
    const p = query.data;
    const { state, word } = stateOf(p);
    const mine = session?.person.name === p.name;
    const changes = manages && !mine && !away;
    return (
        <>
            <Head name={p.name} parent={parent} line={sentence(p)} note={<Mark state={state}>{word}</Mark>}>
                {manages && !mine && p.state !== 'closed' && !p.emergency && (
                    <Button disabled={!changes || !roles.data} onClick={() => setDoing({ what: 'grant' })}>
                        <Trans>Give a role…</Trans>
                    </Button>
                )}
                {manages && !mine && !p.emergency && (
                    <Button variant="default" disabled={!changes} onClick={() => setDoing({ what: 'code' })}>
                        {p.state === 'closed' ? t`Open again…` : t`New code…`}
                    </Button>
                )}
                {manages && !mine && p.state !== 'closed' && (
                    <Button variant="default" disabled={!changes} onClick={() => setDoing({ what: 'take', role: null })}>
                        <Trans>Close…</Trans>
                    </Button>
                )}
            </Head>
            {params.record !== '' && <Explained name={p.name} record={params.record} />}
            <Panel title={t`Roles`}>
                {p.grants.length === 0 ? (
                    <Empty title={t`None was ever given.`} />
                ) : (
                    <ul className="kept">
                        {p.grants.map((g) => (
                            <GrantRow key={`${g.record}-${g.role}`} grant={g} take={changes && !p.emergency ? () => setDoing({ what: 'take', role: g.role }) : null} />
                        ))}
                    </ul>
                )}
            </Panel>
            <Panel title={t`Account`}>
                <div className="inside">
                    <dl className="facts">
                        <dt>
                            <Trans>Name to show</Trans>
                        </dt>
                        <dd className="break">
                            {p.display_name}{' '}
                            {manages && (
                                <button type="button" className="link-button" onClick={() => setDoing({ what: 'name' })}>
                                    <Trans>Change</Trans>
                                </button>
                            )}
                        </dd>
                        <dt>
                            <Trans>Made</Trans>
                        </dt>
                        <dd>
                            {stamp(p.created)} {p.created_by !== null && <>· {p.created_by}</>}
                        </dd>
                        <dt>
                            <Trans>Password chosen</Trans>
                        </dt>
                        <dd>{p.password_set !== null ? day(p.password_set) : t`not yet`}</dd>
                        <dt>
                            <Trans>Last signed in</Trans>
                        </dt>
                        <dd>{p.last_sign_in !== null ? stamp(p.last_sign_in) : t`never`}</dd>
                        <dt>
                            <Trans>Access confirmed</Trans>
                        </dt>
                        <dd>{p.reviewed !== null ? `${day(p.reviewed)} · ${p.reviewed_by ?? ''}` : t`not yet`}</dd>
                    </dl>
                </div>
            </Panel>
            <Panel title={t`Open sessions`}>
                <Sessions account={p.name} ends={manages} />
            </Panel>
            <Panel title={t`API tokens`}>
                <Tokens account={p.name} ends={manages} />
            </Panel>
            {(searches || mine) && (
                <Panel title={t`Newest doings`} aside={searches ? <Link href={`/acts?person=${p.name}`} className="all-link">{t`All of them`}</Link> : undefined}>
                    <Doings query={acts} />
                </Panel>
            )}
            {doing?.what === 'grant' && roles.data && session && <GrantRole person={p} roles={roles.data} site={session.site} close={close} />}
            {doing?.what === 'take' && <TakeAway person={p} role={doing.role} close={close} />}
            {doing?.what === 'code' && <NewCode person={p} close={close} />}
            {doing?.what === 'name' && <Rename person={p} close={close} />}
        </>
    );
}
