// What became of a result: a mark, a word, a sentence. An unknown code is shown as it came.

import { plural, t } from '@lingui/core/macro';
import type { Result, ResultSummary, Verdict } from './types';
import { Mark, Shape, type State } from '../parts/mark';
import { count } from '../time';

export const VERDICTS = ['changed', 'missing', 'extra', 'replayed', 'unclear', 'corrected', 'as-sent', 'pending', 'one-sided'] as const;

const MARKS: Record<string, State> = {
    changed: 'critical',
    missing: 'high',
    extra: 'high',
    replayed: 'high',
    corrected: 'info',
    'as-sent': 'good',
};

export const verdictMark = (state: string): State => MARKS[state] ?? 'unknown';

export function verdictWord(state: string): string {
    switch (state) {
        case 'as-sent':
            return t`arrived as sent`;
        case 'changed':
            return t`changed`;
        case 'missing':
            return t`missing`;
        case 'extra':
            return t`nobody sent it`;
        case 'replayed':
            return t`sent again`;
        case 'corrected':
            return t`corrected`;
        case 'unclear':
            return t`can't be compared`;
        case 'pending':
            return t`on its way`;
        case 'one-sided':
            return t`seen at one end`;
        default:
            return state;
    }
}

export function partWord(part: string): string {
    switch (part) {
        case 'value':
            return t`value`;
        case 'unit':
            return t`unit`;
        case 'flag':
            return t`flag`;
        case 'range':
            return t`reference range`;
        case 'status':
            return t`status`;
        case 'text':
            return t`words`;
        case 'patient':
            return t`patient`;
        case 'specimen':
            return t`specimen number`;
        case 'name':
            return t`patient's name`;
        case 'born':
            return t`date of birth`;
        case 'sex':
            return t`sex`;
        case 'material':
            return t`kind of specimen`;
        case 'comment':
            return t`comment`;
        default:
            return part;
    }
}

/** One sentence: what is known of it, and why no more. */
export function verdictSentence(v: Verdict): string {
    const part = v.changed ? partWord(v.changed) : t`content`;
    switch (v.why) {
        case 'same':
            return t`It arrived as it was sent.`;
        case 'converted':
            return t`It arrived with the same value, in another unit.`;
        case 'late':
            return t`It arrived as it was sent, but late.`;
        case 'unclear':
            return t`It was seen at both ends, but its two forms can't be compared, or too little is known of its way to do so.`;
        case 'changed':
            return t`It did not arrive as it was sent. What differs: ${part}.`;
        case 'altered':
            return t`It came a second time with other content, and not as a proper correction. What differs: ${part}.`;
        case 'corrected':
            return t`It properly corrects a result that was sent before.`;
        case 'replayed':
            return t`Its message had been sent and accepted before.`;
        case 'missing':
            return t`It was not passed on, or not accepted, and should have been.`;
        case 'extra':
            return t`No analyzer was seen sending it.`;
        case 'stayed':
            return t`It was not seen going on. Results like it mostly do not, or too few were seen to say.`;
        case 'again':
            return t`It was sent once more; the later one counts.`;
        case 'control':
            return t`A quality control: it need not go on.`;
        case 'gap':
            return t`It was not seen going on, but packets are missing from what was captured then.`;
        case 'ended':
            return t`It was not seen going on before listening ended.`;
        case 'once':
            return t`It was seen at one place only, so it can't be compared.`;
        case 'awaited':
            return t`It was sent, and is expected at the next place.`;
        default:
            return v.text;
    }
}

/** How one sighting compares with the one before. */
export function stepWord(step: { verdict: string; changed: string | null }): [State, string] {
    switch (step.verdict) {
        case 'same':
            return ['good', t`as it was sent`];
        case 'converted':
            return ['good', t`same value, other unit`];
        case 'changed':
            return ['critical', step.changed ? t`changed: ${partWord(step.changed)}` : t`changed`];
        case 'unclear':
            return ['unknown', t`can't be compared`];
        default:
            return ['unknown', step.verdict];
    }
}

export function VerdictMark({ verdict, away }: { verdict: Verdict; away: boolean }) {
    if (away) {
        return (
            <span className="mark">
                <Shape state="unknown" />
                {t`unknown now`}
            </span>
        );
    }
    const state = verdictMark(verdict.state);
    return state === 'unknown' ? (
        <span className="mark">
            <Shape state={state} />
            {verdictWord(verdict.state)}
        </span>
    ) : (
        <Mark state={state}>{verdictWord(verdict.state)}</Mark>
    );
}

export const testOf = (r: Result) => r.test.text || r.test.code || t`Test without a name`;

export const countOf = (s: ResultSummary, state: string) => (s as unknown as Record<string, number>)[state.replace('-', '_')] ?? 0;

/** "All but 3 of 1,204 results arrived as sent." */
export function arrived({ total, compared, wrong }: { total: number; compared: number; wrong: number }): string {
    if (total === 0) {
        return t`No result seen yet.`;
    }
    if (compared === 0) {
        return plural(total, { one: '# result seen, at one end only: not compared.', other: `${count(total)} results seen, at one end only: none could be compared.` });
    }
    const rest = total - compared;
    const first =
        wrong === 0
            ? plural(compared, { one: 'The # result that could be compared arrived as sent', other: `All ${count(compared)} results that could be compared arrived as sent` })
            : plural(compared, { one: 'The # result that could be compared did not arrive as sent', other: `All but ${count(wrong)} of ${count(compared)} results arrived as sent` });
    return rest === 0 ? `${first}.` : `${first}; ${plural(rest, { one: '# could not be compared.', other: `${count(rest)} could not be compared.` })}`;
}

export const judged = (s: ResultSummary) => {
    const wrong = s.changed + s.missing + s.extra + s.replayed;
    return { total: s.total, wrong, compared: wrong + s.as_sent + s.corrected };
};
