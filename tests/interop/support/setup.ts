/** vitest's global set-up: names the run, and removes what it left, however it ended. */
import { runId, sweep } from './namespace.ts';

export function setup(): void {
  runId();
  sweep();
}

export function teardown(): void {
  sweep();
}
