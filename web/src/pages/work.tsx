// My work: what a phlebotomist, the front desk, a technologist begins with. What is to learn, what one reported, and one big button.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconMessageReport } from '@tabler/icons-react';
import { Link } from 'wouter';
import { useCourses, useSession } from '../api/queries';
import { useMine } from '../learn/ask';
import { Due, dueLine, dutyWay, isDue } from '../learn/duty';
import { kept } from '../learn/kept';
import { meantFor, nextLesson } from '../learn/words';
import { Head } from '../parts/head';
import { Asked, Empty, Panel } from '../parts/states';
import { useReports } from '../report/ask';
import { MyReports } from '../report/mine';

const SHOWN = 3;

export default function WorkPage() {
    const person = useSession().data?.person;
    const courses = useCourses();
    const mine = useMine();
    const reports = useReports({ state: 'all', mine: 'yes', cursor: '' });
    const name = person?.name ?? '';
    const duties = mine.data?.duties ?? [];
    const due = duties.filter(isDue);
    const first = due[0];
    // Where nothing is assigned: what is meant for everybody, or for this role.
    const open = meantFor(courses.data ?? [], person?.roles ?? [])
        .map((course) => ({ course, lesson: nextLesson(course, kept(name, course)) }))
        .filter((c) => c.lesson !== null);
    const answered = (reports.data?.items ?? []).filter((r) => r.state === 'answered').length;
    const way = first && courses.data ? dutyWay(first, courses.data, name) : null;
    const line = first ? dueLine(first) : mine.data ? t`Nothing needs you.` : t`My work`;
    return (
        <>
            <Head name={t`My work`} line={line} note={answered > 0 ? plural(answered, { one: '# of your reports is answered.', other: '# of your reports are answered.' }) : undefined}>
                {way && (
                    <Link href={way.path} asChild>
                        <Button component="a" variant="default">
                            {way.word}
                        </Button>
                    </Link>
                )}
            </Head>
            <Link href="/report" className="report-big">
                <IconMessageReport size={32} aria-hidden />
                <span>
                    <strong>
                        <Trans>Report something</Trans>
                    </strong>
                    <span>
                        <Trans>Odd mail, stranger, USB stick, wrong label, lost badge. 20 seconds.</Trans>
                    </span>
                </span>
            </Link>
            <div className="columns">
                <Panel title={t`My training`}>
                    <Asked what={t`what you have to learn`} query={mine} rows={3}>
                        {() =>
                            due.length > 0 ? (
                                <Due duties={due.slice(0, SHOWN)} />
                            ) : open.length === 0 || duties.length > 0 ? (
                                <Empty title={duties.length > 0 ? t`Nothing is due.` : t`You have done every lesson.`}>
                                    <Trans>New courses appear here by themselves.</Trans>
                                </Empty>
                            ) : (
                                <ul className="cards">
                                    {open.slice(0, SHOWN).map(({ course, lesson }) => (
                                        <li key={course.id}>
                                            <Link href={`/learn/${course.id}/${(lesson ?? 0) + 1}`} className="card">
                                                <strong lang={course.language}>{course.title}</strong>
                                                <span className="small muted">
                                                    <Trans>
                                                        Lesson {(lesson ?? 0) + 1} of {course.parts.length}, {course.parts[lesson ?? 0]?.minutes ?? 5} min
                                                    </Trans>
                                                </span>
                                            </Link>
                                        </li>
                                    ))}
                                </ul>
                            )
                        }
                    </Asked>
                    <div className="pager">
                        <Link href="/learn" className="target">
                            <Trans>All courses</Trans>
                        </Link>
                    </div>
                </Panel>
                <MyReports query={reports} rows={3} most={SHOWN} />
            </div>
        </>
    );
}
