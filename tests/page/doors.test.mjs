// Doors: a maker's engineer asks, the lab opens with a fresh proof, refuses, closes; and what is said where there is no firewall. The lab behind it is
// made up (web/dev).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRESH, makeUp, PASSWORD, skip } from './start.mjs';
import { inspect, settled, SIGHTS, WALKED } from './walk.mjs';

const lab = makeUp();

test('vendor access in every sight', { skip }, async () => {
    await lab.dev({ ...FRESH, lab: { doors: 'on' } });
    for (const sight of WALKED) {
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/doors`);
            await inspect(page, faults, sight, 'doors');
        });
    }
});

test('a request is opened with a fresh proof; a story is told', { skip }, async () => {
    for (const sight of [SIGHTS[0], SIGHTS[3]]) {
        await lab.dev({ ...FRESH, lab: { doors: 'on' } });
        await lab.look(sight, async (page, faults) => {
            await page.goto(`${lab.base}/doors`);
            await settled(page);
            await page.locator('[data-door="00000000000000a1"] button').first().click();
            await page.locator('.ask input[type=password]').fill(PASSWORD);
            await inspect(page, faults, sight, 'doors-open', { full: false });
            await page.locator('.ask button[type=submit]').click();
            await page.waitForFunction(() => document.querySelector('.ask') === null);
            await page.locator('[data-door="00000000000000a3"] summary').click();
            await page.getByText('4.2.0').waitFor();
            await inspect(page, faults, sight, 'doors-story');
        });
    }
});

test('a refusal needs words', { skip }, async () => {
    await lab.dev({ ...FRESH, lab: { doors: 'on' } });
    await lab.look(SIGHTS[0], async (page) => {
        await page.goto(`${lab.base}/doors`);
        await settled(page);
        await page.getByRole('button', { name: 'Refuse…' }).click();
        await page.getByRole('button', { name: 'Refuse', exact: true }).click();
        await page.getByText('Write a few words.').waitFor();
        await page.getByLabel('Why?').fill('not this week');
        await page.getByRole('button', { name: 'Refuse', exact: true }).click();
        await page.getByText('not this week').waitFor();
        await page.getByRole('heading', { name: 'One door is open.' }).waitFor();
    });
});

test('a maker’s engineer asks, and sees what is hers', { skip }, async () => {
    for (const sight of WALKED) {
        await lab.dev({ ...FRESH, lab: { doors: 'on' }, role: "maker's engineer" });
        await lab.look(sight, async (page, faults) => {
            await page.goto(lab.base);
            await inspect(page, faults, sight, 'visit');
            if (sight !== SIGHTS[0]) {
                return;
            }
            assert.match(await page.locator('h1').innerText(), /One door is open for you/);
            const ask = page.getByRole('button', { name: 'Ask for a door' });
            await ask.click();
            await page.getByText('Choose a device.').waitFor();
            await page.getByLabel('Device', { exact: true }).selectOption({ index: 1 });
            await page.getByLabel('What for').selectOption('port');
            await page.getByLabel('Port (TCP)').fill('99999');
            await page.getByLabel('What is the work?').fill('new firmware');
            await ask.click();
            await page.getByText('A number from 1 to 65535.').waitFor();
            await page.getByLabel('Port (TCP)').fill('8081');
            await ask.click();
            await page.getByText('“new firmware”').waitFor();
        });
    }
});

test('where there is no firewall, that comes first', { skip }, async () => {
    for (const [firewall, words] of [
        ['off', 'The firewall opens no doors now.'],
        ['none', 'This installation has no firewall for doors.'],
    ]) {
        await lab.dev({ ...FRESH, lab: { doors: firewall } });
        await lab.look(SIGHTS[0], async (page, faults) => {
            await page.goto(`${lab.base}/doors`);
            await settled(page);
            await page.getByText(words).waitFor();
            const opens = page.getByRole('button', { name: 'Open…' });
            assert.equal((await opens.count()) > 0 && (await opens.first().isEnabled()), false);
            await inspect(page, faults, SIGHTS[0], `doors-${firewall}`);
        });
    }
});
