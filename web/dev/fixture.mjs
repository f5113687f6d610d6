// A made-up laboratory in memory, for working on the page without the program and for looking at states that a real lab rarely shows
// (empty, failing, slow, very long names). Development only: it is neither built nor shipped. The same start gives the same lab.

import { doorsOf } from './doors.mjs';

const MAKERS = [
    ['Sysmex', 'XN-1000', 'analyzer', 'ASTM'],
    ['Roche', 'cobas 6000', 'analyzer', 'HL7'],
    ['Beckman Coulter', 'AU680', 'analyzer', 'ASTM'],
    ['Abbott', 'Alinity ci', 'analyzer', 'HL7'],
    ['Data Innovations', 'Instrument Manager', 'middleware', 'HL7'],
    ['', 'LIS', 'lis', 'HL7'],
];
const TESTS = [
    ['718-7', 'LN', 'Hemoglobin', 'g/dL'],
    ['2823-3', 'LN', 'Potassium', 'mmol/L'],
    ['2345-7', 'LN', 'Glucose', 'mg/dL'],
    ['6690-2', 'LN', 'Leukocytes', '10*3/uL'],
    ['2160-0', 'LN', 'Creatinine', 'mg/dL'],
    ['WBC', '99LAB', null, '10*3/uL'],
];

function random(seed) {
    let x = seed >>> 0;
    return (n) => {
        x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
        return Math.floor((x / 4294967296) * n);
    };
}
const hex = (n, digits) => n.toString(16).padStart(digits, '0').slice(-digits);
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

function device(i, rnd) {
    const [maker, model, role, protocol] = i < MAKERS.length ? MAKERS[i] : i % 10 === 7 && i > 60 ? MAKERS[i % 4] : [null, null, i % 5 === 0 ? 'unknown' : ['workstation', 'server', 'printer', 'network'][i % 4], null];
    const ip = i < 200 ? `10.0.5.${10 + i}` : `10.${Math.floor(i / 50_000)}.${6 + (Math.floor(i / 200) % 240)}.${10 + (i % 200)}`;
    const hostname = maker ? null : role === 'unknown' ? null : `${role.slice(0, 2)}-${String(i).padStart(2, '0')}`;
    const title = maker ? `${maker} ${model}` : (model ?? hostname ?? ip);
    const seen = ago(rnd(240));
    return {
        id: `0190c0de-0000-7000-8000-${hex(i + 1, 12)}`,
        etag: String(100 + i),
        name: null,
        title,
        role,
        role_basis: maker !== null ? 'seen' : role === 'unknown' ? 'unknown' : 'inferred',
        maker: maker || null,
        model,
        serial: maker ? `S${1000 + i * 37}` : null,
        software: maker ? '00-22' : null,
        hostname,
        ip: i === 1 ? [ip, '10.0.6.11'] : [ip],
        mac: [`00:1b:44:${hex(i, 2)}:3a:b7`],
        os: maker ? 'Windows 10' : null,
        confidence: maker ? 95 : role === 'unknown' ? 0 : 60,
        class: maker ? 'haematology' : null,
        protocols: protocol ? [protocol] : i % 3 ? ['TLS', 'DNS'] : [],
        owner: i === 1 ? 'Chemistry' : null,
        place: null,
        criticality: i === 1 ? 'critical' : null,
        zone: `${ip.replace(/\.\d+$/, '')}.0/24`,
        behind: null,
        first_seen: ago(60 * 24 * 9),
        last_seen: seen,
        messages: protocol ? 400 + rnd(900) : 0,
        messages_per_hour: protocol ? 17 : 0,
        clock_skew_s: i === 0 ? -184 : protocol ? 1 : null,
        retired: i === 22,
        admission: maker !== null || i % 2 ? 'vouched' : 'unknown',
        findings_open: i === 0 || i === 1 ? 1 : 0,
        instruments: 0,
        why: maker !== null
            ? [
                  { text: `Calls itself '${model}^00-22^S${1000 + i * 37}' in the ASTM header record.`, source: 'astm.h', time: seen, record: 88 },
                  { text: `The maker of its network card is '${maker || 'Dell'}' as the first part of its MAC address says.`, source: 'oui', time: ago(700), record: 12 },
              ]
            : hostname
              ? [{ text: `Gives its name as '${hostname}' when it asked for an address (DHCP).`, source: 'dhcp', time: seen, record: 40 }]
              : [],
    };
}

