// What the picture says: lanes, groups, and a sentence for each odd one. The list below the picture says the same as the picture.

import { plural, t } from '@lingui/core/macro';
import type { Encrypted, Lane, NetworkEdge, NetworkNode, NetworkOdd } from './types';
import { near } from '../time';
import { protocols, roleWord } from '../words';

export function laneWord(lane: Lane): string {
    switch (lane) {
        case 'analyzer':
            return t`Analyzers`;
        case 'middleware':
            return t`Middleware`;
        case 'lis':
            return t`LIS`;
        case 'other':
            return t`Other`;
    }
}

export function manyWord(role: string): string {
    switch (role) {
        case 'analyzer':
            return t`Analyzers`;
        case 'middleware':
            return t`Middleware`;
        case 'workstation':
            return t`Workstations`;
        case 'server':
            return t`Servers`;
        case 'printer':
            return t`Printers`;
        case 'network':
            return t`Network devices`;
        case 'phone':
            return t`Phones`;
        case 'camera':
            return t`Cameras`;
        case 'outside':
            return t`Outside the lab`;
        case 'silent':
            return t`No answer`;
        case 'unknown':
            return t({ message: 'Unknown', context: 'a group of devices' });
        default:
            return roleWord(role);
    }
}

const isAddress = (node: { role: string }) => node.role === 'outside' || node.role === 'silent';

export function titleOf(node: NetworkNode): string {
    return node.kind === 'group' ? manyWord(node.role) : node.title;
}

/** The second line of a mark. */
export function belowOf(node: NetworkNode): string {
    const members = node.members;
    if (node.kind === 'group') {
        return isAddress(node) ? plural(members, { one: '# address', other: '# addresses' }) : plural(members, { one: '# device', other: '# devices' });
    }
    if (node.kind === 'outside') {
        return t`outside the lab`;
    }
    if (node.kind === 'silent') {
        return t`never answered`;
    }
    if (node.lane === 'other') {
        return roleWord(node.role);
    }
    return node.address !== null && node.address !== node.title ? node.address : roleWord(node.role);
}

export function encryptedWord(encrypted: Encrypted): string {
    switch (encrypted) {
        case 'yes':
            return t`encrypted`;
        case 'no':
            return t`in clear text`;
        default:
            return t`not known whether encrypted`;
    }
}

export const overWord = (apps: string[]) => protocols(apps, 4) || t`unknown protocol`;

/** "HL7, in clear text, lab messages, new" */
export function edgeWords(edge: NetworkEdge): string {
    const words = [overWord(edge.apps), encryptedWord(edge.encrypted)];
    if (edge.lab) {
        words.push(t`carries lab messages`);
    }
    if (edge.links > 1) {
        words.push(plural(edge.links, { one: '# link', other: '# links' }));
    }
    if (edge.new) {
        words.push(t`new`);
    }
    if (edge.odd !== null && edge.odd !== 'new-link') {
        words.push(t`unusual`);
    }
    return words.join(', ');
}

/** Of what an odd one is: a sentence with the names left out, which the page sets as links. */
export function oddWords(odd: NetworkOdd): { before: string; between: string; after: string } {
    const role = roleWord(odd.a.role).toLowerCase();
    const over = overWord(odd.apps);
    const { share, of } = odd;
    switch (odd.kind) {
        case 'outside':
            return { before: '', between: t` (${role}) talks to an address outside the lab: `, after: t`, over ${over}. ${share} of ${of} of its kind do.` };
        case 'peer': {
            const other = roleWord(odd.b?.role ?? '').toLowerCase();
            return { before: '', between: t` (${role}) talks to `, after: t` (${other}), over ${over}. ${share} of ${of} of its kind do.` };
        }
        case 'searching':
            return { before: '', between: plural(share, { one: ' asked # address that never answered.', other: ' asked # addresses that never answered.' }), after: '' };
        case 'new-device': {
            const when = odd.first_seen === null ? '' : near(odd.first_seen);
            return { before: '', between: t` (${role}) is new: first seen ${when}.`, after: '' };
        }
        default: {
            const when = odd.first_seen === null ? '' : near(odd.first_seen);
            return { before: '', between: t` talks to `, after: t`, over ${over}: new, first seen ${when}.` };
        }
    }
}
