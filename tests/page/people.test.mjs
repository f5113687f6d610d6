// People: invited, given roles, confirmed, closed, read from a list; sessions and tokens of one's own; why somebody could do something. The lab behind
// it is made up (web/dev).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRESH, makeUp, PASSWORD, skip } from './start.mjs';
import { called, inspect, settled, SIGHTS } from './walk.mjs';

const CODE = /^[0-9A-Z]{5}(-[0-9A-Z]{5}){4}$/;
const lab = makeUp();

const again = (page) => page.getByLabel('Your password, again').fill(PASSWORD);
const why = (page, text) => page.getByLabel('Why', { exact: true }).fill(text);

test('somebody is invited; the code shows once', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/people`);
        await settled(page);
        assert.match(await page.locator('h1').innerText(), /^6 people have an account\. Nobody has confirmed the access of 2/);
        await page.getByRole('button', { name: 'Invite' }).click();
        const go = page.getByRole('button', { name: 'Make the code' });
        await page.getByLabel('Account name').fill('No Name');
        await page.getByText('Letters a to z, digits, dots, dashes.').waitFor();
        await page.getByLabel('Account name').fill('Eve');
        await why(page, 'starts on Monday');
        assert.equal(await go.isDisabled(), true); // no password yet
        await again(page);
        await inspect(page, faults, SIGHTS[0], 'people-invite');
        await go.click();
        const code = (await page.getByTestId('code').innerText()).trim();
        assert.match(code, CODE);
        await inspect(page, faults, SIGHTS[0], 'people-code');
        await page.getByRole('button', { name: 'Done' }).click();
        await page.getByRole('link', { name: 'eve' }).waitFor();
        assert.doesNotMatch(await page.content(), new RegExp(code));
    });
});

test('an outsider’s role needs its last day; a role is given, and taken back with a reason', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/people/tom`);
        await settled(page);
        assert.match(await page.locator('h1').innerText(), /^Tom Berger: IT\.$/);
        await page.getByRole('button', { name: 'Give a role…' }).click();
        await page.getByLabel('Role', { exact: true }).selectOption('assessor');
        await why(page, 'reads for the auditors');
        await again(page);
        const give = page.getByRole('button', { name: 'Give the role' });
        assert.equal(await give.isDisabled(), true);
        await page.getByLabel('Last day').fill(new Date(Date.now() + 60 * 86_400_000).toISOString().slice(0, 10));
        await inspect(page, faults, SIGHTS[0], 'person-give');
        await give.click();
        await page.getByText('“reads for the auditors”').waitFor();
        await page.getByRole('button', { name: 'Take back: Assessor' }).click();
        await why(page, 'the audit is over');
        await again(page);
        await page.getByRole('button', { name: 'Take the role back' }).click();
        await page.getByText('the audit is over').waitFor();
        assert.deepEqual(faults, []);
    });
});

test('Today says that the access review is due; its link leads to those alone; once confirmed the line is gone', { skip }, async () => {
    for (const sight of [SIGHTS[0], SIGHTS.at(-1)]) {
        await lab.dev(FRESH);
        await lab.look({ ...sight, language: 'en' }, async (page, faults) => {
            const here = { ...sight, language: 'en' };
            await page.goto(lab.base);
            await settled(page);
            await page.getByText('The access review is due: 2 people.').waitFor();
            await inspect(page, faults, here, 'today-review');
            await page.getByRole('link', { name: 'Look at who may come in' }).click();
            await page.locator('h1', { hasText: 'The access review is due: is the access of 2 people still right?' }).waitFor();
            assert.equal(await page.locator('.kept [data-row]').count(), 2);
            await inspect(page, faults, here, 'people-due');
            await page.getByRole('button', { name: 'All 2 are still right' }).click();
            await page.getByText('Nobody waits to be confirmed.').waitFor();
            await page.goto(lab.base);
            await settled(page);
            assert.equal(await page.getByText('The access review is due').count(), 0);
        });
    }
});

test('Today says whose role or token soon ends; its link leads to those alone', { skip }, async () => {
    await lab.dev({ ...FRESH, ending: true });
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(lab.base);
        await settled(page);
        await page.getByText('Within 14 days roles or API tokens of 2 people end.').waitFor();
        await inspect(page, faults, SIGHTS[0], 'today-ending');
        await page.getByRole('link', { name: 'Look whose' }).click();
        await page.locator('h1', { hasText: 'Within 14 days roles or API tokens of 2 people end.' }).waitFor();
        assert.equal(await page.locator('.kept [data-row]').count(), 2);
        await page.getByText(/An API token ends on/).waitFor();
        await inspect(page, faults, SIGHTS[0], 'people-ending');
    });
});

