// Several findings decided on at once: those chosen by hand, all that match a filter and nothing else, one Undo, what stayed as it was and why.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, hold, shot, sideways, small } from './browser.mjs';
import { FRESH, makeUp, skip } from './start.mjs';
import { called, settled, SIGHTS } from './walk.mjs';

const lab = makeUp();
const listed = (page, state) => page.evaluate((s) => fetch(`/api/v1/findings?severity=all&state=${s}&limit=200`).then((r) => r.json()), state).then((list) => list.items);
const boxes = (page) => page.locator('tbody .choose input, .cards .choose input');
const bar = (page) => page.locator('.chosen');
const firstAt = (page) => page.evaluate(() => document.querySelector('[data-row]').getBoundingClientRect().top + window.scrollY);

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    test(`two are chosen and taken; one Undo takes both back; at ${called(sight)}`, { skip }, async () => {
        await lab.dev(FRESH);
        await lab.look(sight, async (page, faults) => {
            const es = sight.language === 'es';
            await page.goto(`${lab.base}/findings`);
            await settled(page);
            const before = (await listed(page, 'open')).length;
            const top = await firstAt(page);
            assert.equal(await bar(page).count(), 0);
            await boxes(page).nth(0).check();
            await boxes(page).nth(2).check();
            await bar(page).getByText(es ? '2 elegidos' : '2 chosen').waitFor();
            assert.equal(await firstAt(page), top, 'no row moves');
            await settled(page);
            assert.deepEqual(await axe(page), []);
            assert.ok((await sideways(page)) <= 0);
            if (sight.width < 768) {
                assert.deepEqual(await small(page, 44), []);
            }
            await shot(page, `chosen-${called(sight)}`, false);
            await bar(page).getByRole('button', { name: es ? 'Asumir 2' : 'Take 2' }).click();
            await page.getByText(es ? 'Usted asumió 2 hallazgos.' : 'You took 2 findings.').waitFor();
            assert.equal((await listed(page, 'taken')).length, 2);
            assert.equal(await bar(page).count(), 0);
            await page.getByRole('button', { name: es ? 'Deshacer' : 'Undo' }).click();
            await page.getByText(es ? '2 hallazgos están abiertos de nuevo.' : '2 findings are open again.').waitFor();
            assert.equal((await listed(page, 'open')).length, before);
            assert.deepEqual(faults, []);
        });
    });
}

