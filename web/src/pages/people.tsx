// Who may come in, and as what?

import { Button, NativeSelect } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useCallback, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useLostAt } from '../api/connection';
import { lookAs, useSession } from '../api/queries';
import type { Page } from '../api/types';
import type { Account, RoleTable, SecondFactor } from '../people/types';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { Pager, Search } from '../parts/list';
import { Mark } from '../parts/mark';
import { show } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { usePeople, usePolicy, useReview, useRoles } from '../people/ask';
import { Invite, Policy, Seal } from '../people/forms';
import { rolesWord, stateOf } from '../people/words';
import { count, day } from '../time';
import { personRole } from '../words';
import { problem } from './door';

const DEFAULTS = { q: '', state: '', cursor: '' };

function sentence(page: Page<Account> | undefined, state: string): string {
    if (page === undefined) {
        return t`People`;
    }
    if (state === 'due') {
        return page.total === 0
            ? t`Everybody's access was confirmed within the last 90 days.`
            : plural(page.total, { one: 'The access review is due: is the access of # person still right?', other: 'The access review is due: is the access of # people still right?' });
    }
    if (state === 'ending') {
        return page.total === 0
            ? t`No role and no API token ends within 14 days.`
            : plural(page.total, { one: 'Within 14 days a role or an API token of # person ends.', other: 'Within 14 days roles or API tokens of # people end.' });
    }
    const all = state === 'all';
    const used = page.items.find((p) => p.emergency && stateOf(p).state === 'critical');
    const due = page.items.filter((p) => p.review_due).length;
    const many = all ? plural(page.total, { one: '# account, closed ones too.', other: '# accounts, closed ones too.' }) : plural(page.total, { one: '# person has an account.', other: '# people have an account.' });
    if (used) {
        return `${t`The emergency account was used and waits to be sealed.`} ${many}`;
    }
    return due > 0 ? `${many} ${plural(due, { one: 'Nobody has confirmed the access of # of them for 90 days.', other: 'Nobody has confirmed the access of # of them for 90 days.' })}` : many;
}

