/** What one `packets` input brings is delivered and acknowledged once, at its end. */
import { describe, expect, it } from 'vitest';
import type { IpOutput } from '../../../shared/ip/stack.ts';
import { Script } from '../../support/segments.ts';

/** Segments of two bytes each, in order from the first. */
function run(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    flags: 'A',
    seq: 1 + 2 * i,
    ack: 1,
    data: String(10 + i),
  }));
}

function connected(): Script {
  const script = new Script();
  script.connect();
  return script;
}

function data(outputs: readonly IpOutput[]): string[] {
  return outputs.flatMap((each) =>
    each.kind === 'tcp-data' ? [Buffer.from(each.bytes).toString()] : [],
  );
}

describe('segments that arrive together', () => {
  it('in order: one array, one acknowledgment', () => {
    const script = connected();
    script.receiveTogether(run(5));
    expect(script.brief()).toEqual(['A 1:1 ack 11']);
    expect(data(script.take())).toEqual(['1011121314']);
  });

  it('one alone waits for the next burst’s', () => {
    const script = connected();
    script.receiveTogether(run(1));
    expect(script.brief()).toEqual([]);
    script.receiveTogether(run(2).slice(1));
    expect(script.brief()).toEqual(['A 1:1 ack 5']);
  });

  it('every sixteenth is acknowledged, so that what it lets go is not a burst of its own', () => {
    const script = connected();
    script.receiveTogether(run(35));
    expect(script.brief()).toEqual(['A 1:1 ack 33', 'A 1:1 ack 65', 'A 1:1 ack 71']);
    expect(data(script.take()).join('')).toHaveLength(70);
  });

  it('behind a gap: an acknowledgment for each (RFC 5681 §4.2, 2018 §4)', () => {
    const script = connected();
    const [first, second, third, fourth] = run(4);
    script.receiveTogether([first!, third!, fourth!]);
    expect(script.brief()).toEqual(['A 1:1 ack 3 sack 5:7', 'A 1:1 ack 3 sack 5:9']);
    script.receiveTogether([second!]);
    expect(script.brief()).toEqual(['A 1:1 ack 9']);
    expect(data(script.take())).toEqual(['10', '111213']);
  });

  it('what came twice is told at once, whatever follows (RFC 2883 §4)', () => {
    const script = connected();
    const [first, second, third] = run(3);
    script.receiveTogether([first!, first!, second!, third!]);
    expect(script.brief()).toEqual(['A 1:1 ack 3 sack 1:3', 'A 1:1 ack 7']);
  });

  it('the end comes after the data before it', () => {
    const script = connected();
    script.receiveTogether([...run(2), { flags: 'FA', seq: 5, ack: 1, data: 'zz' }]);
    expect(script.take().map(({ kind }) => kind)).toEqual(['tcp-data', 'tcp-end']);
    expect(script.brief()).toEqual(['A 1:1 ack 8']);
  });

  it('a reset takes nothing back that came before it', () => {
    const script = connected();
    script.receiveTogether([...run(2), { flags: 'R', seq: 5 }]);
    expect(script.take().map(({ kind }) => kind)).toEqual(['tcp-data', 'tcp-closed']);
  });

  it('acknowledgments let go what they let go together', () => {
    const script = connected();
    script.write('x'.repeat(40_000));
    const before = script.brief().length;
    script.wait(20);
    script.receiveTogether(
      Array.from({ length: before / 2 }, (_, i) => ({ flags: 'A', seq: 1, ack: 2001 + 2000 * i })),
    );
    const sent = script.brief();
    expect(sent.length).toBeGreaterThan(2);
    expect(sent.every((line) => line.includes('A') && line.endsWith('ack 1'))).toBe(true);
  });
});
