// Is this mail dangerous? The mail as a file, and what the program says of it: for everybody, on a phone too.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconMailQuestion } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { Problem } from '../api/client';
import { useSession } from '../api/queries';
import type { Mail } from './types';
import { problem, Wrong } from '../pages/door';
import { Near } from '../parts/age';
import { Mark } from '../parts/mark';
import { Asked } from '../parts/states';
import { check, useMails } from './ask';
import { stateOf, verdictOf } from './words';

const FIRST = 4;

export function Reasons({ mail, most = 99 }: { mail: Mail; most?: number }) {
    const [all, setAll] = useState(false);
    const against = mail.reasons.filter((r) => r.against);
    const speak = mail.reasons.filter((r) => !r.against);
    const shown = all ? against : against.slice(0, most);
    return (
        <>
            {against.length > 0 && (
                <ul className="reasons">
                    {shown.map((r) => (
                        <li key={r.code} className="break">
                            {r.text}
                        </li>
                    ))}
                </ul>
            )}
            {against.length > shown.length && (
                <Button variant="default" onClick={() => setAll(true)}>
                    <Trans>All {against.length} reasons</Trans>
                </Button>
            )}
            {speak.length > 0 && (all || against.length <= most) && (
                <>
                    <p className="small muted">
                        <Trans>What speaks for it:</Trans>
                    </p>
                    <ul className="reasons">
                        {speak.map((r) => (
                            <li key={r.code} className="break">
                                {r.text}
                            </li>
                        ))}
                    </ul>
                </>
            )}
        </>
    );
}

function Advice({ mail }: { mail: Mail }) {
    if (mail.exercise) {
        return <Trans>This was an exercise of the lab, and you did the right thing: whoever is not sure asks. Nothing happened, and nothing is left to do.</Trans>;
    }
    if (mail.verdict === 'dangerous') {
        return <Trans>Do not click on anything in it, do not open what is attached, do not answer. It has been passed on. Did you click or type something in already? Tell somebody now, nobody is blamed.</Trans>;
    }
    if (mail.verdict === 'suspicious') {
        return <Trans>Leave it alone until somebody has looked: it has been passed on, and the answer appears below. Is it urgent? Call the sender on a number that you know, not one in the mail.</Trans>;
    }
    return <Trans>The program finds nothing that speaks against it. It does not see everything: does it want money, a password or haste? Then ask a person.</Trans>;
}

function Answer({ mail, again }: { mail: Mail; again: () => void }) {
    const heading = useRef<HTMLHeadingElement>(null);
    useEffect(() => heading.current?.focus(), [mail.id]);
    const verdict = mail.exercise ? stateOf(mail) : verdictOf(mail.verdict);
    return (
        <div className="reported" role="status" data-testid="mail-answer">
            <h3 tabIndex={-1} ref={heading}>
                <Mark state={verdict.mark}>{verdict.word}</Mark>
            </h3>
            <p>
                <Advice mail={mail} />
            </p>
            <Reasons mail={mail} most={FIRST} />
            <Button variant="default" onClick={again}>
                <Trans>Ask about another mail</Trans>
            </Button>
        </div>
    );
}

function Refused({ error }: { error: unknown }) {
    const code = error instanceof Problem ? error.code : '';
    switch (code) {
        case 'no-mail':
            return <Trans>That file is no mail. It has to be the mail itself, saved as .eml: see below how.</Trans>;
        case 'unreadable':
            return <Trans>This mail cannot be read: it is built to do harm to what reads it. Do not open it, and tell whoever looks after computers.</Trans>;
        case 'throttled':
            return <Trans>You have asked about 60 mails within an hour. Wait a little, or tell whoever looks after computers.</Trans>;
        case 'reader':
            return <Trans>Mails cannot be read just now. Nothing was kept. Try again in a few seconds.</Trans>;
        case 'offline':
            return <Trans>Not sent: Tourniquet did not answer. Leave the mail alone, and try again in a moment.</Trans>;
        default:
            return <Trans>Not read: {problem(error).detail}</Trans>;
    }
}

function Mine({ mail }: { mail: Mail }) {
    const state = stateOf(mail);
    return (
        <li className="card">
            <span className="line">
                <Mark state={state.mark}>{state.word}</Mark>
                <Near at={mail.time} />
            </span>
            <span className="break">{mail.sender ?? t`A mail without a sender`}</span>
            {mail.answer !== null && <blockquote className="break">{mail.answer}</blockquote>}
        </li>
    );
}

export default function MailCheck() {
    const field = useRef<HTMLInputElement>(null);
    const [busy, setBusy] = useState(false);
    const [mail, setMail] = useState<Mail | null>(null);
    const [wrong, setWrong] = useState<unknown>(null);
    const to = useSession().data?.mail_to;
    const mine = useMails({ state: '', mine: 'yes', cursor: '' });
    const send = (file: File | undefined) => {
        if (file === undefined || busy) {
            return;
        }
        setBusy(true);
        setWrong(null);
        setMail(null);
        check(file)
            .then(setMail)
            .catch(setWrong)
            .finally(() => setBusy(false));
    };
    return (
        <>
            <div className="inside">
                <div className="report">
                    {wrong !== null && (
                        <Wrong>
                            <Refused error={wrong} />
                        </Wrong>
                    )}
                    {mail !== null ? (
                        <Answer mail={mail} again={() => setMail(null)} />
                    ) : (
                        <>
                            <p>
                                <Trans>Not sure about a mail? Choose it here as a file, and you hear at once what speaks against it. Nothing in it is opened.</Trans>
                            </p>
                            <input
                                ref={field}
                                type="file"
                                className="unseen"
                                tabIndex={-1}
                                aria-label={t`The mail`}
                                accept=".eml,message/rfc822"
                                onChange={(e) => {
                                    send(e.currentTarget.files?.[0]);
                                    e.currentTarget.value = '';
                                }}
                            />
                            <Button size="lg" variant="default" className="choose" loading={busy} leftSection={<IconMailQuestion size={24} aria-hidden />} onClick={() => field.current?.click()}>
                                <Trans>Choose the mail</Trans>
                            </Button>
                            {to && (
                                <p>
                                    <Trans>
                                        Or forward it, as an attachment, to <b className="break">{to}</b>: the answer comes by mail.
                                    </Trans>
                                </p>
                            )}
                            <details className="how">
                                <summary>
                                    <Trans>How do I get a mail as a file?</Trans>
                                </summary>
                                <p>
                                    <Trans>At a computer: in Outlook on the web, the three dots, then Download; in Gmail, the three dots, then Download message; in Thunderbird, Save as. The file ends in .eml. Or forward the mail to yourself as an attachment, and save that attachment.</Trans>
                                </p>
                                <p>
                                    <Trans>It does not work? Report it with a picture instead: see above.</Trans>
                                </p>
                            </details>
                        </>
                    )}
                </div>
            </div>
            {mine.data !== undefined && mine.data.items.length > 0 && (
                <Asked what={t`your mails`} query={mine} rows={1}>
                    {(page) => (
                        <ul className="cards" aria-label={t`Mails that I asked about`}>
                            {page.items.slice(0, 10).map((m) => (
                                <Mine key={m.id} mail={m} />
                            ))}
                        </ul>
                    )}
                </Asked>
            )}
        </>
    );
}
