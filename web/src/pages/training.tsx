// Training: who is due, and how does it stand?

import { Button, NativeSelect } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useCallback, useState } from 'react';
import { Link } from 'wouter';
import { query } from '../api/client';
import { useLostAt } from '../api/connection';
import { useCourses } from '../api/queries';
import type { TrainingOverview, TrainingPerson, TrainingRow, TrainingRule } from '../learn/types';
import { useClasses, useRemind, useTopics, useTraining, useTrainingPeople, useTrainingRules } from '../learn/ask';
import { trainingStateWord } from '../learn/duty';
import { useMay } from '../may';
import { Head } from '../parts/head';
import { Search } from '../parts/list';
import { Mark } from '../parts/mark';
import { show } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';
import { useTakeOut } from '../parts/takeout';
import { useParams } from '../parts/url';
import { count, dayOf, stamp } from '../time';
import { Bar, Months, share } from '../training/charts';
import { Assign, EndRule, RecordClass } from '../training/forms';
import { personRole } from '../words';
import { problem } from './door';

const DEFAULTS = { q: '', course: '', role: '', state: '', cursor: '' };

function sentence(o: TrainingOverview | undefined): string {
    if (o === undefined) {
        return t`Training`;
    }
    if (o.all === 0) {
        return t`Nothing is assigned yet.`;
    }
    const done = share(o);
    return o.people_late > 0
        ? `${plural(o.people_late, { one: '# person is late with something.', other: '# people are late with something.' })} ${t`${done} % is done.`}`
        : t`Nobody is late. ${done} % is done.`;
}

function Rows({ rows, chosen, choose }: { rows: TrainingRow[]; chosen: string; choose: (id: string) => void }) {
    return (
        <ul className="kept">
            {rows.map((row) => (
                <li key={row.id}>
                    <div className="what">
                        <button type="button" className="row-link link-button" aria-pressed={row.id === chosen} onClick={() => choose(row.id === chosen ? '' : row.id)}>
                            <strong className="break">{row.kind === 'role' ? personRole(row.title) : row.title}</strong>
                        </button>
                        <Bar n={row} />
                        <p className="muted">
                            <Trans>
                                {count(row.done + row.renew)} of {count(row.all)} done
                            </Trans>
                            {row.late > 0 && <>, {plural(row.late, { one: '# late', other: '# late' })}</>}
                            {row.open > 0 && <>, {plural(row.open, { one: '# to do', other: '# to do' })}</>}
                        </p>
                    </div>
                </li>
            ))}
        </ul>
    );
}

