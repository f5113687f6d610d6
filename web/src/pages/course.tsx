// A course: its lessons and where its claims come from.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Link, useLocation } from 'wouter';
import { useCourse, useSession } from '../api/queries';
import type { Course } from '../learn/types';
import { Shape } from '../parts/mark';
import { Head } from '../parts/head';
import { Asked, Panel } from '../parts/states';
import { kept } from '../learn/kept';
import { audienceWord, nextLesson } from '../learn/words';

function Lessons({ course, done }: { course: Course; done: number[] }) {
    return (
        <ol className="cards">
            {course.parts.map((part, i) => (
                <li key={i}>
                    <Link href={`/learn/${course.id}/${i + 1}`} className="card lesson-card">
                        {done.includes(i) ? <Shape state="good" size={20} /> : <span className="place-of">{i + 1}</span>}
                        <span>
                            <strong lang={course.language}>{part.title}</strong>
                            <span className="line small muted">
                                <Trans>{part.minutes} min</Trans>
                                {done.includes(i) && <span>{t`Done`}</span>}
                            </span>
                        </span>
                    </Link>
                </li>
            ))}
        </ol>
    );
}

function Whole({ course }: { course: Course }) {
    const [, go] = useLocation();
    const person = useSession().data?.person.name ?? '';
    const at = kept(person, course);
    const next = nextLesson(course, at);
    const begun = at.step > 0 || at.done.length > 0;
    return (
        <>
            <Head
                name={t`Course`}
                parent={
                    <Link href="/learn" className="quiet-link">
                        <Trans>Learn</Trans>
                    </Link>
                }
                line={<span lang={course.language}>{course.title}</span>}
                note={
                    <>
                        <span lang={course.language}>{course.about}</span>{' '}
                        <Trans>
                            For: {course.for.map(audienceWord).join(', ')}. {course.minutes} minutes in all.
                        </Trans>
                    </>
                }
            >
                {next !== null && <Button onClick={() => go(`/learn/${course.id}/${next + 1}`)}>{begun ? <Trans>Go on</Trans> : <Trans>Begin</Trans>}</Button>}
                <Button variant={next === null ? 'filled' : 'default'} onClick={() => go(`/learn/${course.id}/test`)}>
                    <Trans>Answer the questions</Trans>
                </Button>
            </Head>
            <Panel title={t`Lessons`}>
                <Lessons course={course} done={at.done} />
            </Panel>
            <Panel title={t`Where this comes from`}>
                <ol className="inside sources" lang={course.language}>
                    {course.sources.map((source) => (
                        <li key={source.id}>
                            {source.name}; {source.section}
                        </li>
                    ))}
                </ol>
            </Panel>
        </>
    );
}

export default function CoursePage({ id }: { id: string }) {
    const course = useCourse(id);
    return course.data !== undefined ? (
        <Whole course={course.data} />
    ) : (
        <>
            <Head name={t`Learn`} line={t`Course`} />
            <Asked what={t`the course`} query={course}>
                {() => null}
            </Asked>
        </>
    );
}
