// One mail: what the program says of it, what it says itself (for a reason, on record), what is like it; and the decision.

import { Button, Textarea } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import type { MailShown, MailWhole } from '../mail/types';
import { lookAt, useDecide, useMail } from '../mail/ask';
import { Reasons } from '../mail/check';
import { indicatorWord, scannedWord, stateOf, verdictOf } from '../mail/words';
import { Near, When } from '../parts/age';
import { Box, Ends } from '../parts/box';
import { Head } from '../parts/head';
import { Mark } from '../parts/mark';
import { show } from '../parts/say';
import { Asked, Panel } from '../parts/states';
import { Look } from '../phi/ask';
import { useMay } from '../may';
import { count } from '../time';
import { problem, Wrong } from './door';

function size(bytes: number): string {
    return bytes < 1024 ? t`${bytes} bytes` : bytes < 1 << 20 ? t`${Math.round(bytes / 1024)} KiB` : t`${Math.round(bytes / 104857.6) / 10} MiB`;
}

/** Everything in here is a text of its sender, and is drawn as a text. */
function Shown({ what, hide }: { what: MailShown; hide: () => void }) {
    useEffect(() => {
        const timer = setTimeout(hide, what.seconds * 1000);
        return () => clearTimeout(timer);
    }, [what, hide]);
    return (
        <>
            <dl className="facts">
                <dt>
                    <Trans>From</Trans>
                </dt>
                <dd className="break">
                    {what.name !== null && <>{what.name} </>}
                    <span className="mono">{what.from ?? '–'}</span>
                </dd>
                {what.reply_to !== null && (
                    <>
                        <dt>
                            <Trans>Answers go to</Trans>
                        </dt>
                        <dd className="mono break">{what.reply_to}</dd>
                    </>
                )}
                <dt>
                    <Trans>Subject</Trans>
                </dt>
                <dd className="break">{what.subject ?? '–'}</dd>
            </dl>
            {what.links.length > 0 && (
                <>
                    <h3>
                        <Trans>Where its links lead</Trans>
                    </h3>
                    <ul className="anatomy">
                        {what.links.map((link, i) => (
                            <li key={i} className="break">
                                {link.shown !== null && (
                                    <span className="small muted">
                                        <Trans>It shows: {link.shown}</Trans>
                                    </span>
                                )}
                                <span className="mono">
                                    <span className="muted">
                                        {link.scheme}: {link.before}
                                    </span>
                                    <strong>{link.site}</strong>
                                    <span className="muted">{link.rest}</span>
                                </span>
                                {link.dressed && <Mark state="high">{t`it hides where it leads`}</Mark>}
                            </li>
                        ))}
                    </ul>
                </>
            )}
            {what.files.length > 0 && (
                <>
                    <h3>
                        <Trans>What is attached</Trans>
                    </h3>
                    <ul className="anatomy">
                        {what.files.map((file, i) => (
                            <li key={i} className="break">
                                <strong>{file.name ?? t`without a name`}</strong>
                                <span className="small muted">
                                    {file.type}, {size(file.bytes)}
                                    {file.inside && <>, {t`in an archive`}</>}
                                </span>
                                {file.sha256 !== null && <span className="mono small">{file.sha256}</span>}
                            </li>
                        ))}
                    </ul>
                </>
            )}
            <h3>
                <Trans>What it says</Trans>
            </h3>
            <pre className="mailtext" tabIndex={0} aria-label={t`What it says`}>
                {what.text}
            </pre>
            <p className="small muted">
                <Trans>Pictures are not shown, links are no links. It is hidden again after 5 minutes, and when you leave.</Trans>
            </p>
            <Button variant="default" onClick={hide}>
                <Trans>Hide it now</Trans>
            </Button>
        </>
    );
}

