// What the made-up lab says, in Spanish, as the program does it (src/door/spoken.c), from the same catalogue.

import { readFileSync } from 'node:fs';

const [sentences, words] = readFileSync(new URL('../../catalog/spoken/es.txt', import.meta.url), 'utf8').split('\n[words]\n');
const linesOf = (part) => part.split('\n').filter((line) => line !== '' && line[0] !== '#');
const lines = [...linesOf(sentences), ...linesOf(words)];
const entries = [];
for (let i = 0; i + 1 < lines.length; i += 2) {
    const holes = [...lines[i].matchAll(/\{(\d)\}/g)].map((m) => m[1]);
    const pieces = lines[i].split(/\{\d\}/).map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    entries.push({ forHoles: i >= linesOf(sentences).length, pattern: new RegExp(`^${pieces.join('(.+?)')}$`, 's'), holes, weight: pieces.join('').length, spanish: lines[i + 1] });
}
entries.sort((a, b) => b.weight - a.weight);

function spanish(text, hole = false) {
    for (const { pattern, holes, spanish: other, forHoles } of entries) {
        const found = hole || !forHoles ? pattern.exec(text) : null;
        if (found) {
            return other.replace(/\{(\d)\}/g, (_, n) => spanish(found[holes.lastIndexOf(n) + 1], true));
        }
    }
    return text;
}

// What is a course's or a mail's own text ("text" in runs, without more) is nobody's to translate: see the program's calls of `said`.
const SAID = ['title', 'advice', 'detail', 'why', 'reason', 'reasons', 'summary', 'due', 'at_risk', 'protects', 'goes_first'];

/** An answer with what the program says in it in Spanish. */
export const inSpanish = (body) =>
    JSON.parse(JSON.stringify(body), function (key, value) {
        const said = SAID.includes(key) || (key === 'text' && this.source !== undefined); // why a device is what it is
        const one = (text) => (typeof text === 'string' ? spanish(text) : text);
        return !said ? value : Array.isArray(value) ? value.map(one) : one(value);
    });
