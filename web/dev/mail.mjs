// Made-up mails that people asked about, as the program answers for them.

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const REASONS = [
    { code: 'from-like-own', text: 'The sender\'s domain lab-exarnple.top looks like the lab\'s own, but is not.', es: 'El dominio del remitente, lab-exarnple.top, se parece al del laboratorio, pero no lo es.', against: true },
    { code: 'words-mailbox', text: 'It says that your mailbox or password has a problem.', es: 'Dice que su buzón o su contraseña tienen un problema.', against: true },
    { code: 'link-addressed', text: 'A link has your address in it, to fill in a sign-in page for you (login.lab-exarnple.top).', es: 'Un enlace lleva su dirección, para rellenar por usted una página de inicio de sesión (login.lab-exarnple.top).', against: true },
    { code: 'words-urgency', text: 'It presses for haste.', es: 'Mete prisa.', against: true },
    { code: 'words-threat', text: 'It threatens: something will be closed, lost or punished.', es: 'Amenaza: algo se cerrará, se perderá o se castigará.', against: true },
];
const GOOD = [{ code: 'confirmed', text: 'The mail server confirms that it comes from lab.example.', es: 'El servidor de correo confirma que viene de lab.example.', against: false }];
const one = (n, more) => ({
    id: `0190c0de-0000-7000-9000-0000000010${String(n).padStart(2, '0')}`, etag: String(n), time: ago(n * 31), person: 'ana', display_name: 'Ana Ruiz', verdict: 'dangerous', score: 96, reasons: REASONS,
    sender: 'help@lab-exarnple.top', files: 0, links: 1, scanned: 'clean', exercise: false, state: 'waiting', decided_by: null, decided: null, answer: null, incident: null, record: 1200 + n,
    indicators: [{ kind: 'address', value: 'help@lab-exarnple.top', incident: null }, { kind: 'host', value: 'login.lab-exarnple.top', incident: null }], alike: [], ...more,
});

export function makeMails() {
    const mails = [
        one(1, { person: 'pat', display_name: 'Pat Moreno' }),
        one(2),
        one(3, { verdict: 'suspicious', score: 41, sender: 'billing@a-very-long-name-of-a-supplier-of-reagents-and-consumables.example', reasons: REASONS.slice(3), files: 2, links: 4, scanned: 'not asked' }),
        one(4, { verdict: 'fine', score: 0, sender: 'maria@lab.example', reasons: GOOD, state: 'answered', indicators: [] }),
        one(5, { state: 'dangerous', decided_by: 'marco', decided: ago(90), answer: 'Well seen: it is an attack. Delete it.', incident: '0190c0de-0000-7000-9000-000000002001' }),
    ];
    mails[0].alike = [{ id: mails[1].id, time: mails[1].time, verdict: 'dangerous', state: 'waiting', person: 'ana', alike: 91 }];
    mails[1].alike = [{ id: mails[0].id, time: mails[0].time, verdict: 'dangerous', state: 'waiting', person: 'pat', alike: 91 }];
    return mails;
}

const inLanguage = (mail, query) => ({ ...mail, reasons: mail.reasons.map(({ es, ...r }) => (query.get('language') === 'es' ? { ...r, text: es } : r)) });

export function mailAnswer(mails, { method, path, query, body, bytes, page, problem, person, record, tell, password }) {
    const [, noun, id, act] = path.split('/');
    const decides = person.permissions.includes('mail.decide');
    if (noun === 'indicators') {
        const kept = mails.filter((m) => m.state === 'dangerous').flatMap((m) => m.indicators.map((i) => ({ kind: i.kind, value: i.value, incident: m.incident, title: 'An attack by mail', time: m.decided, record: m.record })));
        return page([...new Map(kept.map((i) => [i.value, i])).values()], query);
    }
    if (noun !== 'mail') {
        return null;
    }
    const mine = (m) => m.person === person.name;
    if (method === 'POST' && id === 'pieces') {
        return { status: 200, body: { kept: Number(query.get('at')) + bytes.length } };
    }
    if (method === 'POST' && id === undefined) {
        const text = bytes.toString('latin1');
        if (!query.has('at') && !/^[A-Za-z-]+:/.test(text)) {
            return problem(422, 'no-mail', 'That is no mail.');
        }
        const bad = text.includes('exarnple');
        const ours = text.includes('X-Tourniquet-Exercise');
        const made = one(0, {
            id: `0190c0de-0000-7000-9000-${String(9000 + mails.length).padStart(12, '0')}`, person: person.name, display_name: person.display_name, verdict: bad ? 'dangerous' : 'fine', score: bad ? 96 : 0, reasons: bad ? REASONS : GOOD,
            sender: /^From: .*?([^ <]+@[^ >\r\n]+)/m.exec(text)?.[1] ?? null, exercise: ours, state: bad && !ours ? 'waiting' : 'answered',
        });
        mails.unshift(made);
        made.etag = String(record('mail.reported', 'A mail was reported'));
        tell('mail');
        return { status: 201, body: inLanguage(made, query) };
    }
    if (id === undefined) {
        const state = query.get('state') ?? '';
        return page(mails.filter((m) => (state === '' || m.state === state) && ((decides && query.get('mine') !== 'yes') || mine(m))).map((m) => inLanguage(m, query)), query);
    }
    const found = mails.find((m) => m.id === id && (decides || mine(m)));
    if (!found) {
        return problem(404, 'no-mail', 'There is no mail with this id.');
    }
    if (act === 'look') {
        if (body.password !== password) {
            return problem(403, 'wrong-password', 'This is not your password.');
        }
        return {
            status: 200,
            body: {
                look: record('phi.look', 'text of a mail'), seconds: 300, name: 'IT help desk', from: found.sender, reply_to: null, subject: 'Your password expires today',
                files: [{ name: 'form.html', type: 'html', sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', bytes: 20480, inside: false }],
                links: [{ scheme: 'http', before: 'login.', site: 'lab-exarnple.top', rest: '/owa?u=pat@lab[.]example', shown: 'https://mail.lab.example', dressed: true }],
                text: 'Dear user,\n\nyour mailbox is full and will be closed today. Sign in at once to keep your messages:\nhxxp://login[.]lab-exarnple[.]top/owa\n\n<img src=x onerror=alert(1)>\n',
            },
        };
    }
    if (act === 'decide') {
        const open = body.verdict === 'open';
        const incident = body.verdict === 'dangerous' ? '0190c0de-0000-7000-9000-000000002002' : null;
        const etag = String(record('mail.decided', 'Decided about a mail'));
        for (const m of [found, ...(body.alike ? mails.filter((x) => x.state === 'waiting' && found.alike.some((a) => a.id === x.id)) : [])]) {
            Object.assign(m, { state: open ? 'waiting' : body.verdict, decided_by: open ? null : person.name, decided: open ? null : new Date().toISOString(), answer: body.answer ?? null, incident, etag });
            for (const other of mails) {
                other.alike = other.alike.map((a) => (a.id === m.id ? { ...a, state: m.state } : a));
            }
        }
        tell('mail');
    }
    return { status: 200, body: inLanguage(found, query) };
}
