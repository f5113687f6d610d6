// What a look has shown, for five minutes: one message, or two side by side with their differences. Everything in it is a text of its sender and is drawn as a text.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Shown, ShownBody, ShownRecord } from './types';
import { Near } from '../parts/age';
import { useKey } from '../parts/keys';
import { say } from '../parts/say';
import { Panel } from '../parts/states';
import { count, size } from '../time';
import { alone, differ, visible, type FieldPair, type LinePair } from './differ';

const LONG = 240;
const LINES = 200;

/** A text of a sender: visible, in a direction of its own, and short until it is asked for. */
function Foreign({ text }: { text: string }) {
    const [all, setAll] = useState(false);
    const long = text.length > LONG;
    const shown = visible(all || !long ? text : text.slice(0, LONG));
    return (
        <>
            <bdi className={all && long ? 'foreign foreign-long' : 'foreign'} tabIndex={all && long ? 0 : undefined}>
                {shown}
                {!all && long && '…'}
            </bdi>
            {long && !all && (
                <button type="button" className="link-button" onClick={() => setAll(true)}>
                    <Trans>Show all {count(text.length)} characters</Trans>
                </button>
            )}
        </>
    );
}

function Value({ text, withheld, differs }: { text: string | null; withheld: boolean; differs: boolean }) {
    if (withheld) {
        return (
            <span className="muted">
                <Trans>a password: not shown</Trans>
            </span>
        );
    }
    if (text === null || text === '') {
        return <span className="muted">{differs ? <Trans>nothing</Trans> : '–'}</span>;
    }
    return <Foreign text={text} />;
}

