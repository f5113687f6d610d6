// What is done about people, each in a window of its own. Every act that gives or takes power asks who it is, again.

import { Button, NativeSelect, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Problem } from '../api/client';
import type { Account, AccountDetail, Invitation, OpenSession, RoleTable } from './types';
import { problem, Wrong } from '../pages/door';
import { Box, Ends, Once } from '../parts/box';
import { show } from '../parts/say';
import { stamp } from '../time';
import { personRole } from '../words';
import { useAgain } from '../sign/again';
import { codePath, useChange, useCode, useEndSession, useMakeToken, useOwnPassword, usePolicy, useRename, useSetPolicy, type Fields } from './ask';
import { permissionWord } from './words';
import { NewPassword as PasswordChoice } from '../sign/newpassword';

function Refused({ error }: { error: unknown }) {
    if (error instanceof Problem && error.code === 'wrong-password') {
        return <Trans>Not done: that is not your password. This attempt is recorded.</Trans>;
    }
    if (error instanceof Problem && error.code === 'offline') {
        return <Trans>Not done: Tourniquet did not answer. Try again in a moment.</Trans>;
    }
    const { code, detail } = problem(error);
    if (code === 'takes-two') {
        return <Trans>This person has a passkey or an app: they sign in with that and choose a password themselves. Who has lost everything is let in again by two people together, under My sign-in.</Trans>;
    }
    return <>{detail}</>;
}

function Tick({ label, on, change }: { label: string; on: boolean; change: (on: boolean) => void }) {
    return (
        <label className="tick">
            <input type="checkbox" checked={on} onChange={(e) => change(e.currentTarget.checked)} />
            <span>{label}</span>
        </label>
    );
}

