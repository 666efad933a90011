/** Chromium and what serves its page, in the namespace of the relay: told over IPC what to transfer. */
import { readdirSync, readFileSync } from 'node:fs';
import { buildWasm } from '../../scripts/build-wasm.mjs';
import { bundled } from '../harness/bundle.ts';
import { obey } from '../harness/child.ts';
import { onChromiumPage, type Page } from '../harness/chromium.ts';
import { threadCpuMillis } from '../harness/cpu.ts';
import type { WorkerReply, WorkerRequest } from './worker.ts';

export interface BrowserCommands {
  /** Opens an empty page at this port of 127.0.0.1. */
  open(port: number): Promise<void>;
  /** Gives the page a new worker, and that a request. */
  start(request: WorkerRequest): Promise<void>;
  /** Gives the worker another request; answers its time and the processor time it took. */
  transfer(request: WorkerRequest): Promise<Transfer>;
  /** Ends the worker. */
  end(): Promise<void>;
}

export interface Transfer {
  readonly bytes: number;
  readonly millis: number;
  /** What each ping took, if there were any. */
  readonly pings: readonly number[];
  /** Of the worker's thread. */
  readonly cpuMillis: number;
}

/** What Chromium calls the threads of workers, cut to the 15 characters that the system keeps. */
const WORKER_THREAD = 'DedicatedWorker';

let page: Page | undefined;

obey<BrowserCommands>({
  async open(port) {
    const files = {
      ...(await bundled('bench/tunnel/worker.ts')),
      ...Object.fromEntries(
        Object.entries(await buildWasm()).map(([build, file]) => [
          `/${build}.wasm`,
          { type: 'application/wasm', file },
        ]),
      ),
    };
    await new Promise<void>((resolve, reject) => {
      // Page and browser stay until this process is ended.
      onChromiumPage(
        files,
        async (opened) => {
          page = opened;
          resolve();
          await new Promise(() => {});
        },
        port,
      ).catch(reject);
    });
  },
  async start(request) {
    await theirs().evaluate(() => {
      const place = globalThis as unknown as { worker: Worker };
      place.worker = new Worker('/worker.js', { type: 'module' });
    });
    await toWorker(request);
  },
  async transfer(request) {
    const before = await workerCpuMillis();
    const { bytes, millis, pings } = await toWorker(request);
    return { bytes, millis, pings, cpuMillis: (await workerCpuMillis()) - before };
  },
  async end() {
    await theirs().evaluate(() => (globalThis as unknown as { worker: Worker }).worker.terminate());
  },
});

function theirs(): Page {
  if (page === undefined) throw new Error('no page is open');
  return page;
}

async function toWorker(request: WorkerRequest): Promise<Extract<WorkerReply, { ok: true }>> {
  const reply = await theirs().evaluate((message) => {
    const { worker } = globalThis as unknown as { worker: Worker };
    return new Promise<WorkerReply>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message: error }) => resolve({ ok: false, error });
      worker.postMessage(message);
    });
  }, request);
  if (!reply.ok) throw new Error(`${request.kind}: ${reply.error}`);
  return reply;
}

/** Of all workers there are: one, and those that have ended count as nothing. */
async function workerCpuMillis(): Promise<number> {
  let sum = 0;
  for (const pid of await theirs().renderers()) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim();
      if (name === WORKER_THREAD) sum += threadCpuMillis(pid, thread);
    }
  }
  return sum;
}
