/** How the portal is built: one static page, its worker, no inline code, nothing from elsewhere. */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { thirdPartyLicences } from './scripts/support/third-party.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const licences: Plugin = {
  name: 'licences',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source: thirdPartyLicences() });
  },
};

/** See `web/worker/main.ts`. */
const entriesAreNotImported: Plugin = {
  name: 'entries-are-not-imported',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue;
      const entry = chunk.imports.find((name) => {
        const imported = bundle[name];
        return imported?.type === 'chunk' && imported.isEntry;
      });
      if (entry !== undefined) this.error(`${chunk.fileName} imports the worker’s entry, ${entry}`);
    }
  },
};

export default defineConfig({
  plugins: [licences],
  root: path('./web'),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: path('./dist/portal'),
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    // A `.wasm` or `.svg` made into a data URL would be refused by the page's CSP.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es', plugins: () => [entriesAreNotImported] },
  server: {
    proxy: { '^/culvert(/|$)': { target: 'http://127.0.0.1:8443', ws: true } },
  },
});
