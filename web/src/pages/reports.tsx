// What people reported: for whoever answers them.

import { t, plural } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Link } from 'wouter';
import type { Report } from '../report/types';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager } from '../parts/list';
import { Mark } from '../parts/mark';
import { Choice } from '../parts/settings';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { useReports } from '../report/ask';
import { kindOf, stateOf } from '../report/words';

const DEFAULTS = { state: 'open', cursor: '' };

function Row({ report }: { report: Report }) {
    const state = stateOf(report.state);
    const text = report.text !== '' ? report.text : t`A picture, without words`;
    return (
        <li>
            <Link href={`/reports/${report.id}`} className="card" data-row>
                <span className="line">
                    {report.now && report.state === 'received' ? <Mark state="high">{t`happening now, says the reporter`}</Mark> : <Mark state={state.mark}>{state.word}</Mark>}
                    <Age at={report.time} />
                </span>
                <strong className="break">{text.length > 200 ? `${text.slice(0, 200)}…` : text}</strong>
                <span className="line small muted">
                    <span>{kindOf(report.kind)}</span>
                    <span>{report.display_name ?? t`without a name`}</span>
                    {report.photo !== null && (
                        <span>
                            <Trans>with a picture</Trans>
                        </span>
                    )}
                    {report.taken_by !== null && <span>{report.taken_by}</span>}
                </span>
            </Link>
        </li>
    );
}

function lineOne(state: string, total: number): string {
    if (state === 'open') {
        return total === 0 ? t`No report waits.` : plural(total, { one: '# report is open.', other: '# reports are open.' });
    }
    return plural(total, { one: '# report.', other: '# reports.' });
}

export default function ReportsPage() {
    const [filter, change] = useParams(DEFAULTS);
    const query = useReports({ ...filter, mine: '' });
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), (r) => r.id);
    return (
        <>
            <Head name={t`Reported`} line={query.data ? lineOne(filter.state, query.data.total) : t`Reported`} note={<Trans>Who reports and gets an answer reports again. Take it, look, answer in a sentence.</Trans>} />
            <div className="tools">
                <Choice
                    label={t`Which reports`}
                    value={filter.state}
                    options={[
                        ['open', t`Open`],
                        ['answered', t`Answered`],
                        ['closed', t`Closed`],
                        ['all', t`All`],
                    ]}
                    change={(state) => change({ state, cursor: '' })}
                />
            </div>
            <Panel title={t`Newest first`} aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the reports`} query={query} rows={5}>
                    {(page) =>
                        page.items.length === 0 ? (
                            <Empty title={filter.state === 'open' ? t`No report waits.` : t`None.`}>
                                <Trans>Staff find Report on their phone; visitors find it on the sign-in page.</Trans>
                            </Empty>
                        ) : (
                            <ul className="cards">
                                {held.rows.map((report) => (
                                    <Row key={report.id} report={report} />
                                ))}
                            </ul>
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
