// One question: choose one, choose all that fit, or press the steps in their order. Whatever the answer, what comes back is a reason, never a score.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import type { CourseAnswer, CourseQuestion, CourseSource } from '../api/types';
import { Shape } from '../parts/mark';
import { Blocks, Runs } from './text';

/** The same for the same question, and never the right order. */
function mixed(n: number, id: string): number[] {
    let seed = [...id].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7);
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
        seed = (seed * 1664525 + 1013904223) >>> 0;
        const k = seed % (i + 1);
        [order[i], order[k]] = [order[k] as number, order[i] as number];
    }
    return order.every((v, i) => v === i) ? order.reverse() : order;
}

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
    const order = useMemo(() => mixed(question.answers.length, question.id), [question]);
    return (
        <fieldset className="answers">
            <legend className="small muted">
                <Trans>Press the steps in their order. Press one again to take it back.</Trans>
            </legend>
            {order.map((i) => {
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
                            <Runs runs={(question.answers[i] as CourseAnswer).runs} sources={sources} />
                        </span>
                    </button>
                );
            })}
        </fieldset>
    );
}

export function isRight(question: CourseQuestion, chosen: number[]): boolean {
    if (question.kind === 'order') {
        return chosen.every((i, place) => i === place);
    }
    return question.answers.every((answer, i) => answer.right === chosen.includes(i));
}

/** Why: of what was chosen, and of what would have been right. */
function Reasons({ question, chosen, sources, language }: { question: CourseQuestion; chosen: number[]; sources: CourseSource[]; language: string }) {
    const shown = question.answers.map((answer, i) => ({ answer, i })).filter(({ answer, i }) => answer.right || chosen.includes(i));
    const List = question.kind === 'order' ? 'ol' : 'ul';
    return (
        <List className="reasons" lang={language}>
            {shown.map(({ answer, i }) => (
                <li key={i}>
                    {question.kind !== 'order' && (
                        <span className="small muted" lang={document.documentElement.lang}>
                            {answer.right ? chosen.includes(i) ? <Trans>Your answer fits</Trans> : <Trans>This fits</Trans> : <Trans>Your answer</Trans>}
                        </span>
                    )}
                    <strong>
                        <Runs runs={answer.runs} sources={sources} />
                    </strong>
                    <span>
                        <Runs runs={answer.feedback} sources={sources} />
                    </span>
                </li>
            ))}
        </List>
    );
}

export function Question({ question, sources, language, see, next, word }: { question: CourseQuestion; sources: CourseSource[]; language: string; see: boolean; next: () => void; word: string }) {
    const [chosen, choose] = useState<number[]>([]);
    const [answered, setAnswered] = useState(false);
    const outcome = useRef<HTMLHeadingElement>(null);
    useEffect(() => {
        if (answered) {
            outcome.current?.focus();
        }
    }, [answered]);
    const ready = question.kind === 'order' ? chosen.length === question.answers.length : chosen.length > 0;
    const Choice = question.kind === 'order' ? Order : Choices;
    const right = isRight(question, chosen);
    return (
        <form
            className="question"
            onSubmit={(event) => {
                event.preventDefault();
                setAnswered(true);
            }}
        >
            <div lang={language} className="course-text">
                <Blocks blocks={question.ask} sources={sources} />
            </div>
            {answered ? (
                <>
                    <h2 tabIndex={-1} ref={outcome} className="outcome-word">
                        <Shape state={right ? 'good' : 'medium'} size={24} />
                        {right ? <Trans>Yes, that is it.</Trans> : <Trans>Have another look: this is why.</Trans>}
                    </h2>
                    <Reasons question={question} chosen={chosen} sources={sources} language={language} />
                    {see && (
                        <p className="muted">
                            <Trans>In the lesson:</Trans> <q lang={language}>{question.see}</q>
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
                    <div className="thumb">
                        <Button type="submit" disabled={!ready} title={ready ? undefined : t`Choose first`}>
                            <Trans context="button">Answer</Trans>
                        </Button>
                    </div>
                </>
            )}
        </form>
    );
}
