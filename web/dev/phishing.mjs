// Made-up phishing simulations and a made-up culture behind the API. The templates are the program's own (catalog/phishing).

import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../catalog/phishing/', import.meta.url);

function template(text) {
    const t = {};
    let at = t;
    let block = false;
    for (const line of text.split('\n')) {
        if (block && (line.startsWith(' ') || line === '') && at.text !== undefined) {
            at.text += `${line.slice(1)}\n`;
            continue;
        }
        block = false;
        const [, key, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
        if (/^\[(en|es)\]$/.test(line)) {
            at = t[line.slice(1, 3)] = { signs: [] };
        } else if (key === 'text') {
            at.text = '';
            block = true;
        } else if (key === 'sign') {
            at.signs.push(value);
        } else if (key) {
            at[key] = value;
        }
    }
    return { id: t.id, course: t.course, sign_in: t.page === 'sign-in', en: t.en, es: t.es };
}
const TEMPLATES = readdirSync(FOLDER).sort().map((name) => template(readFileSync(new URL(name, FOLDER), 'utf8')));

const when = (hours) => new Date(Date.now() + hours * 3600e3).toISOString();
const counts = (sent, reported, visited, both, failed = 0) => (sent < 5 ? { sent, failed, shown: false } : { sent, failed, shown: true, reported, visited, both, neither: sent - reported - visited + both });
const simulation = (id, name, state, starts, more) => ({
    id: id.repeat(32), template: name, language: 'en', roles: ['phlebotomist'], site: null, starts: when(starts), until: when(starts + 72), rate: 60, course: 'after-simulation', by: 'ana', planned: when(starts - 1), state,
    stopped: null, stopped_by: null, stopped_why: null, record: 900, ...more,
});

export const makePhishing = () => ({
    ready: { mail: true, landing: 'https://inbox.lab.example:8444', domains: ['lab.example'], every_days: 30, language: 'en', all: true },
    items: [
        simulation('c', 'courier', 'running', -2, counts(3, 0, 0, 0)),
        simulation('b', 'lis-sign-in', 'over', -24 * 40, counts(24, 15, 6, 2, 1)),
        simulation('a', 'critical-value', 'stopped', -24 * 100, { ...counts(9, 2, 6, 1), stopped: when(-24 * 99), stopped_by: 'ana', stopped_why: 'The analyzers were down that day.' }),
    ],
    mine: [
        { campaign: 'b'.repeat(32), ...mail('lis-sign-in'), time: when(-24 * 40), visited: when(-24 * 40 + 1), signed_in: true, reported: when(-24 * 40 + 2), course: 'after-simulation' },
        { campaign: 'a'.repeat(32), ...mail('critical-value'), time: when(-24 * 100), visited: when(-24 * 100 + 1), signed_in: false, reported: null, course: 'after-simulation' },
    ],
    culture: 'training',
});
function mail(id) {
    const { name, sender, subject, signs } = TEMPLATES.find((t) => t.id === id).en;
    return { name, sender, subject, signs };
}

const stretch = (more) => ({ trained: 41, trained_late: 3, reports: 12, reports_answered: 11, answer_s: 5400, simulated: 24, shown: true, reported: 15, visited: 6, mails: 7, reviews: 4, findings: 9, ...more });
const culture = (next) => ({
    days: 90, site: 'main-street', now: stretch({}), before: stretch({ trained: 30, trained_late: 8, reports: 5, reports_answered: 5, answer_s: 190000, simulated: 3, shown: false, reported: undefined, visited: undefined, mails: 2, reviews: 0, findings: 14 }),
    people: 10, people_late: 3, duties: 30, done: 16, reports_waiting: 1, reports_old: 0, mails_waiting: 2, mails_old: 0, accounts: 12, reviews_due: 5, tasks: 3, tasks_untaken: 2, tasks_urgent: next === 'findings' ? 1 : 0, next, next_n: next === 'nothing' ? 0 : 3,
});

export function phishingAnswer(p, { method, path, body, problem }) {
    const ok = (answer, status = 200) => ({ status, body: answer });
    const [, noun, id, act] = path.split('/');
    if (noun === 'culture') {
        return ok(culture(p.culture));
    }
    if (noun !== 'phishing') {
        return null;
    }
    if (id === 'mine') {
        return ok({ items: p.mine });
    }
    if (id === undefined && method === 'POST') {
        if (body.roles === 'privacy officer') {
            return problem(422, 'too-few', 'Fewer than five of these people have an address in an allowed domain. A simulation for so few would single somebody out.');
        }
        p.items.unshift(simulation('d', body.template, 'running', 0, { roles: body.roles ? [body.roles] : [], ...counts(0, 0, 0, 0) }));
        return ok(whole(p.items[0]), 201);
    }
    if (id === undefined) {
        return ok({ ready: p.ready, templates: TEMPLATES, items: p.items });
    }
    const one = p.items.find((x) => x.id === id);
    if (!one) {
        return problem(404, 'not-found', 'There is no such simulation.');
    }
    if (act === 'stop') {
        Object.assign(one, { state: 'stopped', stopped: when(0), stopped_by: 'ana', stopped_why: body.why });
    }
    return ok(whole(one));
}

const whole = (one) => ({
    ...one,
    waiting: one.state === 'running' ? 9 : 0,
    unreachable: 1,
    by_role: { rows: one.shown ? [{ name: 'phlebotomist', ...counts(one.sent - 5, one.reported - 2, one.visited - 1, 0) }, { name: 'IT', ...counts(5, 2, 1, 0) }].filter((row) => row.shown) : [], hidden: one.shown ? 2 : 1 },
    by_site: { rows: [], hidden: 0 },
});
