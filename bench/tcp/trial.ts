/** One transfer for a while over a wire with a seed, and what is read off it. */
import type { Millis } from '../../shared/wire/bytes.ts';
import type { LinkOptions } from '../../tests/support/link.ts';
import type { Clock } from '../../tests/support/net/clock.ts';
import { Wire } from '../../tests/support/net/wire.ts';
import { exchange, SAMPLE, type TcpHost } from '../../tests/support/net/work.ts';
import { LATENCY } from './shape.ts';

/** Both directions alike, 50 ms in all where nothing else is said. */
export type Conditions = Partial<Omit<LinkOptions, 'seed'>>;

export interface TrialOptions {
  readonly clock: Clock;
  readonly sender: TcpHost;
  readonly receiver: TcpHost;
  readonly port: number;
  readonly conditions: Conditions;
  readonly seed: number;
  readonly seconds: number;
}

export interface Reading {
  /** What the reader got of it by the end of the time, from the beginning and from 3 s on. */
  readonly rate: number;
  readonly lateRate: number;
  /** Mean time that a packet waited in front of the bottleneck. */
  readonly queueDelay: Millis;
}

const LATE_SECONDS = 3;

export async function transfer(options: TrialOptions): Promise<Reading> {
  const { clock, sender, receiver, port, conditions, seed, seconds } = options;
  const direction = { latency: LATENCY, ...conditions };
  const wire = new Wire({
    clock,
    ends: [sender.port, receiver.port],
    // Everything about a trial hangs on its seed.
    there: { ...direction, seed: 2 * seed },
    back: { ...direction, seed: 2 * seed + 1 },
  });
  const [, { progress }] = await exchange(sender, receiver, port, { seconds }, {});
  wire.cut();
  sender.close();
  receiver.close();
  return {
    rate: megabits(progress, 0, seconds),
    lateRate: megabits(progress, Math.min(LATE_SECONDS, seconds - 1), seconds),
    queueDelay: wire.there.passed > 0 ? wire.there.waited / wire.there.passed : 0,
  };
}

/** Mbit/s between two seconds. */
function megabits(progress: readonly number[], from: number, to: number): number {
  const at = (second: number): number => {
    const count = (1000 * second) / SAMPLE;
    return count === 0 ? 0 : (progress[count - 1] ?? progress.at(-1)!);
  };
  return (8 * (at(to) - at(from))) / 1e6 / (to - from);
}
