// Decisions on many findings at once: those that are chosen, by hand or all that match. What becomes of each is said; one Undo takes all of it back.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useCallback, useRef, useState } from 'react';
import { Link } from 'wouter';
import { Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { allFindings, decide, decided, type Decision, type FindingFilter } from '../api/queries';
import type { Finding } from '../api/types';
import { useKey } from '../parts/keys';
import { SeverityMark } from '../parts/mark';
import { say, show } from '../parts/say';
import { count } from '../time';
import { Reason, refusal } from './findingdecide';

const MOST = 500; // findings of one decision
const SHOWN = 5; // … that are named before it
const ACTS: Decision[] = ['take', 'release', 'dismiss', 'reopen'];
const FROM: Record<Decision, string[]> = { take: ['open'], release: ['taken'], dismiss: ['open', 'taken'], reopen: ['dismissed'] };
const BACK: Record<Decision, Decision> = { take: 'release', release: 'take', dismiss: 'reopen', reopen: 'dismiss' };

export interface Choice {
    chosen: ReadonlyMap<string, Finding>;
    has: (id: string) => boolean;
    toggle: (finding: Finding) => void;
    set: (findings: Finding[]) => void;
}

/** What is chosen of the rows that `scope` asked for; another question begins with nothing. */
export function useChoice(scope: string): Choice {
    const [state, setState] = useState<{ scope: string; chosen: ReadonlyMap<string, Finding> }>({ scope, chosen: new Map() });
    if (state.scope !== scope) {
        setState({ scope, chosen: new Map() });
    }
    const chosen = state.chosen;
    const set = (findings: Finding[]) => setState({ scope, chosen: new Map(findings.map((f) => [f.id, f])) });
    return {
        chosen,
        has: (id) => chosen.has(id),
        toggle: (finding) => set(chosen.has(finding.id) ? [...chosen.values()].filter((f) => f.id !== finding.id) : [...chosen.values(), finding]),
        set,
    };
}

interface Stayed {
    finding: Finding;
    why: string;
}

interface Course {
    act: Decision;
    of: number;
    done: number;
}

const wait = (seconds: number) => new Promise((over) => setTimeout(over, 1000 * seconds));

/** One, once more where the program asks for a pause. */
async function decideOne(finding: Finding, act: Decision, why?: string): Promise<Finding> {
    const wish = { act, etag: finding.etag, why };
    try {
        return await decide(finding.id, wish);
    } catch (error) {
        if (!(error instanceof Problem) || error.status !== 429) {
            throw error;
        }
        await wait(error.retryAfter ?? 1);
        return decide(finding.id, wish);
    }
}

/** Nothing that comes after it would go better. */
const isOver = (error: unknown) => !(error instanceof Problem) || [0, 401, 403].includes(error.status) || error.status >= 500;

function doneText(act: Decision, n: number): string {
    switch (act) {
        case 'take':
            return plural(n, { one: 'You took # finding.', other: 'You took # findings.' });
        case 'release':
            return plural(n, { one: '# finding is open again.', other: '# findings are open again.' });
        case 'dismiss':
            return plural(n, { one: '# finding dismissed.', other: '# findings dismissed.' });
        case 'reopen':
            return plural(n, { one: '# finding reopened.', other: '# findings reopened.' });
    }
}

/** Decides one after the other, in the order of the list; `course` says how far it is. */
function useDecideAll(left: (rows: Finding[]) => void) {
    const [course, setCourse] = useState<Course | null>(null);
    const [stayed, setStayed] = useState<Stayed[]>([]);
    const ended = useRef(false);
    const run = async (findings: Finding[], act: Decision, why?: string, undoes = false) => {
        const done: Finding[] = [];
        const not: Stayed[] = [];
        let over: string | null = null;
        ended.current = false;
        setStayed([]);
        for (const finding of findings) {
            setCourse({ act, of: findings.length, done: done.length + not.length });
            if (over === null && ended.current) {
                over = t`Not decided: you ended it before.`;
            }
            if (over !== null) {
                not.push({ finding, why: over });
                continue;
            }
            try {
                done.push(await decideOne(finding, act, why));
            } catch (error) {
                not.push({ finding, why: refusal(error) });
                over = isOver(error) ? refusal(error) : null;
            }
        }
        setCourse(null);
        setStayed(not);
        left(not.map((n) => n.finding));
        decided();
        const text = doneText(act, done.length) + (not.length > 0 ? ` ${plural(not.length, { one: '# is as it was.', other: '# are as they were.' })}` : '');
        const back = BACK[act];
        const undo = () => void run(done, back, back === 'dismiss' || back === 'reopen' ? t`Taken back at once: it was decided with others by mistake.` : undefined, true);
        show(done.length > 0 && !undoes ? { text, undoWord: t`Undo`, undo } : { text });
    };
    return { course, stayed, run, end: () => (ended.current = true), forget: () => setStayed([]) };
}

function ActWord({ act, n }: { act: Decision; n: number }) {
    switch (act) {
        case 'take':
            return <Trans>Take {count(n)}</Trans>;
        case 'release':
            return <Trans>Give {count(n)} back</Trans>;
        case 'dismiss':
            return <Trans>Dismiss {count(n)}…</Trans>;
        case 'reopen':
            return <Trans>Reopen {count(n)}…</Trans>;
    }
}

/** What is about to be decided on. */
function Preview({ findings, dismiss }: { findings: Finding[]; dismiss: boolean }) {
    const severe = findings.filter((f) => f.severity === 'critical' || f.severity === 'high').length;
    return (
        <>
            <p>
                {dismiss ? (
                    <Trans>They leave the list of open findings. They stay on the ledger with your name and reason, and each can be reopened.</Trans>
                ) : (
                    <Trans>They come back to the list of open findings.</Trans>
                )}
            </p>
            {dismiss && severe > 0 && (
                <p>
                    <strong>
                        <Plural value={severe} one="# of them is high or critical." other="# of them are high or critical." />
                    </strong>
                </p>
            )}
            <ul className="preview">
                {findings.slice(0, SHOWN).map((f) => (
                    <li key={f.id}>
                        <SeverityMark severity={f.severity} /> {f.title}
                    </li>
                ))}
            </ul>
            {findings.length > SHOWN && (
                <p className="muted">
                    <Plural value={findings.length - SHOWN} one="and # more" other="and # more" />
                </p>
            )}
        </>
    );
}

function AllThatMatch({ total, filter, choose }: { total: number; filter: FindingFilter; choose: (all: Finding[]) => void }) {
    const [asks, setAsks] = useState(false);
    const ask = async () => {
        setAsks(true);
        try {
            choose(await allFindings(filter, MOST));
        } catch (error) {
            show({ text: error instanceof Problem && error.detail !== '' ? error.detail : t`Tourniquet did not answer. Try again in a moment.` });
        }
        setAsks(false);
    };
    return (
        <button type="button" className="link-button" disabled={asks} onClick={() => void ask()}>
            {total > MOST ? <Trans>Choose the worst {count(MOST)} of {count(total)} that match</Trans> : <Trans>Choose all {count(total)} that match</Trans>}
        </button>
    );
}

function Unchanged({ stayed, close }: { stayed: Stayed[]; close: () => void }) {
    return (
        <div className="stayed">
            <header>
                <h3>
                    <Plural value={stayed.length} one="# is as it was" other="# are as they were" />
                </h3>
                <Button variant="default" onClick={close}>
                    <Trans>Close</Trans>
                </Button>
            </header>
            <ul>
                {stayed.map(({ finding, why }) => (
                    <li key={finding.id}>
                        <Link href={`/findings/${finding.id}`}>{finding.title}</Link> <span className="muted">{why}</span>
                    </li>
                ))}
            </ul>
        </div>
    );
}

/** At the foot of the list, so that no row moves: how many are chosen, and what can be decided about them. */
export function ChoiceBar({ choice, rows, total, filter }: { choice: Choice; rows: Finding[]; total: number; filter: FindingFilter }) {
    const away = useLostAt() !== null;
    const [asks, setAsks] = useState<'dismiss' | 'reopen' | null>(null);
    const all = useDecideAll(choice.set);
    const newest = new Map(rows.map((f) => [f.id, f]));
    const chosen = [...choice.chosen.values()].map((f) => newest.get(f.id) ?? f);
    const fit = (act: Decision) => chosen.filter((f) => FROM[act].includes(f.state));
    const begin = (act: Decision, why?: string) => {
        setAsks(null);
        void all.run(fit(act), act, why);
    };
    const keys = {
        x: () => {
            const id = (document.activeElement as HTMLElement | null)?.dataset.row;
            const row = all.course === null ? rows.find((f) => f.id === id) : undefined;
            if (row) {
                say(choice.has(row.id) ? t`Not chosen any more.` : t`Chosen.`);
                choice.toggle(row);
            }
        },
        t: () => {
            if (fit('take').length > 0 && all.course === null && !away) {
                begin('take');
            }
        },
    };
    const now = useRef(keys);
    now.current = keys;
    useKey(
        'x',
        useCallback(() => now.current.x(), []),
    );
    useKey(
        't',
        useCallback(() => now.current.t(), []),
    );
    if (all.course !== null) {
        return (
            <div className="chosen" role="group" aria-label={t`Chosen findings`}>
                <span>
                    <Trans>
                        {count(all.course.done)} of {count(all.course.of)} decided
                    </Trans>
                </span>
                <progress aria-label={t`How far it is`} max={all.course.of} value={all.course.done} />
                <Button variant="default" onClick={all.end}>
                    <Trans>End it now</Trans>
                </Button>
            </div>
        );
    }
    return (
        <>
            {all.stayed.length > 0 && <Unchanged stayed={all.stayed} close={all.forget} />}
            {chosen.length > 0 && (
                <div className="chosen" role="group" aria-label={t`Chosen findings`}>
                    <strong>
                        <Plural value={chosen.length} one="# chosen" other="# chosen" />
                    </strong>
                    {chosen.length < Math.min(total, MOST) && <AllThatMatch total={total} filter={filter} choose={choice.set} />}
                    <button type="button" className="link-button" onClick={() => choice.set([])}>
                        <Trans>Choose none</Trans>
                    </button>
                    <span className="acts">
                        {ACTS.filter((act) => fit(act).length > 0).map((act) => (
                            <Button
                                key={act}
                                variant={act === 'take' ? 'filled' : 'default'}
                                disabled={away}
                                onClick={() => (act === 'dismiss' || act === 'reopen' ? setAsks(act) : begin(act))}
                            >
                                <ActWord act={act} n={fit(act).length} />
                            </Button>
                        ))}
                    </span>
                </div>
            )}
            {asks && (
                <Reason
                    title={
                        asks === 'dismiss'
                            ? plural(fit(asks).length, { one: 'Dismiss # finding', other: 'Dismiss # findings' })
                            : plural(fit(asks).length, { one: 'Reopen # finding', other: 'Reopen # findings' })
                    }
                    word={asks === 'dismiss' ? t`Dismiss with this reason` : t`Reopen with this reason`}
                    close={() => setAsks(null)}
                    send={(why) => begin(asks, why)}
                >
                    <Preview findings={fit(asks)} dismiss={asks === 'dismiss'} />
                </Reason>
            )}
        </>
    );
}
