// What is asked of every page, whoever serves it.

import assert from 'node:assert/strict';
import { axe, shot, sideways, small } from './browser.mjs';

export const PLACES = ['/', '/findings', '/results', '/devices', '/devices?view=picture', '/ledger', '/certificates', '/looks', '/learn', '/learn/everyone', '/sign-in', '/people', '/acts', '/account', '/more', '/no-such-page'];
export const SIGHTS = [
    { width: 1440, height: 900, scheme: 'light', language: 'en' },
    { width: 1440, height: 900, scheme: 'dark', language: 'es' },
    { width: 768, height: 1024, scheme: 'dark', language: 'en' },
    { width: 360, height: 740, scheme: 'light', language: 'es' },
    { width: 360, height: 740, scheme: 'dark', language: 'en' },
];
export const called = ({ width, scheme, language }) => `${width}-${scheme}-${language}`;
const nameOf = (path) => (path === '/' ? 'today' : path.replace('?view=', '/').split('/').filter(Boolean).join('-').slice(0, 24));

/** Waits until the page shows answers instead of skeletons. */
export async function settled(page) {
    await page.waitForSelector('h1');
    await page.waitForFunction(() => document.querySelector('.bones, [role=status][aria-label]') === null && document.fonts.status === 'loaded');
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
    for (const list of ['/findings', '/results', '/devices', '/people']) {
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
