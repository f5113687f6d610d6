// Words about people and what they did.

import { t } from '@lingui/core/macro';
import type { State } from '../parts/mark';
import type { Account, Act } from '../api/types';
import { personRole } from '../words';

export const rolesWord = (roles: string[]) => (roles.length === 0 ? t`No role` : roles.map(personRole).join(', '));

export function stateOf(a: Account): { state: State; word: string } {
    if (a.state === 'closed') {
        return { state: 'unknown', word: t`closed` };
    }
    if (a.emergency) {
        return a.last_sign_in !== null && a.password_set !== null && a.last_sign_in > a.password_set ? { state: 'critical', word: t`used: seal it anew` } : { state: 'good', word: t`sealed` };
    }
    if (a.state === 'invited') {
        return { state: 'low', word: t`waits for its owner` };
    }
    return a.review_due ? { state: 'medium', word: t`to be confirmed` } : { state: 'good', word: t`in use` };
}

/** What a permission lets somebody do, in a few words. */
export function permissionWord(name: string): string {
    const words: Record<string, () => string> = {
        'today.read': () => t`see what needs somebody now`,
        'device.read': () => t`see devices and who talks to whom`,
        'device.name': () => t`name a device`,
        'device.edit': () => t`say what a device is`,
        'device.import': () => t`read devices from a list`,
        'result.read': () => t`see results, without what is hidden in them`,
        'finding.read': () => t`see findings`,
        'finding.decide': () => t`take, dismiss and reopen findings`,
        'phi.look': () => t`be shown patients' data, for a reason`,
        'looks.read': () => t`see who was shown what`,
        'ledger.read': () => t`see the ledger and its proofs`,
        'ledger.verify': () => t`have the ledger checked`,
        'ledger.witness': () => t`ask witnesses`,
        'keys.read': () => t`see how the ledger's keys are kept`,
        'keys.manage': () => t`rotate keys, erase a patient's records`,
        'backup.read': () => t`see backups and the disk`,
        'backup.manage': () => t`make and test backups`,
        'certificate.read': () => t`see certificates of links`,
        'certificate.manage': () => t`make and revoke certificates of links`,
        'links.read': () => t`see links`,
        'links.bypass': () => t`let messages pass a link unjudged`,
        'links.manage': () => t`hold links, approve their policies`,
        'metrics.read': () => t`read counters`,
        'people.read': () => t`see who has an account, and which roles`,
        'people.manage': () => t`invite people, give and take roles`,
        'recovery.manage': () => t`let somebody in again, two together`,
        'acts.read': () => t`see who did what`,
    };
    return words[name]?.() ?? name;
}

/** Kinds of doings by which the list can be narrowed: what stands before the dot of an event. */
export const ACT_KINDS: [string, () => string][] = [
    ['', () => t`all`],
    ['session', () => t`sign-ins`],
    ['request', () => t`refusals`],
    ['account', () => t`accounts and roles`],
    ['token', () => t`API tokens`],
    ['phi', () => t`looks`],
    ['data', () => t`taken out`],
    ['asset', () => t`devices`],
    ['finding', () => t`findings`],
    ['link', () => t`links`],
    ['keys', () => t`keys`],
];

export const whoWord = (act: Act) => act.display_name ?? act.person ?? (act.account !== null ? t`somebody, as ${act.account}` : t`nobody known`);
