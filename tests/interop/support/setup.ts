/** vitest's global set-up: names the run, and removes what it left, however it ended. */
import { runId, sweepNamespaces } from './namespace.ts';

export function setup(): void {
  runId();
  sweepNamespaces();
}

export function teardown(): void {
  sweepNamespaces();
}