/** What GET /devices/{id} adds to a device. */
export function detail(device, devices) {
    const peer = (d) => ({ ip: d.ip[0], name: d.title, device: d.id, app: d.protocols[0]?.toLowerCase() ?? null, packets: 4210, bytes: 3_812_331, last_seen: d.last_seen });
    const busy = device.messages > 0;
    const { edits = [], distinct = [], ...itself } = device;
    const i = devices.indexOf(device);
    const other = devices.find((d) => d.hostname === 'wo-12');
    return {
        ...itself,
        hours: Array.from({ length: 24 }, (_, h) => (busy ? Math.round(30 * Math.max(0, Math.sin(((h - 4) / 18) * Math.PI))) : 0)),
        admitted: device.admission === 'vouched' ? { by: 'ana', at: ago(60 * 24 * 8), why: 'counted on the floor', record: 77, mixed: false, new_macs: [] } : { by: null, at: null, why: null, record: null, mixed: false, new_macs: [] },
        candidates: device.model && i === 0 ? [{ maker: 'Sysmex', model: 'XN-1000', class: 'haematology', confidence: 95, reasons: ["its name 'XN-1000' is that of the model", 'speaks ASTM on port 5000'] }, { maker: 'Sysmex', model: 'XN-550', class: 'haematology', confidence: 40, reasons: ['is of the same family'] }] : [],
        evidence: device.why.map((w) => ({ time: w.time, source: w.source, fields: { model: device.model, serial: device.serial }, record: w.record })),
        peers: busy ? [...devices.slice(4, 6).map(peer), { ...peer(device), ip: '8.8.8.8', name: null, device: null, app: 'tls' }] : [],
        reports: busy ? TESTS.map(([code, , text], k) => ({ code, text, count: 400 - k * 37 })) : [],
        instruments: i === 4 ? devices.slice(0, 2).map(({ id, title }) => ({ id, title })) : [],
        duplicates: i === 0 && other && !distinct.includes(other.id) ? [{ id: other.id, title: other.title, why: 'It names the same serial number.' }] : [],
        edits,
        address_history: device.ip.map((address, k) => ({ address, from: ago(60 * 24 * (9 - k)), to: device.last_seen, now: true })).concat(i === 0 ? [{ address: '10.0.5.201', from: ago(60 * 24 * 40), to: ago(60 * 24 * 9), now: false }] : []),
    };
}

