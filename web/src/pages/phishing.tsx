// Phishing simulations: is mail that lies told of?

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { useMay } from '../may';
import { Head } from '../parts/head';
import { Asked, Empty, Panel } from '../parts/states';
import { useSimulation, useSimulations, type Counts, type Simulation, type Simulations } from '../phishing/ask';
import { Outcome, percent, StateMark, whom, wordsOf } from '../phishing/parts';
import { Plan, Stop } from '../phishing/plan';
import { stamp } from '../time';
import { personRole } from '../words';

function sentence(all: Simulations | undefined): string {
    const items = all?.items ?? [];
    const last = items.find((p) => p.shown);
    const running = items.filter((p) => p.state === 'running').length;
    if (all === undefined) {
        return t`Phishing simulations`;
    }
    if (last) {
        const share = percent(last.reported ?? 0, last.sent);
        return t`${share} % of the people reported the last simulated mail.`;
    }
    return running > 0 ? plural(running, { one: '# simulation is running.', other: '# simulations are running.' }) : t`No simulation has been sent yet.`;
}

function Missing({ ready }: { ready: Simulations['ready'] }) {
    return (
        <Panel title={t`Before one can be sent`}>
            <ul className="inside signs">
                {!ready.mail && <li>{t`A mail server: lab.yaml, key mail.`}</li>}
                {ready.landing === null && <li>{t`A page for the links to lead to: lab.yaml, key listeners, for: landing.`}</li>}
                {ready.domains.length === 0 && <li>{t`The domains that mails may go to: lab.yaml, key phishing.domains.`}</li>}
            </ul>
        </Panel>
    );
}

function Group({ title, hidden, rows, role }: { title: string; hidden: number; rows: (Counts & { name: string })[]; role: boolean }) {
    return (
        <Panel title={title}>
            {rows.length === 0 && <Empty title={t`No group has five people yet.`} />}
            <ul className="kept">
                {rows.map((row) => (
                    <li key={row.name}>
                        <div className="what">
                            <strong className="break">{role ? personRole(row.name) : row.name}</strong>
                            <Outcome n={row} />
                        </div>
                    </li>
                ))}
            </ul>
            {hidden > 0 && (
                <p className="muted small inside">
                    {plural(hidden, { one: '# group is not shown, so that nobody can be made out.', other: '# groups are not shown, so that nobody can be made out.' })}
                </p>
            )}
        </Panel>
    );
}

function One({ id, all }: { id: string; all: Simulations }) {
    const one = useSimulation(id);
    const manages = useMay('phishing.manage');
    const [stopping, setStopping] = useState(false);
    const template = all.templates.find((x) => x.id === one.data?.template);
    const name = template ? wordsOf(template).name : (one.data?.template ?? '');
    const alive = one.data?.state === 'running' || one.data?.state === 'planned';
    return (
        <>
            <Head
                name={t`Simulation`}
                parent={
                    <Link href="/phishing" className="quiet-link">
                        <Trans>Phishing</Trans>
                    </Link>
                }
                line={one.data?.shown ? t`${percent(one.data.reported ?? 0, one.data.sent)} % reported: ${name}` : name || t`Simulation`}
            >
                {alive && manages && (
                    <Button variant="default" onClick={() => setStopping(true)}>
                        <Trans>Stop…</Trans>
                    </Button>
                )}
            </Head>
            <Asked what={t`the simulation`} query={one} rows={4}>
                {(p) => (
                    <>
                        <Panel title={t`How it went`}>
                            <div className="inside">
                                <StateMark state={p.state} />
                                <Outcome n={p} />
                                {alive && (
                                    <p className="muted">
                                        {plural(p.waiting, { one: '# person is still to get one.', other: '# people are still to get one.' })}{' '}
                                        {p.unreachable > 0 && plural(p.unreachable, { one: '# has no address in an allowed domain.', other: '# have no address in an allowed domain.' })}
                                    </p>
                                )}
                                {p.stopped !== null && (
                                    <p className="break">
                                        <Trans>
                                            Stopped {stamp(p.stopped)} by {p.stopped_by}: “{p.stopped_why}”
                                        </Trans>
                                    </p>
                                )}
                                <p className="muted small">
                                    <Trans>
                                        {whom(p)}. From {stamp(p.starts)} to {stamp(p.until)}, up to {p.rate} mails an hour. Planned by {p.by}, record {p.record}.
                                    </Trans>
                                </p>
                            </div>
                        </Panel>
                        <Group title={t`By role`} hidden={p.by_role.hidden} rows={p.by_role.rows} role />
                        {p.by_site.rows.length > 1 && <Group title={t`By site`} hidden={p.by_site.hidden} rows={p.by_site.rows} role={false} />}
                        {template && (
                            <Panel title={t`How it could be known`}>
                                <ul className="inside signs">
                                    {wordsOf(template).signs.map((sign) => (
                                        <li key={sign}>{sign}</li>
                                    ))}
                                </ul>
                            </Panel>
                        )}
                    </>
                )}
            </Asked>
            {stopping && <Stop id={id} name={name} close={() => setStopping(false)} />}
        </>
    );
}

function Row({ p, all }: { p: Simulation; all: Simulations }) {
    const template = all.templates.find((x) => x.id === p.template);
    return (
        <li>
            <div className="what">
                <Link href={`/phishing/${p.id}`} className="row-link" data-row>
                    <strong className="break">{template ? wordsOf(template).name : p.template}</strong>
                </Link>{' '}
                <StateMark state={p.state} />
                <Outcome n={p} />
                <p className="muted small">
                    {whom(p)}, {stamp(p.starts)}
                </p>
            </div>
        </li>
    );
}

export default function PhishingPage({ id }: { id?: string }) {
    const all = useSimulations();
    const manages = useMay('phishing.manage');
    const [planning, setPlanning] = useState(false);
    if (id !== undefined) {
        return (
            <Asked what={t`the simulation`} query={all} rows={4}>
                {(data) => <One id={id} all={data} />}
            </Asked>
        );
    }
    return (
        <>
            <Head name={t`Phishing`} line={sentence(all.data)} note={t`What counts is how many tell of it. Nobody's name is shown to anybody, and no group of fewer than five.`}>
                {manages && all.data?.ready.all && <Button onClick={() => setPlanning(true)}>{t`Plan a simulation…`}</Button>}
            </Head>
            {all.data && !all.data.ready.all && <Missing ready={all.data.ready} />}
            <Panel title={t`Simulations`}>
                <Asked what={t`the simulations`} query={all} rows={4}>
                    {(data) =>
                        data.items.length === 0 ? (
                            <Empty title={t`None yet.`}>
                                <p>{t`Tell people beforehand that there will be some, and why: to practise, not to catch anybody.`}</p>
                            </Empty>
                        ) : (
                            <ul className="kept">
                                {data.items.map((p) => (
                                    <Row key={p.id} p={p} all={data} />
                                ))}
                            </ul>
                        )
                    }
                </Asked>
            </Panel>
            {planning && all.data && <Plan all={all.data} close={() => setPlanning(false)} />}
        </>
    );
}
