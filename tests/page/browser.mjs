// Chromium as the tests drive it: an empty profile and an empty home, whose certificate store trusts only what the test puts there.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
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

/** Starts Chromium. authority: a PEM file that its store shall trust. */
export async function launch(authority) {
    const home = mkdtempSync(join(tmpdir(), 'tourniquet-home-'));
    const store = join(home, '.pki/nssdb');
    mkdirSync(store, { recursive: true });
    execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password']);
    if (authority) {
        execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-n', 'site', '-t', 'C,,', '-i', authority]);
    }
    const browser = await chromium.launch({
        executablePath: CHROMIUM,
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

/** A page that remembers what went wrong on it: console errors, exceptions, broken policy, requests to anywhere else. */
export async function open(browser, base, { width = 1440, height = 900, scheme = 'light', language = 'en', cookies, reduced = 'reduce' } = {}) {
    const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme,
        locale: LOCALES[language],
        timezoneId: 'America/Chicago',
        reducedMotion: reduced,
        hasTouch: width < 768,
        storageState: cookies,
    });
    context.setDefaultTimeout(120_000); // what fails shall be wrong, not late
    const page = await context.newPage();
    const faults = [];
    page.on('console', (m) => {
        // A refused sign-in or an absent session is an answer; Chromium writes it to the console as a failed resource.
        if (['error', 'warning'].includes(m.type()) && !/status of (401|403|412)/.test(m.text())) {
            faults.push(m.text());
        }
    });
    page.on('pageerror', (e) => faults.push(`exception: ${e.message}`));
    page.on('request', (r) => {
        if (!r.url().startsWith(base) && !r.url().startsWith('data:') && !r.url().startsWith('blob:')) {
            faults.push(`request to ${r.url()}`);
        }
    });
    await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
    });
    return { context, page, faults };
}

/** What axe finds against WCAG 2.2 AA and its best practices, one line a rule. */
export async function axe(page) {
    await page.evaluate(AXE);
    const answer = await page.evaluate(async () => {
        const found = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
        return found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary ?? ''}`).slice(0, 3).join(' | ')}`);
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
