// Report something: what it is, in a few words or a picture, and Send. Twenty seconds on a phone, with gloves.

import { Button, Textarea } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconCamera, IconSend2, IconTrash } from '@tabler/icons-react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { client } from '../api/queries';
import { Problem } from '../api/client';
import { problem, Wrong } from '../pages/door';
import { Mark } from '../parts/mark';
import { keep, later, makeClaim, send, type Draft } from './kept';
import { KINDS, names } from './words';

/** What was begun, by person: it waits while somebody else uses this PC. Nothing of it is on the disk. */
interface Begun {
    kind: string;
    text: string;
    now: boolean;
    photo: string;
    nameless: boolean;
}
const NOTHING: Begun = { kind: '', text: '', now: false, photo: '', nameless: false };
const begun = new Map<string, Begun>();

const MOST = 2000;

type Sent = { claim: string; nameless: boolean; waits: boolean };

function Refused({ error }: { error: unknown }) {
    const { code, detail } = problem(error);
    if (code === 'throttled') {
        return <Trans>Not sent: too many reports came in within an hour. Tell somebody directly if it is urgent.</Trans>;
    }
    return <Trans>Not sent: {detail}</Trans>;
}

function Done({ sent, again }: { sent: Sent; again: () => void }) {
    const heading = useRef<HTMLHeadingElement>(null);
    useEffect(() => heading.current?.focus(), []);
    const code = sent.claim;
    return (
        <div className="reported" role="status">
            <h2 tabIndex={-1} ref={heading}>
                {sent.waits ? <Mark state="unknown">{t`Will send`}</Mark> : <Mark state="good">{t`Received. Thank you.`}</Mark>}
            </h2>
            {sent.waits && (
                <p>
                    <Trans>Tourniquet cannot be reached. Your report is kept on this device, encrypted, and goes out by itself as soon as this page is open and connected again. Is it urgent? Tell somebody now.</Trans>
                </p>
            )}
            {sent.nameless ? (
                <>
                    <p>
                        <Trans>Nothing about who you are was written down. With this code you can look up the answer, here or on any other device. It is shown this once: write it down or take a photo of it.</Trans>
                    </p>
                    <p className="mono code break" data-testid="claim">
                        {code}
                    </p>
                </>
            ) : (
                <p>
                    <Trans>The answer appears on this page, under My reports.</Trans>
                </p>
            )}
            <Button variant="default" onClick={again}>
                <Trans>Report something else</Trans>
            </Button>
        </div>
    );
}

function Picture({ photo, change, busy }: { photo: string; change: (file: File | null) => void; busy: boolean }) {
    const field = useRef<HTMLInputElement>(null);
    return photo !== '' ? (
        <div className="snapshot">
            <img src={photo} alt={t`The picture that you send`} />
            <Button variant="default" leftSection={<IconTrash size={20} aria-hidden />} onClick={() => change(null)}>
                <Trans>Take it away</Trans>
            </Button>
        </div>
    ) : (
        <>
            <input
                ref={field}
                type="file"
                className="unseen"
                tabIndex={-1}
                aria-label={t`Picture`}
                accept="image/*"
                onChange={(e) => {
                    change(e.currentTarget.files?.[0] ?? null);
                    e.currentTarget.value = '';
                }}
            />
            <Button variant="default" loading={busy} leftSection={<IconCamera size={20} aria-hidden />} onClick={() => field.current?.click()}>
                <Trans>Add a picture</Trans>
            </Button>
        </>
    );
}

