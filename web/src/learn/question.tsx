// One question: choose one, choose all that fit, or press the steps in their order. Whatever the answer, what comes back is a reason, never a score.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useId, useRef, useState } from 'react';
import type { CourseQuestion, CourseSource, CourseVerdict } from './types';
import { Shape } from '../parts/mark';
import { Blocks, Runs } from './text';

interface Choosing {
    question: CourseQuestion;
    sources: CourseSource[];
    chosen: number[];
    choose: (chosen: number[]) => void;
}

function Choices({ question, sources, chosen, choose }: Choosing) {
    const name = useId();
    const several = question.kind === 'several';
    return (
        <fieldset className="answers">
            <legend className="small muted">{several ? <Trans>Choose all that fit.</Trans> : <Trans>Choose one.</Trans>}</legend>
            {question.answers.map((answer, i) => (
                <label key={i} className="answer">
                    <input
                        type={several ? 'checkbox' : 'radio'}
                        name={name}
                        checked={chosen.includes(i)}
                        onChange={() => choose(several ? (chosen.includes(i) ? chosen.filter((c) => c !== i) : [...chosen, i]) : [i])}
                    />
                    <span>
                        <Runs runs={answer.runs} sources={sources} />
                    </span>
                </label>
            ))}
        </fieldset>
    );
}

function Order({ question, sources, chosen, choose }: Choosing) {
    return (
        <fieldset className="answers">
            <legend className="small muted">
                <Trans>Press the steps in their order. Press one again to take it back.</Trans>
            </legend>
            {question.answers.map((answer, i) => {
                const at = chosen.indexOf(i) + 1;
                return (
                    <button key={i} type="button" className="answer" aria-pressed={at > 0} onClick={() => choose(at > 0 ? chosen.slice(0, at - 1) : [...chosen, i])}>
                        <span className="place-of" aria-hidden="true">
                            {at > 0 ? at : ''}
                        </span>
                        <span>
                            {at > 0 && (
                                <span className="unseen">
                                    <Trans>Step {at}:</Trans>{' '}
                                </span>
                            )}
                            <Runs runs={answer.runs} sources={sources} />
                        </span>
                    </button>
                );
            })}
        </fieldset>
    );
}

/** Why: of what was chosen, and of what would have been right. */
function Reasons({ question, verdict, chosen, sources, language }: { question: CourseQuestion; verdict: CourseVerdict; chosen: number[]; sources: CourseSource[]; language: string }) {
    const steps = question.kind === 'order';
    const told = question.answers.map((answer, i) => ({ runs: answer.runs, i, ...(verdict.answers[i] as CourseVerdict['answers'][number]) }));
    const shown = steps ? told.sort((a, b) => a.place - b.place) : told.filter(({ right, i }) => right || chosen.includes(i));
    const List = steps ? 'ol' : 'ul';
    return (
        <List className="reasons" lang={language}>
            {shown.map(({ runs, right, feedback, i }) => (
                <li key={i}>
                    {!steps && (
                        <span className="small muted" lang={document.documentElement.lang}>
                            {right ? chosen.includes(i) ? <Trans>Your answer fits</Trans> : <Trans>This fits</Trans> : <Trans>Your answer</Trans>}
                        </span>
                    )}
                    <strong>
                        <Runs runs={runs} sources={sources} />
                    </strong>
                    <span>
                        <Runs runs={feedback} sources={sources} />
                    </span>
                </li>
            ))}
        </List>
    );
}

const places = (chosen: string | null) => (chosen === null ? [] : chosen.split(',').map(Number));

interface Asking {
    question: CourseQuestion;
    sources: CourseSource[];
    language: string;
    /** Show where it stands in the lesson. */
    see: boolean;
    /** Has it judged, and brings back what is right: the page does not know before. */
    judge: (chosen: string) => Promise<CourseVerdict>;
    /** What was answered before: an answer stays. */
    given?: { chosen: string; verdict: CourseVerdict } | null;
    next: () => void;
    word: string;
}

export function Question({ question, sources, language, see, judge, given = null, next, word }: Asking) {
    const [chosen, choose] = useState<number[]>(places(given?.chosen ?? null));
    const [verdict, setVerdict] = useState(given?.verdict ?? null);
    const [asking, setAsking] = useState(false);
    const [failed, setFailed] = useState<unknown>(null);
    const outcome = useRef<HTMLHeadingElement>(null);
    const fresh = useRef(false);
    useEffect(() => {
        if (verdict !== null && fresh.current) {
            outcome.current?.focus();
        }
    }, [verdict]);
    const ready = question.kind === 'order' ? chosen.length === question.answers.length : chosen.length > 0;
    const Choice = question.kind === 'order' ? Order : Choices;
    const answer = async () => {
        setAsking(true);
        setFailed(null);
        fresh.current = true;
        try {
            setVerdict(await judge(chosen.join(',')));
        } catch (error) {
            setFailed(error); // what was chosen stays: it is asked again
        }
        setAsking(false);
    };
    return (
        <form
            className="question"
            onSubmit={(event) => {
                event.preventDefault();
                void answer();
            }}
        >
            <div lang={language} className="course-text">
                <Blocks blocks={question.ask} sources={sources} />
            </div>
            {verdict !== null ? (
                <>
                    <h2 tabIndex={-1} ref={outcome} className="outcome-word">
                        <Shape state={verdict.right ? 'good' : 'medium'} size={24} />
                        {verdict.right ? <Trans>Yes, that is it.</Trans> : <Trans>Have another look: this is why.</Trans>}
                    </h2>
                    <Reasons question={question} verdict={verdict} chosen={chosen} sources={sources} language={language} />
                    {see && (
                        <p className="muted">
                            <Trans>In the lesson:</Trans> <q lang={language}>{verdict.see}</q>
                        </p>
                    )}
                    <div className="thumb">
                        <Button onClick={next}>{word}</Button>
                    </div>
                </>
            ) : (
                <>
                    <div lang={language}>
                        <Choice question={question} sources={sources} chosen={chosen} choose={choose} />
                    </div>
                    {failed !== null && (
                        <p role="alert" className="mark">
                            <Shape state="unknown" size={20} />
                            <span>
                                <Trans>Your answer did not arrive. It is still here: try again.</Trans>
                            </span>
                        </p>
                    )}
                    <div className="thumb">
                        <Button type="submit" disabled={!ready} loading={asking} title={ready ? undefined : t`Choose first`}>
                            {failed !== null ? <Trans>Try again</Trans> : <Trans context="button">Answer</Trans>}
                        </Button>
                    </div>
                </>
            )}
        </form>
    );
}
