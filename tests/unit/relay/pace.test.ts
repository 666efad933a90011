import { describe, expect, test } from 'vitest';
import { Pace } from '../../../relay/pace.ts';

/** Reads of `count` datagrams every `step` ms for `millis`; answers which of them were followed by a rest. */
function reads(pace: Pace, count: number, step: number, millis: number, from = 1_000): boolean[] {
  const rests: boolean[] = [];
  for (let now = from; now < from + millis; now += step) rests.push(pace.rests(count, now));
  return rests;
}

describe('the pace of reading', () => {
  test('a lone datagram is never waited for, nor are those of a slow stream', () => {
    expect(reads(new Pace(), 1, 1, 100)).not.toContain(true);
    expect(reads(new Pace(), 2, 1, 100)).not.toContain(true);
  });

  test('a fast stream of few at a time is taken with rests, from its first moments on', () => {
    const rests = reads(new Pace(), 1, 0.1, 20);
    expect(rests.slice(0, 20)).not.toContain(true);
    expect(rests.slice(60)).not.toContain(false);
  });

  test('a read that took many needs no rest', () => {
    expect(reads(new Pace(), 64, 1, 20)).not.toContain(true);
  });

  test('rests end within a moment of silence', () => {
    const pace = new Pace();
    reads(pace, 1, 0.1, 20);
    expect(reads(pace, 0, 1, 10, 1_020).slice(5)).not.toContain(true);
  });
});