function WhyField({ value, change, focus }: { value: string; change: (text: string) => void; focus?: boolean }) {
    return (
        <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={value} onChange={(e) => change(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus={focus} />
    );
}

function Failure({ error }: { error: unknown }) {
    return error === null ? null : (
        <Wrong>
            <Refused error={error} />
        </Wrong>
    );
}

function Code({ made, close }: { made: Invitation; close: () => void }) {
    if (made.code === null) {
        return (
            <Box title={t`The password counts no more`} close={close}>
                <p>
                    <Trans>{made.name} has a passkey or an app, and comes in with that. No code was made.</Trans>
                </p>
                <div className="acts" style={{ justifyContent: 'flex-end' }}>
                    <Button onClick={close}>
                        <Trans>Done</Trans>
                    </Button>
                </div>
            </Box>
        );
    }
    return (
        <Once title={t`The code`} secret={made.code} close={close}>
            <p>
                <Trans>
                    It is shown this once. Give it to {made.name} in person or by telephone. With it and that name, a password of their own is chosen at the sign-in page: “I have a code”.
                </Trans>
            </p>
            {made.until && (
                <p>
                    <Trans>It is good until {stamp(made.until)}, for one time.</Trans>
                </p>
            )}
        </Once>
    );
}

interface Role {
    role: string;
    until: string;
    site: boolean;
    /** Of a maker's engineer: whose devices she may ask for. */
    maker?: string;
}

function RoleFields({ roles, value, change, site, none }: { roles: RoleTable; value: Role; change: (role: Role) => void; site: string; none?: boolean }) {
    const needsEnd = roles.roles.find((r) => r.name === value.role)?.needs_end ?? false;
    const given = roles.roles.filter((r) => r.given).map((r) => ({ value: r.name, label: personRole(r.name) }));
    const can = roles.permissions.filter((p) => p.roles.includes(value.role));
    return (
        <>
            <NativeSelect label={t`Role`} data={none ? [{ value: '', label: t`No role yet` }, ...given] : given} value={value.role} onChange={(e) => change({ ...value, role: e.currentTarget.value })} />
            {can.length > 0 && (
                <details className="small">
                    <summary>
                        <Plural value={can.length} one="May do one thing" other="May do # things" />
                    </summary>
                    <ul>
                        {can.map((p) => (
                            <li key={p.name}>{permissionWord(p.name)}</li>
                        ))}
                    </ul>
                </details>
            )}
            <TextInput
                type="date"
                label={needsEnd ? t`Last day` : t`Last day, if there is one`}
                description={needsEnd ? t`Access of somebody from outside ends by itself.` : undefined}
                value={value.until}
                onChange={(e) => change({ ...value, until: e.currentTarget.value })}
            />
            {value.role === "maker's engineer" && (
                <TextInput
                    label={t`Maker`}
                    description={t`As the devices have it: only these can be asked for.`}
                    autoComplete="off"
                    maxLength={80}
                    value={value.maker ?? ''}
                    onChange={(e) => change({ ...value, maker: e.currentTarget.value })}
                />
            )}
            <Tick label={t`Only at ${site}`} on={value.site} change={(on) => change({ ...value, site: on })} />
        </>
    );
}

const roleReady = (role: Role, roles: RoleTable, none?: boolean) => (role.role === '' ? none === true : !(roles.roles.find((r) => r.name === role.role)?.needs_end ?? false) || role.until !== '');
const roleBody = (role: Role, site: string): Fields =>
    role.role === '' ? {} : { role: role.role, ...(role.until === '' ? {} : { until: role.until }), ...(role.site ? { site } : {}), ...(role.role === "maker's engineer" && role.maker?.trim() ? { maker: role.maker.trim() } : {}) };

export function Invite({ roles, site, close }: { roles: RoleTable; site: string; close: () => void }) {
    const invite = useCode('/people');
    const again = useAgain();
    const [name, setName] = useState('');
    const [shown, setShown] = useState('');
    const [role, setRole] = useState<Role>({ role: 'technologist', until: '', site: false });
    const [why, setWhy] = useState('');
    if (invite.data) {
        return <Code made={invite.data} close={close} />;
    }
    const plain = name.trim().toLowerCase();
    const good = /^[a-z0-9][a-z0-9._@-]{0,63}$/.test(plain);
    const ready = good && why.trim() !== '' && again.ready && roleReady(role, roles, true);
    const submit = () => {
        if (ready && !invite.isPending) {
            invite.mutate({ body: { name: plain, ...(shown.trim() === '' ? {} : { display_name: shown.trim() }), ...roleBody(role, site), why: why.trim() }, proof: again.proof }, { onSettled: again.clear });
        }
    };
    return (
        <Box title={t`Invite somebody`} close={close} submit={submit}>
            <Failure error={invite.error} />
            <TextInput
                label={t`Account name`}
                description={t`Theirs alone, for ever: it is never given to somebody else.`}
                error={name !== '' && !good ? t`Letters a to z, digits, dots, dashes.` : undefined}
                value={name}
                onChange={(e) => setName(e.currentTarget.value)}
                maxLength={64}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                data-autofocus
            />
            <TextInput label={t`Name to show`} value={shown} onChange={(e) => setShown(e.currentTarget.value)} maxLength={80} autoComplete="off" />
            <RoleFields roles={roles} value={role} change={setRole} site={site} none />
            <WhyField value={why} change={setWhy} />
            {again.field()}
            <Ends close={close} go={t`Make the code`} busy={invite.isPending} ready={ready} />
        </Box>
    );
}

export function GrantRole({ person, roles, site, close }: { person: AccountDetail; roles: RoleTable; site: string; close: () => void }) {
    const change = useChange(person.name, 'grant');
    const again = useAgain();
    const [role, setRole] = useState<Role>({ role: roles.roles.find((r) => r.given && !person.roles.includes(r.name))?.name ?? '', until: '', site: false });
    const [why, setWhy] = useState('');
    const ready = why.trim() !== '' && again.ready && roleReady(role, roles);
    const submit = () => {
        if (ready && !change.isPending) {
            change.mutate(
                { body: { ...roleBody(role, site), why: why.trim() }, proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: t`Given. It counts at once.` });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={t`Give ${person.display_name} a role`} close={close} submit={submit}>
            <Failure error={change.error} />
            <RoleFields roles={roles} value={role} change={setRole} site={site} />
            <WhyField value={why} change={setWhy} />
            {again.field()}
            <Ends close={close} go={t`Give the role`} busy={change.isPending} ready={ready} />
        </Box>
    );
}

/** Taking a role back, or closing the account. */
export function TakeAway({ person, role, close }: { person: AccountDetail; role: string | null; close: () => void }) {
    const change = useChange(person.name, role === null ? 'close' : 'withdraw');
    const again = useAgain();
    const [why, setWhy] = useState('');
    const ready = why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !change.isPending) {
            change.mutate(
                { body: { ...(role === null ? {} : { role }), why: why.trim() }, proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: role === null ? t`Closed everywhere.` : t`Taken back. It counts no more.` });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={role === null ? t`Close the account of ${person.display_name}` : t`Take back: ${personRole(role)}`} close={close} submit={submit}>
            <p>
                {role === null ? (
                    <Trans>All roles, sessions, API tokens and passkeys end at once. What this person did stays on the ledger under this name.</Trans>
                ) : (
                    <Trans>{person.display_name} may no longer do what this role allows, in sessions that are open too.</Trans>
                )}
            </p>
            <Failure error={change.error} />
            <WhyField value={why} change={setWhy} focus />
            {again.field()}
            <Ends close={close} go={role === null ? t`Close the account` : t`Take the role back`} busy={change.isPending} ready={ready} />
        </Box>
    );
}

/** A new code in the place of the password: forgotten, known to somebody else, or the account is opened again. */
export function NewCode({ person, close }: { person: AccountDetail; close: () => void }) {
    const closed = person.state === 'closed';
    const code = useCode(codePath(person.name, closed ? '/reopen' : '/reset'));
    const again = useAgain();
    const [why, setWhy] = useState('');
    const [known, setKnown] = useState(false);
    if (code.data) {
        return <Code made={code.data} close={close} />;
    }
    const ready = why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !code.isPending) {
            code.mutate({ body: { why: why.trim(), ...(closed ? {} : { compromised: known }) }, proof: again.proof }, { onSettled: again.clear });
        }
    };
    return (
        <Box title={closed ? t`Open the account of ${person.display_name} again` : t`A new code for ${person.display_name}`} close={close} submit={submit}>
            <p>
                {closed ? (
                    <Trans>It comes back without a role and without its password: a one-time code is made for it.</Trans>
                ) : (
                    <Trans>The password counts no more and all sessions end. With the code, {person.display_name} chooses another one.</Trans>
                )}
            </p>
            <Failure error={code.error} />
            <WhyField value={why} change={setWhy} focus />
            {!closed && <Tick label={t`Somebody else may know the password: API tokens end too`} on={known} change={setKnown} />}
            {again.field()}
            <Ends close={close} go={t`Make the code`} busy={code.isPending} ready={ready} />
        </Box>
    );
}

