// Words for the codes that the API speaks. An unknown code is shown as it came, never hidden.

import { plural, t } from '@lingui/core/macro';
import type { FindingState, Severity } from './api/types';
import type { Basis } from './device/types';

export function severityWord(severity: Severity | string): string {
    switch (severity) {
        case 'critical':
            return t`Critical`;
        case 'high':
            return t`High`;
        case 'medium':
            return t`Medium`;
        case 'low':
            return t`Low`;
        case 'info':
            return t`Information`;
        default:
            return severity;
    }
}

export function stateWord(state: FindingState | string): string {
    switch (state) {
        case 'open':
            return t({ message: 'Open', context: 'state of a finding' });
        case 'taken':
            return t`Taken`;
        case 'dismissed':
            return t`Dismissed`;
        default:
            return state;
    }
}

export const ROLES = ['analyzer', 'middleware', 'lis', 'workstation', 'server', 'printer', 'phone', 'camera', 'network', 'unknown'] as const;

export function roleWord(role: string): string {
    switch (role) {
        case 'analyzer':
            return t`Analyzer`;
        case 'middleware':
            return t`Middleware`;
        case 'lis':
            return t`LIS`;
        case 'workstation':
            return t`Workstation`;
        case 'server':
            return t`Server`;
        case 'printer':
            return t`Printer`;
        case 'phone':
            return t`Phone`;
        case 'camera':
            return t`Camera`;
        case 'network':
            return t`Network device`;
        case 'unknown':
            return t`Unknown`;
        default:
            return role;
    }
}

/** How sure we are of a statement. */
export function basisWord(basis: Basis | string): string {
    switch (basis) {
        case 'seen':
            return t`seen`;
        case 'inferred':
            return t`inferred`;
        case 'told':
            return t`told by a person`;
        default:
            return t`unknown`;
    }
}

/** The fields that a person may set. */
export function fieldWord(field: string): string {
    switch (field) {
        case 'name':
            return t`Name`;
        case 'owner':
            return t`Owner`;
        case 'place':
            return t`Place`;
        case 'zone':
            return t`Zone`;
        case 'criticality':
            return t`Criticality`;
        case 'role':
            return t`Type`;
        case 'maker':
            return t`Maker`;
        case 'model':
            return t`Model`;
        case 'serial':
            return t`Serial`;
        case 'software':
            return t`Software`;
        case 'os':
            return t`Operating system`;
        case 'retired':
            return t`Retired`;
        case 'ip':
            return t`IP address`;
        case 'mac':
            return t`MAC address`;
        case 'hostname':
            return t`Host name`;
        default:
            return field;
    }
}

/** A person's value as it is shown: codes get their word. */
export function fieldValue(field: string, value: string): string {
    if (field === 'role') {
        return roleWord(value);
    }
    if (field === 'criticality') {
        return severityWord(value);
    }
    if (field === 'retired') {
        return value === 'true' || value === 'yes' ? t`yes` : t`no`;
    }
    return value;
}

/** Protocols are known by their capitals: HL7, ASTM, TLS. `most` shortens a long list and says by how much. */
export function protocols(names: string[], most = names.length): string {
    const shown = names.slice(0, most).map((name) => name.toUpperCase());
    return shown.join(', ') + (names.length > most ? ` +${names.length - most}` : '');
}

/** What a kind of finding is about, in a few words. */
export function kindWord(kind: string): string {
    switch (kind) {
        case 'phi.cleartext':
            return t`Results pass in clear text`;
        case 'sender.unknown':
            return t`Unknown sender of results`;
        case 'sender.spoofed':
            return t`Sender under a false name`;
        case 'certificate.expiring':
            return t`A link's certificate ends soon`;
        case 'message.malformed':
            return t`Damaged message`;
        case 'message.hostile':
            return t`Hostile message`;
        case 'protocol.violation':
            return t`Broken protocol rules`;
        case 'network.scan':
            return t`Network scanned`;
        case 'network.arp_spoof':
            return t`Address of another taken`;
        case 'network.flood':
            return t`Flooded with connections`;
        case 'result.altered':
        case 'result.altered_in_transit':
            return t`Result changed on its way`;
        case 'result.missing':
            return t`Result missing`;
        case 'result.delayed':
            return t`Result kept back for long`;
        case 'result.extra':
            return t`Result that no analyzer sent`;
        case 'result.replayed':
            return t`Result sent again`;
        case 'result.corrected':
            return t`Result corrected`;
        case 'result.shift':
            return t`One test moves for many patients`;
        case 'result.implausible':
            return t`Value that cannot be`;
        case 'result.flag_mismatch':
            return t`Flag does not fit the value`;
        case 'result.unit_changed':
            return t`Unit changed`;
        case 'result.wrong_patient':
            return t`Same specimen, other patient`;
        case 'order.mismatch':
            return t`Result without its order`;
        case 'phi.bulk_query':
            return t`Many patients asked for at once`;
        case 'access.phi_burst':
            return t`Many looks at hidden values`;
        case 'access.standing':
            return t`Worked on from afar without an open door`;
        case 'access.door_long':
            return t`A door is open for long`;
        case 'access.door_again':
            return t`Doors to one device again and again`;
        case 'ledger.broken':
            return t`The record does not hold`;
        case 'ledger.fork':
            return t`A witness does not agree with the record`;
        case 'ledger.witness_silent':
            return t`A witness is silent`;
        case 'ledger.spool_damaged':
            return t`Part of what was seen while locked is lost`;
        case 'ledger.key_on_disk':
            return t`The key lies on the same disk`;
        case 'ledger.keys_short':
            return t`Room for patients' keys is short`;
        case 'ledger.disk_short':
            return t`Room on the disk is short`;
        case 'ledger.backup_overdue':
            return t`A backup is overdue`;
        case 'ledger.backup_broken':
            return t`A backup does not open`;
        default:
            return kind;
    }
}

