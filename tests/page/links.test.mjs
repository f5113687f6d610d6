// What is decided about links and their certificates: the windows, at a desk and on a phone, in both languages.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe, shot } from './browser.mjs';
import { FRESH, makeUp, PASSWORD, skip } from './start.mjs';
import { called, inspect, settled, WALKED } from './walk.mjs';

const lab = makeUp();

for (const sight of WALKED) {
    const look = async (page, name) => {
        await page.waitForSelector('[role=dialog] form');
        await settled(page);
        assert.deepEqual(await axe(page), [], `${name}: axe`);
        await shot(page, `${name}-${called(sight)}`, false);
    };

    test(`certificates of another authority, at ${called(sight)}`, { skip }, async () => {
        await lab.dev(FRESH);
        await lab.look(sight, async (page) => {
            await page.goto(`${lab.base}/certificates`);
            await page.waitForSelector('.kept');
            for (const [name, button] of [
                ['request', /Make a request|Hacer una solicitud/],
                ['install', /Install what|Instalar lo/],
                ['authority', /Another authority…|Otra autoridad…/],
            ]) {
                await page.getByRole('button', { name: button }).click();
                await look(page, `certificates-${name}`);
                await page.keyboard.press('Escape');
                await page.waitForSelector('[role=dialog]', { state: 'detached' });
            }
        });
    });

    test(`what the LIS refused for good is named, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ ...FRESH, lab: { links: true } });
        await lab.look(sight, async (page) => {
            await page.goto(`${lab.base}/links`);
            const aside = page.getByRole('region', { name: /^(Not delivered|No entregados): haematology$/ });
            await aside.getByText(/2 messages not delivered|2 mensajes no entregados/).waitFor();
            assert.equal(await aside.locator('tbody tr').count(), 2);
            assert.equal(await aside.locator('tbody a').first().getAttribute('href'), '/ledger?from=8800#records');
            assert.equal(await page.getByRole('region', { name: /^(Not delivered|No entregados)/ }).count(), 1, 'a link of which nothing was refused says nothing of it');
            await settled(page);
            assert.deepEqual(await axe(page), [], 'axe');
            await shot(page, `links-undelivered-${called(sight)}`, true);
        });
    });

    test(`results that may be wrong go on by two people, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ ...FRESH, lab: { links: true } });
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/links`);
            await page.waitForSelector('.relays');
            const decide = async (open, reason, done) => {
                await page.getByRole('button', { name: open }).first().click();
                await page.waitForSelector('[role=dialog] form');
                if (done) {
                    await page.locator('[role=dialog] select').selectOption('doubt');
                }
                await page.locator('[role=dialog] textarea').fill(reason);
                await page.locator('[role=dialog] input[type=password]').fill(PASSWORD);
            };
            await decide(/^Hold |^Retener /, 'controls of potassium are off', true);
            await look(page, 'links-doubt');
            await page.locator('[role=dialog] button[type=submit]').click();
            await page.getByText(/Two people let it go on|Dos personas la dejan seguir/).waitFor();
            await decide(/^Let go on|^Dejar seguir/, 'controls are right again', false);
            await look(page, 'links-go-on');
            await page.locator('[role=dialog] button[type=submit]').click();
            await page.getByText(/ana asked to let it go on; another|ana pidió dejarla seguir; otra/).waitFor();
            assert.equal(await page.locator('[role=dialog]').count(), 0);
            faults.splice(0); // the first one is answered 409
            await inspect(page, faults, sight, 'links-asked');
        });
    });

    test(`hidden names of a policy, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ ...FRESH, lab: { links: true } });
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/links`);
            await page.waitForSelector('.relays');
            await inspect(page, faults, sight, 'links');
            await page
                .getByRole('button', { name: /Look at its policy|Ver su política/ })
                .first()
                .click();
            await look(page, 'links-policy');
            assert.equal(await page.locator('[role=dialog] select').last().inputValue(), 'flag');
            assert.equal(await page.locator('[role=dialog] select').first().inputValue(), 'leave_out', 'what nobody has seen does not pass by itself');
            await page.getByRole('button', { name: /Show the hidden names|Mostrar los nombres ocultos/ }).click();
            await look(page, 'links-policy-look');
            assert.equal(await page.getByLabel(/Why do you need to see it|Para qué lo necesita|Para qué necesita/).count(), 1, 'a look asks for its own reason');
        });
    });
}
