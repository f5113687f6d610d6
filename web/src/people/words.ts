// Words about people and what they did.

import { t } from '@lingui/core/macro';
import type { State } from '../parts/mark';
import type { Account, Act } from './types';
import { admissionDid, lookedWord, personRole } from '../words';

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
        'device.admit': () => t`vouch for devices, refuse them`,
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
        'doors.read': () => t`see doors of makers' engineers: one's own`,
        'visits.read': () => t`see everybody's doors`,
        'doors.ask': () => t`ask for a door to a device of one's maker`,
        'doors.approve': () => t`open a door, or refuse it`,
        'doors.close': () => t`close a door at once`,
        'recovery.manage': () => t`let somebody in again, two together`,
        'mail.decide': () => t`decide about mail that people report`,
        'phishing.read': () => t`see phishing simulations, as counts`,
        'phishing.manage': () => t`plan phishing simulations, and stop them`,
        'training.read': () => t`see who has to learn what, and who has done it`,
        'training.manage': () => t`assign training, record classes, remind people`,
        'acts.read': () => t`see who did what`,
        'report.handle': () => t`see what people report, and answer them`,
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
    ['door', () => t`doors`],
    ['keys', () => t`keys`],
    ['report', () => t`reports`],
    ['config', () => t`settings`],
];

export const whoWord = (act: Act) => act.display_name ?? act.person ?? (act.account !== null ? t`somebody, as ${act.account}` : t`nobody known`);

/** What was taken out, as the request table says it. */
function exportWord(what: string): string {
    if (what.startsWith('All devices as a list')) {
        return t`all devices, as a list (CSV)`;
    }
    if (what.startsWith('All devices as a CycloneDX')) {
        return t`all devices, as a bill of materials`;
    }
    return what.startsWith('MAC addresses') ? t`MAC addresses for RADIUS` : what;
}

/** Why, as whoever decided wrote it; what the program wrote is said in the reader's language, or left out where the line below says it. */
export function whyWord(act: Act): string | null {
    if (act.event === 'request.refused' && act.why === 'not-permitted') {
        return null;
    }
    const own: Record<string, () => string> = {
        'wrong password': () => t`The password was wrong.`,
        'no such account': () => t`There is no account of that name.`,
        'wrong code': () => t`The code was wrong.`,
        'too many attempts': () => t`There were too many attempts.`,
        'wrong invitation code': () => t`The code of the invitation was wrong.`,
        'wrong recovery code': () => t`The recovery code was wrong.`,
    };
    const said = act.event === 'session.refused' && act.why !== null ? own[act.why]?.() : undefined;
    return said ?? (act.why === null ? null : `“${act.why}”`);
}

/** What it was done to, in the reader's language; null where the kind says all. */
export function objectWord(act: Act): string | null {
    if (act.object === null) {
        return null;
    }
    switch (act.event) {
        case 'account.granted':
            return act.account === null ? personRole(act.object) : t`${personRole(act.object)}, to ${act.account}`;
        case 'account.withdrawn':
            return act.account === null ? personRole(act.object) : t`${personRole(act.object)}, from ${act.account}`;
        case 'request.refused':
            return null; // the right that was wanted is said below
        case 'asset.admission':
            return admissionDid(act.object);
        case 'phi.look':
            return lookedWord(act.object);
        case 'data.exported':
            return exportWord(act.object);
        case 'certificate.issued':
        case 'certificate.rotated':
        case 'certificate.revoked':
        case 'certificate.enrolment':
            return act.object.replace('device ', `${t`device`} `).replace('the authority of the links', t`the authority of the links`).replace('link ', `${t`link`} `).replace('LIS side', t`LIS side`).replace('analyzer side', t`analyzer side`);
        case 'asset.edited':
        case 'asset.joined':
        case 'asset.distinct':
        case 'finding.taken':
        case 'finding.released':
        case 'finding.dismissed':
        case 'finding.reopened':
            return null; // a link says which
        default:
            return act.object;
    }
}
