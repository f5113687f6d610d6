// A made-up laboratory in memory, for working on the page without the program and for looking at states that a real lab rarely shows
// (empty, failing, slow, very long names). Development only: it is neither built nor shipped. The same start gives the same lab.

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
    const [maker, model, role, protocol] = i < MAKERS.length ? MAKERS[i] : [null, null, i % 5 === 0 ? 'unknown' : ['workstation', 'server', 'printer', 'network'][i % 4], null];
    const ip = `10.0.5.${10 + i}`;
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
        protocols: protocol ? [protocol] : i % 3 ? ['TLS', 'DNS'] : [],
        first_seen: ago(60 * 24 * 9),
        last_seen: seen,
        messages: protocol ? 400 + rnd(900) : 0,
        findings_open: i === 0 || i === 1 ? 1 : 0,
        why: maker !== null
            ? [
                  { text: `Calls itself '${model}^00-22^S${1000 + i * 37}' in the ASTM header record`, source: 'astm.h', time: seen },
                  { text: `Its network card was made for ${maker || 'Dell'}`, source: 'oui', time: ago(700) },
              ]
            : hostname
              ? [{ text: `Asked for an address as '${hostname}'`, source: 'dhcp', time: seen }]
              : [],
    };
}

const FINDINGS = [
    ['message.hostile', 'critical', 'A message from 10.0.5.77 tries to break the program that receives it.', 'Unplug 10.0.5.77 or block it at the switch, then call the maker of the LIS. The LIS may have read the message: watch it for odd behaviour.', 'T1190', 1],
    ['sender.unknown', 'high', 'A sender never seen before sends results to the LIS: 10.0.5.77 calls itself CHEM9.', 'Ask who connected CHEM9. If nobody knows, unplug it, and check every result that came from it today.', 'T0848', 3],
    ['phi.cleartext', 'medium', 'Results of Sysmex XN-1000 pass in clear text to 10.0.5.15.', 'Anyone on this network can read and change them. Ask the maker for TLS, or send the link through a relay.', 'T1040', 812],
    ['phi.cleartext', 'medium', 'Results of Roche cobas 6000 pass in clear text to 10.0.5.15.', 'Anyone on this network can read and change them. Ask the maker for TLS, or send the link through a relay.', 'T1040', 391],
    ['message.malformed', 'low', 'A message of Abbott Alinity ci is damaged: PID-5, byte 812.', 'Compare the results of this message with the analyzer. If it happens again, call its maker.', null, 2],
    ['result.corrected', 'info', 'A result was corrected: potassium, by Roche cobas 6000.', 'Nothing to do: the analyzer marked it as a correction.', null, 1],
];

export function lab({ devices = 41, results = 1204, findings = FINDINGS.length, long = false } = {}) {
    const rnd = random(7);
    const state = { devices: [], results: [], findings: [], records: [], verified: null, verifying: false, next: 0, since: ago(60 * 24 * 9) };
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
            message: { id: `${index}.a.1`, protocol: 'hl7', type: 'ORU^R01', control_id: String(index) },
            verdict: 'single',
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
            evidence: null,
        });
    });
    return {
        state,
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
                title: `A sender never seen before sends results: 10.0.5.${90 + n}.`,
                advice: 'Ask who connected it. If nobody knows, unplug it.',
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
