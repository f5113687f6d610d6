// The whole life of passkeys with the real program and Chromium's virtual authenticator: made, used, proved with, cloned, removed; and what is refused.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { freePort, launch, open, shot } from './browser.mjs';
import { authorityOf, PROGRAM, run, setUp, skipReal as skip } from './start.mjs';
import { called, inspect, settled, SIGHTS, WALKED } from './walk.mjs';

const PASSWORD = 'harbour violet tractor nine';
const PHONE = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
const KEYRING = { ...PHONE, transport: 'usb' };

let data;
let program;
let base;
let chromium;
let view;
let page;
let cdp;
let device;

const plug = async (options) => (await cdp.send('WebAuthn.addVirtualAuthenticator', { options })).authenticatorId;
const unplug = (authenticatorId) => cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
const keysOf = async (authenticatorId) => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;

before(async () => {
    if (skip) {
        return;
    }
    data = mkdtempSync(join(tmpdir(), 'tourniquet-passkeys-'));
    program = run(PROGRAM, ['demo', '--data', data, '--listen', `127.0.0.1:${await freePort()}`]);
    base = await program.address();
    await program.hear(/is on the ledger/);
    chromium = await launch(authorityOf(data));
    view = await open(chromium.browser, base);
    page = view.page;
    cdp = await view.context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    device = await plug(PHONE);
    await page.goto(base);
    await setUp(page, await program.code(), PASSWORD);
    await page.waitForSelector('.places');
});
after(async () => {
    await chromium?.close();
    await program?.end();
    if (data) {
        rmSync(data, { recursive: true, force: true });
    }
});

async function methods() {
    await page.goto(`${base}/sign-in`);
    await settled(page);
}
async function signOut() {
    await page.getByRole('button', { name: 'Switch person' }).click();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
}
async function byPassword(code) {
    await page.getByLabel('Name', { exact: true }).fill('ana');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    if (code) {
        await page.getByLabel('Code', { exact: true }).fill(code);
        await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    }
}
const byKey = () => page.getByRole('button', { name: 'Sign in with a passkey' }).click();
const inside = () => page.waitForSelector('.places');
const api = (path) => page.evaluate((p) => fetch(`/api/v1${p}`).then((r) => r.json()), path);

test('a passkey is made, with the password as proof', { skip }, async () => {
    await methods();
    assert.equal(await page.locator('h1').innerText(), 'You sign in with a password alone.');
    await inspect(page, view.faults, SIGHTS[0], 'passkeys-none');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByLabel('Name of the key').fill('Phone');
    await page.getByLabel('Your password, again').fill('not the right one');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('that is not your password').waitFor();
    assert.equal((await keysOf(device)).length, 0);
    await page.getByLabel('Your password, again').fill(PASSWORD);
    await shot(page, 'passkeys-add-1440-light-en');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('is added').waitFor();
    await page.locator('h1', { hasText: /^You sign in with one passkey\./ }).waitFor();
    const [key] = await keysOf(device);
    assert.equal(key.rpId, 'localhost');
    assert.equal(key.isResidentCredential, true);
});

test('the same device is not registered twice; a second key is', { skip }, async () => {
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    assert.equal(await page.locator('.again').count(), 1, 'the first passkey is the proof');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('This key is registered already.').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    const keyring = await plug(KEYRING);
    await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: keyring, enabled: true });
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByLabel('Name of the key').fill('Key ring');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('“Key ring” is added').waitFor();
    await page.locator('h1', { hasText: /^You sign in with 2 passkeys\.$/ }).waitFor();
    assert.equal((await keysOf(keyring)).length, 1);
    await page.getByRole('button', { name: 'Try one out' }).click();
    await page.getByText(/“(Phone|Key ring)” works\./).waitFor();
    await unplug(keyring);
});

test('signing in: one press, no name typed; also with the name', { skip }, async () => {
    await signOut();
    await shot(page, 'passkeys-sign-in-1440-light-en');
    await byKey();
    await inside();
    assert.ok((await api('/acts?limit=50')).items.some((a) => a.event === 'passkey.used' && a.person === 'ana'));
    await signOut();
    await page.getByLabel('Name', { exact: true }).fill('ana');
    await byKey();
    await inside();
});

