// Every page at desk and phone width, in both languages, light and dark, as pictures to be looked at: tests/page/photos [NAME]…  They land in
// tests/page/shots/photos, a folder a sight. NAME: only pages whose name holds it. The lab behind them is made up (web/dev).

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, open, root, serveLab } from './browser.mjs';
import { PLACES, settled } from './walk.mjs';

const only = process.argv.slice(2);
const { server, base, dev: tell } = await serveLab();
const dev = (body) => tell({ mode: 'ok', lab: {}, setup: false, lock: null, ...body });
const chromium = await launch();

const nameOf = (path) => (path === '/' ? 'home' : path.replace(/[/?=&]+/g, '-').replace(/^-/, ''));
/** Rows of lists that are opened, too. */
const LISTS = ['/findings', '/results', '/devices', '/people', '/reports', '/learn'];
const DOORS = [
    ['sign-in-door', {}, '/'],
    ['report-door', {}, '/report'],
    ['set-up', { setup: true }, '/'],
    ['locked', { lock: {} }, '/'],
];
const ROLES = ['phlebotomist', 'technologist', 'IT', 'privacy officer', 'auditor', "maker's engineer"];
let taken = 0;

async function take(page, folder, name, path) {
    if (only.length > 0 && !only.some((word) => name.includes(word))) {
        return false;
    }
    await page.goto(base + path);
    await settled(page);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    taken += 1;
    return true;
}

async function enter(page) {
    await page.goto(base);
    await page.fill('[name=username]', 'ana');
    await page.fill('[name=password]', 'a long enough phrase');
    await page.click('button[type=submit]');
    await page.waitForSelector('.places, .bottom');
}

for (const width of [1280, 390]) {
    for (const scheme of ['light', 'dark']) {
        for (const language of ['en', 'es']) {
            const folder = join(root, 'tests/page/shots/photos', `${width}-${scheme}-${language}`);
            mkdirSync(folder, { recursive: true });
            const { page, context } = await open(chromium.browser, base, { width, height: width < 768 ? 844 : 900, scheme, language });
            for (const [name, state, path] of DOORS) {
                await dev(state);
                await take(page, folder, name, path);
            }
            await dev({ role: 'lab manager' });
            await enter(page);
            for (const path of [...PLACES, '/first-steps', '/devices/import', '/people/import']) {
                await take(page, folder, nameOf(path), path);
                const row = page.locator('[data-row]').first();
                if (LISTS.includes(path) && (await row.count()) > 0) {
                    const to = await row.evaluate((e) => e.closest('a')?.getAttribute('href') ?? e.querySelector('a')?.getAttribute('href') ?? null);
                    if (to !== null) {
                        await take(page, folder, `${nameOf(path)}-one`, to);
                    }
                }
            }
            for (const role of ROLES) {
                await dev({ role });
                await take(page, folder, `home-${role.replace(/\W+/g, '-')}`, '/');
            }
            await context.close();
            console.log(`${width} ${scheme} ${language}: ${taken} pictures so far`);
        }
    }
}
await chromium.close();
server.kill();
