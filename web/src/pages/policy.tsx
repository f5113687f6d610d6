// A policy of the lab: read it, sign that it was read.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import type { PolicyText } from '../learn/types';
import { useMine, usePolicyText } from '../learn/ask';
import { dutyWord } from '../learn/duty';
import { PaperButton } from '../learn/paper';
import { SignFor } from '../learn/sign';
import { Blocks } from '../learn/text';
import { Head } from '../parts/head';
import { Shape } from '../parts/mark';
import { Asked } from '../parts/states';

function Text({ policy }: { policy: PolicyText }) {
    const mine = useMine().data?.duties.find((d) => d.kind === 'policy' && d.course === policy.id);
    const [record, setRecord] = useState<number | null>(null);
    const signed = record ?? (mine?.state === 'done' ? mine.record : null);
    return (
        <>
            <Head
                name={t`Policy`}
                parent={
                    <Link href="/learn" className="quiet-link">
                        <Trans>Learn</Trans>
                    </Link>
                }
                line={<span lang={policy.language}>{policy.title}</span>}
                note={
                    <>
                        <Trans>Version {policy.version}.</Trans> {mine && record === null && dutyWord(mine)}
                    </>
                }
            />
            <section className="panel lesson" aria-label={policy.title}>
                <div className="inside">
                    <div className="course-text" lang={policy.language}>
                        <Blocks blocks={policy.text} sources={[]} />
                    </div>
                    {signed !== null ? (
                        <>
                            <div role="status">
                                <h2 className="outcome-word">
                                    <Shape state="good" size={24} />
                                    <Trans>Signed, and on the ledger.</Trans>
                                </h2>
                            </div>
                            <div className="thumb">
                                <PaperButton record={signed} title={policy.title} />
                            </div>
                        </>
                    ) : (
                        <SignFor
                            path={`/training/policies/${encodeURIComponent(policy.id)}/acknowledge`}
                            body={{ version: String(policy.version) }}
                            sentence={<Trans>I have read and understood this policy, and I will keep it.</Trans>}
                            signed={setRecord}
                        />
                    )}
                </div>
            </section>
        </>
    );
}

export default function PolicyPage({ id }: { id: string }) {
    const policy = usePolicyText(id);
    return policy.data !== undefined ? (
        <Text policy={policy.data} />
    ) : (
        <>
            <Head name={t`Policy`} line={t`Policy`} />
            <Asked what={t`the policy`} query={policy}>
                {() => null}
            </Asked>
        </>
    );
}
