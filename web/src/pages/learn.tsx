// Learn: which courses there are, and what comes next.

import { Button } from '@mantine/core';
import { i18n } from '@lingui/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Link, useLocation } from 'wouter';
import { useCourses, useSession } from '../api/queries';
import type { CourseSummary, Learnt, MyTraining } from '../learn/types';
import { useMine } from '../learn/ask';
import { Due, dueLine, dutyWay, howWord, isDue } from '../learn/duty';
import { PaperButton } from '../learn/paper';
import { Head } from '../parts/head';
import { Asked, Empty, Failed, Loading, Panel } from '../parts/states';
import { kept } from '../learn/kept';
import { audienceWord, inOrder, languageWord, nextLesson } from '../learn/words';
import MyMails from '../phishing/mine';
import { dayOf } from '../time';

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

function Past({ history }: { history: Learnt[] }) {
    return (
        <ul className="kept">
            {[...history].reverse().map((done) => (
                <li key={done.record}>
                    <div className="what">
                        <strong>{done.title}</strong>
                        <p className="muted">
                            {dayOf(done.day)}, {howWord(done.how)}
                        </p>
                    </div>
                    <div className="acts">
                        <PaperButton record={done.record} title={done.title} />
                    </div>
                </li>
            ))}
        </ul>
    );
}

/** Line one: what is due, else go on with what was begun, else begin with what is for everybody. */
function Line({ courses, person, mine }: { courses: CourseSummary[]; person: string; mine: MyTraining | undefined }) {
    const [, go] = useLocation();
    const open = courses.map((course) => ({ course, at: kept(person, course) })).filter(({ course, at }) => nextLesson(course, at) !== null);
    const begun = open.find(({ at }) => at.step > 0 || at.done.length > 0);
    const first = begun ?? open.find(({ course }) => course.for.includes('everyone') && course.after === null) ?? open[0];
    const due = mine?.duties.find(isDue);
    const longest = Math.max(...courses.flatMap((course) => course.parts.map((part) => part.minutes)), 0);
    const note = t`No lesson takes more than ${longest} minutes. Stop any time.`;
    if (due) {
        const way = dutyWay(due, courses, person);
        return (
            <Head name={t`Learn`} line={dueLine(due)} note={note}>
                <Button onClick={() => go(way.path)}>{way.word}</Button>
            </Head>
        );
    }
    const lesson = first ? nextLesson(first.course, first.at) : null;
    if (!first || lesson === null) {
        return <Head name={t`Learn`} line={courses.length > 0 ? t`You have done every lesson.` : t`There are no courses.`} />;
    }
    const title = first.course.title;
    const nothing = mine && mine.duties.length > 0;
    return (
        <Head name={t`Learn`} line={nothing ? t`Nothing is due.` : begun ? t`Go on where you stopped: ${title}.` : t`Begin with: ${title}.`} note={note}>
            <Button variant={nothing ? 'default' : 'filled'} onClick={() => go(`/learn/${first.course.id}/${lesson + 1}`)}>
                {begun ? <Trans>Go on</Trans> : <Trans>Begin</Trans>}
            </Button>
        </Head>
    );
}

export default function LearnPage() {
    const courses = useCourses();
    const mine = useMine();
    const session = useSession().data?.person;
    const person = session?.name ?? '';
    if (courses.data === undefined || (mine.data === undefined && !mine.isError)) {
        return (
            <>
                <Head name={t`Learn`} line={t`Courses`} />
                {courses.isError ? <Failed what={t`the courses`} error={courses.error} again={() => void courses.refetch()} /> : <Loading what={t`the courses`} />}
            </>
        );
    }
    const ordered = inOrder(courses.data, session?.roles ?? []);
    const whole = ordered.filter((course) => course.after === null);
    const short = ordered.filter((course) => course.after !== null);
    const duties = mine.data?.duties ?? [];
    const history = mine.data?.history ?? [];
    return (
        <>
            <Line courses={[...whole, ...short]} person={person} mine={mine.data} />
            {mine.isError && (
                <Panel title={t`Yours`}>
                    <Asked what={t`what is due`} query={mine}>
                        {() => null}
                    </Asked>
                </Panel>
            )}
            {duties.length > 0 && (
                <Panel title={t`Yours`}>
                    <Due duties={duties} />
                </Panel>
            )}
            <Panel title={t`Courses`}>
                {whole.length === 0 && <Empty title={t`There are no courses.`} />}
                <List courses={whole} person={person} />
            </Panel>
            {short.length > 0 && (
                <Panel title={t`Short refreshers`}>
                    <List courses={short} person={person} />
                </Panel>
            )}
            <MyMails />
            {history.length > 0 && (
                <Panel title={t`What you have done`}>
                    <Past history={history} />
                </Panel>
            )}
            <p className="muted small">
                <Trans>Which lessons you have read is kept in this browser, under your name. Of the questions, your manager sees that a course is done and when; never your answers, nor how many were right.</Trans>
            </p>
        </>
    );
}
