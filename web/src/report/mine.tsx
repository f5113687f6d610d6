// What one has reported, and what came of it.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Page } from '../api/types';
import { Near } from '../parts/age';
import { Mark } from '../parts/mark';
import { Asked, Empty, Panel } from '../parts/states';
import type { Report } from './types';
import { kindOf, stateOf } from './words';

function Mine({ report }: { report: Report }) {
    const state = stateOf(report.state);
    return (
        <li className="card">
            <span className="line">
                <Mark state={state.mark}>{state.word}</Mark>
                <Near at={report.time} />
            </span>
            <span className="break">{report.text !== '' ? report.text : kindOf(report.kind)}</span>
            {report.answer && <blockquote className="break">{report.answer}</blockquote>}
        </li>
    );
}

/** What one has reported under one's name; most: how many at the most. */
export function MyReports({ query, rows, most, children }: { query: UseQueryResult<Page<Report>>; rows: number; most?: number; children?: ReactNode }) {
    return (
        <Panel title={t`My reports`}>
            <Asked what={t`your reports`} query={query} rows={rows}>
                {(page) =>
                    page.items.length === 0 ? (
                        <Empty title={t`You have not reported anything under your name.`}>
                            <Trans>What you report, and the answer, will stand here.</Trans>
                        </Empty>
                    ) : (
                        <ul className="cards">
                            {page.items.slice(0, most).map((report) => (
                                <Mine key={report.id} report={report} />
                            ))}
                        </ul>
                    )
                }
            </Asked>
            {children}
        </Panel>
    );
}