/** Who talks to whom, as GET /network tells it; like devices of a crowded lane are folded, unless their group is open. */
export function network({ devices, findings, odd }, { zone, open, at }) {
    const LANES = ['analyzer', 'middleware', 'lis'];
    const zoneOf = (d) => d.zone;
    const worst = new Map(findings.filter((f) => f.state === 'open' && f.severity !== 'info').map((f) => [f.device, f.severity]));
    const all = devices.filter((d) => !zone || zoneOf(d) === zone);
    const laneOf = (d) => (LANES.includes(d.role) ? d.role : 'other');
    const crowd = Map.groupBy(all, laneOf);
    const [middleware, lis, router] = [devices.find((d) => d.role === 'middleware'), devices.find((d) => d.role === 'lis'), devices.find((d) => d.role === 'server')];
    const strange = odd ? devices.find((d) => d.role === 'workstation') : undefined;
    const links = [];
    const link = (a, b, apps, encrypted, lab, more = {}) =>
        a && b && a !== b && links.push({ a: a.id, b: b.id, apps, encrypted, lab, new: false, odd: null, links: 1, packets: 4210, bytes: 381_233, messages: lab ? 412 : 0, first_seen: ago(12_000), last_seen: ago(2), ...more });
    all.forEach((d, i) => {
        const lab = d.protocols[0] === 'HL7' || d.protocols[0] === 'ASTM';
        if (d.role === 'analyzer') {
            link(d, i % 3 === 2 ? lis : middleware, [d.protocols[0].toLowerCase()], 'no', lab);
        } else if (d.role === 'middleware') {
            link(d, lis, ['tls'], 'yes', true);
        } else if (d.role !== 'unknown') {
            link(d, i % 2 ? lis : router, i % 2 ? ['http'] : ['dns', 'smb'], i % 2 ? 'no' : 'unknown', false);
        }
    });
    const far = { id: '203.0.113.9', kind: 'outside', title: '203.0.113.9', role: 'outside' };
    if (odd && devices.length > 0) {
        link(devices[0], far, ['tls'], 'yes', false, { odd: 'outside', new: true, first_seen: ago(50) });
        link(devices[1], strange, ['vnc'], 'unknown', false, { odd: 'peer' });
    }
    const rank = (d) => worst.get(d.id) !== undefined || links.some((l) => l.odd && (l.a === d.id || l.b === d.id)) || d.id === at;
    const nodes = [];
    const shown = new Map();
    const key = (d) => [laneOf(d) === 'other' ? 3 : LANES.indexOf(d.role), zoneOf(d), d.role, d.title].join('\t');
    // In a lane of very many zones, like devices fold whatever the zone.
    const zones = new Map([...crowd].map(([lane, own]) => [lane, new Set(own.map((d) => `${d.role} ${zoneOf(d)}`)).size]));
    const foldZone = (d) => (zones.get(laneOf(d)) > 24 ? '' : zoneOf(d));
    for (const group of Map.groupBy([...all].sort((a, b) => (key(a) < key(b) ? -1 : 1)), (d) => `${laneOf(d)} ${foldZone(d)} ${d.role}`).values()) {
        const number = hex([...`${group[0].role}${foldZone(group[0])}`].reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) >>> 0, 7), 8);
        const few = group.length === 1 || crowd.get(laneOf(group[0])).length <= (laneOf(group[0]) === 'other' ? 14 : 24);
        const opened = open.split(',').includes(number);
        let together = null;
        for (const d of group) {
            const alone = few || opened || rank(d);
            if (!alone && together) {
                together.members++;
                shown.set(d.id, number);
                continue;
            }
            const node = {
                id: alone ? d.id : number, kind: alone ? 'device' : 'group', lane: laneOf(d), title: alone ? d.title : '', role: d.role, role_basis: d.role_basis, zone: alone ? zoneOf(d) : foldZone(d) || null, address: d.ip[0] ?? null,
                group: alone && !opened ? null : number, members: 1, findings: worst.has(d.id) ? 1 : 0, severity: worst.get(d.id) ?? null, new: false,
                odd: alone ? (links.find((l) => l.odd && (l.a === d.id || l.b === d.id))?.odd ?? null) : null, first_seen: d.first_seen, last_seen: d.last_seen,
            };
            shown.set(d.id, node.id);
            nodes.push(node);
            together = alone ? together : node;
        }
    }
    if (links.some((l) => l.b === far.id)) {
        shown.set(far.id, far.id);
        nodes.push({ ...far, lane: 'other', role_basis: null, zone: null, address: far.title, group: null, members: 1, findings: 0, severity: null, new: false, odd: 'outside', first_seen: ago(50), last_seen: ago(2) });
    }
    const edges = new Map();
    for (const l of links) {
        const [a, b] = [shown.get(l.a), shown.get(l.b)];
        if (a === undefined || b === undefined || a === b) {
            continue;
        }
        const had = edges.get(`${a} ${b}`);
        edges.set(`${a} ${b}`, had ? { ...had, links: had.links + 1, apps: [...new Set([...had.apps, ...l.apps])], messages: had.messages + l.messages, bytes: had.bytes + l.bytes } : { ...l, a, b });
    }
    const end = (d) => ({ id: d.id, kind: d.kind ?? 'device', title: d.title, role: d.role });
    const odds = odd && devices.length > 0
        ? [
              { kind: 'outside', a: end(devices[0]), b: end(far), apps: ['tls'], share: 1, of: 4, first_seen: ago(50), last_seen: ago(2) },
              { kind: 'peer', a: end(devices[1]), b: end(strange), apps: ['vnc'], share: 1, of: 4, first_seen: ago(5000), last_seen: ago(40) },
              { kind: 'searching', a: end(strange), b: null, apps: [], share: 212, of: 0, first_seen: ago(900), last_seen: ago(9) },
              { kind: 'new-device', a: end(devices.at(-1)), b: null, apps: [], share: 0, of: 0, first_seen: ago(300), last_seen: ago(1) },
              { kind: 'new-link', a: end(devices[2]), b: end(lis), apps: ['hl7'], share: 0, of: 0, first_seen: ago(200), last_seen: ago(1) },
          ]
        : [];
    return {
        from: ago(60 * 24 * 9), until: ago(0), since: ago(60 * 24 * 7), judged: true, cut: false, nodes, edges: [...edges.values()], odd: odds,
        zones: [...Map.groupBy(devices, zoneOf)].map(([name, own]) => ({ name, told: false, devices: own.length })),
        counts: { zones: new Set(devices.map(zoneOf)).size, devices: all.length, outside: odd ? 1 : 0, silent: 0, links: links.length, links_lab: links.filter((l) => l.lab).length, links_lab_clear: links.filter((l) => l.lab && l.encrypted === 'no').length, links_new: odd ? 1 : 0, odd: odds.length },
    };
}

