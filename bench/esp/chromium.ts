/** The ESP contest in a worker of a real Chromium, by its processor time or, told `wall`, by the wall clock. Its rows go to the parent. */
import { buildWasm } from '../../scripts/build-wasm.mjs';
import type { Build } from '../../wasm/index.ts';
import { bundled } from '../harness/bundle.ts';
import { onChromiumPage, renderersOf } from '../harness/chromium.ts';
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
  return await onChromiumPage(files, async (page) => {
    await page.exposeFunction('say', say);
    const renderers = await renderersOf(page);
    await page.exposeFunction('clock', () => cpuMillis(renderers));
    return await page.evaluate(contest, options);
  });
});

/** Runs in the page. */
function contest(options: EspWorkerOptions): Promise<Row[]> {
  const { say, clock } = globalThis as unknown as {
    say: (line: string) => void;
    clock: () => Promise<number>;
  };
  const worker = new Worker('/worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.addEventListener('error', ({ message }) => reject(new Error(message)));
    worker.addEventListener('message', ({ data }: MessageEvent<EspWorkerMessage>) => {
      if (data.kind === 'line') say(data.line);
      else if (data.kind === 'clock') clock().then((millis) => worker.postMessage(millis), reject);
      else if (data.kind === 'rows') resolve([...data.rows]);
      else reject(new Error(data.error));
    });
    worker.postMessage(options);
  });
}
