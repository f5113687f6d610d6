// My work: what a phlebotomist, the front desk, a technologist begins with. What is to learn, what one reported, and one big button.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconMessageReport } from '@tabler/icons-react';
import { Link } from 'wouter';
import { useCourses, useSession } from '../api/queries';
import { kept } from '../learn/kept';
import { inOrder, nextLesson } from '../learn/words';
import { Head } from '../parts/head';
import { Asked, Empty, Panel } from '../parts/states';
import { useReports } from '../report/ask';
import { MyReports } from '../report/mine';

const SHOWN = 3;

export default function WorkPage() {
    const person = useSession().data?.person;
    const courses = useCourses();
    const reports = useReports({ state: 'all', mine: 'yes', cursor: '' });
    const name = person?.name ?? '';
    const open = inOrder(courses.data ?? [], person?.roles ?? [])
        .filter((course) => course.after === null)
        .map((course) => ({ course, lesson: nextLesson(course, kept(name, course)) }))
        .filter((c) => c.lesson !== null);
    const first = open[0];
    const answered = (reports.data?.items ?? []).filter((r) => r.state === 'answered').length;
    const line = !courses.data ? t`My work` : first ? plural(open.length, { one: '# course waits for you.', other: '# courses wait for you.' }) : t`Nothing needs you.`;
    return (
        <>
            <Head name={t`My work`} line={line} note={answered > 0 ? plural(answered, { one: '# of your reports is answered.', other: '# of your reports are answered.' }) : undefined}>
                {first && (
                    <Link href={`/learn/${first.course.id}/${(first.lesson ?? 0) + 1}`} asChild>
                        <Button component="a" variant="default">
                            <Trans>Go on learning</Trans>
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
                    <Asked what={t`the courses`} query={courses} rows={3}>
                        {() =>
                            open.length === 0 ? (
                                <Empty title={t`You have done every lesson.`}>
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
