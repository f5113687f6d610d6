// The catalogue, brought where it is needed. src/locales/{en,es}.po stay the one catalogue; of it the first load carries only the words of
// the modules that main.tsx imports at once, in the language chosen. Every other module brings its own words, in both languages, so a page
// that has been fetched can be read in either, and without the console.

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createCompiledCatalog, getCatalogs } from '@lingui/cli/api';
import { getConfig } from '@lingui/conf';
import { mapMacroOptions, transform } from '@lingui/native-tools';
import type { Plugin } from 'vite';

type Messages = Record<string, unknown>;

const ROOT = import.meta.dirname;
const SOURCES = join(ROOT, 'src/');
const MAIN = join(ROOT, 'src/main.tsx');
const MACRO = /from '@lingui\/(?:core|react)\/macro'/;
// `import x from './y'` and `export x from './y'`, over several lines too; not `import type`, not `import()`.
const STATIC = /^(?:import|export)\s(?!type\s)(?:[^;'"]*?\sfrom\s)?['"](\.[^'"]+)['"]/gm;
const ENDINGS = ['.tsx', '.ts', '/index.tsx', '/index.ts'];

function find(from: string, named: string) {
    for (const ending of ENDINGS) {
        const path = resolve(dirname(from), named) + ending;
        try {
            return { path, code: readFileSync(path, 'utf8') };
        } catch {
            // The next ending, or a style sheet, which has no words.
        }
    }
    return undefined;
}

/** The modules that are there before the first page can draw, each with its text. */
function atOnce() {
    const found = new Map([[MAIN, readFileSync(MAIN, 'utf8')]]);
    for (const [path, code] of found) {
        for (const [, named] of code.matchAll(STATIC)) {
            const module = find(path, named ?? '');
            if (module) {
                found.set(module.path, module.code);
            }
        }
    }
    return found;
}

/** Those of the catalogue's words that a module's code, macros expanded, names. */
function named(code: string, catalogue: Messages) {
    const ids = new Set<string>();
    for (const [, id] of code.matchAll(/["'`]([^"'`\s\\]{6})["'`]/g)) {
        if (id !== undefined && id in catalogue) {
            ids.add(id);
        }
    }
    return ids;
}

const only = (messages: Messages, wanted: Iterable<string>) => Object.fromEntries([...wanted].map((id) => [id, messages[id]]));

const together = new Set<string>();

/** For the build's codeSplitting: what is there before the first page can draw is one file, not thirty that wait for each other. */
export const first = (id: string) => (together.has(id) ? 'first' : null);

export function words(): Plugin {
    const catalogues = new Map<string, Messages>();
    let modules = new Map<string, string>();
    const atFirst = new Set<string>();
    return {
        name: 'tourniquet-words',
        async buildStart() {
            const config = getConfig({ cwd: ROOT });
            for (const catalog of await getCatalogs(config)) {
                for (const locale of config.locales) {
                    const { messages } = await catalog.getTranslations(locale, { fallbackLocales: config.fallbackLocales, sourceLocale: config.sourceLocale });
                    const { source } = createCompiledCatalog(locale, messages, { namespace: 'json' });
                    catalogues.set(locale, (JSON.parse(source) as { messages: Messages }).messages);
                }
            }
            modules = atOnce();
            atFirst.clear();
            for (const [path, code] of modules) {
                if (MACRO.test(code)) {
                    const expanded = await transform(code, path, { macro: { descriptorFields: 'id-only', ...mapMacroOptions(config) } });
                    named(expanded.code, catalogues.get('en') ?? {}).forEach((id) => atFirst.add(id));
                }
            }
        },
        transform(code, id) {
            const catalogue = /\/locales\/(\w+)\.po$/.exec(id);
            if (catalogue) {
                // Lingui's own plugin has checked by now that no word is missing.
                return { code: `export const messages = ${JSON.stringify(only(catalogues.get(catalogue[1] ?? '') ?? {}, atFirst))};`, map: null, moduleType: 'js' };
            }
            if (!id.startsWith(SOURCES) || modules.has(id) || !/\.tsx?$/.test(id)) {
                return null;
            }
            const own = [...named(code, catalogues.get('en') ?? {})].filter((word) => !atFirst.has(word));
            if (own.length === 0) {
                return null;
            }
            const both = Object.fromEntries([...catalogues].map(([locale, messages]) => [locale, only(messages, own)]));
            return { code: `${code}\nimport { i18n as i18nOfWords } from '@lingui/core';\ni18nOfWords.load(${JSON.stringify(both)});\n`, map: null };
        },
        buildEnd() {
            together.clear();
            together.add(MAIN);
            for (const id of together) {
                this.getModuleInfo(id)?.importedIds.forEach((other) => together.add(other));
            }
        },
        generateBundle(_options, bundle) {
            // What was counted above must be what the entry really imports at once. (A page has its words in either case.)
            const seen = new Set(Object.values(bundle).flatMap((part) => (part.type === 'chunk' && part.isEntry ? [part.fileName] : [])));
            for (const name of seen) {
                const part = bundle[name];
                if (part?.type === 'chunk') {
                    part.imports.forEach((other) => seen.add(other));
                }
            }
            for (const module of modules.keys()) {
                const at = Object.values(bundle).find((part) => part.type === 'chunk' && part.moduleIds.includes(module));
                if (at && !seen.has(at.fileName)) {
                    this.error(`${module} counts as loaded at once, and is not: its words would weigh on the first load`);
                }
            }
        },
    };
}
