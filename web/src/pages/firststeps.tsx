// The first ten minutes of a lab manager: what is left to do until the lab is watched, kept and not in one person's hands. Each step is asked of the
// program itself; nothing here is ticked by hand.

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { get } from '../api/client';
import { useLinks, useSensor, useSession } from '../api/queries';
import type { Page } from '../api/types';
import type { Device } from '../device/types';
import { useTrainingRules } from '../learn/ask';
import type { Backups, Keys } from '../ledger/types';
import type { Account } from '../people/types';
import { Head } from '../parts/head';
import { Mark, type State } from '../parts/mark';
import { Panel } from '../parts/states';
import { forgetFirst } from '../parts/first';
import { count, near, zone } from '../time';

interface Step {
    name: string;
    done: boolean | undefined;
    /** What was found. */
    says: ReactNode;
    /** Where it is done. */
    go?: { path: string; word: string };
    /** The lab goes on without it. */
    may?: boolean;
}

function useSteps(): Step[] {
    const session = useSession().data;
    const sensor = useSensor();
    const links = useLinks({ watched: false });
    const people = useQuery({ queryKey: ['people', 'first'], queryFn: ({ signal }) => get<Page<Account>>('/people?limit=200', signal) });
    const rules = useTrainingRules();
    const devices = useQuery({ queryKey: ['devices', 'first'], queryFn: ({ signal }) => get<Page<Device>>('/devices?admission=waiting&limit=1', signal) });
    const backups = useQuery({ queryKey: ['backups'], queryFn: ({ signal }) => get<Backups>('/backups', signal) });
    const keys = useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => get<Keys>('/keys', signal) });
    const reading = (sensor.data ?? []).filter((c) => c.state === 'reading');
    const packets = reading.reduce((sum, c) => sum + c.packets, 0);
    const failed = (sensor.data ?? []).find((c) => c.state === 'failed');
    const others = Math.max(0, (people.data?.total ?? 1) - 1);
    /** Who else can let somebody in again (recovery.manage). */
    const second = people.data?.items.some((a) => a.name !== session?.person.name && a.state !== 'closed' && a.permissions.includes('recovery.manage'));
    const assigned = rules.data?.items.length ?? 0;
    const waiting = devices.data?.total ?? 0;
    const last = backups.data?.items[0];
    const recovery = keys.data?.recovery;
    const site = session?.site ?? '';
    const passkeys = session?.sign_in.passkeys ?? 0;
    return [
        {
            name: t`The lab and its clock`,
            done: true,
            says: (
                <Trans>
                    This site is “{site}”, and times here are {zone()} (<code>time_zone</code> in lab.yaml, else that of the machine). The name stands in the ledger and in the site's certificate: if it is wrong, change <code>site</code> in lab.yaml now, before there is anything to keep.
                </Trans>
            ),
        },
        {
            name: t`Listening`,
            done: sensor.data && packets > 0,
            says:
                packets > 0 ? (
                    <Trans>
                        {reading.map((c) => c.capture).join(', ')}: {count(packets)} packets heard so far.
                    </Trans>
                ) : failed ? (
                    <Trans>
                        {failed.capture} cannot be read: {failed.why ?? ''}
                    </Trans>
                ) : reading.length > 0 ? (
                    <Trans>{reading.map((c) => c.capture).join(', ')} is open, and nothing was heard yet. Check that the switch copies the analyzers' traffic to it (mirror port).</Trans>
                ) : (
                    <Trans>No interface is named yet: add <code>capture:</code> to lab.yaml and restart. The guide says where to listen.</Trans>
                ),
            go: { path: '/devices#listening', word: t`Look at Listening` },
        },
        {
            name: t`A passkey for yourself`,
            done: passkeys > 0,
            says: passkeys > 0 ? plural(passkeys, { one: '# passkey is yours.', other: '# passkeys are yours.' }) : <Trans>Fingerprint, face or a security key: faster than the password, and nobody can trick it out of you.</Trans>,
            go: { path: '/sign-in', word: t`Add a passkey` },
        },
        {
            name: t`The first people`,
            done: second,
            says: second ? plural(others, { one: '# colleague has an account.', other: '# colleagues have accounts.' }) : <Trans>Invite one more lab manager or IT person first: two people can let a third one in again, one alone cannot.</Trans>,
            go: { path: '/people', word: t`Invite somebody` },
        },
        {
            name: t`Training for everybody`,
            done: rules.data && assigned > 0,
            says:
                assigned > 0 ? (
                    plural(assigned, { one: '# course or policy is assigned.', other: '# courses and policies are assigned.' })
                ) : (
                    <Trans>Assign “Safe every day” to everybody: fifteen minutes in five lessons, and whoever comes later gets it, too.</Trans>
                ),
            go: { path: '/training', word: t`Assign a course` },
        },
        {
            name: t`A backup that was tested`,
            done: backups.data && last?.holds === true,
            says: last ? (
                last.holds === true ? (
                    <Trans>The newest is of {near(last.at)} and was restored as a test.</Trans>
                ) : (
                    <Trans>The newest is of {near(last.at)}. It was not tested yet.</Trans>
                )
            ) : (
                (backups.data?.due ?? <Trans>None was made yet. Name a folder on another disk in lab.yaml: <code>backup.to</code>.</Trans>)
            ),
            go: { path: '/ledger', word: t`Go to Backups` },
        },
        {
            name: t`The recovery key on paper`,
            done: keys.data && recovery?.tested != null,
            says: recovery?.tested ? (
                <Trans>Made and tried out.</Trans>
            ) : recovery?.made ? (
                <Trans>Made; type it in once to be sure that it is right.</Trans>
            ) : (
                <Trans>Without it everything is lost with this machine's key. The privacy officer, or whoever is at the machine, makes it: <code>tourniquet keys recovery new</code>, and tries it with <code>tourniquet keys recovery test</code>. Keep it in a safe, not in this room.</Trans>
            ),
            go: { path: '/ledger', word: t`Go to Keys` },
        },
        {
            name: t`Devices that may be there`,
            done: devices.data && waiting === 0 && packets > 0,
            may: true,
            says:
                waiting > 0 ? (
                    plural(waiting, { one: '# device waits for somebody to vouch for it.', other: '# devices wait for somebody to vouch for them.' })
                ) : (
                    <Trans>What is heard of in the first days can be vouched for together, after a look. Come back when the list is whole.</Trans>
                ),
            go: { path: '/devices/vouch', word: t`Vouch for many` },
        },
        {
            name: t`Links between analyzers and the LIS`,
            done: links.data && links.data.length > 0,
            may: true,
            says: (links.data ?? []).length > 0 ? plural((links.data ?? []).length, { one: '# link goes through here.', other: '# links go through here.' }) : <Trans>You may do without: listening shows what happens. A link also encrypts, and stops what must not pass. lab.yaml, <code>relay:</code>.</Trans>,
            go: { path: '/links', word: t`Look at Links` },
        },
    ];
}

