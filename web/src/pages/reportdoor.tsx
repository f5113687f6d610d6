// Report something without signing in: a courier, a visitor, somebody who cannot get in. Always without a name.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect } from 'react';
import { Link } from 'wouter';
import { ReportForm } from '../report/form';
import { sendWaiting } from '../report/kept';
import { Lookup } from '../report/lookup';
import { DoorFrame } from './door';

export default function ReportDoor() {
    useEffect(() => {
        void sendWaiting(null);
        const timer = setInterval(() => void sendWaiting(null), 10_000);
        return () => clearInterval(timer);
    }, []);
    return (
        <DoorFrame name={t`Report something`}>
            <h1>
                <Trans>Report something</Trans>
            </h1>
            <p>
                <Trans>No account is needed, and nobody is told who you are. With an account, sign in first to see the answer under your name.</Trans>
            </p>
            <ReportForm person={null} />
            <h2>
                <Trans>What became of it?</Trans>
            </h2>
            <Lookup />
            <p className="small">
                <Link href="/">
                    <Trans>Back to sign-in</Trans>
                </Link>
            </p>
        </DoorFrame>
    );
}
