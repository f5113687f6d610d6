// Words about reports.

import { t } from '@lingui/core/macro';
import type { State } from '../parts/mark';

export const KINDS: [string, () => string][] = [
    ['device', () => t`A device or computer`],
    ['person', () => t`A person`],
    ['message', () => t`A mail, call or text`],
    ['result', () => t`A result or sample`],
    ['lost', () => t`Lost or found`],
    ['other', () => t`Something else`],
];
export const kindOf = (kind: string) => KINDS.find(([k]) => k === kind)?.[1]() ?? kind;

export function stateOf(state: string): { mark: State; word: string } {
    switch (state) {
        case 'looking':
            return { mark: 'low', word: t`being looked at` };
        case 'answered':
            return { mark: 'good', word: t`answered` };
        case 'closed':
            return { mark: 'good', word: t`closed` };
        default:
            return { mark: 'medium', word: t`received` };
    }
}

/** A run of digits, or "patient" with a name: likely a person who should not stand here. */
export const names = (text: string) => /\d[\d -]{5,}\d/.test(text) || /\b(?:mr|mrs|ms|sr|sra|señor|señora|paciente|patient)\.?\s+[A-ZÁÉÍÓÚÑ]/i.test(text);
