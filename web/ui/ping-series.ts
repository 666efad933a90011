/** A series of echo requests, one second apart, and its summary. */
import type { Failure, TunnelErrorCode } from '../../shared/errors.ts';
import type { Outcome, PingReply } from '../worker/api.ts';

/** Requests in a series. */
export const PING_COUNT = 4;

/** Least time from one request to the next, in milliseconds. */
export const PING_INTERVAL = 1000;

/** After these the next request would end the same way. */
const FINAL: readonly TunnelErrorCode[] = [
  'NAME_NOT_FOUND',
  'NAME_SERVER_SILENT',
  'BAD_INPUT',
  'NOT_CONNECTED',
  'INTERNAL',
];

export type PingResult = Outcome<PingReply>;

export interface PingParts {
  readonly ping: () => Promise<PingResult>;
  /** Waits, or returns early when `signal` aborts. */
  readonly sleep: (millis: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
}

/** Sends the series and reports each result; ends early on `signal` or when going on is pointless. */
export async function pingSeries(
  parts: PingParts,
  signal: AbortSignal,
  report: (result: PingResult) => void,
): Promise<void> {
  for (let sent = 0; sent < PING_COUNT; sent += 1) {
    const start = parts.now();
    const result = await parts.ping();
    if (signal.aborted) return;
    report(result);
    if (!result.ok && FINAL.includes(result.failure.code)) return;
    if (sent === PING_COUNT - 1) return;
    await parts.sleep(Math.max(0, PING_INTERVAL - (parts.now() - start)), signal);
    if (signal.aborted) return;
  }
}

export interface PingSummary {
  readonly sent: number;
  readonly answered: number;
  /** Round trips in milliseconds; absent when nothing answered. */
  readonly times?: { readonly min: number; readonly avg: number; readonly max: number };
}

/** Minimum, mean and maximum of the answers. */
export function summarise(results: readonly PingResult[]): PingSummary {
  const times = results.flatMap((result) => (result.ok ? [result.value.roundTripMillis] : []));
  if (times.length === 0) return { sent: results.length, answered: 0 };
  return {
    sent: results.length,
    answered: times.length,
    times: {
      min: Math.min(...times),
      avg: times.reduce((sum, time) => sum + time, 0) / times.length,
      max: Math.max(...times),
    },
  };
}

/** The failure that the whole series shares, if nothing answered. */
export function commonFailure(results: readonly PingResult[]): Failure | undefined {
  const last = results.at(-1);
  if (last === undefined || last.ok || results.some((result) => result.ok)) return undefined;
  return last.failure;
}
