// usage: interactive.mjs BASE AUTHORITY COOKIE RUNS. How soon pages of a running program can be used, in Chromium with an empty cache and a new
// connection each time: until the page's rows stand and the main thread has nothing long to do. Prints a JSON object a page, the best run.

import { launch, missing, open } from '../tests/page/browser.mjs';

const [base, authority, cookie, runs] = process.argv.slice(2);
if (missing) {
    console.error(missing);
    process.exit(1);
}
const [name, value] = cookie.split(/=(.*)/s);
const state = {
    cookies: [{ name, value, domain: 'localhost', path: '/', expires: -1, httpOnly: true, secure: true, sameSite: 'Strict' }],
    origins: [],
};
const PAGES = [
    { page: 'today', path: '/', rows: '.needs [data-row], .empty' },
    { page: 'devices', path: '/devices', rows: '[data-row]' },
    { page: 'findings', path: '/findings', rows: '[data-row]' },
];

// Runs in the page before anything of it: the moment at which its rows are there first, and every long task.
function watch(rows) {
    const seen = { rows: 0, busy: 0 };
    globalThis.seenByBench = seen;
    new PerformanceObserver((list) => list.getEntries().forEach((e) => (seen.busy = Math.max(seen.busy, e.startTime + e.duration)))).observe({ type: 'longtask', buffered: true });
    const look = () => {
        if (seen.rows === 0 && document.querySelector('h1') && document.querySelector(rows) && !document.querySelector('main .bones')) {
            // After the frame in which they are drawn, and once the thread takes an input.
            requestAnimationFrame(() => setTimeout(() => (seen.rows ||= performance.now()), 0));
        }
    };
    new MutationObserver(look).observe(document, { childList: true, subtree: true });
}

for (const { page, path, rows } of PAGES) {
    let best;
    for (let i = 0; i < Number(runs); i++) {
        const chromium = await launch(authority); // a new process: no connection, no cache, no compiled code
        const view = await open(chromium.browser, base, { cookies: state });
        await view.page.addInitScript(watch, rows);
        await view.page.goto(base + path);
        await view.page.waitForFunction(() => globalThis.seenByBench.rows > 0);
        await view.page.waitForTimeout(1000); // a long task that began by then counts
        const seen = await view.page.evaluate(() => ({
            ...globalThis.seenByBench,
            paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
            entries: performance.getEntriesByType('resource').map((e) => e.transferSize).concat(performance.getEntriesByType('navigation').map((e) => e.transferSize)),
        }));
        await chromium.close();
        const interactive = Math.max(seen.rows, seen.busy > seen.rows + 1000 ? 0 : seen.busy);
        if (best === undefined || interactive < best.interactive) {
            best = { page, path, interactive, paint: seen.paint, requests: seen.entries.length, kilobytes: seen.entries.reduce((a, b) => a + b, 0) / 1000 };
        }
    }
    console.log(JSON.stringify(best));
}
