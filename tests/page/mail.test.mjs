// Is this mail dangerous? Asked by a phlebotomist on a phone, with the mail as a file; decided by whoever decides. The lab behind it is made up (web/dev).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeUp, PASSWORD, skip } from './start.mjs';
import { called, inspect, openFirst, SIGHTS, WALKED } from './walk.mjs';

const lab = makeUp();

const PHONE = { width: 360, height: 740, scheme: 'light', language: 'en' };
const ATTACK = 'From: IT help desk <help@lab-exarnple.top>\r\nSubject: mailbox\r\n\r\nYour mailbox is full.\r\n';
const FINE = 'From: Maria <maria@lab.example>\r\nSubject: rota\r\n\r\nThe rota.\r\n';
const choose = (page, text, name = 'mail.eml') => page.locator('input[type=file][accept*=eml]').setInputFiles({ name, mimeType: 'message/rfc822', buffer: Buffer.from(text) });
const answer = (page) => page.getByTestId('mail-answer');

for (const sight of WALKED) {
    test(`a phlebotomist asks about a mail at ${called(sight)}`, { skip }, async () => {
        const { page, faults } = await lab.enter(sight, 'phlebotomist');
        await page.goto(`${lab.base}/report`);
        await page.locator('.choose').waitFor();
        await inspect(page, faults, sight, 'mail-ask');
        await choose(page, ATTACK);
        await answer(page).waitFor();
        assert.equal(await answer(page).locator('.reasons li').count(), 4, 'the strongest first, not all');
        await inspect(page, faults, sight, 'mail-answer');
        await answer(page).locator('button').first().click();
        assert.equal(await answer(page).locator('.reasons li').count(), 5);
    });
    test(`who decides sees what waits, and one mail, at ${called(sight)}`, { skip }, async () => {
        const { page, faults } = await lab.enter(sight, 'IT');
        await page.goto(`${lab.base}/mail`);
        await page.locator('[data-row]').first().waitFor();
        await inspect(page, faults, sight, 'mail');
        await page.locator('[data-row]').nth(2).click();
        await page.waitForURL('**/mail/*');
        await page.locator('.reasons').waitFor();
        await inspect(page, faults, sight, 'mail-one');
    });
}

test('fine, an exercise, and what is no mail', { skip }, async () => {
    const { page } = await lab.enter(PHONE, 'phlebotomist');
    await page.goto(`${lab.base}/report`);
    await choose(page, FINE);
    await answer(page).getByText('nothing speaks against it').waitFor();
    await answer(page).getByRole('button').last().click();
    await choose(page, `X-Tourniquet-Exercise: c1.0123\r\n${ATTACK}`);
    await answer(page).getByText('an exercise, well seen').waitFor();
    await answer(page).getByRole('button').last().click();
    await choose(page, '\x89PNG', 'photo.png');
    await page.getByText('That file is no mail.').waitFor();
    assert.equal(await answer(page).count(), 0);
});

test('a large mail goes in pieces, each as it is', { skip }, async () => {
    const { page } = await lab.enter(PHONE, 'phlebotomist');
    await page.goto(`${lab.base}/report`);
    const sent = [];
    page.on('request', (r) => r.method() === 'POST' && r.url().includes('/mail') && sent.push([new URL(r.url()), r.headers()['content-type'], r.postDataBuffer()?.length ?? 0]));
    await choose(page, FINE + 'x'.repeat(1_600_000));
    await answer(page).waitFor();
    assert.deepEqual(sent.map(([url]) => url.pathname), ['/api/v1/mail/pieces', '/api/v1/mail/pieces', '/api/v1/mail']);
    assert.deepEqual(sent.map(([url]) => url.searchParams.get('at')), ['0', '716800', '1433600']);
    assert.ok(sent.every(([, type, length]) => type === 'message/rfc822' && length <= 716800));
});

test('offline nothing is said of the mail', { skip }, async () => {
    const { page } = await lab.enter(PHONE, 'phlebotomist');
    await page.goto(`${lab.base}/report`);
    await page.locator('.choose').waitFor();
    await page.route('**/api/v1/mail**', (route) => route.abort());
    await choose(page, ATTACK);
    await page.getByText('Not sent: Tourniquet did not answer.').waitFor();
    assert.equal(await answer(page).count(), 0);
});

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    test(`it is looked at, for a reason, and confirmed with its like, at ${called(sight)}`, { skip }, async () => {
        const { page, faults } = await lab.enter(sight, 'IT');
        await page.goto(`${lab.base}/mail`);
        await openFirst(page);
        await page.locator('.mailshown button').click();
        await page.locator('[role=dialog] input[type=password]').fill(PASSWORD);
        await inspect(page, faults, sight, 'mail-look', { full: false });
        await page.locator('[role=dialog] button[type=submit]').click();
        await page.locator('.mailtext').waitFor();
        assert.equal(await page.locator('.mailshown img, .mailshown a').count(), 0, 'text, nothing else');
        assert.ok((await page.locator('.mailtext').innerText()).includes('<img src=x onerror=alert(1)>'));
        assert.equal(await page.locator('.anatomy strong').first().innerText(), 'lab-exarnple.top');
        await inspect(page, faults, sight, 'mail-shown');
        await page.locator('.page-head .acts button').first().click();
        await page.locator('[role=dialog] input[type=checkbox]').waitFor();
        await inspect(page, faults, sight, 'mail-decide', { full: false });
        const [request] = await Promise.all([page.waitForRequest((r) => r.url().includes('/decide')), page.locator('[role=dialog] button[type=submit]').click()]);
        assert.equal(request.postDataJSON().verdict, 'dangerous');
        assert.equal(request.postDataJSON().alike, true);
        assert.match(request.headers()['if-match'], /^"\d+"$/);
        await page.locator('blockquote').waitFor();
        await inspect(page, faults, sight, 'mail-decided');
        await page.goto(`${lab.base}/mail`);
        await page.waitForFunction(() => document.querySelectorAll('[data-row]').length === 1);
        await page.locator('.page-head h1').waitFor();
    });
}

test('no mail waits; and whoever may not decide finds no such page on the rail', { skip }, async () => {
    const it = await lab.enter(SIGHTS[0], 'IT', { lab: { mails: 0 } });
    await it.page.goto(`${lab.base}/mail`);
    await it.page.getByRole('heading', { name: 'No mail waiting.' }).waitFor();
    await inspect(it.page, it.faults, SIGHTS[0], 'mail-empty');
    assert.equal(await it.page.locator('.places a[href="/mail"]').count(), 1);
    await it.context.close();
    const pat = await lab.enter(SIGHTS[0], 'phlebotomist');
    assert.equal(await pat.page.locator('a[href="/mail"]').count(), 0);
});
