// What is asked of every page, whoever serves it.

import assert from 'node:assert/strict';
import { axe, shot, sideways, small } from './browser.mjs';

export const PLACES = ['/', '/findings', '/results', '/devices', '/devices?view=picture', '/devices/vouch', '/ledger', '/certificates', '/doors', '/looks', '/learn', '/learn/everyone', '/training', '/phishing', '/culture', '/sign-in', '/people', '/acts', '/account', '/report', '/reports', '/mail', '/more', '/no-such-page'];
export const SIGHTS = [
    { width: 1440, height: 900, scheme: 'light', language: 'en' },
    { width: 1440, height: 900, scheme: 'dark', language: 'es' },
    { width: 768, height: 1024, scheme: 'dark', language: 'en' },
    { width: 360, height: 740, scheme: 'light', language: 'es' },
    { width: 360, height: 740, scheme: 'dark', language: 'en' },
];
/** The sights of this run: all of them in a long one, else the light ones of desk and phone and one more, drawn by the seed. */
export const WALKED = process.env.TOURNIQUET_LONG ? SIGHTS : [SIGHTS[0], SIGHTS[3], [SIGHTS[1], SIGHTS[2], SIGHTS[4]][Number(process.env.TEST_SEED ?? Date.now()) % 3]];
export const called = ({ width, scheme, language }) => `${width}-${scheme}-${language}`;
const nameOf = (path) => (path === '/' ? 'today' : path.replace('?view=', '/').split('/').filter(Boolean).join('-').slice(0, 24));

/** Waits until the page stands: no skeleton, nothing that still fades in, and no question of it that is not answered and drawn (browser.mjs counts them).
 * Line one often stands on another answer than the list below it. */
export async function settled(page) {
    await page.waitForSelector('h1');
    await page.waitForFunction(() => {
        const moving = document.getAnimations().some((a) => a.playState === 'running' && a.effect.getComputedTiming().endTime !== Infinity);
        const fading = [...document.querySelectorAll('[role=dialog]')].some((e) => getComputedStyle(e).opacity !== '1');
        return !globalThis.questions && !moving && !fading && document.querySelector('.bones, [role=status][aria-label]') === null && document.fonts.status === 'loaded';
    });
}

/** Opens the first row of a list once the list stands still: a click on a row that is drawn anew just then is none. */
export async function openFirst(page) {
    const row = page.locator('[data-row]').first();
    await row.waitFor();
    await settled(page);
    await row.click();
}

/** Looks at one page as it stands: accessible, not wider than the window, big enough to touch, one line one. */
export async function inspect(page, faults, sight, name, { full = true } = {}) {
    await settled(page);
    await shot(page, `${name}-${called(sight)}`, full);
    assert.equal(await sideways(page), 0, `${name} scrolls sideways`);
    assert.deepEqual(await axe(page), [], `${name}: axe`);
    const least = sight.width < 768 ? 48 : 24;
    assert.deepEqual(await small(page, least), [], `${name}: targets under ${least} px`);
    assert.equal(await page.locator('h1').count(), 1, `${name}: one line one`);
    assert.equal(await page.evaluate(() => document.documentElement.lang), sight.language);
    assert.deepEqual(faults, [], `${name}: console`);
}

export async function walk(base, page, faults, sight, prefix = '') {
    for (const path of PLACES) {
        await page.goto(base + path);
        await page.waitForSelector('main#content');
        await inspect(page, faults, sight, prefix + nameOf(path), { full: path !== '/results' && path !== '/ledger' });
    }
    for (const list of ['/findings', '/results', '/devices', '/people', '/reports', '/mail']) {
        await page.goto(base + list);
        await settled(page);
        const row = page.locator('[data-row]').first();
        if ((await row.count()) > 0) {
            await row.click();
            await page.waitForURL(`**${list}/*`);
            await page.waitForSelector('.panel');
            await inspect(page, faults, sight, prefix + nameOf(list).replace(/s$/, ''));
        }
    }
}
