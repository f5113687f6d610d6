// Serves web/dist with a made-up lab behind the API of docs/api.md, for work on the page. Development only; the program itself serves the page
// with the real API. Loopback only.
//
//   scripts/node node web/dev/server.mjs [PORT]     name "ana", password "a long enough phrase", set-up code ABCDE-12345
//
// POST /dev {"lab":{"devices":0,"odd":true,"sensor":"lost",…}} makes another lab, {"mode":"ok|slow|error"} another mood, {"results":3} new results, {"finding":true} a new finding,
// {"setup":true} a first start, {"lock":{"records":1204,…}} a ledger that waits for its passphrase ("eleven purple centrifuges"), {"lock":null} an open one.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { answer as doorsAnswer } from './doors.mjs';
import { detail, lab, ledgerPanels, network, sensors, certificatesOf } from './fixture.mjs';
import { endsSoon, makePeople, peopleAnswer } from './people.mjs';
import { mailAnswer, makeMails } from './mail.mjs';
import { makeReports, reportsAnswer } from './reports.mjs';
import { personOf } from './roles.mjs';
import { makePhishing, phishingAnswer } from './phishing.mjs';
import { askedCourse, makeTraining, trainingAnswer } from './training.mjs';
import { inSpanish } from './spoken.mjs';
import { makeTree, noteKey } from './tree.mjs';

const DIST = new URL('../dist/', import.meta.url).pathname;
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.txt': 'text/plain' };
const PASSWORD = 'a long enough phrase';
// Courses are the program's own, as it reads them.
const PROGRAM = process.env.TOURNIQUET ?? new URL('../../build/tourniquet', import.meta.url).pathname;
const PICTURES = new URL('../../courses/pictures/', import.meta.url).pathname;
const courses = new Map();
function course(...asked) {
    const name = asked.join(' ');
    if (!courses.has(name)) {
        courses.set(name, execFileSync(PROGRAM, ['course', ...asked]).toString().trim().split('\n').map((line) => JSON.parse(line)));
    }
    return courses.get(name);
}
const ORDER = ['critical', 'high', 'medium', 'low', 'info'];
const MINOR = ['medium', 'low'];
const SEVERITIES = { '': ORDER.slice(0, 4), all: ORDER, minor: MINOR };

let world = lab();
let mode = 'ok';
let needed = false;
let lockAfter = 3600;
let lock = null;
let person = personOf('ana', 'Ana Ruiz', ['lab manager']);
const OPEN = { locked: false, stage: 'open', since: null, records: 0, bytes: 0, max_bytes: 0, lost: 0, nearly_full: false, keeping: true, csrf: '' };
const sessions = new Map();
let people = makePeople();
let withheld = false; // more than a password is wanted of whoever is signed in
const makeTold = (named = true) => ({ addresses: named ? ['it@lab.example', 'oncall@lab.example'] : [], from: 'high', last: named ? { time: new Date(Date.now() - 780_000).toISOString(), record: 76, findings: 2, addresses: 2, why: null } : null, tested: null });
let told = makeTold();
let reports = makeReports();
let mails = makeMails();
let training = makeTraining();
let phishing = makePhishing();
const streams = new Set();

const problem = (status, code, detail) => ({ status, body: { type: 'about:blank', title: code, status, detail, code } });
const tell = (topic, id = '', etag = '') => streams.forEach((s) => s.write(`data: ${JSON.stringify({ topic, id, etag })}\n\n`));

function page(items, query) {
    const limit = Math.min(200, Number(query.get('limit') ?? 100));
    const from = Number(query.get('cursor') ?? 0);
    const part = items.slice(from, from + limit);
    return { status: 200, body: { items: part, next: from + limit < items.length ? String(from + limit) : null, total: items.length } };
}

