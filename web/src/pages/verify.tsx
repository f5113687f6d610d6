// Is this certificate genuine? For whoever holds the paper, without an account: what its code leads to.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useQuery } from '@tanstack/react-query';
import { Problem } from '../api/client';
import { verify } from '../learn/ask';
import { howWord } from '../learn/duty';
import { Shape } from '../parts/mark';
import { Failed, Loading } from '../parts/states';
import { count, dayOf } from '../time';
import { DoorFrame } from './door';

export default function VerifyPage() {
    const asked = new URLSearchParams(window.location.hash.slice(1));
    const record = asked.get('record') ?? '';
    const code = asked.get('code') ?? '';
    const paper = useQuery({ queryKey: ['verify', record, code], queryFn: () => verify(record, code), retry: false });
    const unknown = paper.error instanceof Problem && paper.error.status === 404;
    const p = paper.data;
    return (
        <DoorFrame name={t`Certificate`}>
            {p ? (
                <>
                    <h1 className="outcome-word">
                        <Shape state="good" size={24} />
                        <Trans>This certificate is genuine.</Trans>
                    </h1>
                    <p>
                        <strong>{p.display_name}</strong>
                        <br />
                        {p.title} {p.version > 0 && <Trans>(version {p.version})</Trans>}
                        <br />
                        <Trans>
                            {dayOf(p.day)}, {howWord(p.how)}
                        </Trans>
                        {p.by && (
                            <>
                                <br />
                                <Trans>Taught by {p.by}</Trans>
                            </>
                        )}
                    </p>
                    <p>{!p.counts ? <Trans>It has been renewed since, or counts no more.</Trans> : p.until !== null ? <Trans>It counts until {dayOf(p.until)}.</Trans> : <Trans>It counts.</Trans>}</p>
                    <p className="muted small break">
                        <Trans>
                            Issued by {p.site}: record {count(p.record)} of {count(p.records)} on its ledger, whose root is now {p.root}.
                        </Trans>
                        {asked.get('root') !== null && (
                            <>
                                {' '}
                                <Trans>
                                    When the paper was made: {asked.get('records')} records, root {asked.get('root')}.
                                </Trans>
                            </>
                        )}
                    </p>
                </>
            ) : unknown ? (
                <>
                    <h1 className="outcome-word">
                        <Shape state="high" size={24} />
                        <Trans>This certificate was not made here.</Trans>
                    </h1>
                    <p>
                        <Trans>No record has this code: the paper is not genuine, or the address was not read whole.</Trans>
                    </p>
                </>
            ) : paper.isError ? (
                <Failed what={t`the certificate`} error={paper.error} again={() => void paper.refetch()} />
            ) : (
                <Loading what={t`the certificate`} rows={3} />
            )}
        </DoorFrame>
    );
}