const SENSOR = { capture: 'eth1', state: 'reading', packets: 1_204_331, bytes: 812_331_004, flows: 48_210, dropped: 0, dropped_flows: 0, dropped_lab: 0, shed_bulk: 0, shed_other: 0, dropped_first: null, dropped_last: null, damaged: 0, failures: 0, failed_at: null, back_at: null, why: null };

/** What GET /sensor tells: all well, packets lost, packets passed over, an interface that went, none at all. */
export function sensors(how) {
    const one = { ...SENSOR, first_time: ago(60 * 24), last_time: ago(0) };
    switch (how) {
        case 'lost':
            return [{ ...one, dropped: 4650, dropped_flows: 4212, dropped_lab: 21, dropped_first: ago(64), dropped_last: ago(2) }];
        case 'minor':
            return [{ ...one, dropped: 4212, dropped_flows: 4212, dropped_first: ago(64), dropped_last: ago(2) }];
        case 'shed':
            return [{ ...one, shed_bulk: 90_417, shed_other: 312 }];
        case 'gone':
            return [{ ...one, capture: 'eth2', state: 'failed', failed_at: ago(31), failures: 1, why: 'there is no interface eth2' }, { ...one, failures: 2, failed_at: ago(400), back_at: ago(390) }];
        case 'none':
            return [];
        default:
            return [one];
    }
}

/** Witnesses, keys, backups and disk, as a lab's state `ledger` has them: '' all well; never, broken, refused, silent, alone (nobody vouches), full, locked. */
export function ledgerPanels(state, witnessKey) {
    const how = state.ledger;
    const name = state.long ? 'the-very-long-name-of-the-witness-at-saint-bartholomew-regional' : 'neighbour';
    const witness = { name, key: witnessKey, url: `https://${state.long ? 'a-very-long-host-name.laboratory.regional.hospital' : 'witness'}.example:8444`, last_size: state.next, last_at: ago(5), state: 'agrees', why: null, asking: false };
    const told = {
        refused: { state: 'refused', last_at: ago(4000), last_size: 900, why: 'what is recorded does not go on from what it cosigned: the ledger was rewritten, or the proof is wrong' },
        silent: { state: 'silent', last_at: ago(3000), last_size: 800, why: 'nobody answers at its address' },
    }[state.witness];
    const place = state.long ? '/srv/backups/of-the-laboratory/of-the-regional-hospital-of-saint-bartholomew/on-the-second-floor' : '/srv/backups';
    return {
        witnesses: { items: how === 'alone' ? [] : [{ ...witness, ...told }, { ...witness, name: 'by-hand.example/w', key: `${witnessKey}x`, url: null, state: 'behind', last_at: ago(60 * 24 * 12), last_size: 400 }].slice(0, how === '' ? 1 : 2) },
        keys: {
            source: 'file', protects: ['a backup that somebody takes without this disk'], made: ago(60 * 24 * 9), epoch: 3, rotated_at: ago(60 * 24 * 2), recovery: how === '' ? { made: ago(60 * 24 * 9), tested: ago(60 * 24 * 8) } : { made: null, tested: null },
            period_keys: 4211, erased: how === 'broken' ? 0 : 12, last_erasure: how === 'broken' ? null : ago(60 * 24), at_risk: 'somebody who takes this box, or its disk: the key lies on it',
        },
        backups: how === 'never'
            ? { items: [], last: null, tested: null, due: 'There has never been a backup.', doing: null, failed: null }
            : {
                  items: Array.from({ length: 5 }, (_, i) => ({ id: `b-${5 - i}`, at: ago(60 * 24 * i + 90), bytes: 812_331_004 - i * 9_000_000, records: state.next - i * 40, where: place, tested_at: i === 1 ? null : ago(60 * 24 * i + 60), holds: i === 1 ? null : i !== 2, why: i === 2 ? 'segment 4 of it does not open' : null })),
                  last: ago(90), tested: ago(60), due: how === 'full' ? 'The last backup is older than it should be.' : null, doing: state.doing ? 'b-6' : null, failed: how === 'full' ? { id: 'b-6', why: 'there is no room in /srv/backups' } : null,
              },
        disk: {
            total: 500e9, free: how === 'full' ? 4e9 : 212e9,
            used: [['observations', 201e9], ['custody', 40e9], ['backups', 22e9], ['store', 6e9], ['journal', 33.5e6], ['spool', 0], ['other', 18e9]].map(([what, bytes]) => ({ what, bytes })),
            per_day: how === 'never' ? null : 1.2e9, full_at: how === 'never' ? null : ago(-60 * 24 * (how === 'full' ? 3 : 176)), state: how === 'full' ? 'very-short' : 'ok', not_kept: how === 'full' ? 812 : 0,
            goes_first: ['flows and other observations, the oldest day first', 'backups that are older than the newest good one', 'evidence of dismissed findings', 'messages and results are never removed for want of room'],
            retention: [{ kind: 'observations', days: 90, removed_until: how === 'full' ? ago(60 * 24 * 4) : null }, { kind: 'evidence', days: 365, removed_until: how === 'full' ? ago(60 * 24 * 365) : null }, { kind: 'custody', days: null, removed_until: null }],
        },
    };
}

