// Learn: a lesson from its first question to its end, each kind of question answered well and badly, and the place that is kept. The courses are the
// program's own; the lab behind them is made up (web/dev).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shot, sideways } from './browser.mjs';
import { answerOf, choose, course, plain, submit } from './question.mjs';
import { makeUp, skip } from './start.mjs';
import { called, inspect, settled, SIGHTS, WALKED } from './walk.mjs';

const lab = makeUp();

for (const sight of WALKED) {
    test(`a lesson from its first question to its end, at ${called(sight)}`, { skip }, async () => {
        const { page, faults } = await lab.open(sight);
        await page.goto(`${lab.base}/learn/everyone/5`);
        await settled(page);
        const { lessons } = course('everyone');
        const lesson = lessons[4];
        assert.equal(await page.locator('h1').innerText(), lesson.title);
        await inspect(page, faults, sight, 'lesson-scenario');
        assert.ok(await submit(page).isDisabled(), 'nothing is chosen yet');
        const heights = await page.locator('.answer').evaluateAll((all) => all.map((e) => e.getBoundingClientRect().height));
        assert.ok(Math.min(...heights) >= 56, `an answer is ${Math.min(...heights)} px high`);
        await choose(page, lesson.scenario, false);
        await submit(page).click();
        await page.locator('.reasons').waitFor();
        assert.match(await page.locator('.outcome-word').innerText(), sight.language === 'es' ? /Mírelo otra vez/ : /Have another look/);
        assert.ok((await page.locator('.reasons').innerText()).includes(plain(lesson.scenario.answers.find((a) => a.right).feedback)));
        await inspect(page, faults, sight, 'lesson-feedback');
        await submit(page).click();
        await page.locator('.course-text h2').first().waitFor();
        await page.locator('.course-text img').scrollIntoViewIfNeeded();
        await page.waitForFunction(() => [...document.querySelectorAll('.course-text img')].every((e) => e.complete && e.naturalWidth > 0));
        await inspect(page, faults, sight, 'lesson-text');
        await submit(page).click();
        for (const question of lesson.questions) {
            await choose(page, question, true);
            if (question.kind === 'order') {
                await inspect(page, faults, sight, 'lesson-order');
            }
            await submit(page).click();
            assert.match(await page.locator('.outcome-word').innerText(), sight.language === 'es' ? /Sí, eso es/ : /Yes, that is it/, question.id);
            assert.ok((await page.locator('q').innerText()).includes(question.see));
            await submit(page).click();
        }
        await page.locator('.thumb button').nth(1).waitFor();
        await inspect(page, faults, sight, 'lesson-done');
        await page.locator('.thumb button').nth(1).click();
        await page.waitForURL('**/learn/everyone');
        await inspect(page, faults, sight, 'course-one-done');
    });
}

test('the place is kept through a reload, under the name of who learns; answers are not', { skip }, async () => {
    const { page } = await lab.open({ ...SIGHTS[3], language: 'en' });
    await page.goto(`${lab.base}/learn/everyone/1`);
    await settled(page);
    const { lessons } = course('everyone');
    await choose(page, lessons[0].scenario, true);
    await submit(page).click();
    await submit(page).click();
    await page.locator('.course-text h2').first().waitFor();
    await page.reload();
    await settled(page);
    assert.equal(await page.locator('.answer').count(), 0, 'the text again, not the first question');
    await page.goto(`${lab.base}/learn`);
    await settled(page);
    assert.match(await page.locator('h1').innerText(), /^Go on where you stopped: Safe every day\.$/);
    // Ana is the lab's manager: what is for everybody, then what is for managers.
    const titles = await page.locator('.panel').first().locator('.card > strong').allInnerTexts();
    assert.deepEqual(titles.slice(0, 2), ['Safe every day', 'You answer for it']);
    await shot(page, 'learn-begun');
    const kept = await page.evaluate(() => localStorage.getItem('tourniquet.learn'));
    assert.deepEqual(JSON.parse(kept), { ana: { 'everyone@1': { done: [], lesson: 0, step: 1 } } });
    await page.evaluate(() => localStorage.setItem('tourniquet.learn', '{"ana":{"everyone@1":{"done":"all","lesson":-3}}}'));
    await page.goto(`${lab.base}/learn/everyone/1`);
    await settled(page);
    assert.ok((await page.locator('.answer').count()) > 0, 'what is kept badly is nothing');
});

