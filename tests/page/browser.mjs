// Chromium as the tests drive it: an empty profile and an empty home, whose certificate store trusts only what the test puts there.

import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = new URL('.', import.meta.url).pathname;
export const root = join(here, '../..');
const require = createRequire(join(root, 'web/package.json'));
const { chromium } = require('playwright-core');
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const SHOTS = join(here, 'shots');
mkdirSync(SHOTS, { recursive: true });

export const missing = existsSync(CHROMIUM) ? false : `${CHROMIUM} is not installed`;

/** A port that nobody has: below those that connections get from the kernel, any of which may have this one when it is wanted, or wanted again. */
export async function freePort() {
    for (;;) {
        const probe = createServer();
        const free = await new Promise((done) => {
            probe.once('error', () => done(0));
            probe.listen(randomInt(10240, 32768), '127.0.0.1', () => done(probe.address().port));
        });
        if (free) {
            await new Promise((done) => probe.close(done));
            return free;
        }
    }
}

/** Starts the made-up lab of web/dev. port: the one that it had; else any that is free. */
export async function serveLab(port) {
    const server = spawn(process.execPath, [join(root, 'web/dev/server.mjs'), String(port ?? (await freePort()))], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(server.stdout, 'data');
    const base = line.toString().trim();
    /** Tells the lab what to be. By address: a bare machine may have no /etc/hosts, and Node, unlike Chromium, then finds no localhost. */
    const dev = async (body) => {
        const answer = await fetch(`${base.replace('localhost', '127.0.0.1')}/dev`, { method: 'POST', body: JSON.stringify(body) });
        if (!answer.ok) {
            throw new Error(`the lab refused ${JSON.stringify(body)}`);
        }
    };
    return { server, base, dev };
}

/** Starts Chromium. authority: a PEM file that its store shall trust; executable: what runs in its place. */
export async function launch(authority, executable = CHROMIUM) {
    const home = mkdtempSync(join(tmpdir(), 'tourniquet-home-'));
    const store = join(home, '.pki/nssdb');
    mkdirSync(store, { recursive: true });
    execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password']);
    if (authority) {
        execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-n', 'site', '-t', 'C,,', '-i', authority]);
    }
    const browser = await chromium.launch({
        executablePath: executable,
        env: { ...process.env, HOME: home },
        args: [
            '--headless=new',
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
        ],
    });
    const close = async () => {
        await browser.close();
        rmSync(home, { recursive: true, force: true });
    };
    return { browser, close };
}

const LOCALES = { en: 'en-US', es: 'es-US' };

/** TOURNIQUET_SLOW=4: the page computes four times as slowly, and each answer takes up to 400 ms longer: what waits for the wrong thing then fails. */
const SLOW = Number(process.env.TOURNIQUET_SLOW ?? 0);
/** What is open: a test that fails tells what stood there (start.mjs). */
export const views = new Set();

/** In the page: how many of its questions are not answered, or answered and not drawn yet. */
function countQuestions() {
    const ask = globalThis.fetch;
    const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
    globalThis.questions = 0;
    globalThis.fetch = async (...asked) => {
        globalThis.questions++;
        try {
            const answer = await ask(...asked);
            void answer.clone().arrayBuffer().catch(() => undefined).then(drawn).then(() => globalThis.questions--);
            return answer;
        } catch (error) {
            void drawn().then(() => globalThis.questions--);
            throw error;
        }
    };
}

async function slowDown(context, page) {
    if (SLOW > 0) {
        const devtools = await context.newCDPSession(page);
        await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOW });
        await context.route('**/api/v1/**', async (route) => {
            await new Promise((go) => setTimeout(go, Math.random() * 400));
            await route.continue().catch(() => {}); // the page is gone
        });
    }
}

