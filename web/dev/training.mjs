// A made-up training programme behind the API: what the page draws, with answers judged here as the program does it.

const iso = (days) => new Date(Date.now() + days * 86400e3).toISOString().slice(0, 10);
const clear = ({ runs }) => ({ runs });

/** A course for somebody who has not answered yet: steps stand in another order, and nothing says what is right. */
export const asked = (q) => ({ id: q.id, kind: q.kind, ask: q.ask, answers: shown(q).map(clear) });
const shown = (q) => (q.kind === 'order' ? [...q.answers].reverse() : q.answers);
export const askedCourse = (course) => ({
    ...course,
    lessons: course.lessons.map((l) => ({ ...l, scenario: l.scenario && asked(l.scenario), questions: l.questions.map(asked) })),
});

export function verdict(q, chosen) {
    const places = chosen.split(',').map(Number);
    const answers = shown(q);
    const right = q.kind === 'order' ? places.every((at, i) => answers[at] === q.answers[i]) : answers.every((a, i) => a.right === places.includes(i));
    return { right, answers: answers.map((a) => ({ right: a.right, feedback: a.feedback, place: q.kind === 'order' ? q.answers.indexOf(a) + 1 : 0 })), see: q.see };
}

const NAMES = ['Ana Ruiz', 'Tom Becker', 'Lea Moreau', 'María López', 'María López', 'Jonas Weber', 'Priya Nair', 'Samuel Okafor', 'Chen Wei', 'Aleksandra Wiśniewska-Kowalczyk'];

export function makeTraining() {
    const people = NAMES.map((display_name, i) => {
        const late = i % 4 === 1 ? 1 + (i % 2) : 0;
        return { name: i === 4 ? 'maria.lopez2' : display_name.toLowerCase().normalize('NFD').replace(/[^a-z ]/g, '').replaceAll(' ', '.'), display_name, all: 3, done: i % 3, late, next: iso(late ? -9 - i : 3 + i), manager: null, mail: i % 2 === 0 };
    }).sort((a, b) => (a.next < b.next ? -1 : 1));
    return { people, attempts: new Map(), done: [], rules: 1, classes: [{ record: 220, course: 'everyone', topic: 'Mail at the bench', trainer: 'Dr. Vance', day: iso(-20), people: 12, sha256: 'ab'.repeat(32), by: 'ana' }], mail: false, ended: false, due: false };
}

const counts = (done, renew, open, late) => ({ done, renew, open, late, all: done + renew + open + late });