test('all that match a filter are dismissed for one reason, and nothing else; Undo says so on the record', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/findings?kind=phi.cleartext`);
        await settled(page);
        const before = await listed(page, 'open');
        const match = before.filter((f) => f.kind === 'phi.cleartext');
        assert.equal(match.length, 2);
        await boxes(page).nth(0).check();
        await bar(page).getByRole('button', { name: 'Choose all 2 that match' }).click();
        await bar(page).getByText('2 chosen').waitFor();
        await bar(page).getByRole('button', { name: 'Dismiss 2…' }).click();
        const dialog = page.getByRole('dialog', { name: 'Dismiss 2 findings' });
        await dialog.waitFor();
        assert.equal(await dialog.locator('.preview > li').count(), 2);
        await settled(page);
        assert.deepEqual(await axe(page), []);
        await shot(page, 'chosen-dismiss-1440-light-en', false);
        await dialog.getByRole('button', { name: 'Dismiss with this reason' }).click();
        await dialog.getByText('Write a reason').waitFor();
        await dialog.getByLabel('Reason').fill('Known, and encrypted next month.');
        await dialog.getByRole('button', { name: 'Dismiss with this reason' }).click();
        await page.getByText('2 findings dismissed.').waitFor();
        assert.ok(page.url().endsWith('/findings?kind=phi.cleartext'), 'the filter is kept');
        assert.deepEqual((await listed(page, 'open')).map((f) => f.id).sort(), before.filter((f) => f.kind !== 'phi.cleartext').map((f) => f.id).sort());
        const gone = await listed(page, 'dismissed');
        assert.deepEqual(gone.map((f) => f.history.at(-1).why), ['Known, and encrypted next month.', 'Known, and encrypted next month.']);
        await page.keyboard.press('z');
        await page.getByText('2 findings reopened.').waitFor();
        const back = (await listed(page, 'open')).filter((f) => f.kind === 'phi.cleartext');
        assert.match(back[0].history.at(-1).why, /^Taken back at once/);
        assert.equal((await listed(page, 'open')).length, before.length);
        assert.deepEqual(faults, []);
    });
});

test('what somebody else decided meanwhile stays as it is, is named, and stays chosen', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page) => {
        await page.goto(`${lab.base}/findings`);
        await settled(page);
        await page.getByLabel('Choose all rows shown').check();
        const n = (await listed(page, 'open')).filter((f) => f.severity !== 'info').length;
        await bar(page).getByText(`${n} chosen`).waitFor();
        const show = await hold(page, '**/api/v1/findings?*');
        const other = await lab.open();
        await other.page.goto(`${lab.base}/findings`);
        const title = await other.page.locator('[data-row]').nth(1).innerText();
        await other.page.locator('[data-row]').nth(1).click();
        await other.page.getByRole('button', { name: 'Take it' }).click();
        await other.page.getByText('You took it.').waitFor();
        await other.context.close();
        await bar(page).getByRole('button', { name: `Take ${n}` }).click();
        await page.getByText(`You took ${n - 1} findings. 1 is as it was.`).waitFor();
        show();
        const stayed = page.locator('.stayed');
        await stayed.getByRole('heading', { name: '1 is as it was' }).waitFor();
        assert.match(await stayed.innerText(), new RegExp(`${title.split('\n')[0].replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}[^]*somebody changed this finding`));
        await bar(page).getByText('1 chosen').waitFor();
        await shot(page, 'chosen-stayed-1440-light-en', false);
        await stayed.getByRole('button', { name: 'Close' }).click();
        assert.equal(await stayed.count(), 0);
    });
});

test('x chooses the row in hand, t takes what is chosen; another filter begins with nothing', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page) => {
        await page.goto(`${lab.base}/findings`);
        await settled(page);
        await page.keyboard.press('j');
        await page.keyboard.press('x');
        await page.keyboard.press('j');
        await page.keyboard.press('x');
        await bar(page).getByText('2 chosen').waitFor();
        await page.keyboard.press('x');
        await bar(page).getByText('1 chosen').waitFor();
        await page.getByLabel('Severity', { exact: true }).selectOption('high');
        await page.waitForURL('**severity=high');
        await settled(page);
        assert.equal(await bar(page).count(), 0);
        await page.getByLabel('Severity', { exact: true }).selectOption('');
        const all = (await listed(page, 'open')).filter((f) => f.severity !== 'info').length;
        await page.getByText(`${all} of ${all} shown`).waitFor();
        await settled(page);
        await page.locator('[data-row]').first().focus();
        await page.keyboard.press('x');
        await bar(page).getByText('1 chosen').waitFor();
        await page.keyboard.press('t');
        await page.getByText('You took 1 finding.').waitFor();
        assert.equal((await listed(page, 'taken')).length, 1);
    });
});

test('many are decided one after the other; ending it leaves the rest as it was', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page) => {
        await page.goto(`${lab.base}/findings`);
        await settled(page);
        await page.getByLabel('Choose all rows shown').check();
        const open = (await listed(page, 'open')).length;
        let go;
        const gate = new Promise((done) => (go = done));
        await page.route('**/api/v1/findings/*/take', async (route) => {
            await gate;
            await route.continue();
        });
        await bar(page).getByRole('button', { name: /^Take \d+$/ }).click();
        await bar(page).getByText(/^0 of \d+ decided$/).waitFor();
        await bar(page).getByRole('button', { name: 'End it now' }).click();
        go();
        await page.getByText(/^You took 1 finding\. \d+ are as they were\.$/).waitFor();
        await page.locator('.stayed').getByText('Not decided: you ended it before.').first().waitFor();
        assert.equal((await listed(page, 'open')).length, open - 1);
    });
});

test('whoever may not decide chooses nothing', { skip }, async () => {
    const { page, context } = await lab.enter(SIGHTS[0], 'auditor');
    await page.goto(`${lab.base}/findings`);
    await settled(page);
    assert.ok((await page.locator('[data-row]').count()) > 0);
    assert.equal(await page.locator('.choose').count(), 0);
    await context.close();
    await lab.dev(FRESH);
});
