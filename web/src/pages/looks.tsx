// Who was shown what is hidden, of which record, and why. Whoever may see only their own looks sees those.

import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useCallback } from 'react';
import { useLooks } from '../api/queries';
import type { Look } from '../phi/types';
import { useMay } from '../may';
import { Near } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager, Search } from '../parts/list';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';
import { near, count } from '../time';
import { eventWord, lookedWord } from '../words';

const DEFAULTS = { person: '', record: '', cursor: '' };

interface Filter {
    byPerson: (person: string) => void;
    byRecord: (record: string) => void;
}

function Who({ look, byPerson }: { look: Look } & Pick<Filter, 'byPerson'>) {
    return (
        <button type="button" className="link-button" onClick={() => byPerson(look.person)} title={t`Only looks of ${look.display_name}`}>
            {look.display_name}
        </button>
    );
}

function Subject({ look, byRecord }: { look: Look } & Pick<Filter, 'byRecord'>) {
    return (
        <>
            {eventWord(look.subject.event)}{' '}
            <button type="button" className="link-button" onClick={() => byRecord(String(look.subject.index))} title={t`Only looks at this record`}>
                <Trans>record {count(look.subject.index)}</Trans>
            </button>
        </>
    );
}

function Table({ rows, total, filter }: { rows: Look[]; total: number; filter: Filter }) {
    return (
        <div className="scroll">
            <table aria-rowcount={total + 1}>
                <caption className="unseen">
                    <Trans>Looks, newest first</Trans>
                </caption>
                <thead>
                    <tr>
                        <th scope="col">
                            <Trans>Time</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Who</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Why</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Looked at</Trans>
                        </th>
                        <th scope="col">
                            <Trans>Patient</Trans>
                        </th>
                        <th scope="col" className="wide">
                            <Trans>Shown</Trans>
                        </th>
                        <th scope="col" className="wide">
                            <Trans>Record</Trans>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map((look, i) => (
                        <tr key={look.record} aria-rowindex={i + 2}>
                            <td>
                                <Near at={look.time} seconds />
                            </td>
                            <th scope="row">
                                <Who look={look} byPerson={filter.byPerson} />
                            </th>
                            <td className="break">{look.reason}</td>
                            <td>
                                <Subject look={look} byRecord={filter.byRecord} />
                            </td>
                            <td className="mono nowrap">{look.subject.patient ?? '–'}</td>
                            <td className="wide">{lookedWord(look.what)}</td>
                            <td className="wide number">{count(look.record)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Cards({ rows, filter }: { rows: Look[]; filter: Filter }) {
    return (
        <ul className="cards">
            {rows.map((look) => (
                <li key={look.record} className="card">
                    <span className="line">
                        <strong>
                            <Who look={look} byPerson={filter.byPerson} />
                        </strong>
                        <Near at={look.time} seconds />
                    </span>
                    <span className="break">“{look.reason}”</span>
                    <span className="line">
                        <span>
                            <Subject look={look} byRecord={filter.byRecord} />
                        </span>
                        <span className="mono">{look.subject.patient ?? ''}</span>
                    </span>
                </li>
            ))}
        </ul>
    );
}

function lineOne(all: boolean, filtered: boolean, total: number, newest: Look | undefined): string {
    if (total === 0 || !newest) {
        return filtered ? t`No look matches.` : all ? t`Nobody has looked at hidden values.` : t`You have not looked at hidden values.`;
    }
    const many = plural(total, { one: '# look', other: `${count(total)} looks` });
    return all ? t`${many}; the newest by ${newest.display_name}, ${near(newest.time)}.` : t`${many} of yours; the newest ${near(newest.time)}.`;
}

export default function LooksPage() {
    const [filter, change] = useParams(DEFAULTS);
    const all = useMay('looks.read');
    const query = useLooks(filter);
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), (l) => String(l.record));
    const byPerson = useCallback((person: string) => change({ person, cursor: '' }), [change]);
    const byRecord = useCallback((record: string) => change({ record: record.replace(/\D/g, ''), cursor: '' }, true), [change]);
    const filtered = filter.person !== '' || filter.record !== '';
    const what = { byPerson, byRecord };
    return (
        <>
            <Head
                name={t`PHI looks`}
                line={query.data && filter.cursor === '' ? lineOne(all, filtered, query.data.total, query.data.items[0]) : t`PHI looks`}
                note={
                    all ? (
                        <Trans>Each time somebody was shown values, names or messages: written down before anything was shown. Patients are tokens here.</Trans>
                    ) : (
                        <Trans>Your own looks. The privacy officer sees everybody's.</Trans>
                    )
                }
            />
            <div className="tools" role="search">
                <Search value={filter.record} label={t`Looks at one record`} hint={t`Number of the record`} change={byRecord} />
                {filter.person !== '' && (
                    <Button variant="default" onClick={() => byPerson('')}>
                        <Trans>Only {filter.person}: show everybody</Trans>
                    </Button>
                )}
            </div>
            <Panel title={filtered ? t`Looks that match` : t`Newest looks`} aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the looks`} query={query} rows={8}>
                    {(page) =>
                        held.rows.length === 0 ? (
                            filtered ? (
                                <Empty title={t`No look matches.`}>
                                    <Trans>Take the filter away to see all.</Trans>
                                </Empty>
                            ) : (
                                <Empty title={t`Nothing was shown to anybody.`}>
                                    <Trans>Values, names and messages stay sealed until somebody says why they need them.</Trans>
                                </Empty>
                            )
                        ) : phone ? (
                            <Cards rows={held.rows} filter={what} />
                        ) : (
                            <Table rows={held.rows} total={page.total} filter={what} />
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
