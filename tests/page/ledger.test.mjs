// The Ledger page: what it says in each state, and the checking of proofs in the browser, against vectors of the public descriptions and a made-up
// ledger that holds. The real program's proofs are dropped on it in program.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, hold, shot, sideways } from './browser.mjs';
import { FRESH, makeUp, skip } from './start.mjs';
import { called, inspect, settled, SIGHTS } from './walk.mjs';
import { check, goesOn } from '../../web/src/ledger/check.ts';
import { makeTree, noteKey } from '../../web/dev/tree.mjs';

// ── the checker alone ──

// Leaf "4" of 7, as the C2SP descriptions and RFC 6962 give it; keys from the seeds 00..1f and 20..3f.
const VECTOR = `c2sp.org/tlog-proof@v1
extra NA==
index 4
UzBPXj/UvNILOave8v4RgDHMWughe86gCN6n4nhpNIo=
O/nIHCMcrnC2eNPzA4+fT21rnXrc+bN48lkZrlPRdoY=
n0o/wg1BYtw31OI9kHhIcxp2BD//9taSiL8av7z/R44=

example.com/log
7
o+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=

\u2014 example.com/log 1FXFIerQTAX84scLf+ZIORScoRuNs1hdYJ87LhP0NP01q11qXPAndKfsBTmis+krCbD/5ASApVybMxfJNgOXJjuEtwg=
\u2014 witness.example/w1 IDJKvgAAAABlU/EACkrHVPdo269OcIg08C8AP6FW29y7piLHo45ld2QxUlklCRa+A5zTzYVJRvxWv59EpWI3NKoXvrVOXAzhEmOaCQ==
`;
const LOG = 'example.com/log+d455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4';
const WITNESS = 'witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X';

test('the public vector holds, with its witness; anything else does not', async () => {
    const good = await check(VECTOR, LOG, [WITNESS]);
    assert.equal(good.holds, true);
    assert.equal(good.index, 4n);
    assert.equal(good.head.size, 7n);
    assert.deepEqual(good.cosigned, [{ name: 'witness.example/w1', at: 1700000000 }]);
    const lines = VECTOR.split('\n');
    const without = (i) => lines.filter((_, k) => k !== i).join('\n');
    for (const [why, text] of [
        ['path', VECTOR.replace('index 4', 'index 3')],
        ['path', VECTOR.replace('index 4', 'index 7')],
        ['path', without(3)],
        ['path', VECTOR.replace('extra NA==', 'extra NQ==')],
        ['path', VECTOR.replace(lines[3], `${lines[3]}\n${lines[3]}`)],
        ['entry', without(1)],
        ['signature', VECTOR.replace('\n7\n', '\n8\n')],
        ['signature', VECTOR.replace('example.com/log\n', 'example.org/log\n')],
        ['foreign', VECTOR.replace('\u2014 example.com/log', '\u2014 example.org/log')],
        ['cosignature', VECTOR.replace('ACkrHV', 'ACkrHW')],
        ['malformed', VECTOR.replace('index 4', 'index 04')],
        ['malformed', VECTOR.slice(0, 200)],
        ['malformed', VECTOR.replace('UzBPXj', 'UzBPX')],
        ['unknown', 'hello'],
        ['unknown', ''],
    ]) {
        assert.deepEqual([(await check(text, LOG, [WITNESS])).holds, (await check(text, LOG, [WITNESS])).why], [false, why], why);
    }
    for (const key of ['', 'x', LOG.replace('d455c521', 'd455c522'), LOG.replace('AQOh', 'AQOi'), `${LOG} x`]) {
        assert.equal((await check(VECTOR, key, [])).why, 'key');
    }
});

const bytes = (text) => Uint8Array.from(Buffer.from(text, 'base64'));