function today() {
    const { devices, results, findings, verified, next } = world.state;
    const open = worst(findings.filter((f) => f.state === 'open' && f.severity !== 'info'));
    const needs = Map.groupBy(open, (f) => (MINOR.includes(f.severity) ? f.kind : f.id));
    return {
        sentence: '',
        checked_at: new Date().toISOString(),
        needs: [...needs.values()].slice(0, 10).map((all) => ({ ...all[0], same: all.length - 1, same_last: all.map((f) => f.last_time).sort().at(-1) })),
        counts: {
            needs: needs.size,
            findings_open: open.length,
            findings_critical: open.filter((f) => f.severity === 'critical').length,
            devices: devices.length,
            devices_waiting: devices.filter((d) => d.admission === 'waiting').length,
            devices_refused: 0,
            devices_unknown: devices.filter((d) => d.role === 'unknown').length,
            results: results.length,
            messages: Math.ceil(results.length / 3),
            malformed: findings.length > 4 ? 2 : 0,
            messages_clear: Math.ceil(results.length / 3),
            not_kept: 0,
            reports_waiting: person.permissions.includes('report.handle') ? reports.filter((r) => r.state === 'received').length : null,
            mail_waiting: person.permissions.includes('mail.decide') ? mails.filter((m) => m.state === 'waiting').length : null,
            reviews_due: person.permissions.includes('people.manage') ? people.people.filter((p) => p.review_due && p.name !== person.name).length : null,
            access_ending: person.permissions.includes('people.manage') ? people.people.filter(endsSoon).length : null,
        },
        custody: custodyOf(world.summary()),
        capture: { state: 'reading', last_time: new Date().toISOString(), packets: 48210 },
        ledger: { records: next, size: next, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', holds: verified?.holds ?? null, verified_at: verified?.at ?? null },
    };
}
const custodyOf = (s) => {
    const wrong = s.changed + s.missing + s.extra + s.replayed;
    return { total: s.total, compared: wrong + s.as_sent + s.corrected, wrong };
};
/* From the analyzer over the middleware to the LIS, as far as it was seen. */
const wayOf = (r) => {
    const then = (ms) => new Date(Date.parse(r.time) + ms).toISOString();
    const middleware = { ...r, record: r.record + 1, time: then(900), sender: 'DATAMGR', sender_device: world.state.devices[4]?.id ?? null, receiver: 'LIS', receiver_device: null, test: { ...r.test, text: r.test.text ?? 'Haemoglobin' }, message: { ...r.message, protocol: 'hl7', type: 'OUL^R22', link: 'chemistry', leg: 'forwarded' } };
    const first = { ...r, receiver: 'DATAMGR', message: { ...r.message, protocol: 'astm', type: 'ASTM.RESULT' }, step: null };
    return r.verdict.forwarded === null ? [{ ...r, step: null }] : [first, { ...middleware, step: { verdict: r.verdict.why, changed: r.verdict.changed } }];
};
const worst = (list) => [...list].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || b.last_time.localeCompare(a.last_time));

function devicesOf(query) {
    const q = (query.get('q') ?? '').toLowerCase();
    const role = query.get('role');
    const [zone, criticality] = [query.get('zone'), query.get('criticality')];
    const found = world.state.devices.filter((d) => (!role || d.role === role) && (!zone || d.zone === zone) && (!criticality || d.criticality === criticality) && JSON.stringify([d.title, d.ip, d.mac, d.serial, d.maker, d.hostname]).toLowerCase().includes(q));
    const sort = query.get('sort') ?? '';
    const key = { title: 'title', first_seen: 'first_seen', last_seen: 'last_seen' }[sort] ?? 'title';
    if (sort === 'unknown') {
        found.sort((a, b) => (b.role === 'unknown') - (a.role === 'unknown') || (a.title < b.title ? -1 : 1));
    } else {
        found.sort((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0) * (key === 'title' ? 1 : -1));
    }
    return found;
}

/** As the program does: what the role may see, six of a kind. */
function search(q, clear) {
    const may = (p) => person.permissions.includes(p);
    const items = [];
    const add = (list, of) => list.slice(0, 6).forEach((x) => items.push({ note: null, state: null, time: null, ...of(x) }));
    if (q.length >= 2) {
        if (may('device.read')) {
            add(devicesOf(new URLSearchParams({ q })), (d) => ({ kind: 'device', id: d.id, title: d.title, note: d.ip[0], state: d.role }));
        }
        if (may('finding.read')) {
            add(world.state.findings.filter((f) => f.title.toLowerCase().includes(q)), (f) => ({ kind: 'finding', id: f.id, title: f.title, note: f.severity, state: f.state }));
        }
        if (may('result.read') && (clear || q.startsWith('s-'))) {
            add(world.state.results.filter((r) => clear || r.specimen?.toLowerCase().startsWith(q)).slice(0, 2), (r) => ({ kind: 'result', id: String(r.record), title: r.test.text ?? r.test.code, note: r.specimen, state: r.sender, time: r.time }));
        }
        add(reports.filter((r) => r.text.toLowerCase().includes(q) && (may('report.handle') || r.person === person.name)), (r) => ({ kind: 'report', id: r.id, title: r.text, note: r.kind, state: r.state }));
        if (may('ledger.read') && /^\d+$/.test(q)) {
            add(world.state.records.filter((r) => r.index === Number(q)), (r) => ({ kind: 'record', id: String(r.index), title: r.summary, note: r.event, time: r.time }));
        }
        add(course('list').filter((c) => c.title.toLowerCase().includes(q)), (c) => ({ kind: 'course', id: c.id, title: c.title }));
    }
    return { status: 200, body: { items } };
}

