// Who else vouches for the record, and what they saw last.

import { Button, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconFileUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { useLostAt } from '../api/connection';
import type { Witness } from './types';
import { useMay } from '../may';
import { problem, Wrong } from '../pages/door';
import { Age } from '../parts/age';
import { Mark, type State } from '../parts/mark';
import { show } from '../parts/say';
import { Empty } from '../parts/states';
import { count } from '../time';
import { useAskWitness, useBringCosignature, useWitnesses } from './ask';
import { Soft } from './soft';

const STATES: Record<Witness['state'], State> = { agrees: 'good', behind: 'medium', silent: 'high', refused: 'critical', never: 'unknown' };

function stateWord(state: Witness['state']): string {
    switch (state) {
        case 'agrees':
            return t`Agrees`;
        case 'behind':
            return t`Behind`;
        case 'silent':
            return t`Silent`;
        case 'refused':
            return t`Refuses`;
        default:
            return t`Has not signed yet`;
    }
}

function One({ witness, asks }: { witness: Witness; asks: boolean }) {
    const ask = useAskWitness();
    const away = useLostAt() !== null;
    return (
        <li>
            <div className="what">
                <p className="line">
                    <Mark state={STATES[witness.state]}>{stateWord(witness.state)}</Mark>
                    <strong>{witness.name}</strong>
                </p>
                <p>
                    {witness.last_size === null ? (
                        <Trans>It has cosigned nothing.</Trans>
                    ) : (
                        <>
                            <Trans>{count(witness.last_size)} records</Trans> · <Age at={witness.last_at} />
                        </>
                    )}
                </p>
                {witness.why && <p>{witness.why}</p>}
                <p className="muted small">{witness.url ?? <Trans>Its cosignatures are brought by hand.</Trans>}</p>
                {ask.isError && problem(ask.error).status !== 409 && (
                    <Wrong>
                        <Trans>It was not asked: {problem(ask.error).detail}</Trans>
                    </Wrong>
                )}
            </div>
            {asks && witness.url !== null && (
                <div className="acts">
                    <Button variant="default" onClick={() => ask.mutate(witness.name)} disabled={away} loading={ask.isPending || witness.asking}>
                        <Trans>Ask now</Trans>
                        <span className="unseen"> {witness.name}</span>
                    </Button>
                </div>
            )}
        </li>
    );
}

/** The way by file: an offer out, a cosigned note in. */
function ByHand() {
    const bring = useBringCosignature();
    const away = useLostAt() !== null;
    const [key, setKey] = useState('');
    const take = async (file: File | undefined) => {
        if (file === undefined) {
            return;
        }
        const note = await file.text();
        bring.mutate(key.trim() === '' ? { note } : { note, key: key.trim() }, {
            onSuccess: ({ name, records }) => show({ text: t`Kept: ${name} cosigned ${count(records)} records.` }),
        });
    };
    return (
        <details className="by-hand">
            <summary>
                <Trans>By file, where no witness can be reached</Trans>
            </summary>
            <ol>
                <li>
                    <a href="/api/v1/ledger/offer" download="offer" className="target">
                        <Trans>Save the offer</Trans>
                    </a>{' '}
                    <Trans>and take it to the other machine.</Trans>
                </li>
                <li>
                    <Trans>There:</Trans> <code>tourniquet ledger witness sign W offer &gt; signed</code>
                </li>
                <li>
                    <TextInput label={t`Key of a witness that is new here`} value={key} onChange={(e) => setKey(e.currentTarget.value)} classNames={{ input: 'mono' }} spellCheck={false} />
                    <label className="pick">
                        <IconFileUpload size={20} aria-hidden />
                        <span>
                            <Trans>Bring what it signed</Trans>
                        </span>
                        <input
                            type="file"
                            disabled={away || bring.isPending}
                            aria-label={t`What the witness signed`}
                            onChange={(e) => {
                                void take(e.currentTarget.files?.[0]);
                                e.currentTarget.value = '';
                            }}
                        />
                    </label>
                    {bring.isError && (
                        <Wrong>
                            <Trans>Not kept: {problem(bring.error).detail}</Trans>
                        </Wrong>
                    )}
                </li>
            </ol>
        </details>
    );
}

export function Witnesses() {
    const query = useWitnesses();
    const asks = useMay('ledger.witness');
    return (
        <Soft title={t`Witnesses`} what={t`the witnesses`} query={query}>
            {(all) => (
                <>
                    {all.length === 0 ? (
                        <Empty title={t`Nobody else vouches for this record.`}>
                            <Trans>A witness on another machine signs each new head, and refuses one that rewrites what it saw. Name one in lab.yaml (witness:), or go by file.</Trans>
                        </Empty>
                    ) : (
                        <ul className="kept">
                            {all.map((w) => (
                                <One key={w.key} witness={w} asks={asks} />
                            ))}
                        </ul>
                    )}
                    {asks && <ByHand />}
                </>
            )}
        </Soft>
    );
}