/** The headline of several findings of one kind. */
export function together(kind: string, findings: number): string {
    return kind === 'phi.cleartext'
        ? plural(findings, { one: 'Lab messages pass in clear text on # link', other: 'Lab messages pass in clear text on # links' })
        : `${kindWord(kind)}: ${plural(findings, { one: '# finding', other: '# findings' })}`;
}

export function personRole(role: string): string {
    switch (role) {
        case 'local administrator':
            return t`Administrator at the machine`;
        case 'lab manager':
            return t`Lab manager`;
        case 'IT':
            return t`IT`;
        case 'auditor':
            return t`Auditor`;
        case 'technologist':
            return t`Technologist`;
        case 'privacy officer':
            return t`Privacy officer`;
        case 'phlebotomist':
            return t`Phlebotomist`;
        case 'front desk':
            return t`Front desk`;
        case 'assessor':
            return t`Assessor`;
        case "maker's engineer":
            return t`Maker’s engineer`;
        case 'emergency':
            return t`Emergency account`;
        case '':
            return t`No role`;
        default:
            return role;
    }
}

/** May a device be there? */
export function admissionWord(state: string): string {
    switch (state) {
        case 'vouched':
            return t`vouched for`;
        case 'refused':
            return t`refused`;
        case 'waiting':
            return t`nobody vouches for it yet`;
        default:
            return t`not decided`;
    }
}

/** What a person decided about a device. */
export function admissionDid(decision: string): string {
    return decision === 'vouch' ? t`vouched for` : decision === 'refuse' ? t`refused` : t`taken back`;
}

/** What a look showed, as the program says it. */
export function lookedWord(what: string): string {
    switch (what) {
        case 'clear fields':
            return t`clear fields`;
        case 'clear fields and messages':
            return t`clear fields and messages`;
        case 'packets, as a file':
            return t`packets, as a file`;
        case 'picture of a report':
            return t`picture of a report`;
        case 'text of a mail':
            return t`text of a mail`;
        case 'message, as a file':
            return t`message, as a file`;
        default:
            return what;
    }
}

