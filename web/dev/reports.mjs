// Made-up reports, as the program answers for them.

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const one = (n, more) => ({ id: `0190c0de-0000-7000-9000-00000000000${n}`, etag: String(n), kind: 'other', text: '', now: false, time: ago(n * 47), person: null, display_name: null, photo: null, state: 'received', taken_by: null, answer: null, answered: null, record: 900 + n, history: [{ time: ago(n * 47), event: 'report.filed', person: null, why: null, record: 900 + n }], ...more });

export const makeReports = () => [
    one(1, { kind: 'person', text: 'A man with a tool bag says he is from the analyzer’s maker. Nobody called him. He is in the chemistry room.', now: true, person: 'ana', display_name: 'Ana Ruiz' }),
    one(2, { kind: 'message', text: 'Mail from “IT help desk” wants my password because the mailbox is full.', photo: 'image/jpeg' }),
    one(3, { kind: 'lost', text: 'Badge of somebody from the night shift on the stairs.', person: 'ana', display_name: 'Ana Ruiz', state: 'answered', taken_by: 'marco', answer: 'It belongs to Luis, who has it back. Thank you.', answered: ago(20) }),
];

export function reportsAnswer(reports, { method, path, query, body, page, problem, person, record, tell }) {
    const [, noun, id, act] = path.split('/');
    if (noun !== 'reports') {
        return null;
    }
    const status = (r) => ({ state: r.state, time: r.time, answer: r.answer, answered: r.answered });
    const handles = person.permissions.includes('report.handle');
    if (method === 'POST' && (id === undefined || id === 'nameless')) {
        const mine = id === undefined ? { person: person.name, display_name: person.display_name } : {};
        const made = one(0, { ...mine, kind: body.kind, text: body.text ?? '', now: body.now === true, photo: body.photo ? 'image/jpeg' : null, id: `0190c0de-0000-7000-9000-${String(reports.length + 1).padStart(12, '0')}`, claim: body.claim, bytes: body.photo });
        reports.unshift(made);
        made.etag = String(record('report.filed', 'Something was reported'));
        tell('reports');
        return { status: 201, body: status(made) };
    }
    if (method === 'POST' && id === 'status') {
        const found = reports.find((r) => r.claim === body.claim);
        return found ? { status: 200, body: status(found) } : problem(404, 'no-report', 'No report has this code.');
    }
    if (id === undefined) {
        const state = query.get('state') ?? (handles ? 'open' : 'all');
        return page(reports.filter((r) => (state === 'all' || r.state === state || (state === 'open' && ['received', 'looking'].includes(r.state))) && ((handles && query.get('mine') !== 'yes') || r.person === person.name)), query);
    }
    const found = reports.find((r) => r.id === id && (handles || r.person === person.name));
    if (!found) {
        return problem(404, 'no-report', 'There is no report with this id.');
    }
    if (act === 'photo') {
        return { status: 200, bytes: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEklEQVR4nGP8z8DAwMDABAIMAAAJDAEBQ4pU3QAAAABJRU5ErkJggg==', 'base64'), type: 'image/png' };
    }
    if (method === 'POST') {
        const to = { take: 'looking', release: 'received', answer: 'answered', close: 'closed' }[act];
        Object.assign(found, { state: to, taken_by: to === 'received' ? null : person.name, etag: String(record(`report.${act}`, 'Report')) });
        if (body.answer) {
            Object.assign(found, { answer: body.answer, answered: new Date().toISOString() });
        }
        found.history.push({ time: new Date().toISOString(), event: { take: 'report.taken', release: 'report.released', answer: 'report.answered', close: 'report.closed' }[act], person: person.name, why: body.answer ?? body.why ?? null, record: Number(found.etag) });
        tell('reports');
    }
    return { status: 200, body: found };
}