test('a dangerous act is signed by the passkey; nothing is typed', { skip }, async () => {
    await page.goto(`${base}/links`);
    await settled(page);
    const asked = page.waitForRequest((r) => /\/links\/[^/]+\/hold$/.test(r.url()));
    await page.getByRole('button', { name: /^Hold/ }).first().click();
    await page.getByLabel('Why?').fill('the LIS is being mended');
    assert.equal(await page.getByLabel('Your password, again').count(), 0);
    await shot(page, 'passkeys-hold-1440-light-en');
    await page.getByRole('dialog').getByRole('button', { name: /^Hold/ }).click();
    const request = await asked;
    assert.equal(request.headers()['x-proof'].split('.').length, 5);
    assert.ok(!request.postData().includes('password'));
    await page.getByText(/ is held\.$/).waitFor(); // what was done; line one says it too
    // the same proof again, and for another body
    const { url, headers, body } = { url: request.url(), headers: request.headers(), body: request.postData() };
    const answers = await page.evaluate(
        async ([address, proof, csrf, bodies]) => {
            const codes = [];
            for (const text of bodies) {
                const r = await fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF': csrf, 'X-Proof': proof }, body: text });
                codes.push(`${r.status} ${(await r.json()).code}`);
            }
            return codes;
        },
        [url, headers['x-proof'], headers['x-csrf'], [body, body.replace('mended', 'broken')]],
    );
    assert.deepEqual(answers, ['403 passkey-challenge', '403 passkey-challenge']);
    // the weaker way is there, and says what it is
    await page.getByRole('button', { name: /^Let go on/ }).first().click();
    await page.getByRole('button', { name: 'Password instead' }).click();
    await page.getByText('Weaker than a passkey').waitFor();
    await page.getByLabel('Why?').fill('it is mended now');
    await page.getByLabel('Your password, again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Let it go on' }).click();
    await page.getByText('goes on.').waitFor();
});

