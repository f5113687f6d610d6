// What one person has to learn and has done: never how well.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useCourses } from '../api/queries';
import type { TrainingOne } from '../learn/types';
import { useRemind, useTrainingOne } from '../learn/ask';
import { DutyMark, howWord } from '../learn/duty';
import { PaperButton } from '../learn/paper';
import { useMay } from '../may';
import { Head } from '../parts/head';
import { show } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';
import { dayOf } from '../time';
import { Assign, Contact, Refresh } from '../training/forms';
import { problem } from './door';

const parent = (
    <Link href="/training" className="quiet-link">
        <Trans>Training</Trans>
    </Link>
);

function One({ one }: { one: TrainingOne }) {
    const manages = useMay('training.manage');
    const away = useLostAt() !== null;
    const courses = useCourses().data ?? [];
    const remind = useRemind();
    const [doing, setDoing] = useState<'assign' | 'refresh' | 'contact' | null>(null);
    const late = one.duties.filter((d) => d.state === 'late').length;
    const open = one.duties.filter((d) => d.state === 'open').length;
    const close = () => setDoing(null);
    const go = () =>
        remind.mutate(
            { people: one.name },
            { onSuccess: () => show({ text: t`Reminded.` }), onError: (error) => show({ text: problem(error).detail || t`Tourniquet did not answer.` }) },
        );
    return (
        <>
            <Head
                name={one.name}
                parent={parent}
                line={late > 0 ? `${one.display_name}: ${plural(late, { one: '# late', other: '# late' })}, ${plural(open, { one: '# to do.', other: '# to do.' })}` : open > 0 ? `${one.display_name}: ${plural(open, { one: '# to do, none late.', other: '# to do, none late.' })}` : t`${one.display_name}: nothing to do.`}
                note={
                    <>
                        {one.mail !== null ? <Trans>Mail goes to {one.mail}.</Trans> : manages && <Trans>No mail address is known.</Trans>}{' '}
                        {one.manager !== null && <Trans>Manager: {one.manager}.</Trans>}
                    </>
                }
            >
                {manages && !one.closed && (
                    <>
                        {late + open > 0 && (
                            <Button disabled={away} loading={remind.isPending} onClick={go}>
                                <Trans>Remind</Trans>
                            </Button>
                        )}
                        <Button variant="default" disabled={away || courses.length === 0} onClick={() => setDoing('assign')}>
                            <Trans>Assign</Trans>
                        </Button>
                        <Button variant="default" disabled={away || courses.length === 0} onClick={() => setDoing('refresh')}>
                            <Trans>Refresher…</Trans>
                        </Button>
                        <Button variant="default" disabled={away} onClick={() => setDoing('contact')}>
                            <Trans>Mail and manager…</Trans>
                        </Button>
                    </>
                )}
            </Head>
            <Panel title={t`To do and done`}>
                {one.duties.length === 0 ? (
                    <Empty title={one.closed ? t`The account is closed: nothing is asked for.` : t`Nothing is assigned.`} />
                ) : (
                    <ul className="kept">
                        {one.duties.map((duty) => (
                            <li key={duty.kind + duty.course}>
                                <div className="what">
                                    <strong className="break">{duty.title}</strong>
                                    <p>
                                        <DutyMark duty={duty} />
                                    </p>
                                    {duty.why !== null && <p className="muted break">{t`Because: ${duty.why}`}</p>}
                                </div>
                                {duty.record !== null && (
                                    <div className="acts no-print">
                                        <PaperButton record={duty.record} account={one.name} title={duty.title} />
                                    </div>
                                )}
                            </li>
                        ))}
                    </ul>
                )}
            </Panel>
            {one.history.length > 0 && (
                <Panel title={t`All that was done`}>
                    <ul className="kept">
                        {[...one.history].reverse().map((done) => (
                            <li key={done.record}>
                                <div className="what">
                                    <strong className="break">{done.title}</strong>
                                    <p className="muted">
                                        {dayOf(done.day)}, {howWord(done.how)}. <Trans>Record {done.record}.</Trans>
                                    </p>
                                </div>
                            </li>
                        ))}
                    </ul>
                </Panel>
            )}
            {doing === 'assign' && <Assign courses={courses} today={one.today} account={one.name} close={close} />}
            {doing === 'refresh' && <Refresh courses={courses} account={one.name} close={close} />}
            {doing === 'contact' && <Contact name={one.name} mail={one.mail ?? ''} manager={one.manager ?? ''} close={close} />}
        </>
    );
}

export default function TrainingPersonPage({ name }: { name: string }) {
    const one = useTrainingOne(name);
    return one.data !== undefined ? (
        <One one={one.data} />
    ) : (
        <>
            <Head name={name} parent={parent} line={t`Training`} />
            <Asked what={t`this person`} query={one}>
                {() => null}
            </Asked>
        </>
    );
}
