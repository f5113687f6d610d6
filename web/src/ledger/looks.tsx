// Who was shown what is hidden: the newest few, and the way to all.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Link } from 'wouter';
import { Age } from '../parts/age';
import { Empty } from '../parts/states';
import { count } from '../time';
import { useLastLooks } from './ask';
import { Soft } from './soft';

export function LooksPanel() {
    return (
        <Soft title={t`Who looked`} what={t`who looked`} query={useLastLooks()}>
            {(looks) =>
                looks.items.length === 0 ? (
                    <Empty title={t`Nobody was shown what is hidden.`} />
                ) : (
                    <>
                        <ul className="cards">
                            {looks.items.map((look) => (
                                <li key={look.record} className="card">
                                    <span className="line">
                                        <strong>{look.display_name}</strong>
                                        <Age at={look.time} />
                                    </span>
                                    <span>
                                        {look.what} <span className="mono">{look.subject.patient ?? look.subject.index}</span>
                                    </span>
                                    <span>
                                        <Trans>Reason: {look.reason}</Trans>
                                    </span>
                                </li>
                            ))}
                        </ul>
                        <p className="panel-foot">
                            <Link href="/looks" className="target">
                                <Trans>All {count(looks.total)} looks</Trans>
                            </Link>
                        </p>
                    </>
                )
            }
        </Soft>
    );
}
