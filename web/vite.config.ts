import { lingui } from '@lingui/vite-plugin';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { first, words } from './catalogue.ts';

// Everything that the page needs comes from its own origin in a handful of hashed files; nothing is inlined, because the console's
// Content-Security-Policy allows neither inline scripts nor data: fonts.
export default defineConfig({
    plugins: [lingui({ macroTransform: true, failOnMissing: true, failOnCompileError: true }), words(), react()],
    build: {
        outDir: 'dist',
        emptyOutDir: true,
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        target: 'es2022',
        rolldownOptions: { output: { codeSplitting: { groups: [{ name: first, debugName: 'first' }] } } },
        chunkSizeWarningLimit: 700,
        license: { fileName: 'licences.txt' },
    },
});