test('an order is pressed, taken back and pressed again; it never begins right', { skip }, async () => {
    const { page } = await lab.open(SIGHTS[0]);
    await page.goto(`${lab.base}/learn/everyone/5`);
    await settled(page);
    const { lessons } = course('everyone');
    const at = lessons[4].questions.findIndex((q) => q.kind === 'order');
    await page.evaluate((step) => localStorage.setItem('tourniquet.learn', JSON.stringify({ ana: { 'everyone@1': { done: [], lesson: 4, step } } })), at + 2);
    await page.reload();
    await settled(page);
    const question = lessons[4].questions[at];
    const shown = await page.locator('.answer').allInnerTexts();
    assert.notDeepEqual(shown.map((s) => s.trim()), question.answers.map((a) => plain(a.runs)));
    await choose(page, question, false);
    assert.ok(!(await submit(page).isDisabled()));
    await answerOf(page, question.answers.at(-1)).click();
    assert.equal(await page.locator('.answer[aria-pressed=true]').count(), 0, 'what followed the one that was taken back goes too');
    assert.ok(await submit(page).isDisabled());
    await choose(page, question, true);
    await submit(page).click();
    await page.getByText('Yes, that is it.').waitFor();
});

test('every lesson of every course is drawn, with its pictures, at the phone', { skip }, async () => {
    const { page, faults } = await lab.open(SIGHTS[4]);
    await page.goto(`${lab.base}/learn`);
    await settled(page);
    const { items } = await page.evaluate(() => fetch('/api/v1/courses').then((r) => r.json()));
    assert.ok(items.length >= 8, `${items.length} courses`);
    for (const { id, version, parts } of items) {
        for (const [lesson] of parts.entries()) {
            await page.evaluate((kept) => localStorage.setItem('tourniquet.learn', JSON.stringify({ ana: kept })), { [`${id}@${version}`]: { done: [], lesson, step: 1 } });
            await page.goto(`${lab.base}/learn/${id}/${lesson + 1}`);
            await page.locator('.course-text h2').first().waitFor();
            for (const image of await page.locator('.course-text img').all()) {
                await image.scrollIntoViewIfNeeded();
                await page.waitForFunction((e) => e.complete && e.naturalWidth > 0, await image.elementHandle());
            }
            assert.equal(await sideways(page), 0, `${id} ${lesson + 1} scrolls sideways`);
            await shot(page, `lesson-${id}-${lesson + 1}`);
        }
    }
    assert.deepEqual(faults, []);
});

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    test(`no courses, and none that could be loaded, at ${called(sight)}`, { skip }, async () => {
        await lab.dev({ lab: { courses: false } });
        const { page, faults } = await lab.open(sight);
        await page.goto(`${lab.base}/learn`);
        await page.locator('.empty').waitFor();
        await inspect(page, faults, sight, 'learn-empty');
        await lab.dev({ mode: 'error' });
        await page.goto(`${lab.base}/learn`);
        await page.locator('.failed').waitFor();
        assert.equal(await page.locator('h1').count(), 1);
        await shot(page, `learn-error-${called(sight)}`);
        await lab.dev({ mode: 'ok', lab: {} });
    });
}

test('a course and a lesson that are not there are said', { skip }, async () => {
    const { page } = await lab.open(SIGHTS[0]);
    await page.goto(`${lab.base}/learn/nosuch`);
    await page.locator('.failed').waitFor();
    await page.goto(`${lab.base}/learn/everyone/77`);
    await settled(page);
    assert.match(await page.locator('h1').innerText(), /no page|nothing here|not/i);
});
