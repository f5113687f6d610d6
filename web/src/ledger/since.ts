// What the ledger is worth now, in one state and one sentence: the same on its own page and on Today.

import { plural, t } from '@lingui/core/macro';
import type { Today } from '../api/types';
import type { Ledger, Witness } from './types';
import type { State } from '../parts/mark';
import { age, clock, count, day } from '../time';

const STALE = 3 * 24 * 3600_000;

type Standing = 'forked' | 'broken' | 'never' | 'stale' | 'holds';

/** What the witnesses say; undefined: not known (yet). A good word waits for it. */
type Said = Witness[] | undefined;

function standing(holds: boolean | null, at: string | null, witnesses: Said, now: number): Standing {
    if (holds === false) {
        return 'broken';
    }
    if (witnesses?.some((w) => w.state === 'refused')) {
        return 'forked';
    }
    if (holds === null || at === null) {
        return 'never';
    }
    return now - new Date(at).getTime() > STALE ? 'stale' : 'holds';
}

/** For Today: a mark with a word or two. */
export function ledgerMark({ holds, verified_at }: Today['ledger'], witnesses: Said, now: number): [State, string] {
    switch (standing(holds, verified_at, witnesses, now)) {
        case 'broken':
            return ['critical', t`Does not hold`];
        case 'forked':
            return ['critical', t`A witness refuses it`];
        case 'never':
            return ['unknown', t`Not checked`];
        case 'stale':
            return ['unknown', t`Not checked lately`];
        default:
            return witnesses === undefined ? ['unknown', t`Unknown`] : ['good', t`Holds`];
    }
}

const lastOf = (witnesses: Witness[]) =>
    witnesses.filter((w) => w.last_at !== null && w.state !== 'refused').sort((a, b) => (b.last_at ?? '').localeCompare(a.last_at ?? ''))[0];

function witnessed(witnesses: Said, now: number): string {
    if (witnesses === undefined) {
        return t`what the witnesses say is not known`;
    }
    const last = lastOf(witnesses);
    return last?.last_at ? t`last witness ${last.name} ${age(last.last_at, now)}` : witnesses.length > 0 ? t`no witness has signed yet` : t`no witness`;
}

/** Line one. `lost`: since when the program has not been heard; then nothing is said of now. */
export function sentence(ledger: Ledger, witnesses: Said, now: number, lost: number | null): string {
    const { verified, records } = ledger;
    const since = ledger.since === null ? null : day(ledger.since);
    const how = standing(verified?.holds ?? null, verified?.at ?? null, witnesses, now);
    const refuses = witnesses?.find((w) => w.state === 'refused');
    if (how === 'broken') {
        return verified?.first_bad === null || verified === null
            ? t`The record does not hold.`
            : t`The record does not hold from record ${count(verified.first_bad)} on: it was changed, or the disk is damaged.`;
    }
    if (how === 'forked' && refuses) {
        return t`The witness ${refuses.name} does not vouch for this record. Find out why before you trust it.`;
    }
    if (records === 0) {
        return t`Nothing is recorded yet.`;
    }
    if (verified === null || since === null) {
        return since === null ? t`Never checked yet: ${count(records)} records.` : t`Never checked yet: ${count(records)} records since ${since}.`;
    }
    if (lost !== null) {
        return t`Not connected since ${clock(new Date(lost))}. Everything since ${since} held when it was checked last, ${age(verified.at, now)}.`;
    }
    if (how === 'stale') {
        return t`Everything since ${since} held ${age(verified.at, now)}, and was not checked since.`;
    }
    return t`Everything since ${since} holds; last checked ${age(verified.at, now)}, ${witnessed(witnesses, now)}.`;
}

/** What belongs to line one and would make it too long. */
export function footnotes(ledger: Ledger, erased: number, removed: string | null): string[] {
    const notes: string[] = [];
    const newer = ledger.verified ? ledger.records - ledger.verified.records : 0;
    if (ledger.verified?.holds && newer > 0) {
        notes.push(plural(newer, { one: '# record came after that check.', other: `${count(newer)} records came after that check.` }));
    }
    if (erased > 0) {
        notes.push(plural(erased, { one: 'What belongs to # patient or period was erased on purpose: it cannot be read, and its proofs stay.', other: 'What belongs to # patients or periods was erased on purpose: it cannot be read, and its proofs stay.' }));
    }
    if (removed !== null) {
        notes.push(t`Some kinds of record were removed up to ${day(removed)} because their time was over; every hash and proof of them stays.`);
    }
    return notes;
}
