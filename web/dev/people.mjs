// People, sessions, tokens and doings of the made-up lab, behind the API of docs/api.md.

import { PERMISSIONS, personOf, ROLES } from './roles.mjs';

const ago = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
const grant = (role, since, more = {}) => ({ role, site: null, since: ago(since), until: null, by: 'ana', why: 'starts on Monday', record: 40 + since, ended: null, ended_by: null, ended_why: null, in_force: true, ...more });

function account(name, display_name, grants, more = {}) {
    const roles = grants.filter((g) => g.in_force).map((g) => g.role);
    return {
        ...personOf(name, display_name, roles), etag: 100 + name.length, state: 'active', ends: grants.find((g) => g.in_force && g.until)?.until ?? null, token_ends: null, second_factor: name === 'ana', created: ago(200), created_by: 'ana', closed: null,
        last_sign_in: ago(0.1), password_set: ago(60), invited_until: null, reviewed: ago(30), reviewed_by: 'ana', review_due: false, sessions: 1, emergency: false, grants, ...more,
    };
}

/** ending: roles and tokens of some end soon. */
export function makePeople(ending = false) {
    const people = [
        account('ana', 'Ana Ruiz', [grant('lab manager', 200, { by: null, why: null })], { created_by: null }),
        account('dana', 'Dana Whitfield-Okonkwo', [grant('technologist', 90), grant('privacy officer', 20, { why: 'while Ruth is away' })], { review_due: true, reviewed: null, reviewed_by: null }),
        account('emergency', 'Emergency account', [grant('emergency', 190, { why: 'for the safe' })], { emergency: true, last_sign_in: null, sessions: 0 }),
        account('lea', 'Lea Sol', [grant('phlebotomist', 3)], { state: 'invited', last_sign_in: null, password_set: null, invited_until: ago(-4), sessions: 0 }),
        account('max', 'Max Brandt', [grant('assessor', 5, { until: ago(ending ? -10 : -60), why: 'the yearly audit' })]),
        account('tom', 'Tom Berger', [grant('IT', 150), grant('technologist', 180, { in_force: false, ended: ago(150), ended_by: 'ana', ended_why: 'moves to the office' })], { review_due: true, token_ends: ending ? ago(-9) : null }),
    ];
    const OBJECTS = { 'phi.look': 'clear fields and messages', 'request.refused': 'phi.look', 'account.granted': 'assessor', 'data.exported': 'All devices as a list (CSV)', 'session.opened': 'ana', 'token.created': 'inventory of the hospital', 'session.refused': 'ana' };
    const acts = [
        ['phi.look', 'dana', 'Somebody looked at what is hidden: clear fields and messages', 'phi.look', 'technologist', 'The physician doubts the potassium of the emergency room.'],
        ['request.refused', 'tom', 'Request refused: phi.look', 'phi.look', null, 'not-permitted'],
        ['account.granted', 'ana', 'Role given: assessor to max', 'people.manage', 'lab manager', 'the yearly audit', 'max'],
        ['data.exported', 'tom', 'Taken out: All devices as a list (CSV)', 'device.read', 'IT', null],
        ['session.opened', 'ana', 'Signed in: ana', null, null, null, 'ana'],
        ['token.created', 'tom', 'API token made: inventory of the hospital', null, null, null, 'tom'],
        ['session.refused', null, 'Sign-in refused: ana', null, null, 'wrong password', 'ana'],
    ].map(([event, person, what, permission, role, why, about], i) => ({
        record: 900 - i, time: ago(i / 20), person, display_name: people.find((p) => p.name === person)?.display_name ?? null, account: about ?? null, event, what, permission, role, why, origin: '10.0.5.31', object: OBJECTS[event] ?? null, device: null,
    }));
    const open = [
        { id: 'a1', account: 'ana', origin: '10.0.5.31', opened: ago(0.05), last_used: ago(0), this: true },
        { id: 'a2', account: 'ana', origin: '10.0.5.77', opened: ago(0.3), last_used: ago(0.01), this: false },
        { id: 'd1', account: 'dana', origin: '10.0.5.40', opened: ago(0.2), last_used: ago(0.02), this: false },
    ];
    const tokens = [
        { id: 't1', account: 'ana', label: 'Prometheus', scopes: ['metrics.read'], created: ago(20), until: ago(-70), last_used: ago(0.001), revoked: null, revoked_by: null, revoked_why: null, good: true },
        { id: 't2', account: 'tom', label: 'inventory of the hospital', scopes: ['device.read', 'finding.read'], created: ago(100), until: ago(10), last_used: null, revoked: null, revoked_by: null, revoked_why: null, good: false },
    ];
    const policy = { password_shortest: 15, password_longest: 128, password_days: 0, second_factor: 'none', breached: 100000, session_idle_s: 1800, session_longest_s: 43200, by: null, changed: null, why: null };
    return { people, acts, open, tokens, policy };
}

const CODE = 'Q7M2X-K4T9B-3WZ8N-5RHJC-D6PVA';

const soon = (at) => at !== null && Date.parse(at) > Date.now() && Date.parse(at) < Date.now() + 14 * 86_400_000;
export const endsSoon = (p) => p.state !== 'closed' && (soon(p.ends) || soon(p.token_ends));