/** Certificates of links: '' all well; none, soon (one ends in three days, one has ended). */
export function certificatesOf(how, long) {
    const at = (days) => new Date(Date.now() + days * 86_400_000 + 3_600_000).toISOString();
    const act = (days, by, why, record) => ({ at: at(days), by, why, record });
    const one = (n, link, side, names, rest) => ({ serial: `5${String(n).repeat(7)}d2f04b7c9e1a8f3355aa0c`, name: names, for: `link ${link}, ${side === 'lis' ? 'LIS' : 'analyzer'} side`, link, side, holder: 'peer', issuer: 'own', names, not_before: at(-90), not_after: at(275), days_left: 275, fingerprint: 'ab12'.repeat(16), renew_at: null, state: 'in-force', replaces: null, made: act(-90, 'ana', null, 100 + n), revoked: null, ...rest });
    const host = long ? 'interface-engine.laboratory.regional-hospital-of-saint-bartholomew.example' : 'lis.example';
    const ours = { holder: 'ours', name: 'Tourniquet', names: 'relay.example,10.0.5.1', renew_at: at(153), made: act(-90, null, 'the link had none', 90) };
    const authority = { subject: 'CN=Main Street link authority,O=Tourniquet', serial: '75cfc17a1fc439ce0c9c0de06132d561', not_before: at(-90), not_after: at(3560), days_left: 3560, fingerprint: '81'.repeat(32) };
    return how === 'none'
        ? { authority: null, items: [], enrolments: [] }
        : {
              authority,
              items: [
                  one(1, 'chemistry', 'lis', `${host},10.0.5.9`, how === 'soon' ? { not_after: at(3), days_left: 3, state: 'expiring' } : {}),
                  one(2, 'chemistry', 'lis', '', ours),
                  one(3, 'haematology', 'lis', '', { issuer: 'outside', name: 'CN=hl7.hospital.example,O=Hospital', names: '', made: null, ...(how === 'soon' ? { not_after: at(-2), days_left: 0, state: 'expired' } : {}) }),
                  one(4, 'chemistry', 'lis', 'lis-old.example', { state: 'revoked', revoked: act(-12, 'tom', 'The key was on a laptop that was stolen.', 311) }),
                  one(5, 'chemistry', 'lis', '', { ...ours, state: 'replaced' }),
              ],
              enrolments: [{ id: '9c2f54edced779e2', for: 'link blood-gas, analyzer side', link: 'blood-gas', side: 'analyzer', names: '10.0.7.20', days: 365, until: at(6) }],
          };
}