function decide(finding, act, body) {
    const steps = { take: ['taken', 'finding.taken'], release: ['open', 'finding.released'], dismiss: ['dismissed', 'finding.dismissed'], reopen: ['open', 'finding.reopened'] };
    const [state, event] = steps[act];
    const index = world.record(event, `${finding.title} by ${person.name}`);
    finding.state = state;
    finding.taken_by = state === 'taken' ? person.display_name : null;
    finding.etag = String(index);
    finding.history.push({ time: new Date().toISOString(), event, person: person.display_name, why: body.why ?? null, record: index });
    tell('findings', finding.id, finding.etag);
    tell('ledger');
    return { status: 200, body: finding };
}

const log = noteKey('main-street.tourniquet.local', 1);
const neighbour = noteKey('neighbour.example/w1', 4);
let tree = makeTree(log, world.state.since);

function ledger() {
    const { next, verified, verifying, since } = world.state;
    return {
        records: next,
        origin: log.name,
        checkpoint: { size: next, root: tree.root(next), time: new Date(Date.now() - 40_000).toISOString(), text: tree.note(next) },
        verified,
        verifying,
        verifier: log.line,
        since,
        bytes: next * 911,
    };
}

/** Panels of the Ledger page, in the state that the lab is made for. */
function kept(noun) {
    const { state } = world;
    if (noun === 'backups' && state.doing === true) {
        state.doing = 'seen'; // and over a moment later
        setTimeout(() => (state.doing = false), 1500);
    }
    return { status: 200, body: ledgerPanels(world.state, neighbour.line)[noun] };
}

function verify() {
    if (world.state.verifying) {
        return problem(409, 'verifying', 'A check is under way.');
    }
    world.state.verifying = true;
    setTimeout(() => {
        const index = world.record('ledger.verified', `${world.state.next} records hold, asked by ${person.name}`);
        world.state.verifying = false;
        world.state.verified = { at: new Date().toISOString(), holds: true, records: index, first_bad: null, why: null };
        tell('ledger');
    }, 2500);
    tell('ledger');
    return { status: 202, body: { started: true } };
}

function signIn() {
    const token = randomBytes(16).toString('hex');
    const csrf = randomBytes(16).toString('hex');
    sessions.set(token, csrf);
    return { status: 200, session: token, body: { person, csrf, site: 'Main Street Lab', time_zone: 'America/Chicago', mail_to: 'mail@report.mainstreet.example', lock_s: lockAfter, sign_in: { passkeys: 0, app: false, withheld } } };
}

/** Edits, joins, splits of a device. */
function change(found, act, body, headers) {
    if (headers['if-match'] !== `"${found.etag}"`) {
        return problem(412, 'changed', 'Changed meanwhile.');
    }
    found.edits ??= [];
    if (act === undefined) {
        for (const [field, value] of Object.entries(body)) {
            found.seen ??= { title: found.title, role: found.role, role_basis: found.role_basis };
            found.edits = found.edits.filter((e) => e.field !== field);
            if (value !== null) {
                found.edits.push({ field, value, person: person.display_name, time: new Date().toISOString() });
            }
            found[field] = field === 'retired' ? value === 'true' : value;
            if (field === 'name') {
                found.title = value ?? found.seen.title;
            } else if (field === 'role') {
                found.role = value ?? found.seen.role;
                found.role_basis = value === null ? found.seen.role_basis : 'told';
            }
        }
    } else if (act === 'distinct') {
        found.distinct = [...(found.distinct ?? []), body.other];
    } else if (act === 'join') {
        found.ip = [...found.ip, ...world.state.devices.find((d) => d.id === body.other).ip];
        found.joined = world.state.devices.find((d) => d.id === body.other);
        world.state.devices.splice(world.state.devices.indexOf(found.joined), 1);
    } else {
        found.ip = found.ip.filter((ip) => ip !== body.address);
        if (found.joined) {
            world.state.devices.push(found.joined);
        }
    }
    found.etag = String(world.record(`asset.${act ?? 'edited'}`, `${found.title} by ${person.name}`));
    tell('devices', found.id, found.etag);
    return { status: 200, body: detail(found, world.state.devices) };
}

