import { i18n } from '@lingui/core';
import { client } from './api/queries';

export const LOCALES = { en: 'English', es: 'Español' } as const;
export type Locale = keyof typeof LOCALES;

const isLocale = (value: string | null | undefined): value is Locale => value === 'en' || value === 'es';

/** The language chosen before, else the browser's, else English. */
export function preferred(): Locale {
    const kept = localStorage.getItem('tourniquet.language');
    if (isLocale(kept)) {
        return kept;
    }
    const wanted = navigator.languages.map((l) => l.slice(0, 2)).find(isLocale);
    return wanted ?? 'en';
}

export async function speak(locale: Locale) {
    const { messages } = locale === 'es' ? await import('./locales/es.po') : await import('./locales/en.po');
    // Added to, not put in place of, what pages have brought for themselves (web/catalogue.ts).
    i18n.load(locale, messages);
    i18n.activate(locale);
    document.documentElement.lang = locale;
}

export async function choose(locale: Locale) {
    localStorage.setItem('tourniquet.language', locale);
    await speak(locale);
    void client.invalidateQueries(); // what the program says comes in the language asked for
}