export function eventWord(event: string): string {
    switch (event) {
        case 'asset.evidence':
            return t`Device evidence`;
        case 'asset.named':
            return t`Device named`;
        case 'asset.edited':
            return t`Device edited`;
        case 'asset.joined':
            return t`Devices joined`;
        case 'asset.split':
            return t`Device split`;
        case 'asset.distinct':
            return t`Devices kept apart`;
        case 'asset.imported':
            return t`Devices imported`;
        case 'asset.unimported':
            return t`List of devices taken back`;
        case 'asset.admission':
            return t`Admission of devices`;
        case 'account.edited':
            return t`Account renamed`;
        case 'account.granted':
            return t`Role given`;
        case 'account.withdrawn':
            return t`Role taken back`;
        case 'account.closed':
            return t`Account closed`;
        case 'account.reopened':
            return t`Account opened again`;
        case 'account.reset':
            return t`Password made void`;
        case 'account.password':
            return t`Password chosen`;
        case 'account.reviewed':
            return t`Access confirmed`;
        case 'access.policy':
            return t`Rules for passwords changed`;
        case 'token.created':
            return t`API token made`;
        case 'token.revoked':
            return t`API token revoked`;
        case 'account.contact':
            return t`Mail and manager told`;
        case 'training.assigned':
            return t`Training assigned`;
        case 'training.unassigned':
            return t`Training asked for no more`;
        case 'training.refresher':
            return t`Refresher asked for`;
        case 'training.course':
            return t`Text of a course kept`;
        case 'training.begun':
            return t`Training begun`;
        case 'training.answered':
            return t`Training question answered`;
        case 'training.completed':
            return t`Training completed`;
        case 'training.classroom':
            return t`Class recorded`;
        case 'training.policy':
            return t`Policy of the lab`;
        case 'training.acknowledged':
            return t`Policy acknowledged`;
        case 'training.reminded':
            return t`Reminded of training`;
        case 'training.standing':
            return t`Training counted`;
        case 'training.left':
            return t`Training ended with a role`;
        case 'phish.planned':
            return t`Phishing simulation planned`;
        case 'phish.ended':
            return t`Phishing simulation ended`;
        case 'phish.sent':
            return t`Simulated mail sent`;
        case 'phish.visited':
            return t`Link of a simulated mail followed`;
        case 'phish.reported':
            return t`Simulated mail reported`;
        case 'data.exported':
            return t`Data taken out`;
        case 'finding.mailed':
            return t`New findings told by mail`;
        case 'task.cancelled':
            return t`Long work ended before its end`;
        case 'config.changed':
            return t`Settings changed in lab.yaml`;
        case 'lab.order':
            return t`Lab order`;
        case 'result.followed':
            return t`What became of results`;
        case 'keys.rotated':
            return t`Keys replaced`;
        case 'keys.erased':
            return t`Keys of a patient destroyed`;
        case 'keys.recovery':
            return t`Recovery key made or tried out`;
        case 'link.state':
            return t`State of a link`;
        case 'link.bypassed':
            return t`Link let through unjudged, or judged again`;
        case 'link.held':
            return t`Link held, or let go on`;
        case 'link.learnt':
            return t`A link learnt what is usual`;
        case 'link.policy':
            return t`Policy of a link`;
        case 'relay.delivered':
            return t`Message delivered`;
        case 'relay.behind':
            return t`How far the relay’s records are on the ledger`;
        case 'passkey.added':
            return t`Passkey added`;
        case 'passkey.used':
            return t`Passkey used`;
        case 'passkey.renamed':
            return t`Passkey named anew`;
        case 'passkey.removed':
            return t`Passkey removed`;
        case 'passkey.stopped':
            return t`Passkey stopped: there seem to be two`;
        case 'totp.set':
            return t`App for codes set up`;
        case 'totp.used':
            return t`Code of an app used`;
        case 'totp.removed':
            return t`App for codes removed`;
        case 'recovery.asked':
            return t`Asked to let somebody in again`;
        case 'recovery.approved':
            return t`Approved to let somebody in again`;
        case 'recovery.withdrawn':
            return t`Letting somebody in again withdrawn`;
        case 'recovery.used':
            return t`Somebody was let in again`;
        case 'flow.closed':
            return t`Conversation ended`;
        case 'lab.message':
            return t`Lab message`;
        case 'lab.result':
            return t`Result`;
        case 'dicom.association':
            return t`DICOM association`;
        case 'network.attempts':
            return t`Connections in vain`;
        case 'network.claims':
            return t`Address claimed by another`;
        case 'sensor.status':
            return t`Sensor counts`;
        case 'finding':
            return t`Finding`;
        case 'finding.taken':
            return t`Finding taken`;
        case 'finding.released':
            return t`Finding given back`;
        case 'finding.dismissed':
            return t`Finding dismissed`;
        case 'finding.reopened':
            return t`Finding reopened`;
        case 'finding.ended':
            return t`Finding over`;
        case 'ledger.unlocked':
            return t`Unlocked`;
        case 'program.upgraded':
            return t`Program upgraded`;
        case 'backup.made':
            return t`Backup made`;
        case 'backup.tested':
            return t`Backup tested`;
        case 'backup.restored':
            return t`Restored from a backup`;
        case 'retention.removed':
            return t`Removed after its time`;
        case 'retention.skipped':
            return t`Observations not kept`;
        case 'run.started':
            return t`Program started`;
        case 'run.stopped':
            return t`Program stopped`;
        case 'role.restarted':
            return t`Part restarted`;
        case 'clock.stepped':
            return t`Clock changed`;
        case 'capture.started':
            return t`Capture started`;
        case 'capture.ended':
            return t`Capture ended`;
        case 'account.created':
            return t`Account created`;
        case 'session.opened':
            return t`Signed in`;
        case 'session.refused':
            return t`Sign-in refused`;
        case 'session.closed':
            return t`Signed out`;
        case 'request.refused':
            return t`Request refused`;
        case 'ledger.verified':
            return t`Ledger checked`;
        case 'store.checkpoint':
            return t`Views made durable`;
        case 'store.mended':
            return t`Views mended`;
        case 'report.filed':
            return t`Something reported`;
        case 'report.taken':
            return t`Report taken`;
        case 'report.released':
            return t`Report given back`;
        case 'report.answered':
            return t`Report answered`;
        case 'report.closed':
            return t`Report closed`;
        case 'door.asked':
            return t`Door asked for`;
        case 'door.approved':
            return t`Door approved`;
        case 'door.refused':
            return t`Door refused`;
        case 'door.withdrawn':
            return t`Door ended by a person`;
        case 'door.opened':
            return t`Door opened`;
        case 'door.closed':
            return t`Door closed`;
        case 'mail.reported':
            return t`Mail reported`;
        case 'mail.decided':
            return t`Decided about a mail`;
        case 'incident.opened':
            return t`Incident opened`;
        case 'phi.look':
            return t`Hidden values shown`;
        case 'evidence.packets':
            return t`Packets of a finding`;
        case 'certificate.enrolment':
            return t`Enrolment of a certificate`;
        case 'certificate.issued':
            return t`Certificate made`;
        case 'certificate.rotated':
            return t`Certificate replaced`;
        case 'certificate.revoked':
            return t`Certificate revoked`;
        case 'ledger.witnessed':
            return t`Ledger witnessed`;
        default:
            return event;
    }
}