/** A look: the record first, then what it shows. Record 666 is a hostile message. */
const message = (lines) => ({
    bytes: 400,
    kept: 400,
    cut: false,
    sha256: 'ab'.repeat(32),
    charset: 'UTF-8',
    left: 0,
    lines: lines.map((line) => {
        const [name, ...fields] = line.split('|');
        return { name, depth: 0, fields: fields.map((text, i) => ({ number: i + 1, name: null, text })).filter((f) => f.text !== '') };
    }),
});
const HOSTILE = `</script><img src=x onerror="document.title='owned'">\u202e\u0000${'A'.repeat(262_000)}`;
function look(body) {
    if ((body.reason ?? '').trim().split(/\s+/).length < 3) {
        return problem(422, 'reason', 'Say in a few words why.');
    }
    if (body.password !== PASSWORD) {
        return problem(403, 'wrong-password', 'That is not your password.');
    }
    const finding = world.state.findings.find((f) => f.history.some((h) => h.record === Number(body.record)));
    const event = finding ? 'finding' : 'lab.result';
    const index = world.record('phi.look', `clear fields and messages, by ${person.name}`);
    world.state.looks.unshift({ record: index, time: new Date().toISOString(), person: person.name, display_name: person.display_name, what: body.as ? 'packets, as a file' : 'clear fields and messages', reason: body.reason, subject: { index: Number(body.record), event, patient: 'P-7f3a2b7c9d1e4f60' } });
    tell('looks');
    if (body.as) {
        return { status: 200, body: { pcapng: true } };
    }
    const seen = (time) => ({ time, sender: 'Chem 2', receiver: 'LIS', protocol: 'hl7', type: 'ORU^R01' });
    const [first, second] = [['MSH|^~\\&|Chem 2|Main|LIS', 'PID|1||7777^^^L||Doe^Jane', 'OBX|1|NM|K^Potassium||4.1|mmol/L|||||F', 'OBX|2|NM|NA^Sodium||140|mmol/L|||||F'], ['MSH|^~\\&|Chem 2|Main|LIS', 'PID|1||7777^^^L||Doe^Jane', 'OBX|1|NM|K^Potassium||9.9|mmol/L|||||F', 'OBX|2|NM|NA^Sodium||140|mmol/L|||||F']];
    // of a changed one, the other side too
    const changed = world.state.results.find((r) => r.record === Number(body.record))?.verdict.why === 'changed';
    const said = (flags) => ({ ...seen(new Date().toISOString()), units: 'mmol/L', flags, status: 'F', test: { code: '2823-3' } });
    const further = changed
        ? [
              { record: Number(body.record) + 1, event: 'lab.result', seen: said(['H']), clear: { patient_id: '7777', specimen_id: 'S-100', value: '9.9' }, body: null, erased: null },
              { record: 12, event: 'lab.message', seen: seen(new Date().toISOString()), clear: null, body: message(second), erased: null },
          ]
        : [];
    const items = finding
        ? [
              { record: Number(body.record), event: 'finding', seen: {}, clear: null, body: null, erased: null },
              { record: 11, event: 'lab.message', seen: seen(new Date(Date.now() - 90_000).toISOString()), clear: null, body: message(first), erased: null },
              { record: 12, event: 'lab.message', seen: seen(new Date().toISOString()), clear: null, body: message(world.state.hostile ? [`ZZZ|${HOSTILE}`, ...second] : second), erased: null },
          ]
        : [
              { record: Number(body.record), event: 'lab.result', seen: said([]), clear: { patient_id: '7777', specimen_id: 'S-100', value: '4.1' }, body: null, erased: null },
              { record: 11, event: 'lab.message', seen: seen(new Date().toISOString()), clear: null, body: message(first), erased: null },
              ...further,
          ];
    return { status: 200, body: { look: index, seconds: world.state.seconds, record: Number(body.record), items } };
}

let waiting = [];
/** The first column of each line is a name, the second a place: known names change, others are new, and a line without one is wrong. */
function preview(csv) {
    const known = new Map(world.state.devices.map((d) => [d.title, d]));
    const rows = csv.trim().split('\n').slice(1).map((line, i) => {
        const [title, place] = line.split(',');
        const device = known.get(title);
        const action = title === '' ? 'error' : title === 'Two' ? 'ambiguous' : !device ? 'create' : place ? 'change' : 'same';
        return {
            line: i + 2,
            action,
            device: device?.id ?? null,
            title,
            changes: place && action !== 'error' && action !== 'ambiguous' ? [{ field: 'place', from: device ? 'Room 1' : null, to: place }] : [],
            reason: action === 'error' ? 'It names no device: neither an address nor a serial number nor a name.' : action === 'ambiguous' ? 'Two devices have this name.' : null,
            column: null,
            candidates: action === 'ambiguous' ? world.state.devices.slice(0, 2).map(({ id, title: named }) => ({ id, title: named })) : [],
        };
    });
    waiting = rows;
    const counts = Object.fromEntries(['create', 'change', 'same', 'ambiguous', 'error'].map((a) => [a, rows.filter((r) => r.action === a).length]));
    return { status: 200, body: { token: 'abc', counts, columns: ['name', 'place', null], rows: rows.filter((r) => r.action !== 'same'), cut: false } };
}
function imported() {
    const lists = (world.state.lists ??= []);
    const made = waiting.filter((r) => r.action === 'create');
    const saved = waiting.filter((r) => r.action === 'create' || r.action === 'change').length;
    lists.unshift({ list: 40 + lists.length, person: person.name, time: new Date().toISOString(), devices: saved, undone_by: null, undone_at: null });
    made.forEach((r) => world.state.devices.push({ ...world.state.devices.at(-1), id: `imported-${r.line}`, title: r.title, name: r.title, role: 'unknown', ip: [] }));
    world.record('asset.imported', `${made.length} devices by ${person.name}`);
    tell('devices');
    return { status: 200, body: { counts: {}, saved, list: lists[0].list } };
}
/** The devices that the list made go; the first one that it changed was changed once more since. */
function unimported(number) {
    const list = (world.state.lists ?? []).find((l) => l.list === Number(number));
    if (list === undefined) {
        return problem(404, 'no-list', 'There is no such list, or it is too long ago: the last 20 can be taken back.');
    }
    if (list.undone_at !== null) {
        return problem(409, 'undone', 'This list was taken back already.');
    }
    Object.assign(list, { undone_by: person.name, undone_at: new Date().toISOString() });
    const gone = world.state.devices.filter((d) => d.id.startsWith('imported-')).length;
    world.state.devices = world.state.devices.filter((d) => !d.id.startsWith('imported-'));
    const changed = waiting.find((r) => r.action === 'change');
    world.record('asset.unimported', `list ${list.list} by ${person.name}`);
    tell('devices');
    const stayed = changed ? [{ device: changed.device, title: changed.title, why: 'changed', fields: ['place'] }] : [];
    return { status: 200, body: { list: list.list, back: 0, gone, stay: stayed.length, stayed } };
}

