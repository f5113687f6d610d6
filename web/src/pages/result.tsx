// One result: where it was seen on its way, what it was there, and what became of it. Its values are shown to who may, for a reason.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Fragment } from 'react';
import { Link } from 'wouter';
import { Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { useResult } from '../api/queries';
import type { ResultWay, Sighting } from '../custody/types';
import { stepWord, testOf, VerdictMark, verdictSentence } from '../custody/verdict';
import { Age, Near, When } from '../parts/age';
import { Head } from '../parts/head';
import { Mark, Shape } from '../parts/mark';
import { Asked, Panel } from '../parts/states';
import { useLooking } from '../phi/show';
import { count } from '../time';

const PROTOCOLS: Record<string, string> = { hl7: 'HL7', astm: 'ASTM', poct1a: 'POCT1-A' };

function Device({ id, name }: { id: string | null; name: string | null }) {
    const word = name ?? t`unknown`;
    return id ? <Link href={`/devices/${id}`}>{word}</Link> : <>{word}</>;
}

/** Milliseconds between two times of the packet clock, as a person reads them. */
function later(from: string, to: string): string {
    const ms = new Date(to).getTime() - new Date(from).getTime();
    return ms < 1000 ? t`${count(ms)} ms later` : ms < 120_000 ? t`${count(Math.round(ms / 1000))} s later` : t`${count(Math.round(ms / 60_000))} min later`;
}

function Step({ step, after }: { step: NonNullable<Sighting['step']>; after: string }) {
    const [state, word] = stepWord(step);
    return (
        <p className="line">
            {state === 'unknown' ? (
                <span className="mark">
                    <Shape state={state} />
                    {word}
                </span>
            ) : (
                <Mark state={state}>{word}</Mark>
            )}
            <span className="muted">{after}</span>
        </p>
    );
}

function Place({ at, before }: { at: Sighting; before: Sighting | undefined }) {
    const protocol = PROTOCOLS[at.message.protocol] ?? at.message.protocol;
    return (
        <li>
            {at.step && <Step step={at.step} after={before ? later(before.time, at.time) : ''} />}
            <strong>
                <Device id={at.sender_device} name={at.sender_title ?? at.sender} /> → <Device id={at.receiver_device} name={at.receiver_title ?? at.receiver} />
            </strong>
            <p className="muted small line">
                <When at={at.time} seconds />
                <span>
                    {protocol} {at.message.type}
                </span>
                {at.message.link && (
                    <span>
                        {at.message.leg === 'forwarded' ? <Trans>forwarded over link {at.message.link}</Trans> : <Trans>received over link {at.message.link}</Trans>}
                    </span>
                )}
                <span>
                    <Trans>test</Trans> <span className="mono">{at.test.code ?? '–'}</span>
                </span>
                <span>
                    <Trans>unit</Trans> {at.units ?? '–'}
                </span>
                <span>
                    <Trans>flag</Trans> {at.flags.join(' ') || '–'}
                </span>
                <span>
                    <Trans>record {count(at.record)}</Trans>
                </span>
            </p>
        </li>
    );
}

function Facts({ result }: { result: ResultWay }) {
    const rows: [string, string | null][] = [
        [t`Specimen`, result.specimen],
        [t`Patient`, result.patient],
    ];
    return (
        <dl className="facts">
            <dt>
                <Trans>Test</Trans>
            </dt>
            <dd>
                {testOf(result)} <span className="mono muted">{[result.test.system, result.test.code].filter(Boolean).join(' ')}</span>
            </dd>
            {rows.map(([word, token]) => (
                <Fragment key={word}>
                    <dt>{word}</dt>
                    <dd className="mono break">{token ?? '–'}</dd>
                </Fragment>
            ))}
            <dt>
                <Trans>Status</Trans>
            </dt>
            <dd>{result.status ?? '–'}</dd>
            <dt>
                <Trans>Measured</Trans>
            </dt>
            <dd>{result.observed_at ?? '–'}</dd>
            <dt>
                <Trans>Message</Trans>
            </dt>
            <dd className="mono break">{result.message.control_id ?? '–'}</dd>
            <dt>
                <Trans>Recorded</Trans>
            </dt>
            <dd>
                <Near at={result.recorded} seconds />
            </dd>
        </dl>
    );
}

export default function ResultPage({ record }: { record: string }) {
    const query = useResult(record);
    const looking = useLooking();
    const away = useLostAt() !== null;
    const result = query.data;
    const parent = (
        <Link href="/results" className="quiet-link">
            <Trans>Results</Trans>
        </Link>
    );
    return (
        <>
            <Head
                name={t`Result`}
                parent={parent}
                line={result ? `${testOf(result)}: ${verdictSentence(result.verdict)}` : t`Result`}
                note={
                    result && (
                        <span className="line">
                            <VerdictMark verdict={result.verdict} away={away} />
                            <Age at={result.time} />
                        </span>
                    )
                }
            >
                {result?.verdict.finding && (
                    <Link href={`/findings/${result.verdict.finding}`} asChild>
                        <Button component="a">
                            <Trans>Open the finding</Trans>
                        </Button>
                    </Link>
                )}
                {result && looking.may && (
                    <Button
                        variant="default"
                        disabled={looking.away}
                        onClick={() => looking.ask({ record: result.record, what: t`The value of ${testOf(result)}, specimen ${result.specimen ?? '–'}` })}
                    >
                        {result.way.length > 1 ? <Trans>Show both sides: reason…</Trans> : <Trans>Show values: reason…</Trans>}
                    </Button>
                )}
                {result && looking.may && (
                    <Button
                        variant="default"
                        disabled={looking.away}
                        onClick={() =>
                            looking.ask({
                                record: result.record,
                                what: t`A proof of ${testOf(result)}, specimen ${result.specimen ?? '–'}`,
                                file: `result-${result.record}.proof`,
                                proof: true,
                            })
                        }
                    >
                        <Trans>Proof: reason…</Trans>
                    </Button>
                )}
            </Head>
            {looking.question}
            {looking.values}
            {query.isError && query.error instanceof Problem && query.error.status === 404 ? (
                <p>
                    <Trans>There is no such result, or it is no longer among the newest 100,000 that are kept here. The ledger has it still.</Trans>
                </p>
            ) : (
                <Asked what={t`this result`} query={query} rows={8}>
                    {(data) => (
                        <div className="columns">
                            <Panel title={t`Its way`}>
                                <ol className="story inside">
                                    {data.way.map((at, i) => (
                                        <Place key={at.record} at={at} before={data.way[i - 1]} />
                                    ))}
                                </ol>
                            </Panel>
                            <Panel title={t`What it is`}>
                                <div className="inside">
                                    <Facts result={data} />
                                </div>
                            </Panel>
                        </div>
                    )}
                </Asked>
            )}
        </>
    );
}