test('consistency: the public vector 3 to 7, and every pair up to 40 of a tree built by the definition', async () => {
    const path = ['+mHj3sNDlYn0eEyJO/Mh0AhPBMVyx68raOPzNgo1tIY=', 'kGxdJIXK5yIHOkMPTQT+F2dQdZLO8iZimurbhaLskJ0=', 'ywCYnZSlacCmeK4EK2Pc1GJduWRAUX83put5duok7Us=', 'lz8IOVfHNZ+xlDrPnmaJvKbKXqcZfYCKrTwUSYaJ7+A='].map(bytes);
    const head = (size, hex) => ({ origin: 'x', size: BigInt(size), root: Uint8Array.from(Buffer.from(hex, 'hex')) });
    const [three, seven] = [head(3, '725d5230db68f557470dc35f1d8865813acd7ebb07ad152774141decbae71327'), head(7, 'a3e23b32ccb6bf96d092d165d8aa546e09829de8f03b0e8957581d1e16b92bdf')];
    assert.ok(await goesOn(three, seven, path));
    assert.ok(!(await goesOn(three, seven, path.slice(1))) && !(await goesOn(three, seven, [...path, path[0]])) && !(await goesOn(seven, three, path)));
    const log = noteKey('made-up.example', 1);
    const tree = makeTree(log, '2026-03-01T00:00:00Z');
    const roots = Array.from({ length: 41 }, (_, n) => head(n, Buffer.from(tree.root(n), 'base64').toString('hex')));
    for (let n = 0; n <= 40; n++) {
        for (let m = 0; m <= n; m++) {
            const offered = tree.offer(m, n).split('\n\n')[0].split('\n').slice(1).map(bytes);
            assert.ok(await goesOn(roots[m], roots[n], offered), `${m} to ${n}`);
            if (m > 0 && m < n) {
                assert.ok(!(await goesOn({ ...roots[m], root: roots[m - 1].root }, roots[n], offered)), `another root at ${m} to ${n}`);
            }
        }
    }
    for (let n = 1; n <= 40; n++) {
        for (let i = 0; i < n; i++) {
            const verdict = await check(tree.proof(i, n), log.line, []);
            assert.ok(verdict.holds && verdict.index === BigInt(i) && verdict.recorded === Date.parse('2026-03-01T00:00:00Z') + i * 1000, `${i} of ${n}`);
        }
    }
});

test('no character of a proof can be changed', async () => {
    const log = noteKey('made-up.example', 1);
    const proof = makeTree(log, '2026-03-01T00:00:00Z').proof(5, 11);
    let tried = 0;
    for (let i = 0; i < proof.length; i++) {
        for (const bit of [1, 2, 32]) {
            const changed = proof.slice(0, i) + String.fromCharCode(proof.charCodeAt(i) ^ bit) + proof.slice(i + 1);
            assert.equal((await check(changed, log.line, [])).holds, false, `character ${i}, bit ${bit}`);
            tried++;
        }
    }
    assert.ok(tried > 1500);
});

// ── the page ──

const lab = makeUp();

const DATE = /\d\d-[A-Z][a-z]{2}-\d{4}/.source;
const AGO = /\d{1,2} min ago/.source; // how long a test takes is nobody's promise
const LINES = {
    '': [new RegExp(`^Everything since ${DATE} holds; last checked ${AGO}, last witness neighbour ${AGO}\\.$`), 'Holds'],
    never: [new RegExp(`^Never checked yet: 1,212 records since ${DATE}\\.$`), 'Not checked'],
    broken: [/^The record does not hold from record 812 on: it was changed, or the disk is damaged\.$/, 'Does not hold'],
    refused: [/^The witness neighbour does not vouch for this record\. Find out why before you trust it\.$/, 'A witness refuses it'],
    silent: [new RegExp(`^Everything since ${DATE} holds; last checked ${AGO}, last witness neighbour 2 days ago\\.$`), 'Holds'],
    alone: [new RegExp(`^Everything since ${DATE} holds; last checked ${AGO}, no witness\\.$`), 'Holds'],
    full: [new RegExp(`^Everything since ${DATE} holds; last checked ${AGO}, last witness neighbour ${AGO}\\.$`), 'Holds'],
    locked: [/^Locked: recording goes on, sealed; nothing can be read or checked until it is unlocked\.$/, 'Holds'],
};

