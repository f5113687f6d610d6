// Training over time: sorted bars from 0, with a table for those who do not see them.

import { i18n } from '@lingui/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import type { TrainingOverview } from '../learn/types';
import { count } from '../time';

const monthWord = (month: string) => new Intl.DateTimeFormat(i18n.locale, { month: 'short', year: '2-digit', timeZone: 'UTC' }).format(new Date(`${month}-15T12:00:00Z`));

export function Months({ months }: { months: TrainingOverview['months'] }) {
    const most = Math.max(1, ...months.map((m) => m.on_time + m.late));
    const shown = months.slice(-12);
    return (
        <div className="inside">
            <p className="muted">
                <Trans>How often something was completed, by month: in time, and after its day.</Trans>
            </p>
            <table className="months">
                <thead>
                    <tr>
                        <th scope="col">{t`Month`}</th>
                        <th scope="col">{t`In time`}</th>
                        <th scope="col">{t({ message: 'Late', context: 'training' })}</th>
                        <th scope="col" aria-hidden="true" />
                    </tr>
                </thead>
                <tbody>
                    {shown.map((m) => (
                        <tr key={m.month}>
                            <th scope="row">{monthWord(m.month)}</th>
                            <td className="num">{count(m.on_time)}</td>
                            <td className="num">{count(m.late)}</td>
                            <td aria-hidden="true" className="bar-cell">
                                <svg width="100%" height="14" preserveAspectRatio="none" viewBox="0 0 100 14">
                                    <rect x="0" y="1" height="12" width={(m.on_time / most) * 100} fill="var(--good)" />
                                    <rect x={(m.on_time / most) * 100} y="1" height="12" width={(m.late / most) * 100} fill="var(--medium)" />
                                </svg>
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

export function share(n: { done: number; renew: number; all: number }): number {
    return n.all === 0 ? 100 : Math.floor(((n.done + n.renew) * 100) / n.all);
}

export function Bar({ n }: { n: { done: number; renew: number; open: number; late: number; all: number } }) {
    const of = Math.max(1, n.all);
    const done = ((n.done + n.renew) / of) * 100;
    const open = (n.open / of) * 100;
    return (
        <svg className="share" width="100%" height="10" preserveAspectRatio="none" viewBox="0 0 100 10" aria-hidden="true">
            <rect x="0" y="0" width="100" height="10" fill="var(--panel)" />
            <rect x="0" y="0" width={done} height="10" fill="var(--good)" />
            <rect x={done} y="0" width={open} height="10" fill="var(--line)" opacity="0.45" />
            <rect x={done + open} y="0" width={(n.late / of) * 100} height="10" fill="var(--medium)" />
        </svg>
    );
}