const FINDINGS = [
    ['message.hostile', 'critical', 'A message from 10.0.5.77 tries to attack 10.0.5.15 (SQL injection in NTE-3 (byte 436)).', 'Take 10.0.5.77 off the network now and leave it switched on for examination. Tell whoever runs 10.0.5.15 to look at its logs for this moment, and trust no result that 10.0.5.77 sent until somebody has checked the device.', 'T1190', 1],
    ['sender.unknown', 'high', 'A sender never seen before, CHEM9 at 10.0.5.77, sends to 10.0.5.15.', 'Find out who connected the device with address 10.0.5.77. If nobody in the lab did, take it off the network now and check every result that it sent to 10.0.5.15.', 'T0848', 3],
    ['phi.cleartext', 'medium', 'Results from Sysmex XN-1000 to 10.0.5.15 pass in clear text.', 'Everyone on this network can read these results and change them on the way. Switch on TLS at both ends if the devices can do it; if not, put both into a network segment of their own and place a TLS relay in front of them.', 'T1040', 812],
    ['phi.cleartext', 'medium', 'Results from Roche cobas 6000 to 10.0.5.15 pass in clear text.', 'Everyone on this network can read these results and change them on the way. Switch on TLS at both ends if the devices can do it; if not, put both into a network segment of their own and place a TLS relay in front of them.', 'T1040', 391],
    ['message.malformed', 'low', 'A message from Abbott Alinity ci to 10.0.5.15 is damaged, and its results may not have arrived (segment 3 (byte 103): does not begin with a segment name).', 'Look up in the LIS whether the results of this moment are there and complete, and send them again from the device if not. If it goes on, have the network cable, the interface settings and the device\'s software version checked.', null, 2],
    ['result.corrected', 'info', 'A result was corrected: potassium, by Roche cobas 6000.', 'Nothing to do: the analyzer marked it as a correction.', null, 1],
];

const LOOKS = [
    { person: 'ana', display_name: 'Ana Ruiz', what: 'clear fields and messages', reason: 'The physician doubts the potassium of the emergency room.', subject: { index: 311, event: 'finding', patient: 'P-7f3a2b7c9d1e4f60' } },
    { person: 'tom', display_name: 'Tom Berger', what: 'packets, as a file', reason: 'Evidence for the maker, asked for in writing.', subject: { index: 312, event: 'evidence.packets', patient: null } },
    { person: 'tom', display_name: 'Tom Berger', what: 'clear fields', reason: 'A second determination was asked for.', subject: { index: 208, event: 'lab.result', patient: 'P-0a1b2c3d4e5f6071' } },
];

/* Most arrive as they were sent; of the others there are some of every kind. */
const FATES = {
    5: ['changed', 'changed', 'value', 'It arrived with another value than the one that was sent.'],
    17: ['changed', 'altered', 'flag', 'It came a second time with another flag, and not as a proper correction.'],
    29: ['missing', 'missing', null, 'It was not passed on, or not accepted, and should have been.'],
    41: ['extra', 'extra', null, 'No analyzer was seen sending it.'],
    53: ['replayed', 'replayed', null, 'Its message had been sent and accepted before.'],
    65: ['corrected', 'corrected', 'value', 'It properly corrects a result that was sent before.'],
    77: ['unclear', 'unclear', null, 'It was seen at both ends, but its two forms cannot be compared.'],
    89: ['one-sided', 'once', null, 'It was seen at one place only, so it cannot be compared.'],
    101: ['one-sided', 'control', null, 'A quality control: it need not go on.'],
    113: ['pending', 'awaited', null, 'It was sent, and is expected at the next place.'],
};
const verdictOf = (n, record) => {
    const [state, why, changed, text] = FATES[n % 1200] ?? ['as-sent', 'same', null, 'It arrived as it was sent.'];
    const on = ['as-sent', 'changed', 'unclear'].includes(state) && why !== 'altered';
    return { state, why, changed, text, received: record, forwarded: on ? record + 1 : null, finding: state === 'changed' ? hex(0xabc001, 32) : null };
};