test('all that are due are confirmed by one click', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/people`);
        await settled(page);
        await page.getByRole('button', { name: 'All 2 are still right' }).click();
        await page.waitForFunction(() => document.querySelector('h1').textContent === '6 people have an account.');
        assert.equal(await page.getByRole('button', { name: /^Still right: the access of Ana/ }).count(), 0); // nobody confirms themselves
        assert.deepEqual(faults, []);
    });
});

test('somebody leaves: closed everywhere; the envelope; the rules for passwords, with NIST’s word', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[3], async (page, faults) => {
        await page.goto(`${lab.base}/people/dana`);
        await settled(page);
        await page.getByRole('button', { name: 'Cerrar…' }).click();
        await page.getByLabel('Por qué', { exact: true }).fill('su último día');
        await page.getByLabel(/contraseña, otra vez/i).fill(PASSWORD);
        await inspect(page, faults, SIGHTS[3], 'person-close');
        await page.getByRole('button', { name: 'Cerrar la cuenta' }).click();
        await page.waitForFunction(() => /ya no puede entrar/.test(document.querySelector('h1').textContent));
        assert.deepEqual(faults, []);
    });
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/people`);
        await settled(page);
        await page.getByRole('button', { name: 'Seal it anew…' }).click();
        await why(page, 'after the power cut');
        await again(page);
        await page.getByRole('button', { name: 'Make the code' }).click();
        assert.match((await page.getByTestId('code').innerText()).trim(), CODE);
        await inspect(page, faults, SIGHTS[0], 'people-envelope');
        await page.getByRole('button', { name: 'Done' }).click();
        await page.getByRole('button', { name: 'Change…' }).click();
        await page.getByText('NIST (SP 800-63B) says that passwords shall not have to be changed from time to time').waitFor();
        await page.getByLabel('Passwords have a longest age').check();
        await page.getByLabel('Days').fill('90');
        await why(page, 'the insurer demands it');
        await again(page);
        await inspect(page, faults, SIGHTS[0], 'people-rules');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.getByText('They end after 90 days, because this site wants it.').waitFor();
        assert.deepEqual(faults, []);
    });
});

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    test(`people from a list: first what would happen; at ${called(sight)}`, { skip }, async () => {
        await lab.dev(FRESH);
        await lab.look(sight, async (page, faults) => {
            const es = sight.language === 'es';
            await page.goto(`${lab.base}/people/import`);
            await settled(page);
            await page.locator('input[type=file]').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('name,display name,role\nnoa,Noa Vidal,phlebotomist\ntom,Tom Berger,IT\nx,X,king\n') });
            await page.waitForSelector('.kept');
            assert.match(await page.locator('h1').innerText(), es ? /^1 persona nueva/ : /^1 new person/);
            await inspect(page, faults, sight, 'people-import');
            await page.getByRole('button', { name: es ? 'Seguir…' : 'Go on…' }).click();
            await page.getByLabel(es ? 'Por qué' : 'Why', { exact: true }).fill('the new season');
            await page.getByLabel(es ? /contraseña, otra vez/i : 'Your password, again').fill(PASSWORD);
            await page.getByRole('button', { name: es ? 'Hacerlo' : 'Do it' }).click();
            await page.getByText('Noa Vidal').waitFor();
            await inspect(page, faults, sight, 'people-import-codes');
        });
    });

    test(`why somebody could do it: the role, from whom, when, why; at ${called(sight)}`, { skip }, async () => {
        await lab.dev(FRESH);
        await lab.look(sight, async (page, faults) => {
            const es = sight.language === 'es';
            await page.goto(`${lab.base}/acts?event=phi`);
            await settled(page);
            await page.getByRole('link', { name: es ? '¿Por qué pudo?' : 'Why could they?' }).click();
            await page.getByText(es ? 'por:' : 'because of:').waitFor();
            await page.getByText('“starts on Monday”').first().waitFor();
            await inspect(page, faults, sight, 'person-why');
        });
    });
}

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    test(`a second factor is asked of everybody; whoever has none is told where to set one up; at ${called(sight)}`, { skip }, async () => {
        await lab.dev(FRESH);
        await lab.look(sight, async (page, faults) => {
            const es = sight.language === 'es';
            await page.goto(`${lab.base}/people`);
            await settled(page);
            await page.getByRole('button', { name: es ? 'Cambiar…' : 'Change…' }).click();
            await page.getByLabel(es ? 'Quién tiene que entrar con una llave de acceso o un código de aplicación' : 'Who has to sign in with a passkey or a code of an app').selectOption('everybody');
            await page.getByLabel(es ? 'Por qué' : 'Why', { exact: true }).fill('our insurer asks for it');
            await page.getByLabel(es ? /contraseña, otra vez/i : 'Your password, again').fill(PASSWORD);
            await inspect(page, faults, sight, 'people-factor');
            await page.getByRole('button', { name: es ? 'Guardar' : 'Save' }).click();
            await page.getByText(es ? /Todos entran con una llave de acceso/ : /Everybody signs in with a passkey/).waitFor();
            await inspect(page, faults, sight, 'people-factor-rules');
        });
        await lab.dev({ ...FRESH, withheld: true });
        await lab.look(sight, async (page, faults) => {
            const es = sight.language === 'es';
            await page.goto(lab.base);
            await settled(page);
            await page.getByText(es ? /Sus roles valen cuando entra/ : /Your roles count once you signed in/).waitFor();
            await inspect(page, faults, sight, 'withheld');
            await page.getByRole('link', { name: es ? 'Configurarlo' : 'Set one up' }).click();
            await page.waitForFunction(() => location.pathname === '/sign-in');
            assert.deepEqual(faults, []);
        });
        await lab.dev(FRESH);
    });
}