function PersonRow({ person, manages, mail }: { person: TrainingPerson; manages: boolean; mail: boolean }) {
    const remind = useRemind();
    const away = useLostAt() !== null;
    const due = person.next === null ? '' : dayOf(person.next);
    const go = () =>
        remind.mutate(
            { people: person.name },
            {
                onSuccess: () => show({ text: mail && person.mail ? t`A mail is on its way, and the page says so.` : t`The page says so when they sign in.` }),
                onError: (error) => show({ text: problem(error).detail || t`Tourniquet did not answer.` }),
            },
        );
    return (
        <li>
            <div className="what">
                <Link href={`/training/${person.name}`} className="row-link" data-row>
                    <strong className="break">{person.display_name}</strong>
                </Link>{' '}
                <span className="muted mono break">{person.name}</span>
                <p>
                    {person.late > 0 ? (
                        <Mark state="medium">{plural(person.late, { one: '# late, since ', other: '# late, the first since ' }) + due}</Mark>
                    ) : person.next !== null ? (
                        <Mark state="info">{t`Next by ${due}`}</Mark>
                    ) : (
                        <Mark state="good">{t`All done`}</Mark>
                    )}
                </p>
                <p className="muted small">
                    <Trans>
                        {person.done} of {person.all} done
                    </Trans>
                </p>
            </div>
            {manages && (person.late > 0 || person.done < person.all) && (
                <div className="acts no-print">
                    <Button variant="default" disabled={away} loading={remind.isPending} onClick={go} aria-label={t`Remind ${person.display_name}`}>
                        <Trans>Remind</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

function Assigned({ rule, end }: { rule: TrainingRule; end: (() => void) | null }) {
    const whom = rule.account ?? (rule.role !== null ? personRole(rule.role) : t`Everybody`);
    return (
        <li>
            <div className="what">
                <strong className="break">{rule.title}</strong>
                <p>
                    {whom}
                    {rule.site !== null && `, ${rule.site}`}
                </p>
                <p className="muted small">
                    <Trans>
                        From {dayOf(rule.from)}, {rule.days} days to do it.
                    </Trans>{' '}
                    {rule.renew_months > 0 ? plural(rule.renew_months, { one: 'Again after # month.', other: 'Again after # months.' }) : t`Once.`} {rule.why !== null && <span className="break">“{rule.why}”</span>}
                </p>
            </div>
            {end !== null && (
                <div className="acts no-print">
                    <Button variant="default" onClick={end} aria-label={t`End: ${rule.title}, ${whom}`}>
                        <Trans>End…</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

function Topics({ course }: { course: string }) {
    const topics = useTopics(course);
    return (
        <Asked what={t`the topics`} query={topics} rows={3}>
            {(data) =>
                data.enough ? (
                    <ul className="kept">
                        {data.items.map((item) => (
                            <li key={item.lesson}>
                                <div className="what">
                                    <strong>{item.lesson}</strong>
                                    <p className="muted">{item.right_percent === null ? t`Too few answers to say.` : t`${item.right_percent} % of answers were right.`}</p>
                                </div>
                            </li>
                        ))}
                    </ul>
                ) : (
                    <p className="inside muted">
                        <Trans>It is shown once {data.least} people have done the course: of fewer, somebody could be told apart.</Trans>
                    </p>
                )
            }
        </Asked>
    );
}

export default function TrainingPage() {
    const [filter, change] = useParams(DEFAULTS);
    const whole = useTraining({ course: filter.course, role: filter.role });
    const people = useTrainingPeople(filter);
    const rules = useTrainingRules();
    const classes = useClasses();
    const courses = useCourses();
    const manages = useMay('training.manage');
    const away = useLostAt() !== null;
    const [take, asking] = useTakeOut();
    const [doing, setDoing] = useState<'assign' | 'class' | TrainingRule | null>(null);
    const search = useCallback((q: string) => change({ q, cursor: '' }, true), [change]);
    const o = whole.data;
    const list = courses.data ?? [];
    const close = () => setDoing(null);
    const policy = filter.course.startsWith('policy:');
    return (
        <>
            <Head
                name={t`Training`}
                line={sentence(o)}
                note={
                    o && (
                        <>
                            <Trans>Who has to learn what, and has done it. How well somebody answered is shown to nobody.</Trans>{' '}
                            {!o.mail && <Trans>No mail server is named in lab.yaml (mail): reminders are shown on the page only.</Trans>}
                        </>
                    )
                }
            >
                {manages && (
                    <>
                        <Button disabled={away || list.length === 0} onClick={() => setDoing('assign')}>
                            <Trans>Assign</Trans>
                        </Button>
                        <Button variant="default" disabled={away} onClick={() => setDoing('class')}>
                            <Trans>Record a class</Trans>
                        </Button>
                    </>
                )}
                <Button variant="default" onClick={() => window.print()}>
                    <Trans>Print</Trans>
                </Button>
                <Button variant="default" disabled={away} onClick={() => take({ path: `/training/export.csv${query({ course: filter.course, role: filter.role })}`, name: 'training.csv', what: t`how training stands` })}>
                    <Trans>As a list (CSV)</Trans>
                </Button>
                <Button variant="default" disabled={away} onClick={() => take({ path: '/training/history.csv', name: 'training-history.csv', what: t`all training that was done` })}>
                    <Trans>All that was done (CSV)</Trans>
                </Button>
                <Button variant="default" disabled={away} onClick={() => take({ path: '/training/evidence.pdf', name: 'training-evidence.pdf', what: t`all training that was done` })}>
                    <Trans>Evidence (PDF)</Trans>
                </Button>
            </Head>
            <div className="tools" role="search">
                <Search value={filter.q} label={t`Search people`} hint={t`Name`} change={search} />
                <NativeSelect label={t`Course`} value={filter.course} onChange={(e) => change({ course: e.currentTarget.value, cursor: '' })}>
                    <option value="">{t`All`}</option>
                    {o?.courses.map((c) => (
                        <option key={c.id} value={c.id}>
                            {c.title}
                        </option>
                    ))}
                    {filter.course !== '' && !o?.courses.some((c) => c.id === filter.course) && <option value={filter.course}>{filter.course}</option>}
                </NativeSelect>
                <NativeSelect label={t`Role`} value={filter.role} onChange={(e) => change({ role: e.currentTarget.value, cursor: '' })}>
                    <option value="">{t`All`}</option>
                    {o?.roles.map((r) => (
                        <option key={r.id} value={r.id}>
                            {personRole(r.id)}
                        </option>
                    ))}
                    {filter.role !== '' && !o?.roles.some((r) => r.id === filter.role) && <option value={filter.role}>{personRole(filter.role)}</option>}
                </NativeSelect>
                <NativeSelect label={t`State`} value={filter.state} onChange={(e) => change({ state: e.currentTarget.value, cursor: '' })}>
                    <option value="">{t`All`}</option>
                    {(['late', 'open', 'renew', 'done'] as const).map((s) => (
                        <option key={s} value={s}>
                            {trainingStateWord(s)}
                        </option>
                    ))}
                </NativeSelect>
            </div>
            <Panel title={t`People, first due first`}>
                <Asked what={t`the people`} query={people} rows={6}>
                    {(page) =>
                        page.items.length === 0 ? (
                            <Empty title={filter.q + filter.course + filter.role + filter.state === '' ? t`Nobody has anything to learn yet.` : t`Nobody matches.`}>
                                {manages && o?.all === 0 && <Trans>Assign a course to everybody, or to a role: those who come later get it on their first day.</Trans>}
                            </Empty>
                        ) : (
                            <ul className="kept">
                                {page.items.map((p) => (
                                    <PersonRow key={p.name} person={p} manages={manages} mail={o?.mail ?? false} />
                                ))}
                            </ul>
                        )
                    }
                </Asked>
                {people.data && (filter.cursor !== '' || people.data.next !== null) && (
                    <div className="inside acts no-print">
                        {filter.cursor !== '' && (
                            <Button variant="default" onClick={() => change({ cursor: '' })}>
                                <Trans>To the start</Trans>
                            </Button>
                        )}
                        {people.data.next !== null && (
                            <Button variant="default" onClick={() => change({ cursor: people.data.next ?? '' })}>
                                <Trans>Next 50</Trans>
                            </Button>
                        )}
                    </div>
                )}
            </Panel>
            <Asked what={t`how training stands`} query={whole} rows={6}>
                {(data) =>
                    data.all === 0 ? null : (
                        <>
                            <Panel title={t`By course and policy`}>
                                <Rows rows={data.courses} chosen={filter.course} choose={(course) => change({ course, cursor: '' })} />
                            </Panel>
                            <Panel title={t`By role`}>
                                <Rows rows={data.roles} chosen={filter.role} choose={(role) => change({ role, cursor: '' })} />
                            </Panel>
                            {data.sites.length > 1 && (
                                <Panel title={t`By site`}>
                                    <Rows rows={data.sites} chosen="" choose={() => undefined} />
                                </Panel>
                            )}
                            {data.months.length > 0 && (
                                <Panel title={t`Over time`}>
                                    <Months months={data.months} />
                                </Panel>
                            )}
                        </>
                    )
                }
            </Asked>
            {filter.course !== '' && !policy && (
                <Panel title={t`Where this course is hard`}>
                    <Topics course={filter.course} />
                </Panel>
            )}
            <Panel title={t`What is assigned`}>
                <Asked what={t`the assignments`} query={rules} rows={3}>
                    {(data) => (
                        <>
                            {data.items.length === 0 && data.policies.length === 0 && <Empty title={t`Nothing is assigned yet.`} />}
                            <ul className="kept">
                                {data.items.map((rule) => (
                                    <Assigned key={rule.rule} rule={rule} end={manages ? () => setDoing(rule) : null} />
                                ))}
                                {data.policies.map((p) => (
                                    <li key={p.id}>
                                        <div className="what">
                                            <strong className="break">{p.title}</strong>
                                            <p className="muted small">
                                                <Trans>
                                                    Policy, version {p.version}, since {dayOf(p.since)}. Its file says for whom.
                                                </Trans>
                                            </p>
                                        </div>
                                    </li>
                                ))}
                            </ul>
                        </>
                    )}
                </Asked>
            </Panel>
            <Panel title={t`Classes`}>
                <Asked what={t`the classes`} query={classes} rows={2}>
                    {(page) =>
                        page.items.length === 0 ? (
                            <Empty title={t`No class was recorded.`} />
                        ) : (
                            <ul className="kept">
                                {page.items.map((k) => (
                                    <li key={k.record}>
                                        <div className="what">
                                            <strong className="break">{k.topic}</strong>
                                            <p>
                                                <Trans>
                                                    {dayOf(k.day)}, taught by {k.trainer}, {k.people} people
                                                </Trans>
                                            </p>
                                            <p className="muted small break">
                                                <Trans>Record {k.record}.</Trans> {k.sha256 !== null && <Trans>Signed list: SHA-256 {k.sha256}</Trans>}
                                            </p>
                                        </div>
                                    </li>
                                ))}
                            </ul>
                        )
                    }
                </Asked>
            </Panel>
            {o && (
                <p className="muted small break">
                    <Trans>
                        Evidence for 45 CFR 164.308(a)(5), security awareness and training. Site {o.site}, {stamp(new Date())}; ledger {o.ledger.origin}, {count(o.ledger.records)} records, root {o.ledger.root}.
                    </Trans>
                </p>
            )}
            {doing === 'assign' && o && <Assign courses={list} today={o.today} close={close} />}
            {doing === 'class' && o && <RecordClass courses={list} today={o.today} close={close} />}
            {doing !== null && typeof doing === 'object' && <EndRule rule={doing.rule} title={doing.title} close={close} />}
            {asking}
        </>
    );
}
