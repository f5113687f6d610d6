// Did all arrive unaltered? Each result once, newest first; new ones wait until they are asked for. People are tokens here.

import { NativeSelect } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useCallback } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useResults, useResultSummary, useToday } from '../api/queries';
import type { Result, ResultSummary } from '../custody/types';
import { arrived, countOf, judged, testOf, verdictMark, VerdictMark, VERDICTS, verdictWord } from '../custody/verdict';
import { Near } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager, Search } from '../parts/list';
import { Shape } from '../parts/mark';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { clock, count } from '../time';

const DEFAULTS = { q: '', sender: '', verdict: '', cursor: '' };

const pathOf = (r: Result) => `/results/${r.record}`;

/** What the device is called; else what it calls itself. */
const from = (r: Result) => r.sender_title ?? r.sender ?? t`unknown sender`;
const to = (r: Result) => r.receiver_title ?? r.receiver ?? '–';

function Sender({ result }: { result: Result }) {
    const name = from(result);
    return result.sender_device ? <Link href={`/devices/${result.sender_device}`}>{name}</Link> : <>{name}</>;
}

function Code({ result }: { result: Result }) {
    return result.test.code && result.test.text ? <span className="mono muted"> {result.test.code}</span> : null;
}

function Table({ rows, total, away }: { rows: Result[]; total: number; away: boolean }) {
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
                            <Trans>What became of it</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Specimen</Trans>
                        </th>
                        <th scope="col" className="widest">
                            <Trans>Patient</Trans>
                        </th>
                        <th scope="col">
                            <Trans>From</Trans>
                        </th>
                        <th scope="col" className="wide">
                            <Trans>To</Trans>
                        </th>
                        <th scope="col" className="middle">
                            <Trans>Flag</Trans>
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
                                <Link href={pathOf(r)} className="row-link" data-row>
                                    {testOf(r)}
                                </Link>
                                <Code result={r} />
                            </th>
                            <td>
                                <VerdictMark verdict={r.verdict} away={away} />
                            </td>
                            <td className="mono nowrap">{r.specimen ?? '–'}</td>
                            <td className="mono nowrap widest">{r.patient ?? '–'}</td>
                            <td className="break">
                                <Sender result={r} />
                            </td>
                            <td className="wide break">{to(r)}</td>
                            <td className="nowrap middle">{r.flags.join(' ') || '–'}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Cards({ rows, away }: { rows: Result[]; away: boolean }) {
    return (
        <ul className="cards">
            {rows.map((r) => (
                <li key={`${r.record}.${r.position}`}>
                    <Link href={pathOf(r)} className="card" data-row>
                        <strong>
                            {testOf(r)}
                            <Code result={r} />
                        </strong>
                        <span className="line">
                            <VerdictMark verdict={r.verdict} away={away} />
                            <Near at={r.time} seconds />
                        </span>
                        <span className="line">
                            <span>
                                {from(r)} → {to(r)}
                            </span>
                            <span className="mono">{r.specimen ?? ''}</span>
                        </span>
                    </Link>
                </li>
            ))}
        </ul>
    );
}

/** Every count leads to its list. */
function Counts({ summary, chosen, choose, away, phone }: { summary: ResultSummary; chosen: string; choose: (verdict: string) => void; away: boolean; phone: boolean }) {
    const shown = VERDICTS.filter((v) => countOf(summary, v) > 0 || v === chosen);
    if (phone) {
        return (
            <NativeSelect
                label={t`By what became of them`}
                value={chosen}
                onChange={(e) => choose(e.currentTarget.value)}
                data={[{ value: '', label: `${count(summary.total)} ${t`all results`}` }, ...shown.map((v) => ({ value: v, label: `${count(countOf(summary, v))} ${verdictWord(v)}` }))]}
            />
        );
    }
    return (
        <ul className="choices" aria-label={t`By what became of them`}>
            <li>
                <button type="button" className="choice" aria-pressed={chosen === ''} onClick={() => choose('')}>
                    <b>{count(summary.total)}</b> <Trans>all results</Trans>
                </button>
            </li>
            {shown.map((v) => (
                <li key={v}>
                    <button type="button" className="choice" aria-pressed={chosen === v} onClick={() => choose(chosen === v ? '' : v)}>
                        <Shape state={away ? 'unknown' : verdictMark(v)} />
                        <b>{count(countOf(summary, v))}</b> {verdictWord(v)}
                    </button>
                </li>
            ))}
        </ul>
    );
}

function Nothing({ filtered, verdict }: { filtered: boolean; verdict: string }) {
    if (verdict !== '') {
        return (
            <Empty title={t`No result is "${verdictWord(verdict)}".`}>
                <Trans>Choose another of the counts above, or all results.</Trans>
            </Empty>
        );
    }
    return filtered ? (
        <Empty title={t`No result matches.`}>
            <Trans>Search by test, sender, or a whole token.</Trans>
        </Empty>
    ) : (
        <Empty title={t`No result seen yet.`}>
            <Trans>They appear here as soon as an analyzer sends one past the tap.</Trans>
        </Empty>
    );
}

export default function ResultsPage() {
    const [filter, change] = useParams(DEFAULTS);
    const query = useResults(filter);
    const summary = useResultSummary().data;
    const clear = useToday().data?.counts.messages_clear ?? 0;
    const lost = useLostAt();
    const away = lost !== null;
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), (r) => `${r.record}.${r.position}`);
    const setQ = useCallback((q: string) => change({ q, cursor: '' }, true), [change]);
    const line = lost ? t`Unknown since ${clock(lost)}: not connected.` : summary ? arrived(judged(summary)) : t`Results`;
    const filtered = filter.q !== '' || filter.sender !== '';
    return (
        <>
            <Head
                name={t`Results`}
                line={line}
                note={
                    <>
                        <Trans>Each result is one row, however often it was seen on its way. Values and names stay hidden; people and specimens are tokens.</Trans>{' '}
                        {clear > 0 && <Trans>{count(clear)} messages passed in clear text.</Trans>}
                    </>
                }
            />
            {summary && summary.total > 0 && (
                <Counts summary={summary} chosen={filter.verdict} choose={(verdict) => change({ verdict, cursor: '' })} away={away} phone={phone} />
            )}
            <div className="tools" role="search">
                <Search value={filter.q} label={t`Search results`} hint={t`Test, sender, token`} change={setQ} />
            </div>
            <Panel
                title={filter.verdict !== '' ? t`Results: ${verdictWord(filter.verdict)}` : filtered ? t`Results that match` : t`Newest results`}
                aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}
            >
                <Asked what={t`the results`} query={query} rows={10}>
                    {(page) =>
                        held.rows.length === 0 ? (
                            <Nothing filtered={filtered} verdict={filter.verdict} />
                        ) : phone ? (
                            <Cards rows={held.rows} away={away} />
                        ) : (
                            <Table rows={held.rows} total={page.total} away={away} />
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