function Row({ person, me, manages }: { person: Account; me: string; manages: boolean }) {
    const review = useReview();
    const away = useLostAt() !== null;
    const { state, word } = stateOf(person);
    const confirm = () =>
        review.mutate([person], {
            onSuccess: () => show({ text: t`Confirmed, and written down.` }),
            onError: (error) => show({ text: problem(error).detail || t`Tourniquet did not answer.` }),
        });
    return (
        <li>
            <div className="what">
                <Link href={`/people/${person.name}`} className="row-link" data-row>
                    <strong className="break">{person.display_name}</strong>
                </Link>{' '}
                <span className="muted mono break">{person.name}</span>
                <p>{rolesWord(person.roles)}</p>
                <p>
                    <Mark state={state}>{word}</Mark>
                </p>
                <p className="muted small">
                    {person.last_sign_in !== null ? (
                        <Trans>
                            Last signed in <Age at={person.last_sign_in} />.
                        </Trans>
                    ) : (
                        <Trans>Never signed in.</Trans>
                    )}{' '}
                    {person.state === 'active' && !person.second_factor && !person.emergency && <Trans>Signs in with a password alone.</Trans>}{' '}
                    {person.ends !== null && <Trans>Access ends on {day(person.ends)}.</Trans>}{' '}
                    {person.token_ends !== null && <Trans>An API token ends on {day(person.token_ends)}.</Trans>}{' '}
                    {person.reviewed !== null && (
                        <Trans>
                            Confirmed <Age at={person.reviewed} />.
                        </Trans>
                    )}
                </p>
            </div>
            {manages && person.name !== me && person.state !== 'closed' && !person.emergency && (
                <div className="acts">
                    <Button variant="default" disabled={away} loading={review.isPending} onClick={confirm} aria-label={t`Still right: the access of ${person.display_name}`}>
                        <Trans>Still right</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

function factorWord(f: SecondFactor): string {
    switch (f) {
        case 'managers':
            return t`Whoever manages something signs in with a passkey or a code of an app: with a password alone, none of their roles counts.`;
        case 'everybody':
            return t`Everybody signs in with a passkey or a code of an app: with a password alone, no role counts.`;
        default:
            return t`A password alone is enough. Passkeys are safer and faster: who has one uses it.`;
    }
}

function Rules({ change }: { change: (() => void) | null }) {
    const policy = usePolicy();
    const away = useLostAt() !== null;
    return (
        <Panel title={t`Rules for signing in`}>
            <Asked what={t`the rules`} query={policy} rows={2}>
                {(p) => (
                    <div className="inside">
                        <p>
                            <Trans>At least {p.password_shortest} characters, of any kind.</Trans>{' '}
                            {p.password_days === 0 ? (
                                <Trans>No longest age: as NIST SP 800-63B says, a password is changed when somebody else may know it, and not by the calendar.</Trans>
                            ) : (
                                <Trans>
                                    They end after {p.password_days} days, because this site wants it. NIST SP 800-63B advises against that: people then choose weaker ones.
                                </Trans>
                            )}{' '}
                            {p.breached > 0 ? (
                                <Trans>None of {count(p.breached)} that leaked elsewhere is taken.</Trans>
                            ) : (
                                <Trans>No list of leaked passwords is named in lab.yaml (breached_passwords).</Trans>
                            )}
                        </p>
                        <p>{factorWord(p.second_factor)}</p>
                        {p.why !== null && p.changed !== null && (
                            <p className="muted break">
                                “{p.why}” {p.by}, {day(p.changed)}
                            </p>
                        )}
                        {change !== null && (
                            <div className="acts">
                                <Button variant="default" disabled={away} onClick={change}>
                                    <Trans>Change…</Trans>
                                </Button>
                            </div>
                        )}
                    </div>
                )}
            </Asked>
        </Panel>
    );
}

/** Before somebody is invited: what will they see? Only roles whose every right is one's own, since the program answers with no less. */
function SeeAs({ table, mine }: { table: RoleTable; mine: string[] }) {
    const [, go] = useLocation();
    const rights = (role: string) => table.permissions.filter((p) => p.roles.includes(role)).map((p) => p.name);
    const roles = table.roles.filter((r) => r.given && rights(r.name).every((p) => mine.includes(p)) && rights(r.name).length < mine.length).map((r) => r.name);
    const [role, setRole] = useState(roles.includes('assessor') ? 'assessor' : (roles[0] ?? ''));
    return (
        <Panel title={t`What others see`}>
            <div className="inside">
                <p>
                    <Trans>Look at the page as a role sees it, before you invite somebody: an assessor, for example. What is on it stays what you may see; nothing can be changed meanwhile.</Trans>
                </p>
                <div className="acts">
                    <NativeSelect aria-label={t`Role`} value={role} onChange={(e) => setRole(e.currentTarget.value)} data={roles.map((r) => ({ value: r, label: personRole(r) }))} />
                    <Button
                        variant="default"
                        disabled={role === ''}
                        onClick={() => {
                            lookAs({ role, permissions: rights(role) });
                            go('/');
                        }}
                    >
                        <Trans>See it</Trans>
                    </Button>
                </div>
            </div>
        </Panel>
    );
}

export default function PeoplePage() {
    const [filter, change] = useParams(DEFAULTS);
    const query = usePeople(filter);
    const roles = useRoles();
    const session = useSession().data;
    const manages = useMay('people.manage');
    const away = useLostAt() !== null;
    const [doing, setDoing] = useState<'invite' | 'seal' | 'policy' | null>(null);
    const review = useReview();
    const search = useCallback((q: string) => change({ q, cursor: '' }, true), [change]);
    const all = filter.state === 'all';
    const dueOnly = filter.state === 'due';
    const me = session?.person.name ?? '';
    const items = query.data?.items ?? [];
    const due = items.filter((p) => p.review_due && p.name !== me && !p.emergency);
    const sealed = items.some((p) => p.emergency);
    const close = () => setDoing(null);
    return (
        <>
            <Head name={t`People`} line={sentence(query.data, filter.state)} note={<Trans>Who may come in, as what, and who said so. Each change is on the ledger with its reason.</Trans>}>
                {manages && (
                    <>
                        <Button disabled={away || !roles.data} onClick={() => setDoing('invite')}>
                            <Trans>Invite</Trans>
                        </Button>
                        <Button variant="default" component={Link} href="/people/import">
                            <Trans>From a list</Trans>
                        </Button>
                    </>
                )}
            </Head>
            <div className="tools" role="search">
                <Search value={filter.q} label={t`Search people`} hint={t`Name`} change={search} />
                <Button variant="default" onClick={() => change({ state: dueOnly ? '' : 'due', cursor: '' })} aria-pressed={dueOnly}>
                    {dueOnly ? t`Show all` : t`Only those to confirm`}
                </Button>
                <Button variant="default" onClick={() => change({ state: all ? '' : 'all', cursor: '' })} aria-pressed={all}>
                    {all ? t`Hide closed ones` : t`Show closed ones`}
                </Button>
                {manages && due.length > 1 && (
                    <Button
                        variant="default"
                        disabled={away}
                        loading={review.isPending}
                        onClick={() => review.mutate(due, { onSuccess: () => show({ text: t`Confirmed, and written down.` }), onError: (error) => show({ text: problem(error).detail }) })}
                    >
                        <Trans>All {due.length} are still right</Trans>
                    </Button>
                )}
            </div>
            <Panel title={t`Accounts`}>
                <Asked what={t`the people`} query={query} rows={6}>
                    {(page) =>
                        page.items.length === 0 ? (
                            <Empty title={dueOnly ? t`Nobody waits to be confirmed.` : t`Nobody matches.`}>
                                {dueOnly ? <Trans>After 90 days without a look they stand here again.</Trans> : <Trans>Take the filter away to see all.</Trans>}
                            </Empty>
                        ) : (
                            <ul className="kept">
                                {page.items.map((p) => (
                                    <Row key={p.name} person={p} me={me} manages={manages} />
                                ))}
                            </ul>
                        )
                    }
                </Asked>
                {query.data && query.data.items.length > 0 && (
                    <Pager shown={query.data.items.length} total={query.data.total} first={filter.cursor === ''} next={query.data.next} change={(cursor) => change({ cursor })} />
                )}
            </Panel>
            {manages && query.data && (
                <Panel title={t`Emergency account`}>
                    <div className="inside">
                        <p>
                            {sealed ? (
                                <Trans>There is one. Its code lies in an envelope; whoever uses it raises a critical finding.</Trans>
                            ) : (
                                <Trans>None seen here. An account in a sealed envelope helps on the day when nobody else can sign in; its use is seen by everybody.</Trans>
                            )}
                        </p>
                        <div className="acts">
                            <Button variant="default" disabled={away} onClick={() => setDoing('seal')}>
                                {sealed ? t`Seal it anew…` : t`Make one…`}
                            </Button>
                        </div>
                    </div>
                </Panel>
            )}
            {manages && roles.data && session && <SeeAs table={roles.data} mine={session.person.permissions} />}
            <Rules change={manages ? () => setDoing('policy') : null} />
            {doing === 'invite' && roles.data && session && <Invite roles={roles.data} site={session.site} close={close} />}
            {doing === 'seal' && <Seal there={sealed} close={close} />}
            {doing === 'policy' && <Policy close={close} />}
        </>
    );
}