const markOf = (step: Step): { state: State; word: string } =>
    step.done === undefined ? { state: 'unknown', word: t`not known` } : step.done ? { state: 'good', word: t`done` } : step.may ? { state: 'low', word: t`if you like` } : { state: 'medium', word: t`to do` };

export default function FirstStepsPage() {
    const steps = useSteps();
    const [, go] = useLocation();
    const open = steps.filter((s) => s.done !== true && !s.may);
    const next = open[0];
    return (
        <>
            <Head name={t`First steps`} line={open.length === 0 ? t`All first steps are done.` : plural(open.length, { one: '# first step is left.', other: '# first steps are left.' })} note={<Trans>About ten minutes. Nothing is lost if you stop in between.</Trans>}>
                {next?.go && (
                    <Link href={next.go.path} asChild>
                        <Button component="a">{next.go.word}</Button>
                    </Link>
                )}
            </Head>
            <Panel title={t`Until the lab is watched and kept`}>
                <ol className="cards steps-list">
                    {steps.map((step) => {
                        const mark = markOf(step);
                        return (
                            <li key={step.name} className="card">
                                <span className="line">
                                    <Mark state={mark.state}>{mark.word}</Mark>
                                    <strong>{step.name}</strong>
                                </span>
                                <span>{step.says}</span>
                                {step.go && step.done !== true && (
                                    <span>
                                        <Link href={step.go.path} className="target">
                                            {step.go.word}
                                        </Link>
                                    </span>
                                )}
                            </li>
                        );
                    })}
                </ol>
            </Panel>
            <div className="acts">
                <Button
                    variant="default"
                    onClick={() => {
                        forgetFirst();
                        go('/');
                    }}
                >
                    {open.length === 0 ? <Trans>Done</Trans> : <Trans>Not now: go to Today</Trans>}
                </Button>
            </div>
        </>
    );
}
