// One report, for whoever answers it: what was seen, the picture behind a look, and the answer.

import { Button, Textarea } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { call } from '../api/client';
import type { ReportWhole } from '../report/types';
import { When } from '../parts/age';
import { Box, Ends } from '../parts/box';
import { Head } from '../parts/head';
import { Mark } from '../parts/mark';
import { show } from '../parts/say';
import { Asked, Panel } from '../parts/states';
import { Look } from '../phi/ask';
import { useReport, useStep, type Step } from '../report/ask';
import { dataUrl } from '../report/photo';
import { kindOf, stateOf } from '../report/words';
import { count } from '../time';
import { eventWord } from '../words';
import { problem, Wrong } from './door';

const SHOWN_MS = 5 * 60_000;

function Say({ title, label, about, go, wrong, busy, close, done }: { title: string; label: string; about: string; go: string; wrong: unknown; busy: boolean; close: () => void; done: (text: string) => void }) {
    const [text, setText] = useState('');
    return (
        <Box title={title} close={close} submit={() => text.trim() !== '' && done(text.trim())}>
            {wrong !== null && <Wrong>{problem(wrong).detail || t`Not saved.`}</Wrong>}
            <Textarea label={label} description={about} rows={4} maxLength={2000} autoComplete="off" value={text} onChange={(e) => setText(e.currentTarget.value)} data-autofocus />
            <Ends close={close} go={go} busy={busy} ready={text.trim() !== ''} />
        </Box>
    );
}

function Whole({ report }: { report: ReportWhole }) {
    const step = useStep(report.id);
    const away = useLostAt() !== null;
    const [asking, setAsking] = useState<'' | 'answer' | 'close' | 'photo'>('');
    const [picture, setPicture] = useState('');
    const state = stateOf(report.state);
    const who = report.display_name ?? t`Somebody, without a name`;
    const make = (name: Step, body?: Record<string, string>) =>
        step.mutate(
            { step: name, etag: report.etag, body },
            {
                onSuccess: (now) => {
                    setAsking('');
                    if (name === 'take') {
                        show({ text: t`You took it.`, undoWord: t`Undo`, undo: () => step.mutate({ step: 'release', etag: now.etag }) });
                    } else if (name === 'answer') {
                        show({ text: t`Answered. Whoever reported it sees it now.` });
                    }
                },
                onError: (error) => {
                    if (name === 'take' || name === 'release') {
                        show({ text: problem(error).detail });
                    }
                },
            },
        );
    return (
        <>
            <Head name={kindOf(report.kind)} parent={<Link href="/reports" className="quiet-link">{t`Reported`}</Link>} line={report.text !== '' ? t`${who} reported something.` : t`${who} sent a picture.`} note={<Mark state={state.mark}>{state.word}</Mark>}>
                {report.state === 'received' && (
                    <Button onClick={() => make('take')} loading={step.isPending} disabled={away}>
                        <Trans>Take it</Trans>
                    </Button>
                )}
                <Button variant={report.state === 'received' ? 'default' : 'filled'} onClick={() => setAsking('answer')} disabled={away}>
                    <Trans>Write an answer</Trans>
                </Button>
                {report.state !== 'closed' && (
                    <Button variant="default" onClick={() => setAsking('close')} disabled={away}>
                        <Trans>Close it</Trans>
                    </Button>
                )}
            </Head>
            <Panel title={t`What was seen`}>
                <div className="inside">
                    {report.now && (
                        <p>
                            <Mark state="high">{t`It was happening when it was reported.`}</Mark>
                        </p>
                    )}
                    {report.text !== '' && <p className="break pre">{report.text}</p>}
                    <p className="line small muted">
                        <span>{who}</span>
                        <When at={report.time} />
                        <span>
                            <Trans>record {count(report.record)}</Trans>
                        </span>
                    </p>
                    {report.photo !== null &&
                        (picture !== '' ? (
                            <div className="snapshot">
                                <img src={picture} alt={t`The picture of this report`} />
                                <p className="small muted">
                                    <Trans>It is hidden again after 5 minutes, and when you leave.</Trans>
                                </p>
                            </div>
                        ) : (
                            <Button variant="default" onClick={() => setAsking('photo')} disabled={away}>
                                <Trans>Show the picture…</Trans>
                            </Button>
                        ))}
                </div>
            </Panel>
            {report.answer !== null && (
                <Panel title={t`The answer`}>
                    <div className="inside">
                        <blockquote className="break pre">{report.answer}</blockquote>
                    </div>
                </Panel>
            )}
            <Panel title={t`History`}>
                <ul className="cards">
                    {report.history.map((h) => (
                        <li key={h.record} className="card">
                            <span className="line">
                                <strong>{eventWord(h.event)}</strong>
                                <When at={h.time} />
                            </span>
                            <span className="line small muted">
                                <span>{h.person ?? t`without a name`}</span>
                                <span>
                                    <Trans>record {count(h.record)}</Trans>
                                </span>
                            </span>
                            {h.why !== null && <span className="break">{h.why}</span>}
                        </li>
                    ))}
                </ul>
            </Panel>
            {asking === 'photo' && (
                <Look
                    title={t`Show the picture`}
                    close={() => setAsking('')}
                    look={async (reason, proof) => {
                        setPicture(await dataUrl(await call<Blob>('POST', `/reports/${encodeURIComponent(report.id)}/photo`, { body: { reason }, proof, blob: true })));
                        setTimeout(() => setPicture(''), SHOWN_MS);
                        setAsking('');
                    }}
                >
                    <p>
                        <Trans>A picture may show patients. Your name, the time and this reason are kept on the ledger, and the privacy officer sees them.</Trans>
                    </p>
                </Look>
            )}
            {asking === 'answer' && (
                <Say title={t`Write an answer`} label={t`Your answer`} about={t`Whoever reported it sees this, and your words only. Thank them; say what was done.`} go={t`Send the answer`} wrong={step.error} busy={step.isPending} close={() => setAsking('')} done={(answer) => make('answer', { answer })} />
            )}
            {asking === 'close' && (
                <Say title={t`Close it`} label={t`Why?`} about={t`It is kept on the ledger. Whoever reported it sees that it is closed.`} go={t`Close the report`} wrong={step.error} busy={step.isPending} close={() => setAsking('')} done={(why) => make('close', { why })} />
            )}
        </>
    );
}

export default function ReportOnePage({ id }: { id: string }) {
    const query = useReport(id);
    return (
        <Asked what={t`the report`} query={query} rows={6}>
            {(report) => <Whole report={report} />}
        </Asked>
    );
}