for (const [how, [line, tile]] of Object.entries(LINES)) {
    test(`line one and Today say the same: ${how || 'all well'}`, { skip }, async () => {
        await lab.dev({ ...FRESH, lab: { ledger: how } });
        for (const sight of how === '' ? SIGHTS : [SIGHTS[0], SIGHTS[3]]) {
            await lab.look(sight, async (page, faults) => {
                await page.goto(`${lab.base}/ledger`);
                await page.waitForSelector('.panel');
                await settled(page);
                await inspect(page, how === 'locked' ? [] : faults, sight, `ledger-${how || 'well'}`);
                if (sight.language === 'en') {
                    assert.match(await page.locator('h1').innerText(), line);
                    await page.goto(lab.base);
                    await settled(page);
                    assert.equal(await page.locator('.counts a[href="/ledger"] .mark').innerText(), tile);
                }
            });
        }
        await lab.dev(FRESH);
    });
}

test('very long names; a hundred thousand records; printed', { skip }, async () => {
    await lab.dev({ ...FRESH, lab: { ledger: 'refused', long: true, results: 100_000 } });
    for (const sight of [SIGHTS[0], SIGHTS[2], SIGHTS[3]]) {
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/ledger`);
            await page.waitForSelector('.panel');
            await inspect(page, faults, sight, 'ledger-long');
            await page.emulateMedia({ media: 'print' });
            assert.equal(await sideways(page), 0);
            await shot(page, `ledger-print-${called(sight)}`);
        });
    }
    await lab.dev(FRESH);
});

test('long work stands on every page: how far, how long still, and how to end it', { skip }, async () => {
    const task = { kind: 'verify-ledger', person: 'ana', began: new Date().toISOString(), seconds: 42, done: 410, total: 1000, left_s: { least: 45, most: 190 }, ending: false, may_cancel: true };
    for (const sight of [SIGHTS[0], SIGHTS[3]]) {
        await lab.dev({ ...FRESH, tasks: [{ ...task, seconds: 4 }] });
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/ledger`);
            await settled(page);
            assert.equal(await page.locator('.tray').count(), 0, 'what has just begun is shown where it was begun');
            await lab.dev({ tasks: [task, { ...task, kind: 'make-backup', seconds: 130, total: null, left_s: null, may_cancel: false }] });
            await page.reload();
            const tray = page.locator('.tray');
            await tray.getByText(/41\s?%/).waitFor();
            await tray.getByText(/1 to 4 minutes left|faltan de 1 a 4 minutos/i).waitFor();
            assert.equal(await tray.getByRole('button').count(), 1, 'who may not end it finds no button');
            await inspect(page, faults, sight, 'ledger-tray', { full: false });
            await tray.getByRole('button').click();
            await tray.waitFor({ state: 'detached' });
        });
    }
    await lab.dev({ ...FRESH, tasks: [] });
});

test('slow, failing, away: each panel for itself, and nothing old is said of now', { skip }, async () => {
    for (const sight of [SIGHTS[0], SIGHTS[3]]) {
        await lab.dev({ ...FRESH, mode: 'slow' });
        await lab.look(sight, async (page) => {
            await page.goto(`${lab.base}/ledger`);
            await page.waitForSelector('.bones');
            await page.getByText(/Still waiting|Aún se espera/).first().waitFor();
            await shot(page, `ledger-slow-${called(sight)}`);
            assert.deepEqual(await axe(page), []);
        });
        await lab.dev({ ...FRESH, mode: 'error' });
        await lab.look(sight, async (page) => {
            await page.goto(`${lab.base}/ledger`);
            await page.waitForFunction(() => document.querySelectorAll('.failed').length >= 6);
            await shot(page, `ledger-error-${called(sight)}`);
            assert.deepEqual(await axe(page), []);
            assert.equal(await sideways(page), 0);
        });
        await lab.dev(FRESH);
        await lab.look(sight, async (page, faults, context) => {
            await page.goto(`${lab.base}/ledger`);
            await page.waitForSelector('.panel');
            await settled(page);
            await context.setOffline(true);
            // what it asks now is lost; or it knows already, by something that it asks by itself, and the button cannot be pressed
            await page.getByRole('button', { name: /Check again|Comprobar de nuevo|Revisar/ }).first().click({ timeout: 3000 }).catch(() => undefined);
            await page.locator('h1', { hasText: /Not connected since|Sin conexión desde/ }).waitFor();
            assert.ok(await page.locator('.page-head button').first().isDisabled());
            await shot(page, `ledger-offline-${called(sight)}`);
        });
    }
});

