import { describe, expect, it } from 'vitest';
import { barChart } from '../../../bench/harness/plot.ts';
import { race } from '../../../bench/harness/race.ts';
import { merged, type Row, type RowHead, rowOf } from '../../../bench/harness/results.ts';
import { median, spread } from '../../../bench/harness/statistics.ts';
import { figure, tables } from '../../../bench/harness/table.ts';

const head: RowHead = { bench: 'b', case: 'c', where: 'Node', unit: 'Mbit/s' };
const row = (change: Partial<Row>): Row => ({ ...rowOf(head, [1], { peer: [2] }), ...change });

describe('statistics', () => {
  it.each([
    [[3], 3],
    [[4, 1, 9], 4],
    [[4, 1, 9, 5], 4.5],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('the median of nothing is a mistake', () => {
    expect(() => median([])).toThrow(RangeError);
  });

  it('spread is the interquartile range over the median, whatever the order', () => {
    expect(spread([14, 10, 12, 8, 6])).toBeCloseTo(4 / 10);
    expect(spread([7, 7, 7])).toBe(0);
    expect(spread([0, 0, 0])).toBe(0);
  });
});

describe('race', () => {
  it('leaves the warm-up out, and turns the order round', async () => {
    const order: string[] = [];
    const lap = (name: string) => () => order.push(name);
    const laps = await race({ a: lap('a'), b: lap('b') }, { rounds: 2, warmUp: 1 });
    expect(order.join('')).toBe('baabba');
    expect(laps).toEqual({ a: [3, 6], b: [4, 5] });
  });
});

describe('rowOf', () => {
  it('has a ratio above 1 when ours is better, in either kind of unit', () => {
    const more = rowOf(head, [10, 30, 20], { peer: [5, 10, 20] });
    expect(more).toMatchObject({ ours: 20, peers: { peer: 10 }, ratios: { peer: 2 } });
    const less = rowOf({ ...head, unit: 'µs CPU/packet' }, [2, 2, 2], { peer: [8, 6, 1] });
    expect(less).toMatchObject({ ours: 2, peers: { peer: 6 }, ratios: { peer: 3 } });
  });

  it('takes the median of the rounds’ ratios, not the ratio of the medians', () => {
    expect(rowOf(head, [10, 100, 20], { peer: [1, 50, 10] }).ratios.peer).toBe(2);
  });

  it('has the widest spread of all', () => {
    expect(rowOf(head, [5, 5, 5], { peer: [8, 10, 12] }).spread).toBeCloseTo(0.2);
  });

  it('has no ratio to nothing', () => {
    expect(rowOf(head, [5, 5], { peer: [0, 0] })).toMatchObject({ peers: { peer: 0 }, ratios: {} });
  });
});

describe('merged', () => {
  it('replaces rows that were measured again where they stand, and keeps and adds the others', () => {
    const earlier = [row({ case: 'x', ours: 1 }), row({ case: 'y', ours: 2 })];
    const fresh = [row({ case: 'x', ours: 3 }), row({ case: 'x', where: 'Chromium', ours: 4 })];
    expect(
      merged(earlier, fresh).map(({ case: name, where, ours }) => [name, where, ours]),
    ).toEqual([
      ['x', 'Node', 3],
      ['y', 'Node', 2],
      ['x', 'Chromium', 4],
    ]);
  });
});

describe('tables', () => {
  it('have a table per bench, place and unit, with a cell per peer', () => {
    const rows = [
      row({ case: 'one', ours: 12.34, peers: { a: 2 }, ratios: { a: 6.17 }, spread: 0.123 }),
      row({ case: 'two', ours: 5, peers: { b: 0 }, ratios: {} }),
      row({ case: 'three', where: 'Chromium' }),
    ];
    const lines = tables(rows).split('\n');
    expect(lines.filter((line) => !line.startsWith('|')).filter(Boolean)).toEqual([
      'b, Node, Mbit/s:',
      'b, Chromium, Mbit/s:',
    ]);
    expect(lines).toContain('| one  | 12.3 | 2 (× 6.17) |   | 12 %   |');
    expect(lines).toContain('| two  | 5    |            | 0 | 0 %    |');
  });

  it.each([
    [1234.5, '1235'],
    [99.96, '100'],
    [12.345, '12.3'],
    [0.98765, '0.988'],
  ])('%d is shown as %s', (value, shown) => {
    expect(figure(value)).toBe(shown);
  });
});

describe('barChart', () => {
  const rows = [
    row({ case: 'a <b> & "c"', ours: 10, peers: { other: 5 } }),
    row({ case: 'd', ours: 2, peers: {}, unit: 'µs CPU/packet' }),
  ];
  const svg = barChart('Title & more', rows);
  const bars = [...svg.matchAll(/<rect [^>]*width="([\d.]+)" height="12" rx="2" fill="([^"]+)"/g)]
    .map(([, width, fill]) => [Number(width), fill] as const)
    .filter(([width]) => width !== 12);

  it('has a bar per figure, in proportion within a unit', () => {
    expect(bars).toHaveLength(3);
    const [ours, other, alone] = bars;
    expect(other![0] / ours![0]).toBeCloseTo(0.5);
    expect(alone![0]).toBe(ours![0]);
    expect(ours![1]).toBe(alone![1]);
    expect(other![1]).not.toBe(ours![1]);
  });

  it('escapes what it is given, and has colours for a dark page', () => {
    expect(svg).toContain('a &lt;b> &amp; &quot;c&quot;');
    expect(svg).toContain('aria-label="Title &amp; more"');
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  it('is no picture of nothing', () => {
    expect(() => barChart('t', [])).toThrow(RangeError);
  });
});
