/** A program for the browser in one file. */
import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';

/** The ES module that `entry`, a path from the project's root, becomes with all it imports. */
export async function bundled(entry: string): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { output } = (await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: {
        input: `${root}${entry}`,
        output: { codeSplitting: false },
      },
    },
  })) as Rolldown.RolldownOutput;
  return output[0].code;
}