test('one’s own: a session elsewhere is ended, a token is made, shown once and revoked, the password changed', { skip }, async () => {
    await lab.dev(FRESH);
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(`${lab.base}/account`);
        await settled(page);
        await page.getByText('10.0.5.77').waitFor();
        await page.getByRole('button', { name: 'End it: the session from 10.0.5.77' }).click();
        await again(page);
        await inspect(page, faults, SIGHTS[0], 'account-session');
        await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
        await page.waitForFunction(() => !document.body.textContent.includes('10.0.5.77'));
        await page.getByRole('button', { name: 'New token…' }).click();
        await page.getByLabel('For which program').fill('CMDB');
        await page.getByLabel('see devices and who talks to whom').check();
        assert.equal(await page.getByLabel(/shown patients' data/).count(), 0); // persons only
        await again(page);
        await inspect(page, faults, SIGHTS[0], 'account-token');
        await page.getByRole('button', { name: 'Make the token' }).click();
        assert.match((await page.getByTestId('code').innerText()).trim(), /^tqt_[0-9a-f]{64}$/);
        await page.getByRole('button', { name: 'Done' }).click();
        await page.getByRole('button', { name: 'Revoke the token CMDB' }).click();
        await page.getByText('revoked', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Change password…' }).click();
        await again(page);
        await page.getByLabel('The new one').fill('short');
        assert.equal(await page.getByRole('button', { name: 'Change it' }).isDisabled(), true);
        assert.deepEqual(faults, []);
    });
});

test('who has no Today begins with their own work, and sees no place that is not theirs', { skip }, async () => {
    await lab.dev({ ...FRESH, role: 'phlebotomist' });
    await lab.look(SIGHTS[0], async (page, faults) => {
        await page.goto(lab.base);
        await settled(page);
        const places = await page.locator('.places a').allInnerTexts();
        assert.deepEqual(places.map((p) => p.trim()), ['My work', 'Learn', 'Report', 'My account']);
        await inspect(page, faults, SIGHTS[0], 'home-phlebotomist');
    });
    await lab.dev(FRESH);
});

for (const sight of [SIGHTS[0], SIGHTS[3]]) {
    const es = sight.language === 'es';
    test(`the manager sees the page as an assessor does, changes nothing by it, and ends it, at ${called(sight)}`, { skip }, async () => {
        const phone = sight.width < 768;
        const places = async (page) => {
            if (phone) {
                await page.goto(`${lab.base}/more`); // a reload: it ends what is only looked at
                await settled(page);
            }
            return page.locator(phone ? '.bottom a' : '.places a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
        };
        const assessor = await lab.enter(sight, 'assessor');
        await settled(assessor.page);
        const theirs = await places(assessor.page);
        const { page, faults } = await lab.enter(sight, 'lab manager');
        await settled(page);
        const mine = await places(page);
        await page.goto(`${lab.base}/people`);
        await settled(page);
        const offered = await page.getByLabel(es ? 'Función' : 'Role', { exact: true }).locator('option').evaluateAll((all) => all.map((o) => o.value));
        assert.ok(offered.includes('assessor') && offered.includes('phlebotomist') && !offered.includes('lab manager') && !offered.includes("maker's engineer"), offered.join());
        await page.getByLabel(es ? 'Función' : 'Role', { exact: true }).selectOption('assessor');
        await page.getByRole('button', { name: es ? 'Verla' : 'See it' }).click();
        await page.waitForURL('**/devices');
        await settled(page);
        assert.deepEqual(await page.locator(phone ? '.bottom a' : '.places a').evaluateAll((all) => all.map((a) => a.getAttribute('href'))), theirs);
        assert.equal(await page.locator('.badge').count(), 0); // an assessor's page has no counts of Today
        await inspect(page, faults, sight, 'preview-assessor');
        const changes = [];
        page.on('request', (r) => r.method() !== 'GET' && changes.push(`${r.method()} ${r.url()}`));
        await page.getByRole('link', { name: phone ? (es ? 'Más' : 'More') : es ? 'Avisar' : 'Report', exact: true }).click();
        if (phone) {
            await page.locator('main').getByRole('link', { name: es ? 'Avisar' : 'Report', exact: true }).click();
        }
        await page.waitForURL('**/report');
        await page.locator('textarea').fill('Somebody left a door open.');
        await page.locator('.kinds input').first().check();
        await page.getByRole('button', { name: es ? 'Enviar' : 'Send', exact: true }).click();
        await page.getByText(es ? 'Solo está mirando' : 'You only look at the page').waitFor();
        assert.deepEqual(changes, []);
        await page.getByRole('button', { name: es ? 'Terminarla' : 'End it' }).click();
        await page.waitForURL('**/people');
        await settled(page);
        assert.deepEqual(await page.locator(phone ? '.bottom a' : '.places a').evaluateAll((all) => all.map((a) => a.getAttribute('href'))), mine);
    });
}
