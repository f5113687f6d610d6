// A course's questions, for the record: one at a time, judged by the program; at the end a signature. Whatever is answered is kept there at once: a
// page that is closed, or a connection that is cut, loses nothing.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Problem } from '../api/client';
import type { Attempt } from '../learn/types';
import { answerAttempt, beginAttempt } from '../learn/ask';
import { PaperButton } from '../learn/paper';
import { Question } from '../learn/question';
import { SignFor } from '../learn/sign';
import { Head } from '../parts/head';
import { Shape } from '../parts/mark';
import { Failed, Loading } from '../parts/states';

const firstOpen = (attempt: Attempt) => {
    const open = attempt.questions.findIndex((q) => q.verdict === null);
    return open < 0 ? attempt.questions.length : open;
};

function Steps({ attempt, place }: { attempt: Attempt; place: number }) {
    const steps = attempt.questions.length;
    return (
        <ol className="steps" aria-label={t`Questions`}>
            {attempt.questions.map((q, i) => (
                <li key={q.question.id} aria-current={i === place ? 'step' : undefined} className={q.verdict !== null ? 'past' : undefined}>
                    <span className="unseen">{t`Question ${i + 1} of ${steps}`}</span>
                </li>
            ))}
        </ol>
    );
}

function wait(seconds: number): string {
    const minutes = Math.max(1, Math.ceil(seconds / 60));
    return plural(minutes, { one: 'The next try is open in # minute.', other: 'The next try is open in # minutes.' });
}

function Outcome({ attempt, again, signed }: { attempt: Attempt; again: () => void; signed: (record: number) => void }) {
    const [, go] = useLocation();
    const of = attempt.questions.length;
    const right = attempt.right ?? 0;
    if (attempt.state === 'failed') {
        return (
            <>
                <h2 className="outcome-word">
                    <Shape state="medium" size={24} />
                    <Trans>Not yet: {right} of {of}.</Trans>
                </h2>
                <p>
                    <Trans>
                        {attempt.pass} % are needed. Look at the lessons once more; the next try has other questions. Nobody but you sees this number.
                    </Trans>{' '}
                    {attempt.retry_after_s > 0 && wait(attempt.retry_after_s)}
                </p>
                <div className="thumb">
                    <Button onClick={() => go(`/learn/${attempt.course}`)}>
                        <Trans>To the lessons</Trans>
                    </Button>
                    {attempt.retry_after_s === 0 && (
                        <Button variant="default" onClick={again}>
                            <Trans>Try again</Trans>
                        </Button>
                    )}
                </div>
            </>
        );
    }
    return (
        <>
            <h2 className="outcome-word">
                <Shape state="good" size={24} />
                <Trans>Passed: {right} of {of}.</Trans>
            </h2>
            <p>
                <Trans>Nobody but you sees this number. Sign, and the course is done.</Trans>
            </p>
            <SignFor
                path={`/training/attempts/${attempt.id}/sign`}
                body={{}}
                sentence={<Trans>I have read and understood this course, and I answered its questions myself.</Trans>}
                signed={signed}
            />
        </>
    );
}

function Signed({ record, title }: { record: number; title: string }) {
    const [, go] = useLocation();
    return (
        <>
            <h2 className="outcome-word">
                <Shape state="good" size={24} />
                <Trans>Done, and on the ledger.</Trans>
            </h2>
            <p>
                <Trans>Thank you. Your signature is record {record}; the certificate leads there.</Trans>
            </p>
            <div className="thumb">
                <PaperButton record={record} title={title} main />
                <Button variant="default" onClick={() => go('/learn')}>
                    <Trans>To Learn</Trans>
                </Button>
            </div>
        </>
    );
}

function Exam({ begun, again }: { begun: Attempt; again: () => void }) {
    const [attempt, setAttempt] = useState(begun);
    const [place, setPlace] = useState(firstOpen(begun));
    const [record, setRecord] = useState<number | null>(null);
    const top = useRef<HTMLElement>(null);
    const moved = useRef(false);
    useEffect(() => {
        if (moved.current) {
            top.current?.focus();
            window.scrollTo(0, 0);
        }
        moved.current = true;
    }, [place, record]);
    const of = attempt.questions.length;
    const asked = attempt.questions[place];
    const left = of - attempt.answered;
    const judge = async (chosen: string) => {
        const now = await answerAttempt(attempt.id, place, chosen);
        setAttempt(now);
        const verdict = now.questions[place]?.verdict;
        if (!verdict) {
            throw new Problem(0, 'page', '');
        }
        return verdict;
    };
    return (
        <>
            <Head
                name={t`Questions`}
                parent={
                    <Link href={`/learn/${attempt.course}`} className="quiet-link" lang={attempt.language}>
                        {attempt.title}
                    </Link>
                }
                line={asked ? t`Question ${place + 1} of ${of}` : record !== null ? t`Done` : t`All answered`}
                note={asked ? plural(left, { one: '# is left. Each answer is kept as you give it; stop any time.', other: '# are left. Each answer is kept as you give it; stop any time.' }) : undefined}
            />
            <Steps attempt={attempt} place={place} />
            <section className="panel lesson" tabIndex={-1} ref={top} aria-label={asked ? t`Question ${place + 1} of ${of}` : t`Done`}>
                <div className="inside">
                    {record !== null ? (
                        <Signed record={record} title={attempt.title} />
                    ) : asked ? (
                        <Question
                            key={asked.question.id}
                            question={asked.question}
                            sources={attempt.sources}
                            language={attempt.language}
                            see
                            judge={judge}
                            given={asked.verdict !== null && asked.chosen !== null ? { chosen: asked.chosen, verdict: asked.verdict } : null}
                            next={() => setPlace(firstOpen(attempt))}
                            word={left > 0 ? t`Next question` : t`To the end`}
                        />
                    ) : (
                        <Outcome attempt={attempt} again={again} signed={setRecord} />
                    )}
                </div>
            </section>
        </>
    );
}

export default function ExamPage({ id }: { id: string }) {
    const [attempt, setAttempt] = useState<Attempt | null>(null);
    const [failed, setFailed] = useState<unknown>(null);
    const [tries, setTries] = useState(0);
    useEffect(() => {
        let stale = false;
        setAttempt(null);
        setFailed(null);
        beginAttempt(id).then(
            (begun) => !stale && setAttempt(begun),
            (error: unknown) => !stale && setFailed(error),
        );
        return () => {
            stale = true;
        };
    }, [id, tries]);
    if (attempt !== null) {
        return <Exam key={attempt.id} begun={attempt} again={() => setTries(tries + 1)} />;
    }
    const waiting = failed instanceof Problem && failed.status === 429;
    return (
        <>
            <Head
                name={t`Questions`}
                parent={
                    <Link href={`/learn/${id}`} className="quiet-link">
                        <Trans>Course</Trans>
                    </Link>
                }
                line={waiting ? t`A short break first.` : t`Questions`}
                note={waiting ? <Trans>Read the lessons once more in peace. {wait(failed.retryAfter ?? 3600)}</Trans> : undefined}
            />
            {failed !== null && !waiting ? <Failed what={t`the questions`} error={failed} again={() => setTries(tries + 1)} /> : !waiting && <Loading what={t`the questions`} />}
        </>
    );
}
