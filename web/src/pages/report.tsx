// Report something, and what became of it: for everybody.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useSession } from '../api/queries';
import { useMay } from '../may';
import { Near } from '../parts/age';
import { Head } from '../parts/head';
import { Mark } from '../parts/mark';
import { Loading, Panel } from '../parts/states';
import { useReports } from '../report/ask';
import { ReportForm } from '../report/form';
import { sendWaiting, waiting, type Draft } from '../report/kept';
import { Lookup } from '../report/lookup';
import { MyReports } from '../report/mine';
import { kindOf } from '../report/words';
import { client } from '../api/queries';

const MailCheck = lazy(() => import('../mail/check'));

/** Reports that wait on this device; sent as soon as somebody answers again. */
function useWaiting(person: string): Draft[] {
    const [drafts, setDrafts] = useState<Draft[]>([]);
    const lost = useLostAt() !== null;
    useEffect(() => {
        let gone = false;
        const read = async () => {
            if (!lost && (await sendWaiting(person)) > 0) {
                void client.invalidateQueries({ queryKey: ['reports'] });
            }
            const left = await waiting(person);
            if (!gone) {
                setDrafts(left);
            }
        };
        void read();
        const timer = setInterval(() => void read(), 10_000);
        return () => {
            gone = true;
            clearInterval(timer);
        };
    }, [person, lost]);
    return drafts;
}

export default function ReportPage() {
    const person = useSession().data?.person.name ?? '';
    const query = useReports({ state: 'all', mine: 'yes', cursor: '' });
    const handles = useMay('report.handle');
    const drafts = useWaiting(person);
    return (
        <>
            <Head name={t`Report`} line={t`Saw something odd? Say it, it takes 20 seconds.`} note={<Trans>Nobody is blamed for a report, nor for what they did wrong themselves.</Trans>} />
            <Panel title={t`Report something`}>
                <div className="inside">
                    <ReportForm person={person} />
                </div>
            </Panel>
            <Panel title={t`Is this mail dangerous?`}>
                <Suspense fallback={<Loading what={t`this part`} rows={2} />}>
                    <MailCheck />
                </Suspense>
            </Panel>
            {drafts.length > 0 && (
                <Panel title={t`Waiting on this device`}>
                    <ul className="cards">
                        {drafts.map((draft) => (
                            <li key={draft.claim} className="card">
                                <span className="line">
                                    <Mark state="unknown">{t`Will send`}</Mark>
                                    <Near at={draft.at} />
                                </span>
                                <span className="break">{draft.person === null ? t`without a name` : draft.text || kindOf(draft.kind)}</span>
                            </li>
                        ))}
                    </ul>
                </Panel>
            )}
            <MyReports query={query} rows={2}>
                <div className="inside">
                    <Lookup />
                </div>
            </MyReports>
            {handles && (
                <p>
                    <Link href="/reports">
                        <Trans>All reports of the lab</Trans>
                    </Link>
                </p>
            )}
        </>
    );
}
