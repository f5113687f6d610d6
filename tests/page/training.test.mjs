// Training: what is due, a course's questions to the signature, a policy, what managers see and do, and the paper for whoever holds it. The lab is made
// up (web/dev); which answers are right the test asks the program.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hold } from './browser.mjs';
import { choose, course, submit } from './question.mjs';
import { FRESH, makeUp, PASSWORD, skip } from './start.mjs';
import { called, inspect, settled, SIGHTS, WALKED } from './walk.mjs';

const lab = makeUp();

for (const sight of WALKED) {
    const es = sight.language === 'es';
    test(`from what is due to the signature, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ lab: {}, training: { due: true } });
        const { context, page, faults } = await lab.open(sight);
        await page.goto(`${lab.base}/learn`);
        await settled(page);
        assert.match(await page.locator('h1').innerText(), es ? /^Primero: Safe every day\. Era para el / : /^First: Safe every day\. It was due by /);
        await inspect(page, faults, sight, 'learn-due');
        await page.goto(`${lab.base}/learn/everyone/test`);
        await settled(page);
        const all = course('everyone').lessons.flatMap((l) => l.questions);
        for (let i = 0; i < 4; i++) {
            await choose(page, all[i], i !== 1 || es);
            await inspect(page, faults, sight, `exam-${i}`);
            if (i === 2) {
                // the connection is cut: what was chosen stays, and is asked again
                await context.setOffline(true);
                await submit(page).click();
                await page.locator('.question [role=alert]').waitFor(); // not the band, which may be there before this answer was lost
                await context.setOffline(false);
            }
            await submit(page).click();
            await page.locator('.reasons').waitFor();
            if (i === 0) {
                await inspect(page, faults.splice(0), sight, 'exam-why');
                await page.reload(); // an answer stays, and the next question is the one that is left
                await settled(page);
                assert.match(await page.locator('h1').innerText(), es ? /Pregunta 2 de 4/ : /Question 2 of 4/);
                continue;
            }
            await submit(page).click();
        }
        faults.splice(0);
        if (!es) {
            await page.getByText('Not yet: 3 of 4.').waitFor();
            await inspect(page, faults, sight, 'exam-not-yet');
            await page.getByRole('button', { name: 'Try again' }).click();
            for (let i = 0; i < 4; i++) {
                await choose(page, all[i], true);
                await submit(page).click();
                await page.locator('.reasons').waitFor();
                await submit(page).click();
            }
        }
        await page.locator('.sign-for').waitFor();
        await inspect(page, faults, sight, 'exam-sign');
        await page.fill('.sign-for input[type=password]', 'not it');
        await submit(page).click();
        await page.getByText(es ? /esa no es su contraseña/ : /that is not your password/).waitFor();
        faults.splice(0);
        await page.fill('.sign-for input[type=password]', PASSWORD);
        await submit(page).click();
        await page.getByText(es ? 'Hecho, y en el libro.' : 'Done, and on the ledger.').waitFor();
        await inspect(page, faults, sight, 'exam-signed');
        await page.goto(`${lab.base}/learn`);
        await settled(page);
        assert.match(await page.locator('h1').innerText(), /Clean desk and screens/);
        await page.locator('.acts button').first().click();
        await page.waitForURL('**/learn/policy/clean-desk');
        await inspect(page, faults, sight, 'policy');
        await page.fill('.sign-for input[type=password]', PASSWORD);
        await submit(page).click();
        await page.getByText(es ? 'Firmada, y en el libro.' : 'Signed, and on the ledger.').waitFor();
        await inspect(page, faults, sight, 'policy-signed');
    });

    test(`what a manager sees and does, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ lab: {}, training: {} });
        const { page, faults } = await lab.open(sight);
        await page.goto(`${lab.base}/training`);
        await settled(page);
        assert.match(await page.locator('h1').innerText(), es ? /^3 personas tienen algo atrasado\./ : /^3 people are late with something\./);
        await inspect(page, faults, sight, 'training');
        assert.equal(await page.getByText(/María López/).count(), 2, 'two of one name are two');
        await page.goto(`${lab.base}/training?course=everyone`);
        await settled(page);
        await inspect(page, faults, sight, 'training-course');
        await page.locator('.page-head .acts button').first().click();
        await page.locator('[role=dialog]').waitFor();
        await inspect(page, faults, sight, 'training-assign');
        await page.locator('[role=dialog] button[type=submit]').click();
        await page.locator('[role=dialog]').waitFor({ state: 'hidden' });
        await page.locator('.page-head .acts button').nth(1).click();
        await page.locator('[role=dialog]').waitFor();
        await inspect(page, faults, sight, 'training-class');
        await page.keyboard.press('Escape');
        await page.locator('[role=dialog]').waitFor({ state: 'hidden' });
        await page.goto(`${lab.base}/training/tom.becker`);
        await settled(page);
        await inspect(page, faults, sight, 'training-person');
        const text = await page.locator('main').innerText();
        assert.doesNotMatch(text, /right|wrong|attempt|correct/i, 'never how well');
        await page.goto(`${lab.base}/verify#record=900&code=good&records=1000&root=abc`);
        await page.locator('.outcome-word').waitFor();
        await inspect(page, faults, sight, 'verify');
        await page.goto(`${lab.base}/verify#record=900&code=bad`);
        await page.reload();
        await page.getByText(es ? 'Este certificado no se hizo aquí.' : 'This certificate was not made here.').waitFor();
    });
}

test('Learn shows that it loads until it knows what is due', { skip }, async () => {
    await lab.dev({ ...FRESH, training: { due: true } });
    await lab.look(WALKED[0], async (page, faults) => {
        const mine = await hold(page, '**/api/v1/training/mine');
        await page.goto(`${lab.base}/learn`);
        await page.locator('.bones').waitFor();
        await page.waitForFunction(() => globalThis.questions === 1); // every other question is answered, that for the courses, too
        assert.equal(await page.locator('.bones').count(), 1);
        assert.equal(await page.locator('h1').innerText(), 'Courses');
        mine();
        await page.locator('h1', { hasText: /^First: Safe every day\./ }).waitFor();
        assert.deepEqual(faults, []);
    });
});

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    const es = sight.language === 'es';
    test(`My work begins with what is due, as Learn does; where nothing is assigned, with what is meant for the role, at ${called(sight)}`, { skip }, async () => {
        const { page, faults } = await lab.enter(sight, 'phlebotomist', { training: { due: true } });
        await settled(page);
        const line = await page.locator('h1').innerText();
        assert.match(line, es ? /^Primero: / : /^First: /); // something is late
        const first = page.locator('main .panel').first();
        assert.ok((await first.locator('li').count()) <= 3);
        await first.getByText(es ? /Era para el/ : /Was due by/).first().waitFor();
        await inspect(page, faults, sight, 'work-due');
        await page.goto(`${lab.base}/learn`);
        await settled(page);
        assert.equal(await page.locator('h1').innerText(), line);
        await lab.dev({ role: 'phlebotomist', lab: {}, training: {} });
        await page.goto(lab.base);
        await settled(page);
        assert.equal(await page.locator('h1').innerText(), es ? 'Nada le espera.' : 'Nothing needs you.');
        const titles = await page.locator('main .panel').first().locator('li strong').allInnerTexts();
        assert.ok(titles.length > 0 && !titles.includes('Keeping the lab\'s network whole') && !titles.includes('The desk and the telephone'), titles.join());
        await inspect(page, faults, sight, 'work-free');
    });
}