function Decide({ mail, verdict, close }: { mail: MailWhole; verdict: 'dangerous' | 'harmless'; close: () => void }) {
    const attack = verdict === 'dangerous';
    const decide = useDecide(mail.id);
    const [answer, setAnswer] = useState(() => (attack ? t`Well seen: it is an attack. Delete it. Did you click or type something in? Tell us now.` : t`We looked: it is harmless. Thank you for asking.`));
    const waiting = mail.alike.filter((a) => a.state === 'waiting').length;
    const [alike, setAlike] = useState(true);
    const submit = () => {
        decide.mutate(
            { etag: mail.etag, verdict, answer: answer.trim(), alike: alike && waiting > 0 },
            {
                onSuccess: () => {
                    close();
                    show({ text: attack ? t`Confirmed. An incident is open, and whoever asked is told.` : t`Decided. Whoever asked is told.` });
                },
            },
        );
    };
    return (
        <Box title={attack ? t`It is an attack` : t`It is harmless`} close={close} submit={submit}>
            <p>{attack ? <Trans>An incident is opened. Its hosts, senders and attachments are kept: the next mail with one of them is known at once.</Trans> : <Trans>Nothing of it is kept to look for. Whoever asked is told.</Trans>}</p>
            {decide.isError && <Wrong>{problem(decide.error).detail || t`Not saved.`}</Wrong>}
            <Textarea label={t`What whoever asked reads`} rows={3} maxLength={2000} autoComplete="off" value={answer} onChange={(e) => setAnswer(e.currentTarget.value)} data-autofocus />
            {waiting > 0 && (
                <label className="tick">
                    <input type="checkbox" checked={alike} onChange={(e) => setAlike(e.currentTarget.checked)} />
                    <span>{plural(waiting, { one: 'Also the # mail that is like it and waits', other: 'Also the # mails that are like it and wait' })}</span>
                </label>
            )}
            <Ends close={close} go={attack ? t`Confirm the attack` : t`Call it harmless`} busy={decide.isPending} />
        </Box>
    );
}

