// A certificate as a file.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { call, query } from '../api/client';
import { save } from '../parts/save';
import { show } from '../parts/say';

export function PaperButton({ record, account, title, main = false }: { record: number; account?: string; title: string; main?: boolean }) {
    const [busy, setBusy] = useState(false);
    const take = async () => {
        setBusy(true);
        try {
            save(await call<Blob>('GET', `/training/certificates/${record}/paper.pdf${query({ account })}`, { blob: true }), `certificate-${record}.pdf`);
        } catch {
            show({ text: t`The certificate could not be made. Try again in a moment.` });
        }
        setBusy(false);
    };
    return (
        <Button variant={main ? 'filled' : 'default'} loading={busy} onClick={() => void take()} aria-label={t`Certificate of ${title} (PDF)`}>
            <Trans>Certificate (PDF)</Trans>
        </Button>
    );
}