/** person: who is signed in; null: nobody, and then it goes without a name. */
export function ReportForm({ person }: { person: string | null }) {
    const [draft, setDraft] = useState<Begun>(() => begun.get(person ?? '') ?? NOTHING);
    const [sent, setSent] = useState<Sent | null>(null);
    const [busy, setBusy] = useState<'' | 'photo' | 'send'>('');
    const [wrong, setWrong] = useState<unknown>(null);
    const [noPicture, setNoPicture] = useState(false);
    const [asked, setAsked] = useState(false);
    const claim = useRef('');
    const change = (part: Partial<Begun>) => {
        setDraft((old) => {
            const next = { ...old, ...part };
            begun.set(person ?? '', next);
            return next;
        });
    };
    const nameless = person === null || draft.nameless;
    const enough = draft.text.trim() !== '' || draft.photo !== '';
    const picture = async (file: File | null) => {
        setNoPicture(false);
        if (file === null) {
            change({ photo: '' });
            return;
        }
        setBusy('photo');
        try {
            const { prepare } = await import('./photo');
            change({ photo: await prepare(file) });
        } catch {
            setNoPicture(true);
        }
        setBusy('');
    };
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setAsked(true);
        setWrong(null);
        if (!enough || busy !== '') {
            return;
        }
        setBusy('send');
        claim.current ||= makeClaim(); // the same again, where a try failed halfway
        const whole: Draft = {
            kind: draft.kind || 'other',
            text: draft.text.trim(),
            now: draft.now,
            photo: draft.photo.slice(draft.photo.indexOf(',') + 1),
            claim: claim.current,
            person: nameless ? null : person,
            at: new Date().toISOString(),
        };
        let waits = false;
        try {
            await send(whole);
        } catch (error) {
            const throttled = error instanceof Problem && error.status === 429;
            waits = later(error) && !throttled && (await keep(whole));
            if (!waits) {
                setWrong(error);
                setBusy('');
                return;
            }
        }
        setSent({ claim: claim.current, nameless, waits });
        claim.current = '';
        setBusy('');
        begun.delete(person ?? '');
        setDraft(NOTHING);
        setAsked(false);
        void client.invalidateQueries({ queryKey: ['reports'] });
    };
    if (sent !== null) {
        return <Done sent={sent} again={() => setSent(null)} />;
    }
    return (
        <form className="report" onSubmit={(e) => void submit(e)}>
            {wrong !== null && (
                <Wrong>
                    <Refused error={wrong} />
                </Wrong>
            )}
            <Textarea
                label={t`What did you see, and where?`}
                description={t`A few words are enough. No names or numbers of patients.`}
                autosize={false}
                rows={3}
                maxLength={MOST}
                autoComplete="off"
                value={draft.text}
                onChange={(e) => change({ text: e.currentTarget.value })}
                error={asked && !enough ? t`Write a few words, or add a picture.` : undefined}
            />
            {names(draft.text) && (
                <p className="small" role="status">
                    <Mark state="medium">
                        <Trans>This looks like somebody's name or number. Leave it out if it is a patient's.</Trans>
                    </Mark>
                </p>
            )}
            <Picture photo={draft.photo} change={(file) => void picture(file)} busy={busy === 'photo'} />
            {noPicture && (
                <p className="small" role="alert">
                    <Trans>This browser cannot open that file as a picture. Take a JPEG or PNG.</Trans>
                </p>
            )}
            <p className="small muted">
                <Trans>The place, time and phone that a picture tells of are taken out before it is sent.</Trans>
            </p>
            <fieldset className="kinds">
                <legend>
                    <Trans>What is it about?</Trans>
                </legend>
                {KINDS.map(([kind, word]) => (
                    <label key={kind} className="tick">
                        <input type="radio" name="kind" value={kind} checked={draft.kind === kind} onChange={() => change({ kind })} />
                        <span>{word()}</span>
                    </label>
                ))}
            </fieldset>
            <label className="tick">
                <input type="checkbox" checked={draft.now} onChange={(e) => change({ now: e.currentTarget.checked })} />
                <span>
                    <Trans>It is happening right now</Trans>
                </span>
            </label>
            {person !== null && (
                <label className="tick">
                    <input type="checkbox" checked={draft.nameless} onChange={(e) => change({ nameless: e.currentTarget.checked })} />
                    <span>
                        <Trans>Without my name: neither my account nor this device is written down</Trans>
                    </span>
                </label>
            )}
            <Button type="submit" size="lg" className="send" loading={busy === 'send'} leftSection={<IconSend2 size={24} aria-hidden />}>
                <Trans>Send</Trans>
            </Button>
        </form>
    );
}