function Whole({ mail }: { mail: MailWhole }) {
    const may = useMay('mail.decide');
    const away = useLostAt() !== null;
    const decide = useDecide(mail.id);
    const [asking, setAsking] = useState<'' | 'look' | 'dangerous' | 'harmless'>('');
    const [what, setWhat] = useState<MailShown | null>(null);
    const verdict = verdictOf(mail.verdict);
    const decided = mail.state === 'dangerous' || mail.state === 'harmless';
    const state = stateOf(mail);
    const line = decided || mail.exercise ? state.word : verdict.word;
    const sender = mail.sender ?? t`nobody`;
    return (
        <>
            <Head
                name={t`One mail`}
                parent={<Link href="/mail" className="quiet-link">{t`Mail`}</Link>}
                line={t`From ${sender}: ${line}.`}
                note={
                    <span className="line">
                        <Mark state={decided || mail.exercise ? state.mark : verdict.mark}>{line}</Mark>
                        {!decided && <span>{mail.state === 'waiting' ? t`nobody has decided yet` : t`nobody has to decide`}</span>}
                    </span>
                }
            >
                {may && !decided && (
                    <>
                        <Button onClick={() => setAsking('dangerous')} disabled={away}>
                            <Trans>It is an attack…</Trans>
                        </Button>
                        <Button variant="default" onClick={() => setAsking('harmless')} disabled={away}>
                            <Trans>It is harmless…</Trans>
                        </Button>
                    </>
                )}
                {may && decided && (
                    <Button variant="default" loading={decide.isPending} disabled={away} onClick={() => decide.mutate({ etag: mail.etag, verdict: 'open' }, { onSuccess: () => show({ text: t`It waits again.` }), onError: (error) => show({ text: problem(error).detail }) })}>
                        <Trans>Take the decision back</Trans>
                    </Button>
                )}
            </Head>
            <Panel title={t`What the program says`}>
                <div className="inside mailshown">
                    <p className="line">
                        <Mark state={verdict.mark}>{verdict.word}</Mark>
                        <span className="muted">
                            <Trans>{mail.score} of 100 points</Trans>
                        </span>
                    </p>
                    <Reasons mail={mail} />
                    <p className="line small muted">
                        <span>{scannedWord(mail.scanned)}</span>
                        <span>
                            <Trans>asked by {mail.display_name ?? mail.person}</Trans>
                        </span>
                        <When at={mail.time} />
                        <span>
                            <Trans>record {count(mail.record)}</Trans>
                        </span>
                    </p>
                </div>
            </Panel>
            {may && (
                <Panel title={t`The mail itself`}>
                    <div className="inside mailshown">
                        {what !== null ? (
                            <Shown what={what} hide={() => setWhat(null)} />
                        ) : (
                            <Button variant="default" onClick={() => setAsking('look')} disabled={away}>
                                <Trans>Show what it says…</Trans>
                            </Button>
                        )}
                    </div>
                </Panel>
            )}
            {decided && (
                <Panel title={t`The decision`}>
                    <div className="inside">
                        <p className="line">
                            <Mark state={state.mark}>{state.word}</Mark>
                            {mail.decided_by !== null && <span>{mail.decided_by}</span>}
                            {mail.decided !== null && <When at={mail.decided} />}
                        </p>
                        {mail.answer !== null && <blockquote className="break pre">{mail.answer}</blockquote>}
                        {mail.incident !== null && (
                            <p className="small muted">
                                <Trans>
                                    Incident <span className="mono break">{mail.incident}</span>
                                </Trans>
                            </p>
                        )}
                    </div>
                </Panel>
            )}
            {may && mail.alike.length > 0 && (
                <Panel title={t`Mails like it`}>
                    <ul className="cards">
                        {mail.alike.map((a) => (
                            <li key={a.id}>
                                <Link href={`/mail/${a.id}`} className="card">
                                    <span className="line">
                                        <Mark state={a.state === 'harmless' ? 'good' : verdictOf(a.state === 'dangerous' ? a.state : a.verdict).mark}>
                                            {a.state === 'waiting' ? t`waits` : a.state === 'dangerous' ? t`an attack, confirmed` : a.state === 'harmless' ? t`harmless, somebody looked` : t`answered`}
                                        </Mark>
                                        <Near at={a.time} />
                                    </span>
                                    <span className="small muted">
                                        <Trans>{a.alike} % alike, asked by {a.person}</Trans>
                                    </span>
                                </Link>
                            </li>
                        ))}
                    </ul>
                </Panel>
            )}
            {may && mail.indicators.length > 0 && (
                <Panel title={t`What it may be known by again`}>
                    <ul className="cards">
                        {mail.indicators.map((i) => (
                            <li key={`${i.kind} ${i.value}`} className="card">
                                <span className="mono break">{i.value}</span>
                                <span className="line small muted">
                                    <span>{indicatorWord(i.kind)}</span>
                                    {i.incident !== null && (
                                        <span>
                                            <Trans>of a confirmed attack</Trans>
                                        </span>
                                    )}
                                </span>
                            </li>
                        ))}
                    </ul>
                </Panel>
            )}
            {asking === 'look' && (
                <Look
                    title={t`Show what it says`}
                    first={t`to decide about this mail`}
                    close={() => setAsking('')}
                    look={async (reason, proof) => {
                        setWhat(await lookAt(mail.id, reason, proof));
                        setAsking('');
                    }}
                >
                    <p>
                        <Trans>A mail may name patients. Your name, the time and this reason are kept on the ledger, and the privacy officer sees them.</Trans>
                    </p>
                </Look>
            )}
            {(asking === 'dangerous' || asking === 'harmless') && <Decide mail={mail} verdict={asking} close={() => setAsking('')} />}
        </>
    );
}

export default function MailOnePage({ id }: { id: string }) {
    const query = useMail(id);
    return (
        <Asked what={t`the mail`} query={query} rows={6}>
            {(mail) => <Whole mail={mail} />}
        </Asked>
    );
}
