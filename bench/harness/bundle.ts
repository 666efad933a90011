/** A program for the browser, and the files it asks for. */
import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';
import type { ServedFile } from './chromium.ts';

/** What `entry`, a path from the project's root, becomes: \`/worker.js\`, an ES module, and its assets. */
export async function bundled(entry: string): Promise<Record<string, ServedFile>> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { output } = (await build({
    configFile: false,
    root,
    base: './',
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      assetsInlineLimit: 0,
      rolldownOptions: {
        input: `${root}${entry}`,
        output: {
          codeSplitting: false,
          entryFileNames: 'worker.js',
          assetFileNames: '[name][extname]',
        },
      },
    },
  })) as Rolldown.RolldownOutput;
  return Object.fromEntries(
    output.map((file) => [
      `/${file.fileName}`,
      {
        type: file.fileName.endsWith('.wasm') ? 'application/wasm' : 'text/javascript',
        content: file.type === 'chunk' ? file.code : file.source,
      },
    ]),
  );
}