/* Links as GET /links tells them: one that delivers, one whose LIS is silent, one that is bypassed. */
const side = (address, more = {}) => ({ address, peer: null, device: null, connected: true, connections: 1, why: null, tls: { on: false, version: null, peer: null, expires_at: null }, ...more });
const tls = (days, peer) => ({ on: true, version: 'TLS 1.3', peer, expires_at: ahead(days) });
const ahead = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
export function linksOf(long) {
    const link = (name, more) => ({
        name,
        protocol: 'mllp',
        mode: 'end-to-end',
        state: 'up',
        why: null,
        bypass: false,
        hold: false,
        doubt: false,
        go_on_asked_by: null,
        go_on_until: null,
        decided_by: null,
        decided_why: null,
        decided_at: null,
        analyzer: side('10.0.5.1:5000', { peer: '10.0.5.7' }),
        lis: side('lis.lab.example:2575', { tls: tls(212, 'lis.lab.example') }),
        rate_per_min: 14,
        delay_ms: { p50: 1.8, p99: 16.4, limit: 1000 },
        queue: { messages: 0, bytes: 0, max: 10000, oldest_at: null },
        last: Array.from({ length: 5 }, (_, i) => ({ at: ago(0.2 + i), type: 'ORU^R01', control_id: `M${100 - i}`, results: 3 + i, answer: i === 2 ? 'AE' : 'AA', policy: null, record: 9000 - i })),
        undelivered: [],
        policy: { unknown: 'flag', learning_since: null, learning_until: null, learnt: null, proposed: null, proposed_at: null, approved: { types: ['ORU^R01'], hidden: 0, look_at: null }, approved_by: 'Ana Ruiz', approved_at: ago(9000) },
        counters: { received: 1204, forwarded: 1204, refused: 0, flagged: 2, late: 0, spooled: 3, resent: 1 },
        ...more,
    });
    return [
        link('chemistry', {}),
        link(long ? 'haematology-of-the-regional-hospital-by-the-window' : 'haematology', {
            protocol: 'astm',
            mode: 'store-and-forward',
            state: 'down',
            why: 'the LIS accepts connections and does not answer',
            lis: side('lis.lab.example:2576', { connected: false, connections: 0, tls: tls(3, 'lis.lab.example') }),
            queue: { messages: 8412, bytes: 4_100_000, max: 10000, oldest_at: ago(9) },
            delay_ms: { p50: 5.2, p99: 2400, limit: 1000 },
            undelivered: Array.from({ length: 2 }, (_, i) => ({ at: ago(40 + 9 * i), refused_at: ago(38 + 9 * i), type: 'ASTM.RESULT', control_id: i ? null : 'T-7F3A9C2E4D6B8A10', results: 4 + i, record: 8800 - i })),
        }),
        link('blood gas', {
            state: 'bypassed',
            bypass: true,
            decided_by: 'Luis Ortega',
            decided_why: 'the keeper is being replaced',
            decided_at: ago(12),
            lis: side('10.0.5.50:2575'),
            policy: { unknown: 'pass', learning_since: ago(90000), learning_until: null, learnt: null, proposed: { types: ['ORU^R01', 'ACK'], senders: ['ABL90', 'T-7F3A9C2E4D6B8A10'], tests: ['pH', 'pO2', 'K'], size: 4096, rate: 60, hidden: 1, look_at: 88120 }, proposed_at: ago(60), approved: null, approved_by: null, approved_at: null },
        }),
    ];
}

