// Phishing simulations and the culture view: what managers see (counts, never names), plan and stop; what people see of their own. The lab is made up (web/dev);
// the real listener and the real mails are tested in tests/process/test_phishing.py.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRESH, makeUp, skip } from './start.mjs';
import { called, inspect, openFirst, settled, SIGHTS, WALKED } from './walk.mjs';

const lab = makeUp();

for (const sight of WALKED) {
    const es = sight.language === 'es';
    test(`simulations, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ ...FRESH, phishing: {} });
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/phishing`);
            await settled(page);
            assert.match(await page.locator('h1').innerText(), es ? /^El 63 % avisó/ : /^63 % of the people reported/);
            await inspect(page, faults, sight, 'phishing');
            const text = await page.locator('main').innerText();
            assert.match(text, es ? /El resultado se muestra desde cinco/ : /What came of them is shown from five on/, 'three people are not shown');
            await page.locator('[data-row]').nth(1).click();
            await page.waitForURL('**/phishing/b*');
            await settled(page);
            await inspect(page, faults, sight, 'phishing-one');
            assert.match(await page.locator('main').innerText(), es ? /2 grupos no se muestran/ : /2 groups are not shown/);
            await page.goto(`${lab.base}/phishing`);
            await settled(page);
            await page.locator('.page-head .acts button').click();
            await page.locator('[role=dialog]').waitFor();
            await page.locator('[role=dialog] summary').click();
            await inspect(page, faults, sight, 'phishing-plan');
            await page.locator('[role=dialog] select').nth(2).selectOption('privacy officer');
            await page.locator('[role=dialog] button[type=submit]').click();
            await page.getByText(es ? 'Menos de cinco de estas personas' : 'Fewer than five of these people').waitFor();
            faults.length = 0; // the refusal is an answer of 422, which Chromium writes into the console
            await page.locator('[role=dialog] select').nth(2).selectOption('phlebotomist');
            await page.locator('[role=dialog] button[type=submit]').click();
            await page.locator('[role=dialog]').waitFor({ state: 'hidden' });
            await page.locator('[data-row]').nth(3).waitFor();
            await openFirst(page);
            await page.waitForURL('**/phishing/d*');
            await settled(page);
            await page.locator('.page-head .acts button').click();
            await page.locator('[role=dialog] input').fill('wrong week');
            await page.locator('[role=dialog] button[type=submit]').click();
            await page.locator('[role=dialog]').waitFor({ state: 'hidden' });
            await page.getByText('wrong week').waitFor();
            assert.equal(await page.locator('.page-head .acts button').count(), 0, 'what is over cannot be stopped');
        });
    });

    test(`one's own test mails and the culture view, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ ...FRESH, phishing: {} });
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/learn`);
            await settled(page);
            await page.getByText(es ? 'Correos de prueba que le llegaron' : 'Test mails that reached you').waitFor();
            await inspect(page, faults, sight, 'phishing-mine');
            await page.goto(`${lab.base}/culture`);
            await settled(page);
            assert.match(await page.locator('h1').innerText(), es ? /^Primero: 3 personas van con retraso/ : /^First: 3 people are late/);
            await inspect(page, faults, sight, 'culture');
            const cells = await page.locator('.areas').innerText();
            assert.match(cells, es ? /menos de 5/ : /under 5/, 'a stretch with fewer than five mails is not told');
            await page.locator('.page-head .acts button').click();
            await page.waitForURL('**/training?state=late');
        });
    });
}

test('without mail, page or domains it says what is missing; an auditor plans nothing; nothing presses', { skip }, async () => {
    await lab.dev({ ...FRESH, phishing: { items: [], mine: [], culture: 'nothing', ready: { mail: false, landing: null, domains: [], every_days: 30, language: 'en', all: false } } });
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/phishing`);
        await settled(page);
        assert.equal(await page.locator('h1').innerText(), 'No simulation has been sent yet.');
        assert.equal(await page.locator('.panel').first().locator('li').count(), 3);
        assert.equal(await page.locator('.page-head .acts button').count(), 0);
        await inspect(page, faults, SIGHTS[0], 'phishing-missing');
        await page.goto(`${lab.base}/culture`);
        await settled(page);
        assert.equal(await page.locator('h1').innerText(), 'Nothing presses. Keep going.');
        assert.equal(await page.locator('.page-head .acts button').count(), 0);
    });
    await lab.dev({ ...FRESH, role: 'auditor', phishing: {} });
    await lab.look(SIGHTS[0], async (page) => {
        await page.goto(`${lab.base}/phishing`);
        await settled(page);
        assert.equal(await page.locator('.page-head .acts button').count(), 0);
    });
    // What presses is said to everybody who sees the page; the way there only to those who may go it.
    for (const [next, role, ways] of [['mails', 'lab manager', 1], ['mails', 'privacy officer', 0], ['reports', 'auditor', 0], ['assign', 'privacy officer', 1], ['assign', 'auditor', 0]]) {
        await lab.dev({ ...FRESH, role, phishing: { culture: next } });
        await lab.look(SIGHTS[0], async (page) => {
            await page.goto(`${lab.base}/culture`);
            await settled(page);
            assert.match(await page.locator('h1').innerText(), /^First: /, `${next}, ${role}`);
            assert.equal(await page.locator('.page-head .acts button').count(), ways, `${next}, ${role}`);
        });
    }
    await lab.dev({ role: 'lab manager' });
});
