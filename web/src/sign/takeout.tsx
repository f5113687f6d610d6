// Data that leaves the program: who takes it shows again that it is they, and it is on the ledger before the first byte goes.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { call } from '../api/client';
import { problem, Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { save } from '../parts/save';
import { show } from '../parts/say';
import { useAgain } from './again';

export interface Taken {
    path: string;
    /** Of the file. */
    name: string;
    /** What it is, as a person says it. */
    what: string;
}

export default function TakeOut({ taken, close }: { taken: Taken; close: () => void }) {
    const again = useAgain();
    const [asked, setAsked] = useState(false);
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>(null);
    const go = async () => {
        setAsked(true);
        if (!again.ready || busy) {
            return;
        }
        setBusy(true);
        setError(null);
        try {
            save(await call<Blob>('POST', taken.path, { body: {}, proof: again.proof, blob: true }), taken.name);
            show({ text: t`${taken.name} is saved. That you took it is on the ledger.` });
            close();
        } catch (wrong) {
            again.clear();
            setError(wrong);
        } finally {
            setBusy(false);
        }
    };
    return (
        <Box title={t`Take out ${taken.what}?`} close={close} submit={() => void go()}>
            <p>
                <Trans>The file leaves what Tourniquet protects: whoever has it can read it. That you took it is written down.</Trans>
            </p>
            {again.field(asked)}
            {error !== null && (
                <Wrong>
                    <span>{problem(error).detail || t`Tourniquet did not answer.`}</span>
                </Wrong>
            )}
            <Ends close={close} go={t`Take it out`} busy={busy} careful />
        </Box>
    );
}