function answer(method, path, query, body, token, headers, text) {
    const { state } = world;
    const csrf = sessions.get(token);
    if (path === '/unlock' && method === 'GET') {
        return { status: 200, body: lock ?? OPEN };
    }
    if (path === '/unlock') {
        if (body.passphrase !== 'eleven purple centrifuges' || headers['x-csrf'] !== lock?.csrf) {
            return problem(403, 'wrong-passphrase', 'This is not the passphrase.');
        }
        lock = null;
        return { status: 200, body: OPEN };
    }
    if (lock !== null) {
        return problem(503, 'locked', 'The ledger is locked.');
    }
    if (path === '/setup' && method === 'GET') {
        return { status: 200, body: { needed } };
    }
    if (path === '/setup') {
        if (!needed) {
            return problem(409, 'done', 'Set-up is already done.');
        }
        if (body.code !== 'ABCDE-12345') {
            return problem(403, 'code', 'This code is not right.');
        }
        if (body.password.length < 15) {
            return problem(422, 'password', 'The password needs 15 characters or more.');
        }
        needed = false;
        person = personOf(body.name, body.display_name, ['lab manager']);
        return { ...signIn(), status: 201 };
    }
    if (path === '/session' && method === 'POST') {
        return body.name === person.name && body.password === PASSWORD ? signIn() : problem(401, 'credentials', 'Name or password is wrong.');
    }
    const open = path === '/reports/nameless' || path === '/reports/status';
    if (open) {
        return reportsAnswer(reports, { method, path, query, body, page, problem, person, record: (...r) => world.record(...r), tell });
    }
    if (path.startsWith('/training/verify/')) {
        return trainingAnswer(training, { method, path, query, body, course, problem, password: PASSWORD });
    }
    if (csrf === undefined) {
        return problem(401, 'session', 'Sign in first.');
    }
    if (method !== 'GET' && headers['x-csrf'] !== csrf) {
        return problem(403, 'csrf', 'Reload the page.');
    }
    if (path === '/session') {
        if (method === 'DELETE') {
            sessions.delete(token);
            return { status: 204 };
        }
        return { status: 200, body: { person, csrf, site: 'Main Street Lab', time_zone: 'America/Chicago', mail_to: 'mail@report.mainstreet.example', lock_s: lockAfter, sign_in: { passkeys: 0, app: false, withheld } } };
    }
    if (path === '/session/methods') {
        return { status: 200, body: { host: 'localhost', passkeys: [], app_since: null } };
    }
    if (path === '/recoveries' && method === 'GET') {
        return { status: 200, body: { items: [] } };
    }
    if (state.ledger === 'locked' && path.startsWith('/ledger')) {
        return problem(503, 'locked', 'The ledger waits for its passphrase.');
    }
    if (mode === 'error') {
        return problem(500, 'store', 'The store could not be read.');
    }
    const about = peopleAnswer(people, { method, path, query, body, page, problem, person }) ?? reportsAnswer(reports, { method, path, query, body, page, problem, person, record: (...r) => world.record(...r), tell });
    if (about !== null) {
        return about;
    }
    const mailed = mailAnswer(mails, { method, path, query, body, bytes: Buffer.from(text ?? '', 'utf8'), page, problem, person, record: (...r) => world.record(...r), tell, password: PASSWORD });
    if (mailed !== null) {
        return mailed;
    }
    const simulated = phishingAnswer(phishing, { method, path, body, problem });
    if (simulated !== null) {
        return simulated;
    }
    const learnt = trainingAnswer(training, { method, path, query, body, course, problem, password: PASSWORD });
    if (learnt !== null) {
        return learnt;
    }
    const [, noun, id, act] = path.split('/');
    const key = `${method} /${noun}${id ? '/id' : ''}${act ? '/act' : ''}`;
    const door = doorsAnswer(key, path.split('/').slice(1), { state, body, person, problem, password: PASSWORD });
    if (door !== undefined) {
        if (method === 'POST') {
            tell('doors');
        }
        return door;
    }
    const stale = (thing) => headers['if-match'] !== `"${thing.etag}"`;
    switch (key) {
        case 'GET /courses':
            return { status: 200, body: { items: world.state.courses ? course('list') : [] } };
        case 'GET /courses/id':
            return course('list').some((c) => c.id === id) ? { status: 200, body: askedCourse(course('show', id)[0]) } : problem(404, 'not-found', 'There is no course of this id.');
        case 'GET /courses/id/act':
            return { status: 200, text: readFileSync(join(PICTURES, normalize(act))).toString(), type: 'image/svg+xml' };
        case 'GET /search':
        case 'POST /search':
            return search((query.get('q') ?? body.q ?? '').trim().toLowerCase(), method === 'POST');
        case 'GET /today':
            return { status: 200, body: today() };
        case 'GET /devices':
            return page(devicesOf(query), query);
        case 'GET /devices/id': {
            if (id === 'imports') {
                return { status: 200, body: { items: state.lists ?? [] } };
            }
            const found = state.devices.find((d) => d.id === id);
            return found ? { status: 200, body: detail(found, state.devices) } : problem(404, 'device', 'There is no such device.');
        }
        case 'PATCH /devices/id':
        case 'POST /devices/id/act':
            if (id === 'imports') {
                return unimported(act);
            }
            return id === 'import' ? imported(act) : change(state.devices.find((d) => d.id === id), act, body, headers);
        case 'POST /devices/id':
            if (id === 'admission') {
                const wait = state.devices.filter((d) => d.admission === 'unknown').slice(0, 40);
                const until = state.devices[0]?.first_seen ?? null;
                return { status: 200, body: { token: 'a'.repeat(64), until, learning_until: until, total: wait.length, saved: body.token ? wait.length : null, items: wait, cut: false } };
            }
            return preview(text);
        case 'GET /network':
            return { status: 200, body: network(state, { zone: query.get('zone') ?? '', open: query.get('open') ?? '', at: query.get('at') ?? '' }) };
        case 'GET /sensor':
            return { status: 200, body: { captures: sensors(state.sensor) } };
        case 'GET /links':
            return { status: 200, body: { items: state.links } };
        case 'POST /links/id/act': {
            const link = state.links.find((l) => l.name === decodeURIComponent(id));
            if (body.password !== PASSWORD) {
                return problem(403, 'wrong-password', 'That is not your password.');
            }
            if (act === 'policy') {
                link.policy = { ...link.policy, unknown: body.unknown, approved: link.policy.proposed, proposed: null, approved_by: person.display_name, approved_at: new Date().toISOString() };
            } else if (act === 'hold' && !body.on && link.doubt && link.go_on_asked_by !== 'tom') {
                Object.assign(link, { go_on_asked_by: person.name, go_on_until: new Date(Date.now() + 900_000).toISOString() });
                tell('links');
                return problem(409, 'second-person', 'Asked for, and written down.');
            } else if (act === 'bypass' && body.on && link.doubt) {
                return problem(409, 'doubt', 'Results are held here because they may be wrong.');
            } else {
                link[act] = body.on;
                Object.assign(link, act === 'hold' ? { doubt: body.on && body.doubt === true, go_on_asked_by: null, go_on_until: null } : {});
                link.state = link.bypass ? 'bypassed' : link.hold ? 'held' : 'up';
                Object.assign(link, { decided_by: person.display_name, decided_why: body.reason, decided_at: new Date().toISOString() });
            }
            tell('links');
            return { status: 200, body: link };
        }
        case 'POST /proofs':
            return body.password === PASSWORD ? { status: 200, body: { look: 1, results: [], records: 3, proof: 'tourniquet/shown-records@v1\n' } } : problem(403, 'wrong-password', 'That is not your password.');
        case 'GET /results/id': {
            if (id === 'summary') {
                return { status: 200, body: world.summary() };
            }
            const found = state.results.find((r) => String(r.record) === id);
            return found ? { status: 200, body: { ...found, way: wayOf(found) } } : problem(404, 'no-result', 'There is no result with this number.');
        }
        case 'GET /results':
            return page(state.results.filter((r) => (!query.get('verdict') || r.verdict.state === query.get('verdict')) && JSON.stringify([r.test, r.sender, r.patient, r.specimen]).toLowerCase().includes((query.get('q') ?? '').toLowerCase())), query);
        case 'GET /findings': {
            const [wanted, severity, kind] = [query.get('state') ?? 'open', query.get('severity') ?? '', query.get('kind')];
            return page(worst(state.findings.filter((f) => (wanted === 'all' || f.state === wanted) && (SEVERITIES[severity] ?? [severity]).includes(f.severity) && (!kind || f.kind === kind))), query);
        }
        case 'GET /finding-mail':
            return { status: 200, body: told };
        case 'POST /finding-mail/act':
        case 'POST /finding-mail/id':
            told.tested = { time: new Date().toISOString(), record: 77, findings: 0, addresses: told.addresses.length - 1, why: 'the mail server refused it (550)' };
            setTimeout(() => tell('findings'), 50);
            return { status: 202, body: told };
        case 'GET /findings/id': {
            const found = state.findings.find((f) => f.id === id);
            return found ? { status: 200, body: found } : problem(404, 'finding', 'There is no such finding.');
        }
        case 'POST /findings/id/act': {
            const found = state.findings.find((f) => f.id === id);
            return stale(found) ? problem(412, 'stale', 'Changed meanwhile.') : decide(found, act, body);
        }
        case 'POST /looks':
            return look(body);
        case 'GET /looks':
            return page(state.looks.filter((l) => (!query.get('person') || l.person === query.get('person')) && (!query.get('record') || String(l.subject.index) === query.get('record'))), query);
        case 'GET /tasks':
            return { status: 200, body: { items: state.tasks ?? [] } };
        case 'DELETE /ledger/id':
            state.tasks = [];
            world.record('task.cancelled', 'Ended before its end: verify-ledger');
            return { status: 204, body: null };
        case 'GET /ledger':
            return { status: 200, body: ledger() };
        case 'POST /ledger/id':
            return id === 'verify' ? verify() : id === 'check' ? { status: 200, body: { holds: true, index: 3, records: state.next, why: null } } : problem(422, 'not-kept', 'no witness is known here: give the key of the one that signed');
        case 'GET /ledger/id':
            return id === 'offer' ? offer(Number(query.get('old') ?? 0)) : page(query.get('from') && !query.get('cursor') ? state.records.filter((r) => r.index <= Number(query.get('from'))) : state.records, query);
        case 'GET /ledger/id/act':
            return { status: 200, text: tree.proof(Number(act), state.next, [neighbour]) };
        case 'POST /witnesses/id/act':
            state.witness = 'agrees';
            tell('ledger');
            return { status: 202, body: { started: true } };
        case 'GET /witnesses':
        case 'GET /keys':
        case 'GET /backups':
        case 'GET /disk':
            return kept(noun);
        case 'POST /keys/id':
            if (!body.password) {
                return problem(403, 'password', 'Enter your password again: it shows that it is you.');
            }
            world.record('keys.rotated', `Keys exchanged: ${body.why}`);
            return { status: 200, body: {} };
        case 'POST /backups':
        case 'POST /backups/id/act':
            state.doing = true;
            return { status: 202, body: { started: true, id: id ?? 'b-9' } };
        case 'GET /certificates':
            return { status: 200, body: certificates() };
        case 'POST /certificates/id/act':
            if (act === 'revoke' && body.password !== PASSWORD) {
                return problem(403, 'wrong-password', 'That is not your password.');
            }
            Object.assign(certificates().items.find((c) => c.serial === id), act === 'revoke' ? { state: 'revoked', revoked: { at: new Date().toISOString(), by: person.name, why: body.why, record: 999 } } : {});
            tell('certificates');
            return { status: 200, body: certificates().items.find((c) => c.serial === id) };
        case 'GET /certificates/id/act':
        case 'GET /pki/id':
            return { status: 200, text: '-----BEGIN CERTIFICATE-----\n' };
        case 'POST /enrolments':
            if (body.password !== PASSWORD) {
                return problem(403, 'wrong-password', 'That is not your password.');
            }
            certificates().enrolments.push({ id: 'e9', for: '', link: body.link, side: body.side, names: body.names, days: 365, until: new Date(Date.now() + 7 * 86_400_000).toISOString() });
            return { status: 201, body: { id: 'e9', code: 'NX4KW-32JKE-2ZDG2', known: body.link !== 'chemistri', until: new Date(Date.now() + 7 * 86_400_000).toISOString() } };
        case 'POST /enrolments/id':
            return id !== 'NX4KW-32JKE-2ZDG2' ? problem(403, 'wrong-code', 'No open enrolment has this code.') : /BEGIN CERTIFICATE REQUEST/.test(body.request) ? { status: 201, text: '-----BEGIN CERTIFICATE-----\n' } : problem(422, 'request', 'the request cannot be used: its signature does not fit: it was changed, or made with another key');
        case 'DELETE /enrolments/id':
            certificates().enrolments = certificates().enrolments.filter((e) => e.id !== id);
            return { status: 204 };
        default:
            return problem(404, 'path', 'No such path.');
    }
}

