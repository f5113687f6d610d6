// Doors of makers' engineers, made up: one that waits, one that is open, and what was before.

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const door = (id, state, more) => ({
    id, state, asset: 'dev-1', device: 'Haematology 2', address: '10.0.5.12', from: '10.9.0.12', service: 'rdp', protocol: 'tcp', port: 3389, minutes: 60, maker: 'Sysmex', asked_by: 'nina',
    asked_at: ago(4), why: 'yearly service, ticket 4711: new reagent table', decided_by: null, decided_at: null, decided_why: null, until: null, opened_at: null, closed_at: null, ended: null,
    ended_why: null, ended_by: null, ended_reason: null, packets: null, bytes_up: null, bytes_down: null, flows: 0, changes: 0, record: 812, ...more,
});

/** firewall: on; off: it cannot; none: lab.yaml names no networks. */
export const doorsOf = (firewall) => ({
    firewall: firewall === 'on' ? { configured: true, on: true, why: null } : firewall === 'off' ? { configured: true, on: false, why: "the kernel's firewall: Operation not permitted" } : { configured: false, on: false, why: 'lab.yaml names no networks for doors (warden)' },
    items: firewall === 'none' ? [] : [
        door('00000000000000a1', 'asked'),
        door('00000000000000a2', 'open', { device: 'Chemistry 1', address: '10.0.5.30', service: 'vnc', port: 5900, minutes: 120, decided_by: 'ana', decided_at: ago(42), opened_at: ago(42), until: ago(-78), packets: 48_211, bytes_up: 1_204_882, bytes_down: 30_118_201, asked_at: ago(55), why: 'calibration of module 3 fails since Monday' }),
        door('00000000000000a3', 'closed', { device: 'Chemistry 1', address: '10.0.5.30', service: 'port', port: 8081, decided_by: 'ana', decided_at: ago(3000), opened_at: ago(3000), until: ago(2940), closed_at: ago(2940), ended: 'time', packets: 911, bytes_up: 88_211, bytes_down: 1_220_182, flows: 2, changes: 1, why: 'software update' }),
        door('00000000000000a4', 'refused', { decided_by: 'ana', decided_at: ago(4000), decided_why: 'Please say what the work is.', why: 'a look around', minutes: 480 }),
        door('00000000000000a5', 'closed', { decided_by: 'ana', decided_at: ago(5000), ended: 'error', ended_why: "the kernel's firewall: Operation not permitted", closed_at: ago(5000) }),
    ],
});

const seen = [
    { from: '10.9.0.12', to: '10.0.5.30', protocol: 'tcp', port: 8081, app: 'http', packets: 900, bytes_up: 88_000, bytes_down: 1_220_000, began: ago(2999), record: 700 },
    { from: '10.0.5.30', to: '93.184.216.34', protocol: 'tcp', port: 443, app: 'tls', packets: 11, bytes_up: 211, bytes_down: 182, began: ago(2980), record: 701 },
];
const changed = [{ time: ago(2950), field: 'software', before: '4.1.2', after: '4.2.0', record: 702 }];

/** What is asked about doors; undefined: it is something else. */
export function answer(key, [, id, act], { state, body, person, problem, password }) {
    const all = state.doors;
    const found = all.items.find((d) => d.id === id);
    const detail = () => ({ status: 200, body: { ...found, seen: found.flows > 0 ? seen : [], changed: found.changes > 0 ? changed : [] } });
    switch (key) {
        case 'GET /doors':
            return { status: 200, body: { ...all, waiting: all.items.filter((d) => d.state === 'asked').length, next: null } };
        case 'POST /doors':
            all.items.unshift(door(String(all.items.length).padStart(16, '0'), 'asked', { asked_at: new Date().toISOString(), asked_by: person.name, why: body.why, minutes: Number(body.minutes), service: body.service, port: Number(body.port ?? 3389), from: body.from }));
            return { status: 201, body: { ...all.items[0], seen: [], changed: [] } };
        case 'GET /doors/id':
            if (id === 'choices') {
                const devices = [{ id: 'dev-1', title: 'Haematology 2', address: '10.0.5.12', maker: 'Sysmex', model: 'XN-1000' }, { id: 'dev-2', title: 'Chemistry 1', address: '10.0.5.30', maker: 'Sysmex', model: null }];
                return { status: 200, body: { firewall: all.firewall, maker: 'Sysmex', from: '10.9.0.12', minutes_least: 5, minutes_most: 480, services: [['rdp', 3389], ['vnc', 5900], ['ssh', 22], ['https', 443], ['port', 0]].map(([name, port]) => ({ name, port })), devices } };
            }
            return found ? detail() : problem(404, 'no-door', 'There is no door with this id.');
        case 'POST /doors/id/act':
            if (act === 'approve') {
                if (body.password !== password) {
                    return problem(403, 'wrong-password', 'That is not your password.');
                }
                Object.assign(found, { state: 'open', decided_by: person.name, decided_at: new Date().toISOString(), opened_at: new Date().toISOString(), until: ago(-found.minutes), packets: 0, bytes_up: 0, bytes_down: 0 });
            } else if (act === 'refuse') {
                Object.assign(found, { state: 'refused', decided_by: person.name, decided_at: new Date().toISOString(), decided_why: body.why });
            } else {
                Object.assign(found, { state: 'closed', ended: 'withdrawn', ended_by: person.name, closed_at: new Date().toISOString() });
            }
            return detail();
        default:
            return undefined;
    }
}
