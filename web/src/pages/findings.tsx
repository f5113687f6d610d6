// What is wrong? One cause is one row, with how often it was seen.

import { NativeSelect } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Link } from 'wouter';
import { useFindings, useToday } from '../api/queries';
import type { Finding } from '../api/types';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager } from '../parts/list';
import { SeverityMark } from '../parts/mark';
import { About, Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { count } from '../time';
import { kindWord, severityWord, stateWord } from '../words';
import { ChoiceBar, useChoice, type Choice } from './findingchoice';
import { ByMail } from './findingmail';

const DEFAULTS = { state: 'open', severity: '', kind: '', cursor: '' };
const PHONE = '(max-width: 767px)';

function Who({ finding }: { finding: Finding }) {
    return finding.taken_by ? (
        <>
            {stateWord(finding.state)} · {finding.taken_by}
        </>
    ) : (
        <>{stateWord(finding.state)}</>
    );
}

function Choose({ finding, choice }: { finding: Finding; choice: Choice }) {
    return (
        <label className="choose">
            <input type="checkbox" aria-label={t`Choose: ${finding.title}`} checked={choice.has(finding.id)} onChange={() => choice.toggle(finding)} />
        </label>
    );
}

/** Of the rows that are shown; what else is chosen stays so. */
function ChooseShown({ rows, choice, label }: { rows: Finding[]; choice: Choice; label?: string }) {
    const chosen = rows.filter((f) => choice.has(f.id)).length;
    const others = [...choice.chosen.values()].filter((f) => !rows.some((row) => row.id === f.id));
    return (
        <label className="choose">
            <input
                type="checkbox"
                aria-label={label ? undefined : t`Choose all rows shown`}
                checked={chosen === rows.length}
                ref={(box) => {
                    if (box) {
                        box.indeterminate = chosen > 0 && chosen < rows.length;
                    }
                }}
                onChange={() => choice.set(chosen === rows.length ? others : [...others, ...rows])}
            />
            {label}
        </label>
    );
}

interface List {
    rows: Finding[];
    gone: (f: Finding) => boolean;
    /** Null: whoever looks may not decide. */
    choice: Choice | null;
}

function Table({ rows, gone, choice, total }: List & { total: number }) {
    return (
        <div className="scroll">
            <table aria-rowcount={total + 1}>
                <caption className="unseen">
                    <Trans>Findings, worst and newest first</Trans>
                </caption>
                <thead>
                    <tr>
                        {choice && (
                            <td className="choosing">
                                <ChooseShown rows={rows} choice={choice} />
                            </td>
                        )}
                        <th scope="col">
                            <Trans>Severity</Trans>
                        </th>
                        <th scope="col">
                            <Trans>What</Trans>
                        </th>
                        <th scope="col" className="number">
                            <Trans>Times</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Last</Trans>
                        </th>
                        <th scope="col">
                            <Trans>State</Trans>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map((f, i) => (
                        <tr key={f.id} aria-rowindex={i + 2} className={gone(f) ? 'gone' : undefined}>
                            {choice && (
                                <td className="choosing">
                                    <Choose finding={f} choice={choice} />
                                </td>
                            )}
                            <td>
                                <SeverityMark severity={f.severity} />
                            </td>
                            <th scope="row">
                                <Link href={`/findings/${f.id}`} className="row-link" data-row={f.id}>
                                    {f.title}
                                </Link>
                                <About finding={f} />
                            </th>
                            <td className="number">{f.count > 1 && count(f.count)}</td>
                            <td>
                                <Age at={f.last_time} />
                            </td>
                            <td>
                                <Who finding={f} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Cards({ rows, gone, choice }: List) {
    return (
        <>
            {choice && (
                <div className="choosing inside">
                    <ChooseShown rows={rows} choice={choice} label={t`Choose all rows shown`} />
                </div>
            )}
            <ul className="cards">
            {rows.map((f) => (
                <li key={f.id} className={[gone(f) && 'gone', choice && 'with-choice'].filter(Boolean).join(' ') || undefined}>
                    {choice && <Choose finding={f} choice={choice} />}
                    <Link href={`/findings/${f.id}`} className="card" data-row={f.id}>
                        <span className="line">
                            <SeverityMark severity={f.severity} />
                            {f.count > 1 && <span>{count(f.count)} ×</span>}
                            <Age at={f.last_time} short />
                        </span>
                        <strong>{f.title}</strong>
                        <About finding={f} />
                        <span className="line">
                            <Who finding={f} />
                        </span>
                    </Link>
                </li>
            ))}
            </ul>
        </>
    );
}

export function FindingsPage() {
    const [filter, change] = useParams(DEFAULTS);
    const query = useFindings(filter);
    const counts = useToday().data?.counts;
    const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), (f) => f.id);
    const scope = JSON.stringify({ ...filter, cursor: '' });
    const choice = useChoice(scope);
    const may = useMay('finding.decide') ? choice : null;
    const kinds = [...new Set([filter.kind, ...(query.data?.items ?? []).map((f) => f.kind)])].filter((k) => k !== '');
    const open = counts?.findings_open;
    const line =
        open === undefined
            ? t`What is wrong`
            : open === 0
              ? t`No finding is open.`
              : plural(open, { one: '# finding is open', other: '# findings are open' }) +
                (counts?.findings_critical ? `; ${plural(counts.findings_critical, { one: '# is critical.', other: '# are critical.' })}` : '.');
    const filtered = filter.severity !== '' || filter.kind !== '' || filter.state !== 'open';
    return (
        <>
            <Head name={t`Findings`} line={line} note={<Trans>One cause is one row, worst and newest first.</Trans>} />
            <div className="tools" role="search">
                <NativeSelect
                    label={t`State`}
                    className="half"
                    value={filter.state}
                    onChange={(e) => change({ state: e.currentTarget.value, cursor: '' })}
                    data={[
                        { value: 'open', label: stateWord('open') },
                        { value: 'taken', label: stateWord('taken') },
                        { value: 'dismissed', label: stateWord('dismissed') },
                        { value: 'all', label: t`All states` },
                    ]}
                />
                <NativeSelect
                    label={t`Severity`}
                    className="half"
                    value={filter.severity}
                    onChange={(e) => change({ severity: e.currentTarget.value, cursor: '' })}
                    data={[
                        { value: '', label: t`Low and up` },
                        { value: 'all', label: t`All severities` },
                        ...['critical', 'high', 'medium', 'low'].map((s) => ({ value: s, label: severityWord(s) })),
                        { value: 'minor', label: t`Medium and low` },
                        { value: 'info', label: severityWord('info') },
                    ]}
                />
                <NativeSelect
                    label={t`Kind`}
                    value={filter.kind}
                    onChange={(e) => change({ kind: e.currentTarget.value, cursor: '' })}
                    data={[{ value: '', label: t`All kinds` }, ...kinds.map((k) => ({ value: k, label: kindWord(k) }))]}
                />
            </div>
            <Panel title={filtered ? t`Findings that match` : t`Open findings`} aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the findings`} query={query} rows={8}>
                    {(page) =>
                        held.rows.length === 0 ? (
                            <Empty title={filtered ? t`No finding matches.` : t`None open. ${count(counts?.devices ?? 0)} devices watched.`}>
                                {filtered ? <Trans>Choose other filters to see more.</Trans> : <Trans>New findings appear here by themselves.</Trans>}
                            </Empty>
                        ) : phone ? (
                            <Cards rows={held.rows} gone={held.gone} choice={may} />
                        ) : (
                            <Table rows={held.rows} gone={held.gone} choice={may} total={page.total} />
                        )
                    }
                </Asked>
                {query.data && held.rows.length > 0 && (
                    <Pager shown={held.rows.length} total={query.data.total} first={filter.cursor === ''} next={query.data.next} change={(cursor) => change({ cursor })} />
                )}
                {may && query.data && <ChoiceBar choice={may} rows={held.rows} total={query.data.total} filter={filter} />}
            </Panel>
            <ByMail />
        </>
    );
}
