// Culture: where are we, where were we, what helps most now?

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useMay } from '../may';
import { Head } from '../parts/head';
import { Asked, Panel } from '../parts/states';
import { useCulture, type Culture, type Stretch } from '../phishing/ask';
import { percent } from '../phishing/parts';
import { count } from '../time';

/** What helps most now, and where; needs: who may do it there. */
function nextWords(c: Culture): { line: string; act: string; path: string; needs?: 'reports' | 'mail' | 'manage' } {
    const n = c.next_n;
    switch (c.next) {
        case 'findings':
            return { line: plural(n, { one: 'First: # high or critical finding is nobody’s.', other: 'First: # high or critical findings are nobody’s.' }), act: t`Take it`, path: '/findings' };
        case 'reports':
            return { line: plural(n, { one: 'First: # report has waited for an answer for more than two days.', other: 'First: # reports have waited for an answer for more than two days.' }), act: t`Answer`, path: '/reports', needs: 'reports' };
        case 'mails':
            return { line: plural(n, { one: 'First: # reported mail has waited for a decision for more than two days.', other: 'First: # reported mails have waited for a decision for more than two days.' }), act: t`Decide`, path: '/mail', needs: 'mail' };
        case 'assign':
            return { line: t`First: nobody has anything to learn yet.`, act: t`Assign a course`, path: '/training', needs: 'manage' };
        case 'training':
            return { line: plural(n, { one: 'First: # person is late with training.', other: 'First: # people are late with training.' }), act: t`Remind them`, path: '/training?state=late' };
        case 'reviews':
            return { line: plural(n, { one: 'First: the roles of # account were not confirmed for 90 days.', other: 'First: the roles of # accounts were not confirmed for 90 days.' }), act: t`Review`, path: '/people' };
        case 'simulate':
            return { line: t`First: no phishing simulation for 90 days.`, act: t`Plan one`, path: '/phishing' };
        case 'talk':
            return { line: t`First: fewer than half reported the simulated mails. Talk about one with the team.`, act: t`See them`, path: '/phishing' };
        default:
            return { line: t`Nothing presses. Keep going.`, act: '', path: '' };
    }
}

function hours(seconds: number | null): string {
    if (seconds === null) {
        return '–';
    }
    const h = seconds / 3600;
    return h < 1 ? t`under 1 h` : h < 48 ? t`${Math.round(h)} h` : t`${Math.round(h / 24)} days`;
}

interface Line {
    what: string;
    of: (s: Stretch) => string;
}

function Area({ title, path, may, now, lines, data }: { title: string; path: string; may: boolean; now: ReactNode; lines: Line[]; data: Culture }) {
    return (
        <Panel title={title} aside={may ? <Link href={path} className="all-link">{t({ message: 'Open', context: 'go there' })}</Link> : undefined}>
            <div className="inside">
                {now !== null && <p>{now}</p>}
                <table className="months beside">
                    <thead>
                        <tr>
                            <th scope="col">
                                <span className="unseen">{t`What`}</span>
                            </th>
                            <th scope="col">{t`Last 90 days`}</th>
                            <th scope="col">{t`90 before`}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {lines.map((line) => (
                            <tr key={line.what}>
                                <th scope="row">{line.what}</th>
                                <td className="num">{line.of(data.now)}</td>
                                <td className="num">{line.of(data.before)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Panel>
    );
}

const share = (part: number | undefined, s: Stretch) => (s.simulated === 0 ? '–' : !s.shown ? t`under 5` : `${percent(part ?? 0, s.simulated)} %`);

export default function CulturePage() {
    const culture = useCulture();
    const [, go] = useLocation();
    const may = { phishing: useMay('phishing.read'), reports: useMay('report.handle'), people: useMay('people.read'), findings: useMay('finding.read'), mail: useMay('mail.decide'), manage: useMay('training.manage') };
    const next = culture.data ? nextWords(culture.data) : null;
    const leads = next !== null && next.path !== '' && (next.needs === undefined || may[next.needs]);
    return (
        <>
            <Head name={t`Culture`} line={next?.line ?? t`How we stand`} note={t`The first of eight things that holds, in a fixed order: findings, reports, mails, courses, training, roles, simulations, talking.`}>
                {leads && (
                    <Button onClick={() => go(next.path)}>{next.act}</Button>
                )}
            </Head>
            <Asked what={t`how the lab stands`} query={culture} rows={8}>
                {(c) => (
                    <div className="areas">
                        <Area
                            title={t`Training`}
                            path="/training"
                            may
                            data={c}
                            now={
                                c.duties === 0 ? (
                                    t`Nothing is assigned yet.`
                                ) : (
                                    t`${percent(c.done, c.duties)} % is done.` + ` ${plural(c.people_late, { one: '# person is late.', other: '# people are late.' })}`
                                )
                            }
                            lines={[
                                { what: t`Completed`, of: (s) => count(s.trained) },
                                { what: t`Of these, late`, of: (s) => count(s.trained_late) },
                            ]}
                        />
                        <Area
                            title={t`Reports`}
                            path="/reports"
                            may={may.reports}
                            data={c}
                            now={
                                (c.reports_waiting === 0
                                    ? t`Every report is answered.`
                                    : plural(c.reports_waiting, { one: '# waits for an answer.', other: '# wait for an answer.' }) + (c.reports_old > 0 ? ` ${t`For more than two days: ${c.reports_old}.`}` : '')) +
                                (c.mails_waiting > 0 ? ` ${plural(c.mails_waiting, { one: '# mail waits for a decision.', other: '# mails wait for a decision.' })}` : '')
                            }
                            lines={[
                                { what: t`Filed`, of: (s) => count(s.reports) },
                                { what: t`Answered or closed`, of: (s) => count(s.reports_answered) },
                                { what: t`Until the answer`, of: (s) => hours(s.answer_s) },
                                { what: t`Mails asked about`, of: (s) => count(s.mails) },
                            ]}
                        />
                        <Area
                            title={t`Phishing simulations`}
                            path="/phishing"
                            may={may.phishing}
                            data={c}
                            now={null}
                            lines={[
                                { what: t`Mails`, of: (s) => count(s.simulated) },
                                { what: t`Reported`, of: (s) => share(s.reported, s) },
                                { what: t`Link followed`, of: (s) => share(s.visited, s) },
                            ]}
                        />
                        <Area
                            title={t`Access reviews`}
                            path="/people"
                            may={may.people}
                            data={c}
                            now={
                                c.reviews_due === 0
                                    ? t`No account waits: each is younger than 90 days, or its roles were confirmed since.`
                                    : plural(c.reviews_due, { one: 'The roles of # account were not confirmed for 90 days', other: 'The roles of # accounts were not confirmed for 90 days' }) + t`, of ${c.accounts}.`
                            }
                            lines={[{ what: t`Roles confirmed, times`, of: (s) => count(s.reviews) }]}
                        />
                        <Area
                            title={t`Open tasks`}
                            path="/findings"
                            may={may.findings}
                            data={c}
                            now={
                                c.tasks === 0
                                    ? t`No finding of medium severity or worse is open.`
                                    : plural(c.tasks, { one: '# finding of medium severity or worse is open.', other: '# findings of medium severity or worse are open.' }) +
                                      (c.tasks_untaken > 0 ? ` ${t`Nobody has taken: ${c.tasks_untaken}.`}` : '')
                            }
                            lines={[{ what: t`New findings`, of: (s) => count(s.findings) }]}
                        />
                    </div>
                )}
            </Asked>
        </>
    );
}
