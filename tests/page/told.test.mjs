// New findings by mail: who is told, what went last, a test and what came of it; and nobody, with what to do about that.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRESH, makeUp, skip } from './start.mjs';
import { called, inspect, settled, SIGHTS } from './walk.mjs';

const lab = makeUp();

for (const sight of [SIGHTS[0], SIGHTS.at(-1)]) {
    test(`who is told new findings by mail, and a test that one address refuses; at ${called(sight)}`, { skip }, async () => {
        await lab.dev(FRESH);
        await lab.look(sight, async (page, faults) => {
            const es = sight.language === 'es';
            await page.goto(`${lab.base}/findings`);
            await settled(page);
            await page.getByText(/it@lab\.example, oncall@lab\.example/).waitFor();
            await page.getByRole('button', { name: es ? 'Enviar una prueba' : 'Send a test' }).click();
            await page.getByText(es ? /No llegó a todas/ : /It did not go to all/).waitFor();
            await inspect(page, faults, sight, 'findings-mail');
            assert.deepEqual(faults, []);
        });
    });
}

test('nobody is named: the page says how', { skip }, async () => {
    await lab.dev({ ...FRESH, told: false });
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/findings`);
        await settled(page);
        await page.getByText('Nobody is told new findings by mail.').waitFor();
        assert.equal(await page.getByRole('button', { name: 'Send a test' }).count(), 0);
        await inspect(page, faults, SIGHTS[0], 'findings-mail-none');
    });
});
