// Learn: which courses there are, and what comes next.

import { Button } from '@mantine/core';
import { i18n } from '@lingui/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Link, useLocation } from 'wouter';
import { useCourses, useSession } from '../api/queries';
import type { CourseSummary } from '../api/types';
import { Head } from '../parts/head';
import { Asked, Empty, Panel } from '../parts/states';
import { kept } from '../learn/kept';
import { audienceWord, inOrder, languageWord, nextLesson } from '../learn/words';

function state(course: CourseSummary, person: string): string {
    const at = kept(person, course);
    const done = at.done.filter((n) => n < course.parts.length).length;
    if (done === course.parts.length) {
        return t`Done`;
    }
    return done > 0 || at.step > 0 ? t`${done} of ${course.parts.length} lessons done` : t`Not begun`;
}

function List({ courses, person }: { courses: CourseSummary[]; person: string }) {
    return (
        <ul className="cards">
            {courses.map((course) => (
                <li key={course.id}>
                    <Link href={`/learn/${course.id}`} className="card">
                        <strong lang={course.language}>{course.title}</strong>
                        <span lang={course.language}>{course.about}</span>
                        <span className="line small muted">
                            <span>
                                <Trans>{course.minutes} min</Trans>
                            </span>
                            <span>{course.for.map(audienceWord).join(', ')}</span>
                            <span>{state(course, person)}</span>
                            {course.language !== i18n.locale && <span>{languageWord(course.language)}</span>}
                        </span>
                    </Link>
                </li>
            ))}
        </ul>
    );
}

/** Line one: go on with what was begun, else begin with what is for everybody. */
function Line({ courses, person }: { courses: CourseSummary[]; person: string }) {
    const [, go] = useLocation();
    const open = courses.map((course) => ({ course, at: kept(person, course) })).filter(({ course, at }) => nextLesson(course, at) !== null);
    const begun = open.find(({ at }) => at.step > 0 || at.done.length > 0);
    const first = begun ?? open.find(({ course }) => course.for.includes('everyone') && course.after === null) ?? open[0];
    const lesson = first ? nextLesson(first.course, first.at) : null;
    const longest = Math.max(...courses.flatMap((course) => course.parts.map((part) => part.minutes)), 0);
    if (!first || lesson === null) {
        return <Head name={t`Learn`} line={courses.length > 0 ? t`You have done every lesson.` : t`There are no courses.`} />;
    }
    const title = first.course.title;
    return (
        <Head
            name={t`Learn`}
            line={begun ? t`Go on where you stopped: ${title}.` : t`Begin with: ${title}.`}
            note={t`No lesson takes more than ${longest} minutes. Stop any time.`}
        >
            <Button onClick={() => go(`/learn/${first.course.id}/${lesson + 1}`)}>{begun ? <Trans>Go on</Trans> : <Trans>Begin</Trans>}</Button>
        </Head>
    );
}

export default function LearnPage() {
    const courses = useCourses();
    const session = useSession().data?.person;
    const person = session?.name ?? '';
    if (courses.data === undefined) {
        return (
            <>
                <Head name={t`Learn`} line={t`Courses`} />
                <Asked what={t`the courses`} query={courses}>
                    {() => null}
                </Asked>
            </>
        );
    }
    const ordered = inOrder(courses.data, session?.roles ?? []);
    const whole = ordered.filter((course) => course.after === null);
    const short = ordered.filter((course) => course.after !== null);
    return (
        <>
            <Line courses={[...whole, ...short]} person={person} />
            <Panel title={t`Courses`}>
                {whole.length === 0 && <Empty title={t`There are no courses.`} />}
                <List courses={whole} person={person} />
            </Panel>
            {short.length > 0 && (
                <Panel title={t`Short refreshers`}>
                    <List courses={short} person={person} />
                </Panel>
            )}
            <p className="muted small">
                <Trans>How far you are is kept in this browser, under your name. Which answers you gave is kept nowhere.</Trans>
            </p>
        </>
    );
}