const certificates = () => (world.state.certificates ??= certificatesOf(world.state.pki, world.state.long));

const offer = (old) => (old > world.state.next ? problem(422, 'no-offer', 'The ledger has not so many records.') : { status: 200, text: tree.offer(old, world.state.next) });

function develop(body) {
    if (body.lab) {
        world = lab(body.lab);
        people = makePeople(body.ending === true);
        told = makeTold(body.told !== false);
        reports = body.lab.reports === 0 ? [] : makeReports();
        mails = body.lab.mails === 0 ? [] : makeMails();
        training = Object.assign(makeTraining(), body.training ?? {});
        phishing = Object.assign(makePhishing(), body.phishing ?? {});
        tree = makeTree(log, world.state.since);
    }
    mode = body.mode ?? mode;
    world.state.tasks = body.tasks ?? world.state.tasks;
    person = personOf(person.name, person.display_name, [body.role ?? 'lab manager']);
    needed = body.setup ?? needed;
    lockAfter = body.lock_s ?? 3600;
    withheld = body.withheld === true;
    if (withheld) {
        person = { ...person, roles: [], role: '', permissions: [] };
    }
    if (body.lock !== undefined) {
        const since = new Date(Date.now() - 8_000_000).toISOString();
        lock = body.lock && { ...OPEN, locked: true, stage: 'locked', since, records: 1204, bytes: 670_000, max_bytes: 4_294_967_296, csrf: 'a-token', ...body.lock };
    }
    for (let i = 0; i < (body.results ?? 0); i++) {
        world.addResult(0);
    }
    if (body.finding) {
        world.addFinding();
    }
    for (const topic of ['results', 'findings', 'ledger', 'today', 'devices']) {
        tell(topic);
    }
    return { status: 200, body: {} };
}

