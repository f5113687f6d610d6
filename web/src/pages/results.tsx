// Did all arrive unaltered? Newest first; new ones wait until they are asked for. People are tokens here.

import { useMediaQuery } from '@mantine/hooks';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useCallback } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useResults, useToday } from '../api/queries';
import type { Result } from '../api/types';
import { Near } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager, Search } from '../parts/list';
import { Mark, Shape, type State } from '../parts/mark';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { useLooking, type Looking } from '../phi/show';
import { clock, count } from '../time';

const DEFAULTS = { q: '', sender: '', cursor: '' };

function verdict(code: string, away: boolean): [State, string] {
    if (away) {
        return ['unknown', t`unknown now`];
    }
    switch (code) {
        case 'same':
            return ['good', t`same at both ends`];
        case 'changed':
            return ['critical', t`changed`];
        case 'missing':
            return ['high', t`missing`];
        case 'extra':
            return ['high', t`extra`];
        case 'replayed':
            return ['high', t`sent again`];
        case 'corrected':
            return ['info', t`corrected`];
        case 'single':
            return ['unknown', t`seen once`];
        default:
            return ['unknown', code];
    }
}

function Verdict({ result, away }: { result: Result; away: boolean }) {
    const [state, word] = verdict(result.verdict, away);
    return state === 'unknown' ? (
        <span className="mark">
            <Shape state={state} />
            {word}
        </span>
    ) : (
        <Mark state={state}>{word}</Mark>
    );
}

const testOf = (r: Result) => r.test.text || r.test.code || t`Test without a name`;

function Sender({ result }: { result: Result }) {
    const name = result.sender ?? t`unknown sender`;
    return result.sender_device ? <Link href={`/devices/${result.sender_device}`}>{name}</Link> : <>{name}</>;
}

function Test({ result }: { result: Result }) {
    return (
        <>
            {testOf(result)} {result.test.code && result.test.text && <span className="mono muted">{result.test.code}</span>}
        </>
    );
}

/** Hidden, or the way to see it. */
function Hidden({ result, looking }: { result: Result; looking: Looking }) {
    const test = testOf(result);
    return looking.may ? (
        <button
            type="button"
            className="link-button"
            disabled={looking.away}
            aria-label={t`Show the value of ${test}: reason`}
            onClick={() => looking.ask({ record: result.record, what: t`The value of ${test}, specimen ${result.specimen ?? '–'}` })}
        >
            <Trans>Show…</Trans>
        </button>
    ) : (
        <span className="muted">
            <Trans>hidden</Trans>
        </span>
    );
}

function Table({ rows, total, away, looking }: { rows: Result[]; total: number; away: boolean; looking: Looking }) {
    return (
        <div className="scroll">
            <table aria-rowcount={total + 1}>
                <caption className="unseen">
                    <Trans>Results, newest first</Trans>
                </caption>
                <thead>
                    <tr>
                        <th scope="col">
                            <Trans>Time</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Test</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Value</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Specimen</Trans>
                        </th>
                        <th scope="col" className="wide">
                            <Trans>Patient</Trans>
                        </th>
                        <th scope="col">
                            <Trans>From</Trans>
                        </th>
                        <th scope="col" className="wide">
                            <Trans>To</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Flag</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Compared</Trans>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map((r, i) => (
                        <tr key={`${r.record}.${r.position}`} aria-rowindex={i + 2}>
                            <td>
                                <Near at={r.time} seconds />
                            </td>
                            <th scope="row">
                                <Test result={r} />
                            </th>
                            <td className="nowrap">
                                <Hidden result={r} looking={looking} /> {r.units}
                            </td>
                            <td className="mono nowrap">{r.specimen ?? '–'}</td>
                            <td className="mono nowrap wide">{r.patient ?? '–'}</td>
                            <td>
                                <Sender result={r} />
                            </td>
                            <td className="wide">{r.receiver ?? '–'}</td>
                            <td className="nowrap">{r.flags.join(' ') || '–'}</td>
                            <td>
                                <Verdict result={r} away={away} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Cards({ rows, away, looking }: { rows: Result[]; away: boolean; looking: Looking }) {
    return (
        <ul className="cards">
            {rows.map((r) => (
                <li key={`${r.record}.${r.position}`} className="card">
                    <strong>
                        <Test result={r} />
                    </strong>
                    <span className="line">
                        <Near at={r.time} seconds />
                        <Verdict result={r} away={away} />
                    </span>
                    <span className="line">
                        <span>
                            {r.sender ?? t`unknown sender`} → {r.receiver ?? '–'}
                        </span>
                        <span className="mono">{r.specimen ?? ''}</span>
                        {looking.may && <Hidden result={r} looking={looking} />}
                    </span>
                </li>
            ))}
        </ul>
    );
}

export function ResultsPage() {
    const [filter, change] = useParams(DEFAULTS);
    const query = useResults(filter);
    const counts = useToday().data?.counts;
    const looking = useLooking();
    const lost = useLostAt();
    const away = lost !== null;
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), (r) => `${r.record}.${r.position}`);
    const setQ = useCallback((q: string) => change({ q, cursor: '' }, true), [change]);
    const line = lost
        ? t`Unknown since ${clock(lost)}: not connected.`
        : !counts
          ? t`Results`
          : counts.results === 0
            ? t`No result seen yet.`
            : plural(counts.results, { one: '# result seen', other: `${count(counts.results)} results seen` }) +
              `; ${
                  counts.messages_clear === 0
                      ? t`none passed in clear text.`
                      : plural(counts.messages_clear, { one: '# message passed in clear text.', other: `${count(counts.messages_clear)} messages passed in clear text.` })
              }`;
    const filtered = filter.q !== '' || filter.sender !== '';
    return (
        <>
            <Head
                name={t`Results`}
                line={line}
                note={<Trans>Values and names stay hidden; people and specimens are tokens. Seen once: seen at one place only, so not compared.</Trans>}
            />
            {looking.question}
            {looking.values}
            <div className="tools" role="search">
                <Search value={filter.q} label={t`Search results`} hint={t`Test, sender, token`} change={setQ} />
            </div>
            <Panel title={filtered ? t`Results that match` : t`Newest results`} aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the results`} query={query} rows={10}>
                    {(page) =>
                        held.rows.length === 0 ? (
                            filtered ? (
                                <Empty title={t`No result matches.`}>
                                    <Trans>Search by test, sender, or a whole token.</Trans>
                                </Empty>
                            ) : (
                                <Empty title={t`No result seen yet.`}>
                                    <Trans>They appear here as soon as an analyzer sends one past the tap.</Trans>
                                </Empty>
                            )
                        ) : phone ? (
                            <Cards rows={held.rows} away={away} looking={looking} />
                        ) : (
                            <Table rows={held.rows} total={page.total} away={away} looking={looking} />
                        )
                    }
                </Asked>
                {query.data && held.rows.length > 0 && (
                    <Pager shown={held.rows.length} total={query.data.total} first={filter.cursor === ''} next={query.data.next} change={(cursor) => change({ cursor })} />
                )}
            </Panel>
        </>
    );
}
