import { plural, t } from '@lingui/core/macro';
import type { Certificate, Certificates } from './types';
import type { State } from '../parts/mark';
import { day } from '../time';

export const sideWord = (side: string) => (side === 'lis' ? t`LIS side` : side === 'device' ? t`a device` : t`analyzer side`);

/** Whose it is, beside its names. */
export const forWord = (c: { for: string; link: string; side: string }) => (c.side === 'device' ? t`device ${c.for.replace(/^device /, '')}` : `${c.link}, ${sideWord(c.side)}`);

export const holderWord = (c: Certificate) => (c.holder === 'ours' ? t`This program` : c.names.replaceAll(',', ', ') || c.name || c.serial);

export function stateOf(c: Certificate): { state: State; word: string } {
    switch (c.state) {
        case 'in-force':
            return { state: 'good', word: t`In force` };
        case 'rotating':
            return { state: 'low', word: t`The next one is due` };
        case 'expiring':
            return { state: c.days_left <= 7 ? 'high' : 'medium', word: plural(c.days_left, { one: 'Ends in # day', other: 'Ends in # days' }) };
        case 'expired':
            return { state: 'high', word: t`Has ended` };
        case 'not-yet':
            return { state: 'high', word: t`Not valid yet: is the clock right?` };
        case 'revoked':
            return { state: 'unknown', word: t`Revoked` };
        case 'replaced':
            return { state: 'unknown', word: t`Replaced` };
        default:
            return { state: 'unknown', word: c.state };
    }
}

export const isOver = (c: Certificate) => c.state === 'revoked' || c.state === 'replaced' || (c.state === 'expired' && c.holder === 'ours');

/** Line one. */
export function sentence(all: Certificates): string {
    const now = all.items.filter((c) => !isOver(c));
    const ended = now.filter((c) => c.state === 'expired').length;
    const soon = now.filter((c) => c.state === 'expiring');
    if (now.length === 0) {
        return t`No link has a certificate yet.`;
    }
    if (ended > 0) {
        return plural(ended, { one: '# certificate has ended: its link does not connect.', other: '# certificates have ended: their links do not connect.' });
    }
    const first = soon.reduce<Certificate | undefined>((a, c) => (a === undefined || c.not_after < a.not_after ? c : a), undefined);
    if (first !== undefined) {
        return plural(soon.length, { one: `# certificate ends within 30 days, on ${day(first.not_after)}.`, other: `# certificates end within 30 days, the first on ${day(first.not_after)}.` });
    }
    return plural(now.length, { one: '# certificate is in force. It does not end within 30 days.', other: '# certificates are in force. None ends within 30 days.' });
}
