// A lesson: the scenario first, then the text, then its questions, one step at a time. The place is kept at each step.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useCourse, useSession } from '../api/queries';
import type { Course, CourseLesson } from '../learn/types';
import { Head } from '../parts/head';
import { Asked } from '../parts/states';
import { kept, keep } from '../learn/kept';
import { practise } from '../learn/ask';
import { Question } from '../learn/question';
import { Blocks } from '../learn/text';
import { NotFoundPage } from './notfound';

/** Sources that this lesson's text names, with their numbers in the whole course. */
function named(course: Course, lesson: CourseLesson) {
    const cited = new Set(JSON.stringify(lesson.text).match(/"source":"[a-z0-9-]+"/g) ?? []);
    return course.sources.map((source, i) => ({ ...source, number: i + 1 })).filter((source) => cited.has(`"source":"${source.id}"`));
}

function Reading({ course, lesson, next }: { course: Course; lesson: CourseLesson; next: () => void }) {
    return (
        <>
            <div className="course-text" lang={course.language}>
                <Blocks blocks={lesson.text} sources={course.sources} />
            </div>
            <details className="small muted">
                <summary>
                    <Trans>Where this comes from</Trans>
                </summary>
                <ul className="sources" lang={course.language}>
                    {named(course, lesson).map((source) => (
                        <li key={source.id}>
                            [{source.number}] {source.name}; {source.section}
                        </li>
                    ))}
                </ul>
            </details>
            <div className="thumb">
                <Button onClick={next}>
                    <Trans>Go on</Trans>
                </Button>
            </div>
        </>
    );
}

function Finished({ course, at }: { course: Course; at: number }) {
    const [, go] = useLocation();
    const person = useSession().data?.person.name ?? '';
    const done = kept(person, course).done;
    const after = course.parts.findIndex((_, i) => i > at && !done.includes(i));
    const open = after >= 0 ? after : course.parts.findIndex((_, i) => !done.includes(i));
    return (
        <>
            <p>
                {open >= 0 ? (
                    <Trans>That was this lesson. The next one is “{course.parts[open]?.title}”.</Trans>
                ) : (
                    <Trans>That was the whole course. Its questions, and your signature, are what is left.</Trans>
                )}
            </p>
            <div className="thumb">
                {open >= 0 && (
                    <Button onClick={() => go(`/learn/${course.id}/${open + 1}`)}>
                        <Trans>Next lesson</Trans>
                    </Button>
                )}
                {open < 0 && (
                    <Button onClick={() => go(`/learn/${course.id}/test`)}>
                        <Trans>Answer the questions</Trans>
                    </Button>
                )}
                <Button variant="default" onClick={() => go(`/learn/${course.id}`)}>
                    <Trans>All lessons</Trans>
                </Button>
            </div>
        </>
    );
}

/** Minutes that are left: the lesson's own, by the steps that are left. */
const left = (lesson: CourseLesson, step: number, steps: number) => Math.max(1, Math.ceil((lesson.minutes * (steps - step)) / steps));

function Steps({ course, number }: { course: Course; number: number }) {
    const lesson = course.lessons[number] as CourseLesson;
    const person = useSession().data?.person.name ?? '';
    const asked = [...(lesson.scenario ? [lesson.scenario] : [])];
    const steps = asked.length + 1 + lesson.questions.length;
    const [step, setStep] = useState(() => {
        const at = kept(person, course);
        return at.lesson === number && at.step < steps ? at.step : 0;
    });
    const top = useRef<HTMLElement>(null);
    const moved = useRef(false);
    useEffect(() => {
        if (moved.current) {
            top.current?.focus();
            window.scrollTo(0, 0);
        }
        moved.current = true;
    }, [step]);
    const next = () => {
        const at = kept(person, course);
        const ended = step + 1 >= steps;
        keep(person, course, { done: ended ? [...new Set([...at.done, number])] : at.done, lesson: number, step: ended ? 0 : step + 1 });
        setStep(step + 1);
    };
    const question = step < asked.length ? asked[step] : lesson.questions[step - asked.length - 1];
    const rest = left(lesson, step, steps);
    const place = t`Lesson ${number + 1} of ${course.lessons.length}`;
    return (
        <>
            <Head
                name={place}
                parent={
                    <Link href={`/learn/${course.id}`} className="quiet-link" lang={course.language}>
                        {course.title}
                    </Link>
                }
                line={<span lang={course.language}>{lesson.title}</span>}
                note={step < steps ? plural(rest, { one: '# minute left. Your place is kept; stop any time.', other: '# minutes left. Your place is kept; stop any time.' }) : t`Done`}
            />
            <ol className="steps" aria-label={t`Steps of this lesson`}>
                {Array.from({ length: steps }, (_, i) => (
                    <li key={i} aria-current={i === step ? 'step' : undefined} className={i < step ? 'past' : undefined}>
                        <span className="unseen">{t`Step ${i + 1} of ${steps}`}</span>
                    </li>
                ))}
            </ol>
            <section className="panel lesson" tabIndex={-1} ref={top} aria-label={step < steps ? t`Step ${step + 1} of ${steps}` : t`Done`}>
                <div className="inside">
                    {step >= steps ? (
                        <Finished course={course} at={number} />
                    ) : question ? (
                        <Question
                            key={question.id}
                            question={question}
                            sources={course.sources}
                            language={course.language}
                            see={step > asked.length}
                            judge={(chosen) => practise(course.id, question.id, chosen)}
                            next={next}
                            word={step + 1 < steps ? t`Go on` : t`End the lesson`}
                        />
                    ) : (
                        <Reading course={course} lesson={lesson} next={next} />
                    )}
                </div>
            </section>
        </>
    );
}

export default function LessonPage({ id, number }: { id: string; number: number }) {
    const course = useCourse(id);
    if (course.data !== undefined) {
        return course.data.lessons[number] ? <Steps key={number} course={course.data} number={number} /> : <NotFoundPage />;
    }
    return (
        <>
            <Head name={t`Learn`} line={t`Lessons`} />
            <Asked what={t`the lesson`} query={course}>
                {() => null}
            </Asked>
        </>
    );
}