function FieldRow({ field, two }: { field: FieldPair; two: boolean }) {
    return (
        <tr className={field.differs ? 'differs' : undefined}>
            <th scope="row" className="mono">
                {field.differs && <span aria-hidden="true"># </span>}
                {field.label}
                {field.differs && (
                    <span className="differs-word">
                        {' '}
                        <Trans>differs</Trans>
                    </span>
                )}
            </th>
            {two && (
                <td>
                    <Value text={field.left} withheld={field.withheld} differs={field.differs} />
                </td>
            )}
            <td>
                <Value text={field.right} withheld={field.withheld} differs={field.differs} />
            </td>
        </tr>
    );
}

interface Meta {
    sender?: string;
    receiver?: string;
    type?: string;
    protocol?: string;
    charset?: string;
}
const metaOf = (item: ShownRecord) => (item.seen ?? {}) as Meta & { time?: string; id?: string };

function Column({ item, nth }: { item: ShownRecord; nth: string }) {
    const meta = metaOf(item);
    return (
        <>
            {nth} {meta.time && <Near at={meta.time} seconds />}
            <span className="muted small">
                {' '}
                <bdi>{visible(meta.sender ?? '?')}</bdi> → <bdi>{visible(meta.receiver ?? '?')}</bdi>
            </span>
        </>
    );
}

function Lines({ lines, first, second, only }: { lines: LinePair[]; first: ShownRecord | null; second: ShownRecord; only: boolean }) {
    const [all, setAll] = useState(false);
    const wanted = only ? lines.filter((l) => l.differs).map((l) => ({ ...l, fields: l.fields.filter((f) => f.differs) })) : lines;
    const shown = all ? wanted : wanted.slice(0, LINES);
    const two = first !== null;
    return (
        <>
            <table className={two ? 'fields two' : 'fields'}>
                <caption className="unseen">{two ? <Trans>Two messages, field by field</Trans> : <Trans>A message, field by field</Trans>}</caption>
                <thead>
                    <tr>
                        <th scope="col">
                            <Trans>Field</Trans>
                        </th>
                        {first && (
                            <th scope="col">
                                <Column item={first} nth={t`First`} />
                            </th>
                        )}
                        <th scope="col">
                            <Column item={second} nth={two ? t`Then` : ''} />
                        </th>
                    </tr>
                </thead>
                {shown.map((line) => (
                    <tbody key={line.key}>
                        {line.fields.map((field, i) => (
                            <FieldRow key={`${line.key}.${i}`} field={field} two={two} />
                        ))}
                    </tbody>
                ))}
            </table>
            {wanted.length > shown.length && (
                <p className="inside">
                    <button type="button" className="link-button" onClick={() => setAll(true)}>
                        <Trans>Show all {count(wanted.length)} lines</Trans>
                    </button>
                </p>
            )}
        </>
    );
}

function Told({ body }: { body: ShownBody }) {
    return (
        <p className="muted small inside">
            {body.cut ? (
                <Trans>
                    The first {size(body.kept)} of {size(body.bytes)} are kept; the rest is not.
                </Trans>
            ) : (
                <Trans>{size(body.bytes)}, as received.</Trans>
            )}{' '}
            {body.left > 0 && <Trans>{size(body.left)} behind are not taken apart.</Trans>}{' '}
            {body.sha256 && (
                <span className="mono break">
                    SHA-256 <span translate="no">{body.sha256}</span>
                </span>
            )}
        </p>
    );
}

const CLEAR: Record<string, () => string> = {
    patient_id: () => t`Patient's number`,
    specimen_id: () => t`Specimen's number`,
    order_id: () => t`Order's number`,
    container_id: () => t`Container's number`,
    value: () => t`Value`,
    units: () => t`Unit`,
    sender: () => t`Sender`,
    receiver: () => t`Receiver`,
    control_id: () => t`Message number`,
};

/** Names with dots for what lies inside; lists in one line. */
function flat(value: unknown, name = ''): [string, string][] {
    if (Array.isArray(value)) {
        return [[name, value.map(String).join(', ')]];
    }
    if (value !== null && typeof value === 'object') {
        return Object.entries(value).flatMap(([key, inside]) => flat(inside, name === '' ? key : `${name}.${key}`));
    }
    return [[name, String(value)]];
}

function Clear({ clear }: { clear: Record<string, unknown> }) {
    return (
        <dl className="facts inside">
            {flat(clear).map(([key, text]) => (
                <div key={key} style={{ display: 'contents' }}>
                    <dt>{CLEAR[key]?.() ?? <span className="mono">{key}</span>}</dt>
                    <dd>
                        <Foreign text={text} />
                    </dd>
                </div>
            ))}
        </dl>
    );
}

/** Seconds until it is hidden; counts by the clock, also while the tab sleeps. */
function useLeft(seconds: number, hide: () => void): number {
    const until = useRef(Date.now() + seconds * 1000);
    const [left, setLeft] = useState(seconds);
    useEffect(() => {
        const tick = () => {
            const now = Math.max(0, Math.ceil((until.current - Date.now()) / 1000));
            setLeft(now);
            if (now === 0) {
                hide();
            }
        };
        const timer = setInterval(tick, 1000);
        document.addEventListener('visibilitychange', tick);
        window.addEventListener('pagehide', hide);
        return () => {
            clearInterval(timer);
            document.removeEventListener('visibilitychange', tick);
            window.removeEventListener('pagehide', hide);
        };
    }, [hide]);
    return left;
}

/** What a result said at one place, in the same words whatever the protocol. */
interface Said {
    time?: string;
    sender?: string;
    units?: string;
    range?: string;
    flags?: string[];
    status?: string;
    observed_at?: string;
    test?: { code?: string };
}
const clearOf = (item: ShownRecord, key: string) => {
    const found = (item.clear as Record<string, unknown> | null)?.[key];
    return typeof found === 'string' ? found : null;
};

/** One result at the places where it was seen: what it said there, differences marked. */
function Places({ results }: { results: ShownRecord[] }) {
    const said = results.map((r) => (r.seen ?? {}) as Said);
    const rows: [string, (string | null)[]][] = [
        [t`Value`, results.map((r) => clearOf(r, 'value'))],
        [t`Unit`, results.map((r, i) => clearOf(r, 'units') ?? said[i]?.units ?? null)],
        [t`Flag`, said.map((s) => s.flags?.join(' ') ?? null)],
        [t`Reference range`, results.map((r, i) => clearOf(r, 'range') ?? said[i]?.range ?? null)],
        [t`Status`, said.map((s) => s.status ?? null)],
        [t`Measured`, said.map((s) => s.observed_at ?? null)],
        [t`Test`, said.map((s) => s.test?.code ?? null)],
        [t`Specimen's number`, results.map((r) => clearOf(r, 'specimen_id'))],
        [t`Patient's number`, results.map((r) => clearOf(r, 'patient_id'))],
    ];
    return (
        <div className="scroll">
            <table className="fields two">
                <caption className="unseen">
                    <Trans>The result at each place where it was seen</Trans>
                </caption>
                <thead>
                    <tr>
                        <th scope="col">
                            <Trans>It said</Trans>
                        </th>
                        {results.map((r, i) => (
                            <th scope="col" key={r.record}>
                                {said[i]?.time && <Near at={said[i]?.time as string} seconds />}{' '}
                                <span className="muted small">
                                    <Trans>record {count(r.record)}</Trans>
                                </span>
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows
                        .filter(([, texts]) => texts.some((text) => text !== null && text !== ''))
                        .map(([word, texts]) => {
                            const differs = texts.some((text) => text !== texts[0]);
                            return (
                                <tr key={word} className={differs ? 'differs' : undefined}>
                                    <th scope="row">
                                        {differs && <span aria-hidden="true"># </span>}
                                        {word}
                                        {differs && (
                                            <span className="differs-word">
                                                {' '}
                                                <Trans>differs</Trans>
                                            </span>
                                        )}
                                    </th>
                                    {texts.map((text, i) => (
                                        <td key={results[i]?.record}>
                                            <Value text={text} withheld={false} differs={differs} />
                                        </td>
                                    ))}
                                </tr>
                            );
                        })}
                </tbody>
            </table>
        </div>
    );
}

/** Messages that are written by different standards have no field in common. */
function Apart({ messages }: { messages: ShownRecord[] }) {
    return (
        <>
            <p className="inside muted">
                <Trans>These messages are written by different standards, so their fields cannot stand side by side. Each for itself:</Trans>
            </p>
            {messages.map((m) => (
                <div key={m.record}>
                    <Lines lines={m.body ? alone(m.body) : []} first={null} second={m} only={false} />
                    {m.body && <Told body={m.body} />}
                </div>
            ))}
        </>
    );
}

function Messages({ messages }: { messages: ShownRecord[] }) {
    const [pair, setPair] = useState(messages.length - 1);
    const protocols = new Set(messages.map((m) => metaOf(m).protocol));
    if (protocols.size > 1) {
        return <Apart messages={messages} />;
    }
    return (
        <>
            {messages.length > 2 && (
                <div className="inside line" role="group" aria-label={t`Which two messages are compared`}>
                    {messages.slice(1).map((m, i) => (
                        <Button key={m.record} variant={pair === i + 1 ? 'filled' : 'default'} aria-pressed={pair === i + 1} onClick={() => setPair(i + 1)}>
                            {i + 1} → {i + 2}
                        </Button>
                    ))}
                </div>
            )}
            <Compared key={pair} messages={messages.slice(0, pair + 1)} />
        </>
    );
}

function Compared({ messages }: { messages: ShownRecord[] }) {
    const last = messages.at(-1) as ShownRecord;
    const before = messages.length > 1 ? (messages.at(-2) as ShownRecord) : null;
    const lines = useMemo(
        () => (before?.body && last.body ? differ(before.body, last.body) : last.body ? alone(last.body) : []),
        [before, last],
    );
    const differing = lines.reduce((n, l) => n + l.fields.filter((f) => f.differs).length, 0);
    const [only, setOnly] = useState(false);
    const [at, setAt] = useState(0);
    const place = useRef<HTMLDivElement>(null);
    const next = useCallback(() => {
        const found = [...(place.current?.querySelectorAll<HTMLElement>('tr.differs') ?? [])];
        if (found.length > 0) {
            const to = at % found.length;
            found[to]?.scrollIntoView({ block: 'center' });
            setAt(to + 1);
            say(t`Difference ${to + 1} of ${found.length}`);
        }
    }, [at]);
    useKey('n', next, differing > 0);
    return (
        <div ref={place}>
            {before && (
                <div className="inside line">
                    <strong>
                        {differing === 0 ? t`The two messages are the same in every field.` : plural(differing, { one: '# field differs.', other: '# fields differ.' })}
                    </strong>
                    {differing > 0 && (
                        <>
                            <Button variant="default" onClick={next}>
                                <Trans>Next difference</Trans>
                            </Button>
                            <span className="muted">
                                <Trans>
                                    {at} of {differing}
                                </Trans>
                            </span>
                            <Button variant={only ? 'filled' : 'default'} aria-pressed={only} onClick={() => setOnly(!only)}>
                                <Trans>Only what differs</Trans>
                            </Button>
                        </>
                    )}
                </div>
            )}
            <Lines lines={lines} first={before} second={last} only={only && differing > 0} />
            {last.body && <Told body={last.body} />}
        </div>
    );
}

export default function Values({ shown, hide }: { shown: Shown; hide: () => void }) {
    const left = useLeft(shown.seconds, hide);
    const heading = useRef<HTMLDivElement>(null);
    useEffect(() => {
        // Reading goes on at what was shown, once the dialog has given focus back.
        const timer = setTimeout(() => heading.current?.focus(), 120);
        return () => clearTimeout(timer);
    }, []);
    const messages = shown.items.filter((item) => item.body !== null);
    const results = shown.items.filter((item) => item.event === 'lab.result' && item.clear !== null);
    const clear = shown.items.filter((item) => item.clear !== null && (results.length < 2 || item.event !== 'lab.result'));
    const erased = shown.items.filter((item) => item.erased !== null);
    const minutes = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    return (
        <div className="values" ref={heading} tabIndex={-1}>
            <Panel
                title={t`Values, shown to you`}
                aside={
                    <span className="line">
                        <span className="muted nowrap" role="timer">
                            <Trans>hidden again in {minutes}</Trans>
                        </span>
                        <Button variant="default" onClick={hide}>
                            <Trans>Hide now</Trans>
                        </Button>
                    </span>
                }
            >
                {results.length > 1 && <Places results={results} />}
                {clear.map((item) => (
                    <Clear key={item.record} clear={item.clear as Record<string, unknown>} />
                ))}
                {erased.map((item) => (
                    <p key={item.record} className="inside muted">
                        <Trans>Record {count(item.record)} cannot be shown any more: its key was erased.</Trans> <span lang="en">{item.erased}</span>
                    </p>
                ))}
                {messages.length > 0 ? (
                    <Messages messages={messages} />
                ) : (
                    <p className="inside muted">
                        {clear.length > 0 || results.length > 0 ? <Trans>The message itself is not kept.</Trans> : <Trans>Nothing of this is kept: bodies are switched off, or it was seen before they were kept.</Trans>}
                    </p>
                )}
            </Panel>
        </div>
    );
}