function asset(path, response) {
    const name = normalize(path);
    let file = join(DIST, name);
    try {
        if (name === '/' || !statSync(file).isFile()) {
            throw new Error('index');
        }
    } catch {
        if (name.startsWith('/assets/')) {
            response.writeHead(404).end();
            return;
        }
        file = join(DIST, 'index.html');
    }
    const headers = { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Cache-Control': 'no-cache' };
    let data = readFileSync(file);
    if (file.endsWith('.html')) {
        const nonce = randomBytes(16).toString('hex');
        headers['Content-Security-Policy'] =
            `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
        data = data.toString().replaceAll('__CSP_NONCE__', nonce);
    }
    response.writeHead(200, headers).end(data);
}

const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname === '/readyz' || url.pathname === '/healthz') {
        response.writeHead(200).end('ok\n');
        return;
    }
    if (!url.pathname.startsWith('/api/v1') && url.pathname !== '/dev') {
        asset(url.pathname, response);
        return;
    }
    const token = /dev=([0-9a-f]+)/.exec(request.headers.cookie ?? '')?.[1];
    if (url.pathname === '/api/v1/stream') {
        if (!sessions.has(token)) {
            response.writeHead(401).end();
            return;
        }
        response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
        response.write(': hello\n\n');
        streams.add(response);
        request.on('close', () => streams.delete(response));
        return;
    }
    let text = '';
    for await (const chunk of request) {
        text += chunk;
    }
    const body = text && !['text/csv', 'message/rfc822'].includes(request.headers['content-type']) ? JSON.parse(text) : {};
    if (mode === 'slow' && url.pathname !== '/dev' && !/setup|session/.test(url.pathname)) {
        await new Promise((done) => setTimeout(done, 20_000));
    }
    const said = url.pathname === '/dev' ? develop(body) : answer(request.method, url.pathname.slice(7), url.searchParams, body, token, request.headers, text);
    const headers = { 'Content-Type': said.status < 400 ? 'application/json' : 'application/problem+json', 'Cache-Control': 'no-store' };
    if (said.session) {
        headers['Set-Cookie'] = `dev=${said.session}; Path=/; HttpOnly; SameSite=Strict`;
    }
    if (said.bytes !== undefined) {
        response.writeHead(200, { 'Content-Type': said.type, 'Cache-Control': 'no-store' }).end(said.bytes);
        return;
    }
    if (said.text !== undefined) {
        headers['Content-Type'] = said.type ?? 'text/plain; charset=utf-8';
    }
    response.writeHead(said.status, headers).end(said.text ?? (said.body === undefined ? undefined : JSON.stringify(request.headers['accept-language'] === 'es' ? inSpanish(said.body) : said.body)));
});
server.listen(Number(process.argv[2] ?? 8400), '127.0.0.1', () => console.log(`http://localhost:${server.address().port}`));