/** An answer, or null where the question is another noun's. */
export function peopleAnswer(store, { method, path, query, body, page, problem, person }) {
    const [, noun, id, act] = path.split('/');
    const { people, acts, open, tokens, policy } = store;
    const ok = (value, status = 200) => ({ status, body: value });
    const again = () => (body.password ? null : problem(403, 'password', 'Enter your password again: it shows that it is you.'));
    const one = people.find((p) => p.name === id);
    switch (`${method} /${noun}${id ? '/id' : ''}${act ? '/act' : ''}`) {
        case 'GET /people':
            return page(people.filter((p) => (query.get('state') === 'all' || p.state !== 'closed') && (query.get('state') !== 'due' || (p.review_due && p.name !== person.name)) && (query.get('state') !== 'ending' || endsSoon(p)) && `${p.name} ${p.display_name}`.toLowerCase().includes((query.get('q') ?? '').toLowerCase())), query);
        case 'POST /people':
            people.push(account(body.name, body.display_name ?? body.name, body.role ? [grant(body.role, 0, { why: body.why })] : [], { state: 'invited', sessions: 0 }));
            return again() ?? ok({ name: body.name, code: CODE, until: ago(-7) }, 201);
        case 'POST /people/id': {
            const rows = body.list.split(/\r?\n/).slice(1).filter(Boolean).map((line, i) => {
                const [name, display_name, role] = line.split(/[;,]/);
                const bad = role && !ROLES.includes(role);
                return { line: i + 2, action: bad ? 'error' : people.some((p) => p.name === name) ? 'same' : 'create', name, display_name, role: bad ? null : role || null, until: null, reason: bad ? 'There is no such role to give.' : null };
            });
            const counts = { create: 0, grant: 0, same: 0, error: 0 };
            rows.forEach((r) => counts[r.action]++);
            if (!body.token) {
                return ok({ token: 'a-plan', counts, rows, saved: 0, whole: false, codes: [] });
            }
            return again() ?? ok({ token: null, counts, rows: [], saved: counts.create, whole: true, codes: rows.filter((r) => r.action === 'create').map((r) => ({ name: r.name, display_name: r.display_name, code: CODE, until: ago(-7) })) });
        }
        case 'GET /people/id':
            return one ? ok(one) : problem(404, 'no-person', 'There is no account with this name.');
        case 'GET /people/id/act': {
            const found = acts.find((a) => String(a.record) === query.get('record')) ?? null;
            const permission = query.get('permission') ?? found?.permission ?? null;
            const grants = one.grants.filter((g) => g.in_force && (permission === null || PERMISSIONS.find((p) => p.name === permission)?.roles.includes(g.role)));
            return ok({ person: one.name, display_name: one.display_name, act: found, at: found?.time ?? ago(0), permission, may: grants.length > 0, grants });
        }
        case 'POST /people/id/act': {
            const wrong = again();
            if (wrong) {
                return wrong;
            }
            if (act === 'grant') {
                one.grants.unshift(grant(body.role, 0, { why: body.why }));
            } else if (act === 'withdraw' || act === 'close') {
                one.grants.filter((g) => act === 'close' || g.role === body.role).forEach((g) => Object.assign(g, { in_force: false, ended: ago(0), ended_by: person.name, ended_why: body.why }));
                one.state = act === 'close' ? 'closed' : one.state;
            } else {
                return ok({ name: one.name, code: CODE, until: ago(-7) });
            }
            Object.assign(one, personOf(one.name, one.display_name, one.grants.filter((g) => g.in_force).map((g) => g.role)), { etag: one.etag + 1 });
            return ok(one);
        }
        case 'POST /access-review':
            people.filter((p) => body.people.includes(`${p.name}:`)).forEach((p) => Object.assign(p, { review_due: false, reviewed: ago(0), reviewed_by: person.name }));
            return ok({ record: 901 });
        case 'POST /emergency':
            return again() ?? ok({ name: 'emergency', code: CODE });
        case 'GET /access-policy':
            return ok(policy);
        case 'PUT /access-policy':
            Object.assign(policy, { password_days: Number(body.password_days), second_factor: body.second_factor ?? policy.second_factor, why: body.why, by: person.name, changed: ago(0) });
            return again() ?? ok(policy);
        case 'GET /roles':
            return ok({ roles: ROLES.map((name) => ({ name, needs_end: name === 'assessor' || name === "maker's engineer", given: name !== 'local administrator' && name !== 'emergency' })), permissions: PERMISSIONS });
        case 'GET /sessions':
            return ok({ items: open.filter((s) => !query.get('account') || s.account === query.get('account')) });
        case 'POST /sessions/id/act': {
            const wrong = again();
            if (!wrong) {
                open.splice(open.findIndex((s) => s.id === id), 1);
            }
            return wrong ?? { status: 204 };
        }
        case 'GET /tokens':
            return ok({ items: tokens.filter((x) => !query.get('account') || x.account === query.get('account')) });
        case 'POST /tokens': {
            const made = { id: `t${tokens.length + 1}`, account: person.name, label: body.label, scopes: body.scopes.split(' '), created: ago(0), until: ago(-Number(body.days ?? 90)), last_used: null, revoked: null, revoked_by: null, revoked_why: null, good: true };
            return again() ?? (tokens.unshift(made), ok({ ...made, token: `tqt_${'0123456789abcdef'.repeat(4)}` }, 201));
        }
        case 'DELETE /tokens/id':
            Object.assign(tokens.find((x) => x.id === id), { revoked: ago(0), revoked_by: person.name, good: false });
            return { status: 204 };
        case 'GET /acts': {
            const who = query.get('person');
            const kind = query.get('event');
            const q = (query.get('q') ?? '').toLowerCase();
            return page(acts.filter((a) => (!who || a.person === who || a.account === who) && (!kind || a.event.startsWith(`${kind}.`)) && `${a.what} ${a.why ?? ''}`.toLowerCase().includes(q)), query);
        }
        default:
            return null;
    }
}
