// A file is dropped, or chosen: it is checked here, with public keys alone, and the outcome is said in words.

import { Button, Textarea } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconFileCertificate } from '@tabler/icons-react';
import { useState, type DragEvent } from 'react';
import type { Ledger, Witness } from './types';
import { Mark } from '../parts/mark';
import { say } from '../parts/say';
import { Panel } from '../parts/states';
import { count, stamp } from '../time';
import { checkThere, offerFrom } from './ask';
import { check, goesOn, openHead, parseKey, parseOffer, Unable, type Cosigned, type Verdict } from './check';

const BYTES = 400_000;

interface Outcome {
    file: string;
    holds: boolean | null;
    line: string;
    more: string[];
}

/** Does this program's ledger, as it is now, begin with what that head signed? */
async function comparedWithNow(verdict: Extract<Verdict, { holds: true }>, key: string): Promise<'goes on' | 'rewritten' | 'shorter' | 'unknown'> {
    try {
        const log = await parseKey(key);
        const offer = parseOffer(await offerFrom(verdict.head.size));
        const now = await openHead(offer.note, log);
        return (await goesOn(verdict.head, now, offer.path)) ? 'goes on' : 'rewritten';
    } catch (error) {
        return error !== null && typeof error === 'object' && 'status' in error && error.status === 422 ? 'shorter' : 'unknown';
    }
}

const saidBy = (cosigned: Cosigned[]) => cosigned.map((c) => t`The witness ${c.name} saw that head on ${stamp(new Date(c.at * 1000))}.`);

function reason(verdict: Extract<Verdict, { holds: false }>): string {
    const who = verdict.name ?? '?';
    switch (verdict.why) {
        case 'unknown':
            return t`This file is no proof, no checkpoint and no offer. A proof is saved from the list of records below, a checkpoint from this page.`;
        case 'key':
            return t`The public key is not one: a character is missing or was changed.`;
        case 'foreign':
            return t`It is signed by ${who}, not by the key given here. Nothing is proved about this ledger.`;
        case 'signature':
            return t`Its signature does not hold: the file was changed after it was signed, or made up.`;
        case 'origin':
            return t`It names another ledger: ${who}.`;
        case 'entry':
            return t`The proof does not bring what it proves (the line "extra"), so it cannot be checked alone.`;
        case 'path':
            return t`The record in this file is not in the ledger that was signed: one of the two was changed.`;
        case 'cosignature':
            return t`The line of the witness ${who} does not hold: it was changed after it was signed, or made up.`;
        default:
            return t`The file is damaged: it begins like one of ours and does not go on like one.`;
    }
}

/** The number of records, for words: above 2^53 nobody counts. */
const number = (n: bigint) => count(Number(n));

function first(verdict: Extract<Verdict, { holds: true }>): string {
    const { head, index } = verdict;
    const size = number(head.size);
    if (verdict.kind !== 'proof' || index === undefined) {
        return t`This head of ${size} records was signed by ${head.origin}.`;
    }
    return verdict.recorded === undefined
        ? t`Record ${number(index)} is unchanged: it was one of the ${size} records that ${head.origin} signed.`
        : t`Record ${number(index)}, recorded ${stamp(new Date(verdict.recorded), true)}, is unchanged: it was one of the ${size} records that ${head.origin} signed.`;
}

async function explain(verdict: Extract<Verdict, { holds: true }>, key: string, own: boolean): Promise<{ holds: boolean | null; more: string[] }> {
    const more = saidBy(verdict.cosigned);
    if (!own) {
        return { holds: true, more: [...more, t`Checked with the key that you gave, not with this ledger's.`] };
    }
    const size = number(verdict.head.size);
    switch (await comparedWithNow(verdict, key)) {
        case 'goes on':
            return { holds: true, more: [...more, t`The ledger as it is now goes on from there: nothing before was rewritten, removed or put in between.`] };
        case 'rewritten':
            return { holds: false, more: [...more, t`But the ledger as it is now does NOT go on from there: it was rewritten since. Keep this file.`] };
        case 'shorter':
            return { holds: false, more: [...more, t`But the ledger here has fewer records than ${size} now: its end was cut off, or an old copy was put back. Keep this file.`] };
        default:
            return { holds: true, more: [...more, t`Whether the ledger as it is now goes on from there could not be asked.`] };
    }
}

