// What a file of tests starts before its first test and ends after its last: a browser, and either the made-up lab (web/dev) or the real program. A test
// that fails says where it stood: the line, the address, line one, what the console said; a picture is in shots/failed-*.png.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';
import { launch, missing, open, root, serveLab, shot, views } from './browser.mjs';

/** Why the tests with the made-up lab, or those with the real program, cannot run here; false: they can. */
export const skip = missing;
export const PROGRAM = process.env.TOURNIQUET ?? join(root, 'build/tourniquet');
export const skipReal = missing || (existsSync(PROGRAM) ? false : `${PROGRAM} is not built`);

let standing; // views that were there before the test: they belong to the file
beforeEach(() => {
    standing = new Set(views);
});
afterEach(async (t) => {
    for (const view of [...views]) {
        if (!t.passed) {
            await tell(t, view);
        }
        if (!standing.has(view)) {
            await view.context.close();
        }
    }
});

async function tell(t, { page, faults }) {
    const wrong = t.error?.cause;
    if (!(wrong instanceof Error)) {
        return;
    }
    const lines = [...(wrong.stack ?? '').matchAll(/tests\/page\/(\S+\.mjs:\d+)/g)].map((m) => m[1]);
    const picture = `failed-${t.name.replace(/\W+/g, '-').slice(0, 70)}`;
    await shot(page, picture).catch(() => undefined);
    const line = await page.locator('h1').first().innerText({ timeout: 1000 }).catch(() => '(none)');
    wrong.message = [`${[...new Set(lines)].join(', ')} at ${page.url()}, line one: ${line}`, ...faults.map((f) => `console: ${f}`), wrong.message].join('\n');
}

// ── the made-up lab ──

export const PASSWORD = 'a long enough phrase';
export const FRESH = { mode: 'ok', lab: {}, setup: false, lock: null };

/** Starts a lab before the tests of a file and ends it after them. What it hands out is there once they run. */
export function makeUp() {
    const lab = {
        base: undefined,
        cookies: undefined,
        chromium: undefined,
        /** Tells the lab what to be. */
        dev: undefined,

        /** Starts the server, or starts it again at the address that it had. */
        async serve() {
            const served = await serveLab(lab.base && new URL(lab.base).port);
            server = served.server;
            lab.base = served.base;
            lab.dev = served.dev;
        },
        async kill() {
            const ended = once(server, 'exit');
            server.kill('SIGKILL');
            await ended;
        },

        async signIn(page) {
            await page.goto(lab.base);
            await page.fill('[name=username]', 'ana');
            await page.fill('[name=password]', PASSWORD);
            await page.click('button[type=submit]');
            await page.waitForSelector('.places, .bottom');
        },
        /** Whoever signs in from now on, as the tests do it: their cookies. */
        async signInAnew() {
            const { context, page } = await lab.outside();
            await lab.signIn(page);
            lab.cookies = await context.storageState();
            await context.close();
        },

        /** A page of its own where nobody is signed in; it is closed when the test is over. */
        outside: (sight = {}) => open(lab.chromium.browser, lab.base, sight),
        /** The same, signed in. */
        open: (sight = {}) => open(lab.chromium.browser, lab.base, { ...sight, cookies: lab.cookies }),

        /** The same in a fresh lab, just signed in by this role. more: what else the lab shall be. */
        async enter(sight, role, more = {}) {
            await lab.dev({ ...FRESH, ...more, role });
            const view = await lab.outside(sight);
            await lab.signIn(view.page);
            return view;
        },

        /** The same for an act, and closed after it. first: what is done with the page before. */
        async look(sight, act, first) {
            const view = await lab.open(sight);
            await first?.(view.context, view.page);
            await act(view.page, view.faults, view.context);
            await view.context.close();
        },
    };
    let server;

    before(async () => {
        if (!skip) {
            await lab.serve();
            lab.chromium = await launch();
            await lab.signInAnew();
        }
    });
    after(async () => {
        await lab.chromium?.close();
        server?.kill();
    });
    return lab;
}

// ── the real program ──

const WAIT = 120_000; // what fails shall be wrong, not late

/** Starts the program. What it says on standard error is kept. */
export function run(command, argv) {
    const child = spawn(command, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => (said += text));
    const program = {
        /** Asks again and again until there is an answer. */
        async until(what, ask) {
            for (const end = Date.now() + WAIT; Date.now() < end; ) {
                const found = await ask();
                if (found) {
                    return found;
                }
                assert.equal(child.exitCode, null, `the program ended: ${said}`);
                await new Promise((again) => setTimeout(again, 50));
            }
            throw new Error(`never: ${what}: ${said}`);
        },
        hear: (pattern) => program.until(pattern, () => pattern.exec(said)),
        /** The page's address. */
        address: async () => (await program.hear(/(https:\/\/localhost:\d+)/))[1],
        /** The code of the first start. */
        code: async () => (await program.hear(/\b([0-9A-Z]{5}-[0-9A-Z]{5})\b/))[1],
        async end() {
            if (child.exitCode === null) {
                const ended = once(child, 'exit');
                child.kill('SIGTERM');
                await ended;
            }
        },
    };
    return program;
}

/** The certificate of the site's authority in a data folder, or in that of a demo. */
export const authorityOf = (data) => [join(data, 'authority.pem'), join(data, 'data/authority.pem')].find(existsSync);

/** The first account, with the code of the first start; leads into the page. */
export async function setUp(page, code, password) {
    await page.getByLabel('Set-up code').fill(code);
    await page.getByLabel('Your name').fill('Ana Ruiz');
    await page.getByLabel('Sign-in name').fill('ana');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Make the account' }).click();
}
