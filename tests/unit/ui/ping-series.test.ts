import { describe, expect, test } from 'vitest';
import {
  commonFailure,
  PING_COUNT,
  PING_INTERVAL,
  type PingResult,
  pingSeries,
  summarise,
} from '../../../web/ui/ping-series.ts';

const reply = (roundTripMillis: number): PingResult => ({
  ok: true,
  value: { address: '10.0.0.1', roundTripMillis, bytes: 64, ttl: 64 },
});
const failed = (code: 'TIMED_OUT' | 'NAME_NOT_FOUND'): PingResult => ({
  ok: false,
  failure: { code },
});

/** Runs a series on a clock of its own, where each answer takes `millis`. */
async function series(answers: readonly PingResult[], millis: number, stopAfter = Infinity) {
  const controller = new AbortController();
  const results: PingResult[] = [];
  const starts: number[] = [];
  let clock = 0;
  const parts = {
    now: () => clock,
    ping: async () => {
      starts.push(clock);
      clock += millis;
      return answers[starts.length - 1] ?? reply(millis);
    },
    sleep: async (wait: number) => {
      clock += wait;
    },
  };
  await pingSeries(parts, controller.signal, (result) => {
    results.push(result);
    if (results.length === stopAfter) controller.abort();
  });
  return { results, starts };
}

describe('a series of pings', () => {
  test('starts one a second', async () => {
    const { results, starts } = await series([], 30);
    expect(starts).toEqual([0, PING_INTERVAL, 2 * PING_INTERVAL, 3 * PING_INTERVAL]);
    expect(results).toHaveLength(PING_COUNT);
  });

  test('waits for a slow answer and then goes on at once', async () => {
    expect((await series([], 3000)).starts).toEqual([0, 3000, 6000, 9000]);
  });

  test('goes on after a time-out', async () => {
    expect((await series([failed('TIMED_OUT')], 10)).results).toHaveLength(PING_COUNT);
  });

  test('ends at a name that does not exist', async () => {
    expect((await series([failed('NAME_NOT_FOUND')], 10)).results).toHaveLength(1);
  });

  test('ends when stopped', async () => {
    const { starts } = await series([], 10, 2);
    expect(starts).toHaveLength(2);
  });
});

test('the summary counts only answers', () => {
  expect(summarise([reply(1), failed('TIMED_OUT'), reply(3), reply(8)])).toEqual({
    sent: 4,
    answered: 3,
    times: { min: 1, avg: 4, max: 8 },
  });
  expect(summarise([])).toEqual({ sent: 0, answered: 0 });
});

test('a failure is common only when nothing answered', () => {
  expect(commonFailure([failed('TIMED_OUT'), failed('TIMED_OUT')])).toEqual({ code: 'TIMED_OUT' });
  expect(commonFailure([reply(1), failed('TIMED_OUT')])).toBeUndefined();
  expect(commonFailure([])).toBeUndefined();
});
