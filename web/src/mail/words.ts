// Words about mails.

import { t } from '@lingui/core/macro';
import type { Mail } from './types';
import type { State } from '../parts/mark';

export function verdictOf(verdict: string): { mark: State; word: string } {
    switch (verdict) {
        case 'dangerous':
            return { mark: 'critical', word: t`dangerous` };
        case 'suspicious':
            return { mark: 'medium', word: t`suspicious` };
        default:
            return { mark: 'good', word: t`nothing speaks against it` };
    }
}

/** How far it is, for whoever asked. */
export function stateOf(mail: Mail): { mark: State; word: string } {
    if (mail.exercise) {
        return { mark: 'good', word: t`an exercise, well seen` };
    }
    switch (mail.state) {
        case 'dangerous':
            return { mark: 'critical', word: t`an attack, confirmed` };
        case 'harmless':
            return { mark: 'good', word: t`harmless, somebody looked` };
        case 'waiting':
            return { mark: 'unknown', word: t`somebody will look at it` };
        default:
            return { mark: 'good', word: t`answered` };
    }
}

export function indicatorWord(kind: string): string {
    switch (kind) {
        case 'host':
            return t`where it leads`;
        case 'address':
            return t`its sender`;
        default:
            return t`its attachment`;
    }
}

export function scannedWord(scanned: string): string {
    switch (scanned) {
        case 'clean':
            return t`The virus scanner knows nothing bad in it.`;
        case 'found':
            return t`The virus scanner knows what is attached.`;
        case 'no answer':
            return t`The virus scanner did not answer.`;
        default:
            return t`No virus scanner was asked.`;
    }
}
