/**
 * The playground beside the relay: a gateway with a demo intranet behind it, in a process of its own, since the relay's
 * has no keys. It ends with the relay's; where it ends by itself it is started again.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromPlayground, ToPlayground } from '../shared/relay/playground.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import type { GatewayConfig } from './config.ts';

const PROGRAM: string = fileURLToPath(new URL('../playground/main.ts', import.meta.url));

/** What tabs call it by. */
export const PLAYGROUND_ID = 'playground';

/** How long a page waits for its credentials, and how many pages may wait. */
const VISIT_MILLIS: Millis = 15_000;
const VISITS_LIMIT = 512;

/** How long its calls have to end, before it is made to. */
const STOP_MILLIS: Millis = 2_000;

/** Starts again after an end of its own, one after the other, the first at once. */
const RESTARTS = 5;
const RESTART_MILLIS: Millis = 1_000;

/** It cannot start; the message is the operator's to read. */
export class PlaygroundError extends Error {
  override readonly name = 'PlaygroundError';
}

type Ready = Extract<FromPlayground, { kind: 'ready' }>;

export class Playground {
  readonly #say: (line: string) => void;
  readonly #waiting = new Map<number, (answer: string | undefined) => void>();
  #child: ChildProcess | undefined;
  #ready: Ready;
  #visits = 0;
  #restarts = 0;
  #stopping = false;

  /** `say` gets plain words for the operator. Rejects with `PlaygroundError`. */
  static async start(say: (line: string) => void): Promise<Playground> {
    const child = spawnProgram({ ike: 0, natt: 0 });
    return new Playground(say, child, await readiness(child));
  }

  private constructor(say: (line: string) => void, child: ChildProcess, ready: Ready) {
    this.#say = say;
    this.#ready = ready;
    this.#attend(child);
  }

  /** The profile by which tabs reach it. */
  get gateway(): GatewayConfig {
    const { address, ports } = this.#ready;
    return { id: PLAYGROUND_ID, name: 'Playground', address, ports, esp: 'udp' };
  }

  /** What a page needs to visit, as a JSON text; `undefined` where the playground does not say. */
  visit(): Promise<string | undefined> {
    const child = this.#child;
    if (child === undefined || this.#waiting.size >= VISITS_LIMIT)
      return Promise.resolve(undefined);
    const number = ++this.#visits;
    return new Promise((resolve) => {
      const done = (answer: string | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(number);
        resolve(answer);
      };
      const timer = setTimeout(done, VISIT_MILLIS, undefined);
      this.#waiting.set(number, done);
      child.send({ kind: 'visit', number } satisfies ToPlayground, (error) => {
        if (error) done(undefined);
      });
    });
  }

  /** Its calls end, then it does. */
  close(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
      child.once('exit', () => {
        clearTimeout(kill);
        resolve();
      });
      if (child.connected) child.disconnect();
    });
  }

  #attend(child: ChildProcess): void {
    this.#child = child;
    // What goes wrong with it ends it, and that is heard below.
    child.on('error', () => {});
    child.on('message', (message: FromPlayground) => {
      if (message.kind === 'visit') this.#waiting.get(message.number)?.(message.answer);
    });
    child.once('exit', (code, signal) => {
      this.#child = undefined;
      for (const done of this.#waiting.values()) done(undefined);
      if (!this.#stopping) this.#again(`The playground has ended (${signal ?? code}).`);
    });
  }

  #again(why: string): void {
    if (this.#restarts >= RESTARTS) {
      this.#say(`${why} It is not started again.`);
      return;
    }
    this.#say(`${why} It is started again.`);
    setTimeout(() => void this.#restart(), RESTART_MILLIS * this.#restarts++).unref();
  }

  /** On the same ports, which tabs may know. */
  async #restart(): Promise<void> {
    if (this.#stopping) return;
    const child = spawnProgram(this.#ready.ports);
    try {
      this.#ready = await readiness(child);
    } catch (error) {
      if (!(error instanceof PlaygroundError)) throw error;
      return this.#again(error.message);
    }
    if (this.#stopping) child.disconnect();
    else this.#attend(child);
  }
}

function spawnProgram({
  ike,
  natt,
}: {
  readonly ike: number;
  readonly natt: number;
}): ChildProcess {
  const ports = ['--ike-port', String(ike), '--natt-port', String(natt)];
  return fork(PROGRAM, ports, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** The first word of a program that was started. Rejects with `PlaygroundError` where it is none or a bad one. */
function readiness(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: Ready | string): void => {
      child.off('error', failed).off('exit', ended).off('message', told);
      if (typeof outcome === 'string') reject(new PlaygroundError(outcome));
      else resolve(outcome);
    };
    const failed = ({ message }: Error): void => {
      settle(`The playground cannot be started: ${message}`);
    };
    const ended = (code: number | null): void => {
      settle(`The playground ended before it was ready (${code}).`);
    };
    const told = (message: FromPlayground): void => {
      if (message.kind === 'ready') settle(message);
      else if (message.kind === 'failed') settle(message.message);
    };
    child.on('error', failed).on('exit', ended).on('message', told);
  });
}