/** Answers a sign-in as a page of ours would, with everything to choose; returns status and code. */
const answer = (choose = {}) =>
    page.evaluate(async ({ challenge, verification = 'required', spoil }) => {
        const bytes = (t) => Uint8Array.from(atob(t.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
        const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        const post = (path, body) => fetch(`/api/v1${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
        const wish = await (await post('/session/passkey/options', {})).json();
        const made = await navigator.credentials.get({ publicKey: { challenge: bytes(challenge ?? wish.challenge), rpId: wish.rp_id, userVerification: verification } });
        const signature = new Uint8Array(made.response.signature);
        if (spoil) {
            signature[signature.length - 1] ^= 1;
        }
        const r = await post('/session/passkey', { id: text(made.rawId), data: text(made.response.authenticatorData), client: text(made.response.clientDataJSON), signature: text(signature) });
        return `${r.status} ${(await r.json()).code ?? ''}`;
    }, choose);

test('refused: a challenge of another, a signature that is spoilt, a touch by nobody in particular', { skip }, async () => {
    await signOut();
    assert.equal(await answer({ challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }), '401 passkey-challenge');
    assert.equal(await answer({ spoil: true }), '401 passkey-signature');
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId: device, isUserVerified: false });
    assert.equal(await answer({ verification: 'discouraged' }), '401 passkey-unverified');
    await byKey();
    await page.getByText('No passkey answered').waitFor(); // the browser itself refuses to go on
    await shot(page, 'passkeys-refused-1440-light-en');
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId: device, isUserVerified: true });
    await byKey();
    await inside();
});

test("refused: another page's origin, on the same machine", { skip }, async () => {
    await signOut();
    const wish = await page.evaluate(() => fetch('/api/v1/session/passkey/options', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }).then((r) => r.json()));
    const evil = createServer((_, answer_) => answer_.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>evil</title>')).listen(0, '127.0.0.1');
    await new Promise((ready) => evil.once('listening', ready));
    const other = await view.context.newPage();
    await other.goto(`http://localhost:${evil.address().port}/`);
    const session = await view.context.newCDPSession(other);
    await session.send('WebAuthn.enable');
    const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', { options: PHONE });
    const [key] = await keysOf(device);
    await session.send('WebAuthn.addCredential', { authenticatorId, credential: { ...key, signCount: key.signCount + 100 } });
    const stolen = await other.evaluate(async (challenge) => {
        const bytes = (t) => Uint8Array.from(atob(t.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
        const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        const made = await navigator.credentials.get({ publicKey: { challenge: bytes(challenge), rpId: 'localhost', userVerification: 'required' } });
        return { id: text(made.rawId), data: text(made.response.authenticatorData), client: text(made.response.clientDataJSON), signature: text(made.response.signature) };
    }, wish.challenge);
    await other.close();
    evil.close();
    const refused = await page.evaluate(
        (body) => fetch('/api/v1/session/passkey', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }).then((r) => r.json()),
        stolen,
    );
    assert.equal(refused.code, 'passkey-origin');
    await byKey();
    await inside();
});

test('a clone is found out by its counter: it is stopped, and a finding', { skip }, async () => {
    await signOut();
    const [key] = await keysOf(device);
    const clone = { ...key, signCount: 0 };
    await unplug(device);
    device = await plug(PHONE);
    await cdp.send('WebAuthn.addCredential', { authenticatorId: device, credential: clone });
    await byKey();
    await page.getByText('There seem to be two of this key').waitFor();
    await byKey();
    await page.getByText('not known here any more').waitFor();
    await byPassword();
    await inside();
    const { items } = await api('/findings?kind=access.passkey_cloned');
    assert.equal(items.length, 1);
    assert.equal(items[0].severity, 'high');
    await methods();
    await page.getByText('stopped: there seem to be two of it').waitFor();
    await shot(page, 'passkeys-stopped-1440-light-en');
});

test('removed: it signs nobody in any more', { skip }, async () => {
    await page.getByRole('button', { name: 'Remove “Phone”' }).click();
    await page.getByRole('button', { name: 'Password instead' }).click();
    await page.getByLabel('Your password, again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByText('opens nothing any more').waitFor();
    await page.getByText('Phone', { exact: true }).waitFor({ state: 'detached' });
    await signOut();
    await byKey();
    await page.getByText('not known here any more').waitFor();
    await byPassword();
    await inside();
});

const totp = (secret, step) => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
    const bits = [...secret].map((c) => letters.indexOf(c).toString(2).padStart(5, '0')).join('');
    const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac('sha1', key).update(counter).digest();
    return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
};
const now = () => Math.floor(Date.now() / 30_000);

test('an app with codes: set up, asked for, and no code counts twice', { skip }, async () => {
    await methods();
    await page.getByRole('button', { name: 'Turn it on…' }).click();
    if (await page.locator('.again').count()) {
        await page.getByRole('button', { name: 'Password instead' }).click();
    }
    await page.getByLabel('Your password, again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Go on' }).click();
    const secret = (await page.getByTestId('secret').innerText()).replaceAll(/\s/g, '');
    assert.match(secret, /^[A-Z2-7]{32}$/);
    await page.getByLabel('Code', { exact: true }).fill(totp(secret, now() - 9));
    await page.getByRole('button', { name: 'Turn it on', exact: true }).click();
    await page.getByText('This is not the code').waitFor();
    const first = totp(secret, now());
    await page.getByLabel('Code', { exact: true }).fill(first);
    await page.getByRole('button', { name: 'Turn it on', exact: true }).click();
    await page.getByText("your password needs the app's code").first().waitFor();
    await signOut();
    await byPassword();
    await page.getByLabel('Code', { exact: true }).waitFor();
    await shot(page, 'passkeys-code-1440-light-en');
    await page.getByLabel('Code', { exact: true }).fill(first);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('or it was used already').waitFor();
    await page.getByLabel('Code', { exact: true }).fill(totp(secret, now() + 1));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await inside();
});

/** Somebody else of the lab, invited at the machine itself, signed in in a browser of their own. */
async function colleague(name, role) {
    const body = JSON.stringify({ name, role, why: 'works with us' });
    const { stdout } = await promisify(execFile)(PROGRAM, ['api', 'POST', '/api/v1/people', '--data', join(data, 'data'), '-d', body]);
    const own = await open(chromium.browser, base);
    await own.page.goto(base);
    const status = await own.page.evaluate(
        (sent) => fetch('/api/v1/invitation', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(sent) }).then((r) => r.status),
        { name, code: JSON.parse(stdout).code, password: PASSWORD },
    );
    assert.equal(status, 200);
    await own.page.goto(`${base}/sign-in`);
    await settled(own.page);
    return own;
}

test('two people let a third one in again: one asks, another approves, the code makes a new passkey', { skip }, async () => {
    const mia = await colleague('mia', 'lab manager');
    await mia.page.getByRole('button', { name: 'Ask for somebody…' }).click();
    await mia.page.getByLabel('Name of the account').fill('ana');
    await mia.page.getByLabel('Why, and how do you know').fill('her key ring was stolen; she stood before me');
    await mia.page.getByLabel('Your password, again').fill(PASSWORD);
    await shot(mia.page, 'passkeys-let-in-ask-1440-light-en');
    await mia.page.getByRole('button', { name: 'Ask for it' }).click();
    await mia.page.getByText('another person has to approve it').waitFor();
    const ben = await colleague('ben', 'IT');
    await ben.page.getByText('waits for you').waitFor();
    await ben.page.getByRole('button', { name: 'Look and approve…' }).click();
    await ben.page.getByLabel('Your password, again').fill(PASSWORD);
    await ben.page.getByRole('button', { name: 'Approve', exact: true }).click();
    const code = await ben.page.getByTestId('code').innerText();
    assert.match(code, /^([0-9A-Z]{5}-){3}[0-9A-Z]{5}$/);
    await shot(ben.page, 'passkeys-let-in-code-1440-light-en');
    await signOut();
    await page.getByRole('button', { name: "I can't sign in any more" }).click();
    await page.getByLabel('Name', { exact: true }).fill('ana');
    await page.getByLabel('Code', { exact: true }).fill('AAAAA-AAAAA-AAAAA-AAAAA');
    await page.getByRole('button', { name: 'Make a passkey and sign in' }).click();
    await page.getByText('Name or code is wrong').waitFor();
    await page.getByLabel('Code', { exact: true }).fill(code.toLowerCase());
    await page.getByRole('button', { name: 'Make a passkey and sign in' }).click();
    await inside();
    await methods();
    assert.match(await page.locator('h1').innerText(), /^You sign in with one passkey\./);
    assert.equal(await page.getByText('Key ring').count(), 0);
    await page.getByText('Off: your password alone').waitFor();
    // one alone does not
    await mia.page.goto(`${base}/people/ana`);
    await settled(mia.page);
    await mia.page.getByRole('button', { name: 'New code…' }).click();
    await mia.page.getByRole('dialog').getByRole('textbox').first().fill('she forgot it again');
    await mia.page.getByLabel('Your password, again').fill(PASSWORD);
    await mia.page.getByRole('button', { name: 'Make the code' }).click();
    await mia.page.getByText('This person has a passkey or an app').waitFor();
    await mia.page.getByText('Somebody else may know the password').click();
    await mia.page.getByLabel('Your password, again').fill(PASSWORD);
    await mia.page.getByRole('button', { name: 'Make the code' }).click();
    await mia.page.getByText('No code was made').waitFor();
    await mia.context.close();
    await ben.context.close();
    await page.goto(base);
    await byKey();
    await inside();
});

test('nothing went wrong on the page', { skip }, () => {
    assert.deepEqual(
        view.faults.filter((f) => !/status of (401|403|409|422)|request to http:\/\/localhost/.test(f)),
        [],
    );
});

for (const sight of WALKED) {
    test(`sign-in and its methods at ${called(sight)}`, { skip }, async () => {
        const own = await open(chromium.browser, base, sight);
        await own.page.goto(base);
        await inspect(own.page, own.faults, sight, 'passkeys-door');
        await own.page.getByRole('button', { name: sight.language === 'es' ? 'Ya no puedo entrar' : "I can't sign in any more" }).click();
        await own.page.locator('[name=code]').waitFor();
        await inspect(own.page, own.faults, sight, 'passkeys-recover');
        await own.context.close();
        const inner = await open(chromium.browser, base, { ...sight, cookies: await view.context.storageState() });
        await inner.page.goto(`${base}/sign-in`);
        await inspect(inner.page, inner.faults, sight, 'passkeys-methods');
        await inner.context.close();
    });
}
