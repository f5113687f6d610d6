// The lab messages of the last 24 hours: bars, a sentence, and the same as a table.

import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Empty } from '../parts/states';
import { count } from '../time';

const ago = (hours: number) => (hours === 0 ? t`the last hour` : plural(hours, { one: '# h before', other: '# h before' }));

export function Hours({ hours }: { hours: number[] }) {
    const most = Math.max(...hours);
    const all = hours.reduce((sum, n) => sum + n, 0);
    if (all === 0) {
        return <Empty title={t`No lab message in the last 24 hours of traffic.`} />;
    }
    const busiest = ago(hours.length - 1 - hours.lastIndexOf(most));
    const silent = hours.length - 1 - hours.findLastIndex((n) => n > 0);
    const [w, h] = [hours.length * 10, 48];
    return (
        <div className="inside">
            <p>
                {plural(all, { one: '# lab message in the last 24 hours of traffic', other: `${count(all)} lab messages in the last 24 hours of traffic` })};{' '}
                <Trans>
                    most in one hour: {count(most)} ({busiest}).
                </Trans>{' '}
                {silent > 1 && plural(silent, { one: 'None for # hour.', other: 'None for # hours.' })}
            </p>
            <svg className="hours" viewBox={`0 0 ${w} ${h + 2}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
                {hours.map((n, i) => {
                    const tall = n === 0 ? 0 : Math.max(2, (n / most) * h);
                    return <rect key={i} x={i * 10 + 1} width={8} y={h - tall} height={tall} fill="var(--action)" />;
                })}
                <path d={`M0 ${h + 1}H${w}`} stroke="var(--line)" strokeWidth="1" vectorEffect="non-scaling-stroke" />
            </svg>
            <p className="hours-scale muted small" aria-hidden="true">
                <span>{ago(hours.length - 1)}</span>
                <span>{ago(0)}</span>
            </p>
            <details>
                <summary>
                    <Trans>As a table</Trans>
                </summary>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">
                                <Trans>Hour</Trans>
                            </th>
                            <th scope="col" className="number">
                                <Trans>Messages</Trans>
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {hours.map((n, i) => (
                            <tr key={i}>
                                <th scope="row">{ago(hours.length - 1 - i)}</th>
                                <td className="number">{count(n)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </details>
        </div>
    );
}
