// Dates and ages as people read them: 12-Mar-2026 14:05 CDT, and "9 min ago" with the time beside it.

import { i18n } from '@lingui/core';
import { plural, t } from '@lingui/core/macro';
import { useSyncExternalStore } from 'react';

const MINUTE = 60_000;

// Times are those of the lab's clocks, wherever the reader is; until it is known which those are, the browser's.
let site: string | undefined;

/** Says in which time zone the lab is. One that this browser does not know is left out. */
export function liveIn(name: string | null | undefined) {
    try {
        site = new Intl.DateTimeFormat('en', { timeZone: name ?? undefined }).resolvedOptions().timeZone;
    } catch {
        site = undefined;
    }
}

// A format costs more to make than a hundred to use: each is made once.
const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = `${locale} ${JSON.stringify(options)}`;
    let format = formats.get(key);
    if (format === undefined) {
        format = new Intl.DateTimeFormat(locale, options);
        formats.set(key, format);
    }
    return format;
}

function parts(when: Date, options: Intl.DateTimeFormatOptions): Record<string, string> {
    const format = formatOf(i18n.locale, { hourCycle: 'h23', timeZone: site, ...options });
    return Object.fromEntries(format.formatToParts(when).map((p) => [p.type, p.value]));
}

export function day(when: Date | string, timeZone = site): string {
    const p = parts(new Date(when), { day: '2-digit', month: 'short', year: 'numeric', timeZone });
    return `${p.day}-${(p.month ?? '').replace('.', '')}-${p.year}`;
}

/** A day of the lab's own calendar, "2026-12-14", as people read it: it is that day wherever the reader is. */
export const dayOf = (text: string) => day(new Date(`${text}T12:00:00Z`), 'UTC');

export function clock(when: Date | string, seconds = false): string {
    const p = parts(new Date(when), { hour: '2-digit', minute: '2-digit', second: '2-digit' });
    return seconds ? `${p.hour}:${p.minute}:${p.second}` : `${p.hour}:${p.minute}`;
}

/** "CDT": the short name is the same in every language; only English spells it out for American zones. */
export function zone(when: Date | string = new Date()): string {
    const format = formatOf('en-US', { timeZoneName: 'short', timeZone: site });
    return format.formatToParts(new Date(when)).find((p) => p.type === 'timeZoneName')?.value ?? '';
}

export const stamp = (when: Date | string, seconds = false) => `${day(when)} ${clock(when, seconds)} ${zone(when)}`;

/** The time of day alone for today's moments, with the date for older ones. */
export const near = (when: Date | string, seconds = false) =>
    day(when) === day(new Date()) ? clock(when, seconds) : `${day(when)} ${clock(when, seconds)}`;

export function age(when: Date | string, now: number): string {
    const minutes = Math.floor((now - new Date(when).getTime()) / MINUTE);
    if (minutes < 1) {
        return t`just now`;
    }
    if (minutes < 120) {
        return t`${minutes} min ago`;
    }
    const hours = Math.floor(minutes / 60);
    if (hours < 48) {
        return t`${hours} h ago`;
    }
    const days = Math.floor(hours / 24);
    return plural(days, { one: '# day ago', other: '# days ago' });
}

const numbers = new Map<string, Intl.NumberFormat>();
export function count(value: number): string {
    let format = numbers.get(i18n.locale);
    if (format === undefined) {
        format = new Intl.NumberFormat(i18n.locale, { useGrouping: 'always' } as Intl.NumberFormatOptions);
        numbers.set(i18n.locale, format);
    }
    return format.format(value);
}

/** Bytes with one decimal, in the units that people know. */
export function size(bytes: number): string {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    let value = bytes;
    let unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
    }
    const digits = unit === 0 || value >= 100 ? 0 : 1;
    return `${new Intl.NumberFormat(i18n.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

// One ticking clock for every age on the page.
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void) {
    listeners.add(listener);
    timer ??= setInterval(() => {
        now = Date.now();
        listeners.forEach((l) => l());
    }, 15_000);
    return () => {
        listeners.delete(listener);
        if (listeners.size === 0) {
            clearInterval(timer);
            timer = undefined;
        }
    };
}

export const useNow = () => useSyncExternalStore(subscribe, () => now);
