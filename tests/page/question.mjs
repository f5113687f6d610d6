// A course's question as a person meets it. Which answers are right the page is not told: the test asks the program.

import { execFileSync } from 'node:child_process';
import { PROGRAM } from './start.mjs';

export const course = (id) => JSON.parse(execFileSync(PROGRAM, ['course', 'show', id]).toString());
export const plain = (runs) => runs.map((run) => run.text ?? '').join('').replace(/\s+/g, ' ').trim();
export const submit = (page) => page.locator('.thumb button').first();
export const answerOf = (page, answer) => page.locator('.answer').filter({ hasText: plain(answer.runs) });

/** Chooses answers: the right ones, or a wrong one; steps in their order, or the other way round. */
export async function choose(page, question, well) {
    await page.locator('.answer').first().waitFor();
    const right = question.answers.filter((a) => a.right);
    const wrong = question.kind === 'order' ? [...right].reverse() : [question.answers.find((a) => !a.right)];
    for (const answer of well ? right : wrong) {
        await answerOf(page, answer).click();
    }
}