export function EndSession({ session, close }: { session: OpenSession; close: () => void }) {
    const end = useEndSession(session.id);
    const again = useAgain();
    const submit = () => {
        if (again.ready && !end.isPending) {
            end.mutate({ body: {}, proof: again.proof }, { onSuccess: close, onSettled: again.clear });
        }
    };
    return (
        <Box title={t`End the session from ${session.origin ?? ''}`} close={close} submit={submit}>
            <p>
                <Trans>Whoever uses it has to sign in again.</Trans>
            </p>
            <Failure error={end.error} />
            {again.field()}
            <Ends close={close} go={t`End it`} busy={end.isPending} ready={again.ready} />
        </Box>
    );
}

export function Rename({ person, close }: { person: Account; close: () => void }) {
    const rename = useRename(person.name);
    const [shown, setShown] = useState(person.display_name);
    const ready = shown.trim() !== '' && shown.trim() !== person.display_name;
    const submit = () => {
        if (ready && !rename.isPending) {
            rename.mutate({ display_name: shown.trim(), etag: person.etag }, { onSuccess: close });
        }
    };
    return (
        <Box title={t`Name to show`} close={close} submit={submit}>
            <Failure error={rename.error} />
            <TextInput label={t`Name to show`} value={shown} onChange={(e) => setShown(e.currentTarget.value)} maxLength={80} autoComplete="off" data-autofocus />
            <Ends close={close} go={t`Save`} busy={rename.isPending} ready={ready} />
        </Box>
    );
}

/** The envelope: an account for the day when nobody else can sign in. */
export function Seal({ there, close }: { there: boolean; close: () => void }) {
    const seal = useCode('/emergency');
    const again = useAgain();
    const [why, setWhy] = useState('');
    if (seal.data) {
        return (
            <Once title={t`For the envelope`} secret={seal.data.code ?? ''} close={close}>
                <p>
                    <Trans>
                        Write it on paper with the account name “{seal.data.name}”, put it into an envelope, seal it, and lock it away. It is shown this once. Whoever signs in with it raises a
                        critical finding that everybody sees.
                    </Trans>
                </p>
            </Once>
        );
    }
    const ready = why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !seal.isPending) {
            seal.mutate({ body: { why: why.trim() }, proof: again.proof }, { onSettled: again.clear });
        }
    };
    return (
        <Box title={there ? t`Seal the emergency account anew` : t`Make the emergency account`} close={close} submit={submit}>
            <p>
                <Trans>For the day when nobody else can sign in. It may what a lab manager may, except change who may what.</Trans>{' '}
                {there && <Trans>The code of the envelope that is there counts no more.</Trans>}
            </p>
            <Failure error={seal.error} />
            <WhyField value={why} change={setWhy} focus />
            {again.field()}
            <Ends close={close} go={t`Make the code`} busy={seal.isPending} ready={ready} />
        </Box>
    );
}

