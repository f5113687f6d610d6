// Learn: a lesson from its first question to its end, each kind of question answered well and badly, and the place that is kept. The courses are the
// program's own; the lab behind them is made up (web/dev).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { launch, missing, open, root, shot, sideways } from './browser.mjs';
import { called, inspect, settled, SIGHTS } from './walk.mjs';

const skip = missing;
let chromium;
let server;
let base;
let cookies;

before(async () => {
    if (skip) {
        return;
    }
    server = spawn(process.execPath, [join(root, 'web/dev/server.mjs'), '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(server.stdout, 'data');
    base = line.toString().trim();
    chromium = await launch();
    const { context, page } = await open(chromium.browser, base);
    await page.goto(base);
    await page.fill('[name=username]', 'ana');
    await page.fill('[name=password]', 'a long enough phrase');
    await page.click('button[type=submit]');
    await page.waitForSelector('.places, .bottom');
    cookies = await context.storageState();
    await context.close();
});
after(async () => {
    await chromium?.close();
    server?.kill();
});

const course = async (page, id) => page.evaluate((name) => fetch(`/api/v1/courses/${name}`).then((r) => r.json()), id);
const plain = (runs) => runs.map((run) => run.text ?? '').join('').replace(/\s+/g, ' ').trim();
const submit = (page) => page.locator('.thumb button').first();
const answerOf = (page, answer) => page.locator('.answer').filter({ hasText: plain(answer.runs) });

/** Chooses answers: the right ones, or a wrong one. */
async function choose(page, question, well) {
    const right = question.answers.filter((a) => a.right);
    if (question.kind === 'order') {
        for (const answer of well ? right : [...right].reverse()) {
            await answerOf(page, answer).click();
        }
        return;
    }
    for (const answer of well ? right : [question.answers.find((a) => !a.right)]) {
        await answerOf(page, answer).click();
    }
}

for (const sight of SIGHTS) {
    test(`a lesson from its first question to its end, at ${called(sight)}`, { skip }, async () => {
        const { context, page, faults } = await open(chromium.browser, base, { ...sight, cookies });
        await page.goto(`${base}/learn/everyone/5`);
        await settled(page);
        const { lessons } = await course(page, 'everyone');
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
            await page.locator('.answer').first().waitFor();
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
        await context.close();
    });
}

test('the place is kept through a reload, under the name of who learns; answers are not', { skip }, async () => {
    const { context, page } = await open(chromium.browser, base, { ...SIGHTS[3], language: 'en', cookies });
    await page.goto(`${base}/learn/everyone/1`);
    await settled(page);
    const { lessons } = await course(page, 'everyone');
    await choose(page, lessons[0].scenario, true);
    await submit(page).click();
    await submit(page).click();
    await page.locator('.course-text h2').first().waitFor();
    await page.reload();
    await settled(page);
    assert.equal(await page.locator('.answer').count(), 0, 'the text again, not the first question');
    await page.goto(`${base}/learn`);
    await settled(page);
    assert.match(await page.locator('h1').innerText(), /^Go on where you stopped: Safe every day\.$/);
    // Ana is the lab's manager: what is for everybody, then what is for managers.
    const titles = await page.locator('.panel').first().locator('.card > strong').allInnerTexts();
    assert.deepEqual(titles.slice(0, 2), ['Safe every day', 'You answer for it']);
    await shot(page, 'learn-begun');
    const kept = await page.evaluate(() => localStorage.getItem('tourniquet.learn'));
    assert.deepEqual(JSON.parse(kept), { ana: { 'everyone@1': { done: [], lesson: 0, step: 1 } } });
    await page.evaluate(() => localStorage.setItem('tourniquet.learn', '{"ana":{"everyone@1":{"done":"all","lesson":-3}}}'));
    await page.goto(`${base}/learn/everyone/1`);
    await settled(page);
    assert.ok((await page.locator('.answer').count()) > 0, 'what is kept badly is nothing');
    await context.close();
});

test('an order is pressed, taken back and pressed again; it never begins right', { skip }, async () => {
    const { context, page } = await open(chromium.browser, base, { ...SIGHTS[0], cookies });
    await page.goto(`${base}/learn/everyone/5`);
    await settled(page);
    const { lessons } = await course(page, 'everyone');
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
    await context.close();
});

const dev = (body) => fetch(`${base.replace('localhost', '127.0.0.1')}/dev`, { method: 'POST', body: JSON.stringify(body) });

test('every lesson of every course is drawn, with its pictures, at the phone', { skip }, async () => {
    const { context, page, faults } = await open(chromium.browser, base, { ...SIGHTS[4], cookies });
    await page.goto(`${base}/learn`);
    await settled(page);
    const { items } = await page.evaluate(() => fetch('/api/v1/courses').then((r) => r.json()));
    assert.ok(items.length >= 8, `${items.length} courses`);
    for (const { id, version, parts } of items) {
        for (const [lesson] of parts.entries()) {
            await page.evaluate((kept) => localStorage.setItem('tourniquet.learn', JSON.stringify({ ana: kept })), { [`${id}@${version}`]: { done: [], lesson, step: 1 } });
            await page.goto(`${base}/learn/${id}/${lesson + 1}`);
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
    await context.close();
});

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    test(`no courses, and none that could be loaded, at ${called(sight)}`, { skip }, async () => {
        await dev({ lab: { courses: false } });
        const { context, page, faults } = await open(chromium.browser, base, { ...sight, cookies });
        await page.goto(`${base}/learn`);
        await page.locator('.empty').waitFor();
        await inspect(page, faults, sight, 'learn-empty');
        await dev({ mode: 'error' });
        await page.goto(`${base}/learn`);
        await page.locator('.failed').waitFor();
        assert.equal(await page.locator('h1').count(), 1);
        await shot(page, `learn-error-${called(sight)}`);
        await dev({ mode: 'ok', lab: {} });
        await context.close();
    });
}

test('a course and a lesson that are not there are said', { skip }, async () => {
    const { context, page } = await open(chromium.browser, base, { ...SIGHTS[0], cookies });
    await page.goto(`${base}/learn/nosuch`);
    await page.locator('.failed').waitFor();
    await page.goto(`${base}/learn/everyone/77`);
    await settled(page);
    assert.match(await page.locator('h1').innerText(), /no page|nothing here|not/i);
    await context.close();
});
