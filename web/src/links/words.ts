// What a link is doing, in words.

import { plural, t } from '@lingui/core/macro';
import type { LinkSide, RelayLink } from './types';
import type { State } from '../parts/mark';
import { count } from '../time';

/** What should go to the LIS does not. */
const silent = (link: RelayLink): boolean =>
    link.state === 'down' || ((link.state === 'up' || link.state === 'degraded') && !link.lis.connected && link.queue.messages > 0);

export function stateOf(link: RelayLink): [State, string] {
    if (silent(link)) {
        return ['high', link.queue.messages > 0 ? t`not delivering; what comes is kept here` : t`not delivering`];
    }
    switch (link.state) {
        case 'up':
            return ['good', t`delivering`];
        case 'degraded':
            return ['medium', t`delivering, not as it should`];
        case 'bypassed':
            return ['high', t`bypassed: unchecked and unrecorded`];
        case 'held':
            return ['medium', t`held: nothing goes on`];
        default:
            return ['unknown', link.state];
    }
}

export const modeWord = (mode: string): string =>
    mode === 'store-and-forward' ? t`store and forward` : mode === 'end-to-end' ? t`end to end` : mode;

export const protocolWord = (protocol: string): string => ({ mllp: 'HL7 (MLLP)', astm: 'ASTM' })[protocol] ?? protocol;

/** How one side talks: "TLS 1.3", or in clear. */
export function lockOf(side: LinkSide): [State, string] {
    if (!side.connected) {
        return ['unknown', t`no connection`];
    }
    return side.tls.on ? ['good', side.tls.version ?? 'TLS'] : ['unknown', t`clear text`];
}

export const inClear = (link: RelayLink): boolean => link.lis.connected && !link.lis.tls.on;

export const unknownWord = (what: string): string =>
    what === 'pass' ? t`pass them` : what === 'flag' ? t`pass them, and tell` : what === 'refuse' ? t`refuse them` : what;

export function answerWord(code: string | null): string {
    switch (code) {
        case null:
            return t`no answer yet`;
        case 'AA':
        case 'CA':
        case 'ACK':
            return t`accepted (${code})`;
        case 'AE':
        case 'CE':
        case 'NAK':
            return t`refused (${code})`;
        case 'AR':
        case 'CR':
            return t`rejected (${code})`;
        default:
            return code;
    }
}

/** Line one: is each delivering, and encrypted? */
export function sentence(links: RelayLink[]): string {
    const away = links.filter(silent);
    const bypassed = links.filter((l) => l.state === 'bypassed');
    const held = links.filter((l) => l.state === 'held');
    const clear = links.filter((l) => !silent(l) && inClear(l));
    const names = (some: RelayLink[]) => some.map((l) => l.name).join(', ');
    const parts: string[] = [];
    if (away.length > 0) {
        parts.push(plural(away.length, { one: `# link does not deliver: ${names(away)}.`, other: `# links do not deliver: ${names(away)}.` }));
    }
    if (bypassed.length > 0) {
        parts.push(plural(bypassed.length, { one: `# is bypassed: ${names(bypassed)}.`, other: `# are bypassed: ${names(bypassed)}.` }));
    }
    if (held.length > 0) {
        parts.push(plural(held.length, { one: `# is held: ${names(held)}.`, other: `# are held: ${names(held)}.` }));
    }
    if (parts.length === 0) {
        parts.push(plural(links.length, { one: 'The link delivers.', other: `All ${count(links.length)} links deliver.` }));
    }
    parts.push(
        clear.length === 0
            ? t`What goes to the LIS is encrypted.`
            : plural(clear.length, { one: `# passes in clear text to the LIS: ${names(clear)}.`, other: `# pass in clear text to the LIS: ${names(clear)}.` }),
    );
    return parts.join(' ');
}