const file = (name, text) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

async function drop(page, what, text) {
    await page.setInputFiles('input[aria-label^="A proof"]', file(what, text));
    await page.locator('.outcome', { hasText: what }).waitFor();
    return (await page.locator('.outcome').innerText()).replace(/\s+/g, ' ');
}

test('a dropped file is checked here and explained', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/ledger`);
        await settled(page);
        const get = (path) => page.evaluate((p) => fetch(p).then((r) => r.text()), path);
        const proof = await get('/api/v1/ledger/proof/700');
        assert.match(await drop(page, 'good', proof), /^It holds good Record 700, recorded .* is unchanged: it was one of the 1,212 records that main-street\.tourniquet\.local signed\. The witness neighbour\.example\/w1 saw that head on .*\. The ledger as it is now goes on from there/);
        assert.deepEqual(await axe(page), []);
        await shot(page, 'ledger-proof-good-1440-light-en');
        assert.match(await drop(page, 'entry', proof.replace(/extra VFFFMQ/, 'extra VFFFMg')), /^It does not hold entry The record in this file is not in the ledger that was signed/);
        await shot(page, 'ledger-proof-bad-1440-light-en');
        assert.match(await drop(page, 'index', proof.replace('index 700', 'index 701')), /^It does not hold/);
        assert.match(await drop(page, 'size', proof.replace('\n1212\n', '\n1213\n')), /Its signature does not hold/);
        assert.match(await drop(page, 'witness', proof.replace(/(\u2014 neighbour\S* \S{30})./, (m, head) => head + (m.endsWith('A') ? 'B' : 'A'))), /The line of the witness neighbour\.example\/w1 does not hold/);
        assert.match(await drop(page, 'photo', '\u0000\u0001 a photograph'), /This file is no proof, no checkpoint and no offer/);
        assert.match(await drop(page, 'large', 'x'.repeat(500_000)), /too large/);
        assert.match(await drop(page, 'cut', proof.slice(0, 300)), /The file is damaged/);
        const other = noteKey('other.example', 1);
        assert.match(await drop(page, 'foreign', makeTree(other, '2026-03-01T00:00:00Z').proof(1, 9)), /It is signed by other\.example, not by the key given here/);
        // A kept checkpoint: the ledger has grown since, and goes on from it.
        const kept = (await get('/api/v1/ledger/offer?old=0')).split('\n\n').slice(1).join('\n\n');
        await lab.dev({ results: 5 });
        assert.match(await drop(page, 'kept', kept), /^It holds kept This head of 1,212 records was signed by main-street\.tourniquet\.local\. The ledger as it is now goes on from there/);
        // Another life of the same ledger, with the same key: rewritten; a shorter one: cut.
        await lab.dev({ lab: { results: 2000 } });
        assert.match(await drop(page, 'other-life', kept), /^It does not hold other-life .* But the ledger as it is now does NOT go on from there: it was rewritten since/);
        await lab.dev({ lab: { results: 20 } });
        assert.match(await drop(page, 'cut-off', kept), /^It does not hold cut-off .* has fewer records than 1,212 now/);
        // A key that somebody keeps.
        await page.getByRole('button', { name: 'Use a key that I keep' }).click();
        await page.getByLabel('Public key that you keep').fill(other.line);
        await page.getByText("Another key than this ledger's").waitFor();
        assert.match(await drop(page, 'theirs', makeTree(other, '2026-03-01T00:00:00Z').proof(1, 9)), /^It holds theirs .* Checked with the key that you gave/);
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(faults.filter((f) => !/status of 422/.test(f)), []);
    });
    await lab.dev(FRESH);
});

test('really dropped, with a hand on the mouse', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/ledger`);
        await settled(page);
        await page.evaluate(async () => {
            const text = await fetch('/api/v1/ledger/proof/3').then((r) => r.text());
            const data = new DataTransfer();
            data.items.add(new File([text], 'dropped.tlog-proof'));
            const target = document.querySelector('.pick');
            for (const type of ['dragover', 'drop']) {
                target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
            }
        });
        await page.locator('.outcome', { hasText: 'Record 3, recorded' }).waitFor();
        assert.deepEqual(faults, []);
    });
});

