// The frame around the pages: the rail of each role, search over everything by keyboard, first steps, and a page that locks when nobody touches it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, shot, small } from './browser.mjs';
import { FRESH, makeUp, PASSWORD, skip } from './start.mjs';
import { called, inspect, settled, SIGHTS, WALKED } from './walk.mjs';

const lab = makeUp();
const DESK = SIGHTS[0];
const PHONE = SIGHTS[3];

const RAILS = {
    'lab manager': ['/', '/findings', '/devices', '/reports'],
    IT: ['/', '/findings', '/devices', '/mail'], // links stand before it where there are any
    'privacy officer': ['/', '/looks', '/reports', '/training'],
    technologist: ['/', '/learn', '/report', '/results'],
    phlebotomist: ['/', '/learn', '/report', '/account'],
    'front desk': ['/', '/learn', '/report', '/account'],
    auditor: ['/devices', '/findings', '/ledger', '/training'],
    assessor: ['/devices', '/findings', '/ledger', '/training'],
    "maker's engineer": ['/visit', '/learn', '/report', '/account'],
};

for (const [role, first] of Object.entries(RAILS)) {
    test(`${role}: every place of the rail is there, and none is refused`, { skip }, async () => {
        const { page, faults } = await lab.enter(DESK, role);
        const refused = [];
        page.on('response', (r) => r.url().includes('/api/') && r.status() === 403 && refused.push(r.url()));
        await settled(page);
        const paths = await page.locator('.places a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
        assert.deepEqual(paths.slice(0, 4), first);
        assert.equal(new Set(paths).size, paths.length);
        for (const path of paths) {
            await page.goto(lab.base + path);
            await settled(page);
            assert.equal(await page.locator('.failed').count(), 0, path);
            assert.equal(await page.locator('.places a[aria-current=page]').count(), 1, path);
        }
        assert.deepEqual(refused, []);
        assert.deepEqual(faults, []);
        await page.goto(lab.base);
        await settled(page);
        await shot(page, `home-${role.replace(/\W+/g, '-')}`);
    });
}

for (const sight of WALKED) {
    test(`search over everything at ${called(sight)}`, { skip }, async () => {
        const { page, faults } = await lab.enter(sight, 'lab manager');
        await settled(page);
        if (sight.width < 768) {
            await page.goto(`${lab.base}/more`);
            await page.locator('.page-head .acts button').first().click();
        } else {
            await page.keyboard.press('Control+k');
        }
        await page.getByRole('combobox').waitFor();
        await settled(page);
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(await small(page, sight.width < 768 ? 48 : 24), []);
        await Promise.all([page.waitForResponse((r) => r.url().includes('/search?q=sysmex')), page.keyboard.type('sysmex')]);
        await settled(page); // what an earlier letter found is gone
        await page.getByRole('option').filter({ hasText: 'Sysmex' }).first().waitFor();
        assert.deepEqual(await axe(page), []);
        await shot(page, `search-${called(sight)}`, false);
        const chosen = page.locator('[role=option][aria-selected=true]');
        assert.equal(await chosen.count(), 1);
        const before = await chosen.innerText();
        await page.keyboard.press('ArrowDown');
        assert.notEqual(await chosen.innerText(), before);
        assert.equal(await page.getByRole('combobox').getAttribute('aria-activedescendant'), await chosen.getAttribute('id'));
        await page.keyboard.press('ArrowUp');
        await page.keyboard.press('Enter');
        await page.waitForURL('**/devices/*');
        assert.deepEqual(faults, []);
    });
}

test('what may be a specimen is never in an address; / opens the box, Esc closes it', { skip }, async () => {
    const { page } = await lab.enter(DESK, 'lab manager');
    await settled(page);
    const asked = [];
    page.on('request', (r) => asked.push(`${r.method()} ${r.url()}`));
    await page.keyboard.press('/');
    await page.getByRole('combobox').waitFor();
    await Promise.all([page.waitForResponse((r) => r.url().endsWith('/search') && r.request().method() === 'POST'), page.keyboard.type('26-004711')]);
    assert.ok(!asked.some((a) => a.includes('4711')));
    assert.ok(!page.url().includes('4711'));
    await page.keyboard.press('Escape');
    await page.getByRole('combobox').waitFor({ state: 'detached' });
});

test('a phlebotomist finds pages and courses, and no device', { skip }, async () => {
    const { page } = await lab.enter(PHONE, 'phlebotomist');
    await page.goto(`${lab.base}/more`);
    await page.locator('.page-head .acts button').first().click();
    await Promise.all([page.waitForResponse((r) => r.url().includes('/search?q=sysmex')), page.getByRole('combobox').fill('sysmex')]);
    await page.locator('.finder-none').waitFor();
    assert.equal(await page.getByRole('option').count(), 0);
});

for (const sight of WALKED) {
    test(`first steps at ${called(sight)}`, { skip }, async () => {
        const { page, faults } = await lab.enter(sight, 'lab manager', { lab: { devices: 0, results: 0, findings: 0, reports: 0 } });
        await page.goto(`${lab.base}/first-steps`);
        await inspect(page, faults, sight, 'first-steps');
        assert.equal(await page.locator('.steps-list > li').count(), 9);
    });
}

test('who sets the lab up is led to the first steps, and Today says that they are not finished', { skip }, async () => {
    await lab.dev({ ...FRESH, setup: true, lab: { devices: 0, results: 0, findings: 0 } });
    const { page } = await lab.outside(DESK);
    await page.goto(lab.base);
    await page.getByLabel('Set-up code').fill('ABCDE-12345');
    await page.getByLabel('Your name').fill('Ana Ruiz');
    await page.getByLabel('Sign-in name').fill('ana');
    const meter = page.locator('.strength');
    for (const [typed, score, said] of [['four', 1, 'Too short: 11 more'], ['aaaaaaaaaaaaaaaaaaaa', 2, 'Weak: it repeats itself'], ['abcdefghijklmnopqrst', 2, 'Weak: it repeats itself'], ['heron wades slow', 3, 'Good'], [`${PASSWORD} and then some`, 4, 'Strong']]) {
        await page.getByLabel('Password', { exact: true }).fill(typed);
        await meter.getByText(said).waitFor();
        assert.equal(await meter.locator('meter').evaluate((m) => m.value), score, typed);
    }
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.waitForURL('**/first-steps');
    await page.goto(lab.base);
    await page.locator('.band-line a[href="/first-steps"]').click();
    await page.getByRole('button', { name: /Not now|Done/ }).click();
    await page.waitForURL(`${lab.base}/`);
    await settled(page);
    assert.equal(await page.locator('.band-line a[href="/first-steps"]').count(), 0);
    await lab.dev(FRESH);
});

test('a page that nobody touches locks: the session ends, the name stands there, what was begun waits', { skip }, async () => {
    const { page } = await lab.enter(DESK, 'phlebotomist', { lock_s: 600 });
    await page.clock.install();
    await page.goto(`${lab.base}/report`);
    await page.locator('.report textarea').fill('Half a sentence');
    const ended = page.waitForRequest((r) => r.method() === 'DELETE' && r.url().endsWith('/session'));
    await page.clock.fastForward('09:00');
    await page.mouse.move(200, 200);
    await page.clock.fastForward('09:00');
    assert.equal(await page.locator('.report textarea').count(), 1); // who moves the mouse is there
    await page.clock.fastForward('01:30');
    await ended;
    await page.getByText('Locked: nobody touched the page').waitFor();
    assert.equal(await page.inputValue('[name=username]'), 'ana');
    assert.equal(await page.locator('.report').count(), 0);
    await shot(page, 'lock-1440-light-en');
    await lab.dev({ ...FRESH, role: 'phlebotomist' });
    await page.fill('[name=password]', PASSWORD);
    await page.click('button[type=submit]');
    await page.locator('.report textarea').waitFor();
    assert.equal(await page.locator('.report textarea').inputValue(), 'Half a sentence');
    await lab.dev(FRESH);
});