function overview(t) {
    return {
        today: iso(0),
        mail: t.mail,
        escalate_days: 14,
        site: 'main-street',
        people: t.people.length,
        people_late: t.people.filter((p) => p.late > 0).length,
        ...counts(14, 2, 9, 5),
        courses: [
            { id: 'bench', title: 'At your bench', kind: 'course', ...counts(3, 0, 2, 2) },
            { id: 'everyone', title: 'Safe every day', kind: 'course', ...counts(8, 2, 0, 0) },
            { id: 'policy:clean-desk', title: 'Clean desk and screens', kind: 'policy', ...counts(3, 0, 7, 3) },
        ],
        roles: [
            { id: 'IT', title: 'IT', kind: 'role', ...counts(4, 0, 2, 0) },
            { id: 'phlebotomist', title: 'phlebotomist', kind: 'role', ...counts(10, 2, 7, 5) },
        ],
        sites: [{ id: 'main-street', title: 'main-street', kind: 'site', ...counts(14, 2, 9, 5) }],
        months: [
            { month: '2026-08', on_time: 3, late: 1 },
            { month: '2026-09', on_time: 9, late: 0 },
            { month: '2026-10', on_time: 5, late: 2 },
        ],
        standings: [],
        ledger: { records: 1204, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', origin: 'tourniquet.local/main-street' },
    };
}

function duties(t) {
    if (!t.due) {
        return [];
    }
    const signed = (course) => t.done.find((d) => d.course === course);
    const duty = (course, kind, title, due, why = null) => {
        const done = signed(kind === 'policy' ? `policy:${course}` : course);
        return { course, kind, title, state: done ? 'done' : due < iso(0) ? 'late' : 'open', assigned: iso(-20), due: done ? iso(365) : due, done: done ? iso(0) : null, record: done?.record ?? null, how: done?.how ?? null, why };
    };
    const all = [duty('everyone', 'course', 'Safe every day', iso(-3)), duty('clean-desk', 'policy', 'Clean desk and screens', iso(6)), duty('after-finding', 'course', 'After a finding', iso(12), 'a stick was found in the analyzer at bench 2')];
    return all.sort((a, b) => ((a.state === 'done') - (b.state === 'done')) || (a.due < b.due ? -1 : 1));
}

const POLICY = {
    id: 'clean-desk',
    title: 'Clean desk and screens',
    language: 'en',
    version: 2,
    text: [
        { kind: 'heading', runs: [{ text: 'What we ask' }] },
        { kind: 'text', runs: [{ text: 'Lock your screen when you leave it, ' }, { text: 'always', as: 'strong' }, { text: ', even for a minute.' }] },
        { kind: 'list', items: [[{ text: 'Labels go into the locked bin.' }], [{ text: 'No lists of samples stay on the printer.' }]] },
        { kind: 'note', runs: [{ text: 'Ask if you do not know.' }] },
    ],
};

function exam(a) {
    const given = [...a.given];
    const all = a.questions.every((_, i) => a.given.has(i));
    const right = given.filter(([i, chosen]) => verdict(a.questions[i], chosen).right).length;
    const state = a.signed ? 'signed' : !all ? 'open' : right * 100 >= a.questions.length * a.pass ? 'passed' : 'failed';
    return {
        ...a,
        given: undefined,
        signed: undefined,
        state,
        answered: given.length,
        right: all ? right : null,
        retry_after_s: 0,
        questions: a.questions.map((q, i) => ({ question: asked(q), chosen: a.given.get(i) ?? null, verdict: a.given.has(i) ? verdict(q, a.given.get(i)) : null })),
    };
}

/** null: it is about something else. */
export function trainingAnswer(t, { method, path, query, body, course, problem, password }) {
    const ok = (answer) => ({ status: 200, body: answer });
    const [, noun, id, act, more] = path.split('/');
    const signs = () => (body.password === password ? null : problem(403, 'wrong-password', 'This is not your password.'));
    if (noun === 'courses' && act === 'questions' && method === 'POST') {
        const all = course('show', id)[0].lessons.flatMap((l) => [...(l.scenario ? [l.scenario] : []), ...l.questions]);
        const q = all.find((one) => one.id === more);
        return q ? ok(verdict(q, body.chosen)) : problem(404, 'not-found', 'There is no such question.');
    }
    if (noun === 'courses' && act === 'attempts' && method === 'POST') {
        const open = [...t.attempts.values()].find((a) => a.course === id && ['open', 'passed'].includes(exam(a).state));
        if (open) {
            return ok(exam(open));
        }
        const c = course('show', id)[0];
        const questions = c.lessons.flatMap((l) => l.questions).slice(0, 4);
        const a = { id: String(t.attempts.size + 1).padStart(32, '0'), course: id, title: c.title, language: c.language, version: c.version, pass: c.pass, begun: new Date().toISOString(), sources: c.sources, questions, given: new Map() };
        t.attempts.set(a.id, a);
        return ok(exam(a));
    }
    if (noun !== 'training') {
        return null;
    }
    if (id === 'attempts') {
        const a = t.attempts.get(act);
        if (!a) {
            return problem(404, 'not-found', 'There is no such attempt.');
        }
        if (more === 'answers' && !a.given.has(Number(body.place))) {
            a.given.set(Number(body.place), body.chosen);
        }
        if (more === 'sign') {
            const wrong = signs();
            if (wrong) {
                return wrong;
            }
            a.signed = true;
            t.done.push({ record: 900 + t.done.length, course: a.course, title: a.title, how: 'test', version: a.version, day: iso(0) });
            return ok({ record: 899 + t.done.length, statement: 'I have read and understood this course.' });
        }
        return ok(exam(a));
    }
    switch (`${method} ${id ?? ''}${act && id !== 'people' && id !== 'policies' && id !== 'topics' ? '/act' : ''}`) {
        case 'GET mine':
            return ok({ today: iso(0), mail: t.mail, duties: duties(t), history: t.done });
        case 'GET policies':
            return ok(POLICY);
        case 'POST policies': {
            const wrong = signs();
            if (wrong) {
                return wrong;
            }
            t.done.push({ record: 900 + t.done.length, course: 'policy:clean-desk', title: POLICY.title, how: 'acknowledged', version: 2, day: iso(0) });
            return ok({ record: 899 + t.done.length, statement: 'I have read and understood this policy.' });
        }
        case 'GET ':
            return ok(overview(t));
        case 'GET people':
            if (act) {
                const p = t.people.find((one) => one.name === act);
                return p ? ok({ ...p, closed: false, mail: p.mail ? `${p.name}@lab.example` : null, roles: ['phlebotomist'], role: 'phlebotomist', permissions: [], today: iso(0), duties: duties(t), history: t.done }) : problem(404, 'not-found', 'There is no account of this name.');
            }
            return ok({ items: t.people.filter((p) => p.display_name.toLowerCase().includes((query.get('q') ?? '').toLowerCase()) && (query.get('state') !== 'late' || p.late > 0)), next: null });
        case 'PUT people':
            return ok({ record: 950 });
        case 'GET rules':
            return ok({
                items: t.ended ? [] : [{ rule: 64, course: 'everyone', title: 'Safe every day', role: null, site: null, account: null, from: iso(-60), days: 30, renew_months: 12, by: 'ana', why: null, time: new Date().toISOString() }],
                policies: [{ id: 'clean-desk', title: POLICY.title, version: 2, since: iso(-9), record: 80 }],
            });
        case 'POST rules/act':
            t.ended = true;
            return ok({ record: 951 });
        case 'POST rules':
        case 'POST refreshers':
            return ok({ record: 952 });
        case 'POST classes':
            t.classes.unshift({ record: 953, course: body.course ?? null, topic: body.topic, trainer: body.trainer, day: body.day, people: body.people.split(',').length, sha256: body.sha256 ?? null, by: 'ana' });
            return ok({ record: 953 });
        case 'GET classes':
            return ok({ items: t.classes, next: null });
        case 'POST remind':
            return ok({ reminded: body.people.split(',').length });
        case 'GET topics':
            return ok({ enough: act === 'everyone', least: 5, items: course('show', act)[0].parts.map((p, i) => ({ lesson: p.title, right_percent: act === 'everyone' ? 92 - 7 * i : null })) });
        case 'GET verify/act':
            return more === 'good' ? ok({ genuine: true, display_name: 'Ana Ruiz', title: 'Safe every day', how: 'test', by: null, version: 1, day: iso(-4), until: iso(361), counts: true, site: 'main-street', record: 900, records: 1204, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' }) : problem(404, 'not-genuine', 'No certificate of this number has this code.');
        default:
            return problem(404, 'not-found', 'There is nothing at this address.');
    }
}