test('a browser without Ed25519 says so, and has the program check', { skip }, async () => {
    await lab.look(
        SIGHTS[0],
        async (page, faults) => {
            await page.goto(`${lab.base}/ledger`);
            await settled(page);
            const proof = await page.evaluate(() => fetch('/api/v1/ledger/proof/3').then((r) => r.text()));
            assert.match(await drop(page, 'old browser', proof), /^It holds old browser Record 3 is unchanged, says the program\. This browser cannot check signatures/);
            assert.deepEqual(faults, []);
        },
        (_, page) =>
            page.addInitScript(() => {
                crypto.subtle.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'));
            }),
    );
});

test('acts: a witness is asked, a backup made and tested, what was not signed is not kept', { skip }, async () => {
    await lab.dev({ ...FRESH, lab: { ledger: 'silent' }, role: 'local administrator' });
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/ledger`);
        await settled(page);
        const witnesses = page.getByRole('region', { name: 'Witnesses' });
        await witnesses.getByText('Silent').waitFor();
        await witnesses.getByRole('button', { name: 'Ask now neighbour' }).click();
        await witnesses.getByText('Agrees').waitFor();
        const backups = page.getByRole('region', { name: 'Backups' });
        await backups.getByRole('button', { name: 'Back up now' }).click();
        await backups.getByRole('progressbar').waitFor();
        await backups.getByRole('progressbar').waitFor({ state: 'detached' });
        await backups.getByRole('button', { name: 'Test it' }).first().click();
        await backups.getByRole('progressbar').waitFor();
        const keys = page.getByRole('region', { name: 'Keys' });
        await keys.getByRole('button', { name: 'Exchange the keys…' }).click();
        assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel');
        assert.ok(await keys.getByRole('button', { name: 'Exchange the keys', exact: true }).isDisabled());
        await keys.getByLabel('Reason').fill('A laptop with a copy was lost.');
        assert.ok(await keys.getByRole('button', { name: 'Exchange the keys', exact: true }).isDisabled());
        await keys.getByLabel('Your password, again').fill('rhubarb kettle osprey 97');
        await shot(page, 'ledger-rotate-1440-light-en');
        await keys.getByRole('button', { name: 'Exchange the keys', exact: true }).click();
        await page.getByText('New keys seal the record from now on.').waitFor();
        await page.getByText('By file, where no witness can be reached').click();
        await page.setInputFiles('input[aria-label="What the witness signed"]', file('signed', 'nothing'));
        await page.getByText('Not kept: no witness is known here').waitFor();
        await inspect(page, faults.filter((f) => !/status of 422/.test(f)), SIGHTS[0], 'ledger-acts');
    });
    await lab.dev(FRESH);
});

test('nothing good is said before the witnesses have answered, or a network that nobody listens to is known', { skip }, async () => {
    await lab.dev({ ...FRESH, lab: { ledger: 'refused', sensor: 'gone' } });
    await lab.look(SIGHTS[0], async (page, faults) => {
        const [witnesses, sensor] = [await hold(page, '**/api/v1/witnesses'), await hold(page, '**/api/v1/sensor')];
        await page.goto(lab.base);
        const tile = page.locator('.counts a[href="/ledger"] .mark');
        assert.equal(await tile.innerText(), 'Unknown');
        assert.equal(await page.locator('h1').innerText(), 'What needs you today');
        sensor();
        await page.locator('h1', { hasText: /^1 network is not being listened to\./ }).waitFor();
        await page.goto(`${lab.base}/ledger`);
        await page.locator('h1', { hasText: /holds; last checked .*, what the witnesses say is not known\.$/ }).waitFor();
        witnesses();
        await page.locator('h1', { hasText: LINES.refused[0] }).waitFor();
        assert.deepEqual(faults, []);
    });
    await lab.dev(FRESH);
});
