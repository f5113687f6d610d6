// How a simulation went: one bar of three parts, each with its words; never fewer than five people.

import { i18n } from '@lingui/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Mark } from '../parts/mark';
import { count } from '../time';
import { personRole } from '../words';
import type { Counts, Simulation, Template, Words } from './ask';

export const wordsOf = (template: Template): Words => (i18n.locale === 'es' ? template.es : template.en);

export const percent = (part: number, of: number) => (of === 0 ? 0 : Math.round((part * 100) / of));

export function Outcome({ n }: { n: Counts }) {
    if (n.sent === 0) {
        return <p className="muted">{n.failed > 0 ? plural(n.failed, { one: '# mail did not go.', other: '# mails did not go.' }) : t`No mail has gone yet.`}</p>;
    }
    const failed = n.failed > 0 && <> {plural(n.failed, { one: '# did not go.', other: '# did not go.' })}</>;
    if (!n.shown) {
        return (
            <p className="muted">
                {plural(n.sent, { one: '# mail sent.', other: '# mails sent.' })} <Trans>What came of them is shown from five on.</Trans>
                {failed}
            </p>
        );
    }
    const reported = n.reported ?? 0;
    const followed = (n.visited ?? 0) - (n.both ?? 0);
    const neither = n.neither ?? 0;
    const at = (part: number) => (part * 100) / n.sent;
    return (
        <>
            <svg className="share" width="100%" height="10" preserveAspectRatio="none" viewBox="0 0 100 10" aria-hidden="true">
                <rect x="0" y="0" width={at(reported)} height="10" fill="var(--good)" />
                <rect x={at(reported)} y="0" width={at(neither)} height="10" fill="var(--line)" opacity="0.45" />
                <rect x={at(reported + neither)} y="0" width={at(followed)} height="10" fill="var(--medium)" />
            </svg>
            <p>
                <Mark state={2 * reported >= n.sent ? 'good' : 'info'}>
                    <Trans>
                        Reported by {count(reported)} of {count(n.sent)}
                    </Trans>
                </Mark>
            </p>
            <p className="muted">
                {plural(followed, { one: '# followed the link and did not report it.', other: '# followed the link and did not report it.' })} {plural(neither, { one: '# did neither.', other: '# did neither.' })}
                {(n.both ?? 0) > 0 && <> {plural(n.both ?? 0, { one: '# reported it after the link: that counts.', other: '# reported it after the link: that counts.' })}</>}
                {failed}
            </p>
        </>
    );
}

export function StateMark({ state }: { state: Simulation['state'] }) {
    return state === 'running' ? (
        <Mark state="info">{t`Running`}</Mark>
    ) : state === 'planned' ? (
        <Mark state="info">{t`Planned`}</Mark>
    ) : state === 'stopped' ? (
        <Mark state="unknown">{t`Stopped`}</Mark>
    ) : (
        <Mark state="good">{t`Over`}</Mark>
    );
}

export const whom = (p: Simulation) => (p.roles.length === 0 ? t`Everybody` : p.roles.map(personRole).join(', ')) + (p.site === null ? '' : `, ${p.site}`);
