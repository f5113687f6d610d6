import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { Link } from 'wouter';
import { Head } from '../parts/head';

export function NotFoundPage() {
    return (
        <>
            <Head name={t`Not found`} line={<Trans>There is no page at this address.</Trans>} note={<Trans>The link may be old, or a letter is missing.</Trans>} />
            <p>
                <Link href="/">
                    <Trans>Go to Today</Trans>
                </Link>
            </p>
        </>
    );
}