export function lab({ devices = 41, results = 1204, findings = FINDINGS.length, long = false, odd = false, sensor = '', looks = 3, links = false, doors = 'none', hostile = false, seconds = 300, ledger = '', pki = '', courses = true } = {}) {
    const rnd = random(7);
    const state = { odd, doors: doorsOf(doors), pki, courses, sensor, hostile, seconds, links: links ? linksOf(long) : [], looks: LOOKS.slice(0, looks).map((l, i) => ({ ...l, record: 900 - i, time: ago(9 + 200 * i) })), ledger, witness: ledger, doing: false, long, devices: [], results: [], findings: [], records: [], verified: ledger === 'never' ? null : { at: ago(2), holds: ledger !== 'broken', records: 0, first_bad: ledger === 'broken' ? 812 : null, why: ledger === 'broken' ? 'the sealed bytes of record 812 are not those that were recorded' : null }, verifying: false, next: 0, since: ago(60 * 24 * 9) };
    for (let i = 0; i < devices; i++) {
        state.devices.push(device(i, rnd));
    }
    if (long && devices > 0) {
        state.devices[0].title = 'Laboratory-of-the-Regional-Hospital-of-Saint-Bartholomew haematology analyzer number two by the window (loaned)';
        state.devices[0].hostname = 'averyveryverylonghostnamethatneverendsanddoesnotbreak.laboratory.regional.hospital.example';
    }
    const record = (event, summary, stream = 'custody', minutes = 0) => {
        state.records.unshift({ index: state.next, stream, time: ago(minutes), event, summary });
        return state.next++;
    };
    record('run.started', 'Tourniquet 0.1.0 started', 'custody', 200);
    record('account.created', 'Account ana, role administrator, by set-up code', 'custody', 190);
    const addResult = (minutes) => {
        const from = state.devices[rnd(4)] ?? null;
        const [code, system, text, units] = TESTS[rnd(TESTS.length)];
        const index = record('lab.result', `${text ?? code} from ${from?.title ?? 'unknown'}`, 'custody', minutes);
        state.results.unshift({
            record: index,
            position: 0,
            time: ago(minutes),
            recorded: ago(minutes),
            sender: from?.model ?? 'CHEM9',
            sender_device: from?.id ?? null,
            receiver: 'LIS',
            test: { code, system, text },
            patient: `P-${hex(rnd(65536), 4)}${hex(rnd(65536), 4)}`,
            specimen: `S-${hex(rnd(65536), 4)}${hex(rnd(65536), 4)}`,
            units,
            flags: rnd(5) === 0 ? ['H'] : rnd(17) === 0 ? ['LL'] : [],
            status: 'F',
            observed_at: ago(minutes + 4),
            receiver_device: state.devices[4]?.id ?? null,
            sender_title: from?.title ?? null,
            receiver_title: state.devices[4]?.title ?? null,
            message: { id: `${index}.a.1`, protocol: 'hl7', type: 'ORU^R01', control_id: String(index), record: index, link: null, leg: null },
            verdict: verdictOf(state.results.length, index),
        });
    };
    for (let i = results; i > 0; i--) {
        addResult(i * 0.7 + 3);
    }
    FINDINGS.slice(0, findings).forEach(([kind, severity, title, advice, technique, count], i) => {
        const index = record('finding', title, 'custody', 40 - i * 3);
        state.findings.push({
            id: hex(0xabc000 + i, 32),
            etag: String(index),
            kind,
            severity,
            title: long && i === 0 ? `${title} ${'It goes on and on and on. '.repeat(6)}` : title,
            advice,
            technique,
            state: 'open',
            taken_by: null,
            first_time: ago(600 - i),
            last_time: ago(9 + i * 4),
            count,
            device: state.devices[[7, null, 0, 1, 3, 1][i] ?? -1]?.id ?? null,
            device_title: state.devices[[7, null, 0, 1, 3, 1][i] ?? -1]?.title ?? null,
            flows: [{ id: '1:wCb3OG7yAFWelaUydu0D+125CLM=', proto: 'tcp', src: '10.0.5.77', sport: 51234, dst: '10.0.5.15', dport: 2575 }],
            messages: [`${index}.a.1`, `${index}.a.2`],
            records: Array.from({ length: Math.min(count, 20) }, (_, k) => index - k).filter((n) => n >= 0),
            history: [{ time: ago(40), event: 'finding', person: null, why: null, record: index }],
            evidence: { flows: [], messages: [], records: [], packets: i < 2 ? [{ record: index + 1, time: ago(40), packets: 546, bytes: 295_696, removed_at: i === 1 ? ago(5) : null }] : [], packets_removed_at: i === 1 || i === 2 ? ago(5) : null },
        });
    });
    if (state.verified) {
        state.verified.records = state.next;
    }
    const summary = () => {
        const of = Object.fromEntries(['changed', 'missing', 'extra', 'replayed', 'corrected', 'unclear', 'as_sent', 'one_sided', 'pending'].map((k) => [k, state.results.filter((r) => r.verdict.state === k.replace('_', '-')).length]));
        return { total: state.results.length, ...of, since: state.results.at(-1)?.time ?? null };
    };
    return {
        state,
        summary,
        record,
        addResult,
        addFinding() {
            const n = state.findings.length;
            const index = record('finding', 'A sender never seen before');
            state.findings.unshift({
                ...state.findings[0],
                id: hex(0xdef000 + n, 32),
                etag: String(index),
                kind: 'sender.unknown',
                severity: 'high',
                title: `A sender never seen before, at 10.0.5.${90 + n}, sends to 10.0.5.15.`,
                advice: `Find out who connected the device with address 10.0.5.${90 + n}. If nobody in the lab did, take it off the network now and check every result that it sent to 10.0.5.15.`,
                state: 'open',
                taken_by: null,
                count: 1,
                first_time: ago(0),
                last_time: ago(0),
                history: [{ time: ago(0), event: 'finding', person: null, why: null, record: index }],
            });
        },
    };
}