async function judge(text: string, key: string, own: boolean, witnesses: Witness[]): Promise<Omit<Outcome, 'file'>> {
    try {
        const verdict = await check(text, key, own ? witnesses.map((w) => w.key) : []);
        if (!verdict.holds) {
            return { holds: false, line: reason(verdict), more: [] };
        }
        const rest = await explain(verdict, key, own);
        return { line: first(verdict), ...rest };
    } catch (error) {
        if (!(error instanceof Unable)) {
            throw error;
        }
    }
    const there = t`This browser cannot check signatures (Ed25519), so the program checked its own proof. Check it elsewhere too: tourniquet ledger check.`;
    try {
        const said = await checkThere(text);
        return said.holds
            ? { holds: true, line: t`Record ${count(said.index ?? 0)} is unchanged, says the program.`, more: [there] }
            : { holds: false, line: t`The file does not hold, says the program.`, more: [said.why ?? '', there] };
    } catch {
        return { holds: null, line: t`It could not be checked.`, more: [there] };
    }
}

export function Drop({ ledger, witnesses }: { ledger: Ledger; witnesses: Witness[] }) {
    const [outcome, setOutcome] = useState<Outcome | null>(null);
    const [busy, setBusy] = useState(false);
    const [over, setOver] = useState(false);
    const [typed, setTyped] = useState<string | null>(null);
    const key = typed ?? ledger.verifier;
    const take = async (file: File | undefined) => {
        if (file === undefined) {
            return;
        }
        setBusy(true);
        const judged =
            file.size > BYTES
                ? { holds: false, line: t`This file is too large to be a proof, a checkpoint or an offer.`, more: [] }
                : await judge(await file.text(), key.trim(), key.trim() === ledger.verifier, witnesses).catch(() => ({ holds: null, line: t`It could not be checked.`, more: [] }));
        setBusy(false);
        setOutcome({ file: file.name, ...judged });
        say([judged.line, ...judged.more].join(' '));
    };
    const dropped = (e: DragEvent) => {
        e.preventDefault();
        setOver(false);
        void take(e.dataTransfer.files[0]);
    };
    return (
        <Panel title={t`Check a proof`}>
            <div className="inside file">
                <label
                    className={over ? 'pick over' : 'pick'}
                    onDragOver={(e) => {
                        e.preventDefault();
                        setOver(true);
                    }}
                    onDragLeave={() => setOver(false)}
                    onDrop={dropped}
                >
                    <IconFileCertificate size={20} aria-hidden />
                    <span>{busy ? <Trans>Checking…</Trans> : <Trans>Drop a proof or a kept checkpoint here, or choose one</Trans>}</span>
                    <input
                        type="file"
                        aria-label={t`A proof, a checkpoint or an offer`}
                        onChange={(e) => {
                            void take(e.currentTarget.files?.[0]);
                            e.currentTarget.value = '';
                        }}
                    />
                </label>
                {outcome && (
                    <div className="outcome" role="group" aria-label={t`What the check found`}>
                        <Mark state={outcome.holds === null ? 'unknown' : outcome.holds ? 'good' : 'critical'}>
                            {outcome.holds === null ? <Trans>Not checked</Trans> : outcome.holds ? <Trans>It holds</Trans> : <Trans>It does not hold</Trans>}
                        </Mark>{' '}
                        <span className="muted">{outcome.file}</span>
                        <p>{outcome.line}</p>
                        {outcome.more.filter(Boolean).map((line) => (
                            <p key={line}>{line}</p>
                        ))}
                    </div>
                )}
                <p className="muted small">
                    <Trans>It is checked in this browser with the public key alone; the file goes nowhere. The key came from this program: compare it with the one that you keep elsewhere.</Trans>
                </p>
                {typed === null ? (
                    <Button variant="default" onClick={() => setTyped('')}>
                        <Trans>Use a key that I keep</Trans>
                    </Button>
                ) : (
                    <>
                        <Textarea label={t`Public key that you keep`} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} autosize minRows={2} classNames={{ input: 'mono' }} spellCheck={false} />
                        <p className="small">
                            {typed.trim() === '' ? (
                                <span className="muted">
                                    <Trans>Paste the line from verifier.pub.</Trans>
                                </span>
                            ) : typed.trim() === ledger.verifier ? (
                                <Mark state="good">
                                    <Trans>The same key as this ledger&apos;s</Trans>
                                </Mark>
                            ) : (
                                <Mark state="high">
                                    <Trans>Another key than this ledger&apos;s</Trans>
                                </Mark>
                            )}
                        </p>
                    </>
                )}
            </div>
        </Panel>
    );
}