export function Policy({ close }: { close: () => void }) {
    const policy = usePolicy();
    const set = useSetPolicy();
    const again = useAgain();
    const [days, setDays] = useState<string | null>(null);
    const [factor, setFactor] = useState<string | null>(null);
    const [why, setWhy] = useState('');
    const now = days === null ? (policy.data?.password_days ?? 0) : Number(days);
    const aged = days === null ? now !== 0 : days !== '0';
    const ready = why.trim() !== '' && again.ready && (!aged || (now >= 30 && now <= 1095));
    const submit = () => {
        if (ready && !set.isPending) {
            set.mutate(
                { body: { password_days: String(now), ...(factor === null ? {} : { second_factor: factor }), why: why.trim() }, proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: t`Saved.` });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={t`Rules for signing in`} close={close} submit={submit}>
            <p>
                <Trans>
                    NIST (SP 800-63B) says that passwords shall not have to be changed from time to time: people then choose weaker ones. They shall be changed when somebody else may know them. If a
                    contract or an insurer of this site demands a longest age all the same, it is set here.
                </Trans>
            </p>
            <Failure error={set.error} />
            <NativeSelect
                label={t`Who has to sign in with a passkey or a code of an app`}
                description={t`With a password alone their roles do not count; they can set one up at any time. Sign in so yourself first.`}
                value={factor ?? policy.data?.second_factor ?? 'none'}
                onChange={(e) => setFactor(e.currentTarget.value)}
                data={[
                    { value: 'none', label: t`Nobody has to` },
                    { value: 'managers', label: t`Whoever manages something` },
                    { value: 'everybody', label: t`Everybody` },
                ]}
            />
            <Tick label={t`Passwords have a longest age`} on={aged} change={(on) => setDays(on ? '365' : '0')} />
            {aged && <TextInput label={t`Days`} inputMode="numeric" value={days ?? String(policy.data?.password_days ?? 0)} onChange={(e) => setDays(e.currentTarget.value.replace(/\D/g, ''))} maxLength={4} />}
            <WhyField value={why} change={setWhy} />
            {again.field()}
            <Ends close={close} go={t`Save`} busy={set.isPending} ready={ready} />
        </Box>
    );
}

export function MakeToken({ roles, permissions, close }: { roles: RoleTable; permissions: string[]; close: () => void }) {
    const make = useMakeToken();
    const again = useAgain();
    const [label, setLabel] = useState('');
    const [typed, setTyped] = useState('90');
    const days = Number(typed);
    const [scopes, setScopes] = useState<string[]>([]);
    if (make.data) {
        return (
            <Once title={t`The token`} secret={make.data.token} close={close}>
                <p>
                    <Trans>It is shown this once. The program sends it with each request, as “Authorization: Bearer” and this text. Keep it where only that program can read it.</Trans>
                </p>
            </Once>
        );
    }
    const can = roles.permissions.filter((p) => p.token && permissions.includes(p.name));
    const ready = label.trim() !== '' && scopes.length > 0 && days >= 1 && days <= 366 && again.ready;
    const submit = () => {
        if (ready && !make.isPending) {
            make.mutate({ body: { label: label.trim(), scopes: scopes.join(' '), days: String(days) }, proof: again.proof }, { onSettled: again.clear });
        }
    };
    return (
        <Box title={t`New API token`} close={close} submit={submit}>
            <Failure error={make.error} />
            <TextInput label={t`For which program`} value={label} onChange={(e) => setLabel(e.currentTarget.value)} maxLength={80} autoComplete="off" data-autofocus />
            <fieldset className="ticks">
                <legend>
                    <strong>
                        <Trans>What it may do</Trans>
                    </strong>
                    <p className="muted small">
                        <Trans>Patients' data and power over people are for persons only.</Trans>
                    </p>
                </legend>
                {can.map((p) => (
                    <Tick key={p.name} label={permissionWord(p.name)} on={scopes.includes(p.name)} change={(on) => setScopes(on ? [...scopes, p.name] : scopes.filter((s) => s !== p.name))} />
                ))}
            </fieldset>
            <TextInput label={t`Good for how many days`} inputMode="numeric" value={typed} onChange={(e) => setTyped(e.currentTarget.value.replace(/\D/g, ''))} maxLength={3} />
            {again.field()}
            <Ends close={close} go={t`Make the token`} busy={make.isPending} ready={ready} />
        </Box>
    );
}

export function NewPassword({ shortest, close }: { shortest: number; close: () => void }) {
    const own = useOwnPassword();
    const again = useAgain();
    const [next, setNext] = useState('');
    const ready = [...next].length >= shortest && again.ready;
    const submit = () => {
        if (ready && !own.isPending) {
            own.mutate(
                { body: { new_password: next }, proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: t`Changed. Your other sessions have ended.` });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={t`Another password`} close={close} submit={submit}>
            <Failure error={own.error} />
            {again.field()}
            <PasswordChoice label={t`The new one`} least={shortest} value={next} change={setNext} />
            <Ends close={close} go={t`Change it`} busy={own.isPending} ready={ready} />
        </Box>
    );
}
