/** The ESP contest in a worker of a real Chromium, by its processor time or, told `wall`, by the wall clock. Its rows go to the parent. */
import { buildWasm } from '../../scripts/build-wasm.mjs';
import type { Build } from '../../wasm/index.ts';
import { bundled } from '../harness/bundle.ts';
import { onChromiumPage } from '../harness/chromium.ts';
import { cpuMillis } from '../harness/cpu.ts';
import { answer } from '../harness/part.ts';
import type { Row } from '../harness/results.ts';
import { BUILD_NAMES } from './suites.ts';
import type { EspWorkerMessage, EspWorkerOptions } from './worker.ts';

await answer(async ({ rounds }, say) => {
  const modules = Object.entries(await buildWasm());
  const files = {
    ...(await bundled('bench/esp/worker.ts')),
    ...Object.fromEntries(
      modules.map(([build, file]) => [`/${build}.wasm`, { type: 'application/wasm', file }]),
    ),
  };
  const options: EspWorkerOptions = {
    rounds,
    byTheWall: process.argv[2] === 'wall',
    builds: modules.map(([build]) => [BUILD_NAMES[build as Build], `/${build}.wasm`]),
  };
  let renderers: readonly number[] = [];
  const listeners = {
    '/say': {
      type: 'text/plain',
      content: (line: string) => {
        say(line);
        return '';
      },
    },
    '/clock': { type: 'text/plain', content: () => String(cpuMillis(renderers)) },
  };
  return await onChromiumPage({ ...files, ...listeners }, async (page) => {
    renderers = await page.renderers();
    return await page.evaluate(contest, options);
  });
});

/** Runs in the page. */
function contest(options: EspWorkerOptions): Promise<Row[]> {
  const tell = async (url: string, body: string) =>
    await (await fetch(url, { method: 'POST', body })).text();
  const worker = new Worker('/worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.addEventListener('error', ({ message }) => reject(new Error(message)));
    worker.addEventListener('message', ({ data }: MessageEvent<EspWorkerMessage>) => {
      if (data.kind === 'line') void tell('/say', data.line);
      else if (data.kind === 'clock')
        tell('/clock', '').then((millis) => worker.postMessage(Number(millis)), reject);
      else if (data.kind === 'rows') resolve([...data.rows]);
      else reject(new Error(data.error));
    });
    worker.postMessage(options);
  });
}
