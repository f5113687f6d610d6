// Who did what: rows that say it in words, and by what right.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import type { UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { useSession } from '../api/queries';
import type { Page } from '../api/types';
import type { Act } from './types';
import { useMay } from '../may';
import { problem } from '../pages/door';
import { Near } from '../parts/age';
import { Asked, Empty } from '../parts/states';
import { count, near } from '../time';
import { eventWord, personRole } from '../words';
import { useActWhy } from './ask';
import { objectWord, permissionWord, whoWord, whyWord } from './words';

function Right({ act }: { act: Act }) {
    if (act.permission === null) {
        return null;
    }
    if (act.event === 'request.refused') {
        return (
            <p className="muted small">
                <Trans>Wanted: {permissionWord(act.permission)}.</Trans>
            </p>
        );
    }
    return (
        <p className="muted small">
            {act.role ? (
                <Trans>
                    As {personRole(act.role)}, who may {permissionWord(act.permission)}.
                </Trans>
            ) : (
                permissionWord(act.permission)
            )}
        </p>
    );
}

/** Which roles gave the right, from whom, when, why. */
function Because({ record }: { record: number }) {
    const why = useActWhy(record, true);
    if (why.data === undefined) {
        return <p className="muted small">{why.isError ? <span>{problem(why.error).detail}</span> : <Trans>One moment…</Trans>}</p>;
    }
    return (
        <ul className="story small">
            {why.data.grants.length === 0 && (
                <li>
                    <Trans>No role of today explains it.</Trans>
                </li>
            )}
            {why.data.grants.map((g) => (
                <li key={g.record}>
                    {g.by === null ? (
                        <Trans>
                            {personRole(g.role)}: the first administrator, since {near(g.since)}.
                        </Trans>
                    ) : (
                        <Trans>
                            {personRole(g.role)}, given by {g.by}, {near(g.since)}.
                        </Trans>
                    )}{' '}
                    {g.why !== null && g.why !== '' && <span className="break">“{g.why}”</span>}{' '}
                    <span className="muted">
                        <Trans>record {count(g.record)}</Trans>
                    </span>
                </li>
            ))}
        </ul>
    );
}

export function ActRow({ act, who = true }: { act: Act; who?: boolean }) {
    const people = useMay('people.read');
    const ledger = useMay('ledger.read');
    const me = useSession().data?.person.name;
    const [asked, setAsked] = useState(false);
    const object = objectWord(act);
    const why = whyWord(act);
    const finding = act.event.startsWith('finding.') && act.object !== null && act.event !== 'finding.ended';
    const explained = (people || act.person === me) && act.person !== null && act.permission !== null && act.event !== 'request.refused' && !act.person.startsWith('local socket');
    return (
        <li>
            <div className="what">
                <span className="line">
                    {who && <strong className="break">{whoWord(act)}</strong>}
                    <span>{eventWord(act.event)}</span>
                </span>
                {object !== null && <p className="break">{object}</p>}
                {act.device !== null && (
                    <p>
                        <Link href={`/devices/${act.device}`}>
                            <Trans>the device</Trans>
                        </Link>
                    </p>
                )}
                {finding && (
                    <p>
                        <Link href={`/findings/${act.object}`}>
                            <Trans>the finding</Trans>
                        </Link>
                    </p>
                )}
                {why !== null && <p className="break">{why}</p>}
                <Right act={act} />
                <p className="muted small break">
                    <Near at={act.time} seconds /> · {act.origin !== null && <>{act.origin} · </>}
                    {ledger ? (
                        <Link href={`/ledger?from=${act.record}#records`}>
                            <Trans>record {count(act.record)}</Trans>
                        </Link>
                    ) : (
                        <Trans>record {count(act.record)}</Trans>
                    )}
                    {explained && (
                        <>
                            {' '}
                            ·{' '}
                            {people ? (
                                <Link href={`/people/${act.person ?? ''}?record=${act.record}`}>
                                    <Trans>Why could they?</Trans>
                                </Link>
                            ) : (
                                <button type="button" className="link-button" aria-expanded={asked} onClick={() => setAsked(!asked)}>
                                    <Trans>Why could I?</Trans>
                                </button>
                            )}
                        </>
                    )}
                </p>
                {asked && <Because record={act.record} />}
            </div>
        </li>
    );
}

/** The newest of them. */
export function Doings({ query }: { query: UseQueryResult<Page<Act>> }) {
    return (
        <Asked what={t`the doings`} query={query} rows={4}>
            {(page) =>
                page.items.length === 0 ? (
                    <Empty title={t`None yet.`} />
                ) : (
                    <ul className="kept">
                        {page.items.map((act) => (
                            <ActRow key={act.record} act={act} />
                        ))}
                    </ul>
                )
            }
        </Asked>
    );
}