/** A page that remembers what went wrong on it: console errors, exceptions, broken policy, requests to anywhere else. */
export async function open(browser, base, { width = 1440, height = 900, scheme = 'light', language = 'en', cookies, reduced = 'reduce', zone = 'America/Chicago' } = {}) {
    const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme,
        locale: LOCALES[language],
        timezoneId: zone,
        reducedMotion: reduced,
        hasTouch: width < 768,
        storageState: cookies,
    });
    context.setDefaultTimeout(120_000); // what fails shall be wrong, not late
    const page = await context.newPage();
    await slowDown(context, page);
    const faults = [];
    page.on('console', (m) => {
        // A refused sign-in or an absent session is an answer; Chromium writes it to the console as a failed resource. The connection is cut by tests only.
        if (['error', 'warning'].includes(m.type()) && !/status of (401|403|412)|ERR_INTERNET_DISCONNECTED/.test(m.text())) {
            faults.push(m.text());
        }
    });
    page.on('pageerror', (e) => faults.push(`exception: ${e.message}`));
    page.on('request', (r) => {
        if (!r.url().startsWith(base) && !r.url().startsWith('data:') && !r.url().startsWith('blob:')) {
            faults.push(`request to ${r.url()}`);
        }
    });
    await page.addInitScript(countQuestions);
    await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
    });
    const view = { context, page, faults };
    views.add(view);
    context.on('close', () => views.delete(view));
    return view;
}

/** From now on answers to GETs of this address wait until what comes back is called: the page keeps its old copy. */
export async function hold(page, address) {
    let go;
    const gate = new Promise((done) => (go = done));
    await page.route(address, async (route) => {
        if (route.request().method() === 'GET') {
            await gate;
        }
        await route.continue().catch(() => undefined); // asked anew meanwhile
    });
    return go;
}

/** What axe finds against WCAG 2.2 AA and its best practices, one line a rule. What a bar that stays in its place covers at this moment can be scrolled out
 * from under it: such a target is too small only if it still is in the middle of the window. */
export async function axe(page) {
    await page.evaluate(AXE);
    const answer = await page.evaluate(async () => {
        const stands = async (rule, node) => {
            const element = document.querySelector(node.target[0]);
            if (rule !== 'target-size' || element === null) {
                return true;
            }
            element.scrollIntoView({ block: 'center' });
            const again = await globalThis.axe.run(document, { runOnly: { type: 'rule', values: ['target-size'] } });
            return again.violations.some((v) => v.nodes.some((n) => n.target[0] === node.target[0]));
        };
        const found = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
        const lines = [];
        for (const v of found.violations) {
            const nodes = [];
            for (const n of v.nodes) {
                if (await stands(v.id, n)) {
                    nodes.push(`${n.target.join(' ')} ${n.failureSummary ?? ''}`);
                }
            }
            if (nodes.length > 0) {
                lines.push(`${v.id}: ${nodes.slice(0, 3).join(' | ')}`);
            }
        }
        return lines;
    });
    return answer;
}

/** Pixels by which the page is wider than its window. */
export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Things to press that are smaller than `least` pixels; links inside a sentence may be (WCAG 2.5.8, inline). */
export const small = (page, least) =>
    page.evaluate((min) => {
        const found = [];
        for (const e of document.querySelectorAll('a, button, input, select, textarea, [role=button]')) {
            const box = (e.closest('label') ?? e).getBoundingClientRect();
            const style = getComputedStyle(e);
            const inline = e.tagName === 'A' && style.display === 'inline';
            if (box.width === 0 || style.visibility === 'hidden' || inline || e.closest('.unseen, .skip') || e.matches('.skip')) {
                continue;
            }
            if (box.height < min - 0.5 || box.width < Math.min(min, 24) - 0.5) {
                found.push(`${e.tagName} ${e.className} "${(e.textContent ?? '').slice(0, 20)}" ${Math.round(box.width)}x${Math.round(box.height)}`);
            }
        }
        return found;
    }, least);

export const shot = (page, name, full = true) => page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: full });
