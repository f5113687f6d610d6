// Who did what: rows that say it in words, and by what right.

import { Trans } from '@lingui/react/macro';
import { Link } from 'wouter';
import type { Act } from '../api/types';
import { useMay } from '../may';
import { Near } from '../parts/age';
import { count } from '../time';
import { eventWord, personRole, said } from '../words';
import { permissionWord, whoWord } from './words';

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

export function ActRow({ act, who = true }: { act: Act; who?: boolean }) {
    const people = useMay('people.read');
    const explained = people && act.person !== null && act.permission !== null && act.event !== 'request.refused' && !act.person.startsWith('local socket');
    return (
        <li>
            <div className="what">
                <span className="line">
                    {who && <strong className="break">{whoWord(act)}</strong>}
                    <span>{eventWord(act.event)}</span>
                </span>
                <p className="break" lang={said()}>
                    {act.what}
                </p>
                {act.why !== null && <p className="break">“{act.why}”</p>}
                <Right act={act} />
                <p className="muted small break">
                    <Near at={act.time} seconds /> · {act.origin !== null && <>{act.origin} · </>}
                    <Trans>record {count(act.record)}</Trans>
                    {explained && (
                        <>
                            {' '}
                            ·{' '}
                            <Link href={`/people/${act.person ?? ''}?record=${act.record}`}>
                                <Trans>Why could they?</Trans>
                            </Link>
                        </>
                    )}
                </p>
            </div>
        </li>
    );
}
