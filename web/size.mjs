// Weighs what the first page loads (index.html, what it links, what the entry imports before it can draw) as sent: gzip for text,
// as it is for fonts. Over budget: exit 1, and the build fails.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = new URL('./dist/', import.meta.url).pathname;
const BUDGET = { js: 220, css: 40, font: 35 };

const read = (name) => readFileSync(join(DIST, name));
const html = read('index.html').toString();
const linked = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1]);
const seen = new Set(linked);
for (const name of seen) {
    if (name.endsWith('.js')) {
        // Static imports load with the file that names them; the two catalogues are alternatives, the larger one counts.
        for (const [, other] of read(name).toString().matchAll(/(?:from|import)"\.\/([^"]+\.js)"/g)) {
            seen.add(`assets/${other}`);
        }
    }
}
const catalogues = readdirSync(join(DIST, 'assets')).filter((n) => /^(en|es)-.*\.js$/.test(n));
const packed = (name) => gzipSync(read(name), { level: 9 }).length;
const sum = (names, weigh) => names.reduce((total, name) => total + weigh(name), 0);
const js = sum([...seen].filter((n) => n.endsWith('.js')), packed) + Math.max(...catalogues.map((n) => packed(`assets/${n}`)));
const css = sum([...seen].filter((n) => n.endsWith('.css')), packed);
// The text face; the face for ids comes only with a page that shows ids.
const font = sum(readdirSync(join(DIST, 'assets')).filter((n) => /next-latin.*\.woff2$/.test(n)), (n) => read(`assets/${n}`).length);

let over = false;
for (const [kind, bytes] of Object.entries({ js, css, font })) {
    const kilo = bytes / 1000;
    const bad = kilo > BUDGET[kind];
    over ||= bad;
    console.log(`${kind.padEnd(5)}${kilo.toFixed(1).padStart(7)} kB of ${BUDGET[kind]}${bad ? '   OVER BUDGET' : ''}`);
}
process.exit(over ? 1 : 0);
