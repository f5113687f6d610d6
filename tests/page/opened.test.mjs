// A door opened with a fingerprint on the phone, for real: the program with its warden, and Chromium with its virtual authenticator, in a network
// namespace of their own, whose firewall is what the door is made in. Needs root and nftables.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open, shot } from './browser.mjs';
import { authorityOf, PROGRAM, run, setUp, skipReal } from './start.mjs';
import { inspect, settled, SIGHTS } from './walk.mjs';

const PASSWORD = 'harbour violet tractor nine';
const PHONE = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
const DEVICE = '10.208.0.2';
const VENDOR = '10.209.0.2';
const SIGHT = { ...SIGHTS.at(-1), language: 'en' };
const tools = ['/usr/bin/unshare', '/usr/bin/nsenter', '/usr/sbin/nft'].every(existsSync) && process.getuid() === 0;
const skip = skipReal || (tools ? false : 'needs root, unshare, nsenter and nft');

let data;
let holder;
let program;
let chromium;
let view;
let page;
let door;

const inside = (...argv) => ['nsenter', '-t', String(holder.pid), '-n', ...argv];
const enter = (...argv) => execFileSync(inside(...argv)[0], inside(...argv).slice(1)).toString();
/** What the kernel lets in now. */
const passing = () => enter('nft', 'list', 'set', 'inet', 'tourniquet', 'in4');
const folder = () => join(data, 'data');
const verb = (...argv) => JSON.parse(execFileSync(PROGRAM, [...argv, '--data', folder()], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
const api = (method, path, body) => JSON.parse(execFileSync(PROGRAM, ['api', '--data', folder(), method, path, ...(body === undefined ? [] : ['-d', '-'])], { input: body ?? '', stdio: ['pipe', 'pipe', 'ignore'] }).toString());

before(async () => {
    if (skip) {
        return;
    }
    data = mkdtempSync(join(tmpdir(), 'tourniquet-door-'));
    holder = spawn('unshare', ['-n', 'sleep', '3600'], { stdio: 'ignore' });
    const apart = () => {
        try {
            return readlinkSync(`/proc/${holder.pid}/ns/net`) !== readlinkSync('/proc/self/ns/net');
        } catch {
            return false;
        }
    };
    while (!apart()) {
        assert.equal(holder.exitCode, null, 'no network of its own');
        await new Promise((again) => setTimeout(again, 50));
    }
    enter('ip', 'link', 'set', 'lo', 'up');
    const config = join(data, 'lab.yaml');
    writeFileSync(config, `site: door-lab\ndata: "${folder()}"\nconsole: { listen: "127.0.0.1:8443", name: localhost, lock: 30m }\nwarden: { devices: [10.208.0.0/24], vendors: [10.209.0.0/24], longest: 1h }\n`);
    const [command, ...argv] = inside(PROGRAM, 'run', '-c', config);
    program = run(command, argv);
    const base = await program.address();
    await program.until('the firewall is ready', () => api('GET', '/api/v1/doors').firewall.on);
    // Chromium, too, lives in that network; it is spoken to through a pipe.
    const wrapper = join(data, 'chromium');
    writeFileSync(wrapper, `#!/bin/sh\nexec nsenter -t ${holder.pid} -n ${process.env.CHROMIUM ?? '/usr/bin/chromium'} "$@"\n`, { mode: 0o755 });
    chromium = await launch(authorityOf(folder()), wrapper);
    view = await open(chromium.browser, base, SIGHT);
    page = view.page;
    const cdp = await view.context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', { options: PHONE });
    await page.goto(base);
    await setUp(page, await program.code(), PASSWORD);
    await page.waitForSelector('.bottom');
    await page.goto(`${base}/sign-in`);
    await settled(page);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByLabel('Name of the key').fill('Phone');
    await page.getByLabel('Your password, again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('is added').waitFor();
    const sheet = `name,ip,maker\nAnalyzer,${DEVICE},Example Diagnostics\n`;
    api('POST', `/api/v1/devices/import/${api('POST', '/api/v1/devices/import', sheet).token}`, sheet);
    const day = new Date(Date.now() + 7 * 86400_000).toISOString().slice(0, 10);
    verb('people', 'invite', 'nina', '--role', "maker's engineer", '--until', day, '--maker', 'Example Diagnostics', '--why', 'service contract');
    const [{ id }] = api('GET', '/api/v1/devices').items;
    door = verb('door', 'ask', '--device', id, '--for', 'rdp', '--minutes', '5', '--why', 'yearly service', '--from', VENDOR, '--account', 'nina');
    await page.goto(`${base}/doors`);
    await settled(page);
});
after(async () => {
    await chromium?.close();
    await program?.end();
    holder?.kill('SIGKILL');
    if (data) {
        rmSync(data, { recursive: true, force: true });
    }
});

test('the manager opens what an engineer asked for with a fingerprint; the kernel lets exactly that through', { skip }, async () => {
    assert.doesNotMatch(passing(), /elements/, 'shut before');
    await inspect(page, view.faults, SIGHT, 'door-asked');
    await page.locator(`[data-door="${door.id}"]`).getByRole('button', { name: /^Open/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.again').waitFor();
    assert.equal(await dialog.getByLabel('Your password, again').count(), 0, 'nothing is typed');
    await shot(page, 'door-fingerprint-360-dark-en', false);
    const coming = page.waitForRequest((r) => r.url().endsWith(`/doors/${door.id}/approve`));
    await dialog.getByRole('button', { name: /^Open for/ }).click();
    const request = await coming;
    assert.equal(request.headers()['x-proof'].split('.').length, 5);
    assert.doesNotMatch(request.postData(), /password/);
    const opened = await program.until('the door is open', () => {
        const d = api('GET', `/api/v1/doors/${door.id}`);
        return d.state === 'open' && d;
    });
    assert.match(opened.decided_by, /ana/);
    assert.match(passing(), new RegExp(`${VENDOR.replaceAll('.', '\\.')} \\. ${DEVICE.replaceAll('.', '\\.')} \\. ((tcp|6) \\. )?3389`), 'one address to one port of one device');
    await page.getByText(/min left|left/).first().waitFor();
    await inspect(page, view.faults, SIGHT, 'door-open');
    const acts = api('GET', '/api/v1/acts?limit=50').items;
    assert.equal(acts.find((a) => a.event === 'door.approved')?.person, 'ana');
    const used = acts.find((a) => a.event === 'passkey.used');
    assert.deepEqual([used?.person, used?.permission], ['ana', 'doors.approve'], 'her passkey signed just that');
});

test('she closes it at once; what was let through ends', { skip }, async () => {
    await page.locator(`[data-door="${door.id}"]`).getByRole('button', { name: 'Close now' }).click();
    await program.until('the door is shut', () => api('GET', `/api/v1/doors/${door.id}`).state === 'closed');
    assert.doesNotMatch(passing(), /elements/);
    assert.deepEqual(view.faults, []);
});
