import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type {
  PacketField,
  PacketLayer,
  PacketPage,
  PacketQuery,
  PacketRow,
} from '../../../shared/inspect/view.ts';
import { HEX_BYTES_LIMIT, hexLines } from '../../../web/ui/packets/hex-lines.ts';
import { Inspection, PAGE_SIZE, POLL_MILLIS } from '../../../web/ui/packets/inspection.ts';
import { treeLines, treeMove } from '../../../web/ui/packets/tree-lines.ts';

function row(id: number): PacketRow {
  return { id, time: id, direction: 'out', peer: 'gateway', protocol: 'TCP', meaning: '', size: 1 };
}

/** A worker that answers what `page` says and remembers what it was asked. */
function stage(page: () => PacketPage = () => ({ rows: [row(1)], older: false })) {
  const recorded: boolean[] = [];
  const asked: { query: PacketQuery; seen: number | undefined }[] = [];
  const world = { version: 1, hidden: false };
  const inspection = new Inspection({
    inspector: {
      record: async (on) => {
        recorded.push(on);
      },
      clear: async () => {
        world.version++;
      },
      look: async (query, seen) => {
        asked.push({ query, seen });
        if (seen === world.version) return undefined;
        const { version } = world;
        const counts = { packets: 1, bytes: 1, dropped: 0, keys: 0, since: 0 };
        return { state: { recording: true, version, ...counts }, page: page() };
      },
      details: async (id) => (id < 100 ? { row: row(id), layers: [], buffers: [] } : undefined),
      capture: async () => Uint8Array.of(1),
      keyTables: async () => 'keys',
    },
    hidden: () => world.hidden,
  });
  return { inspection, recorded, asked, world };
}

describe('the inspection', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const pass = (millis: number) => vi.advanceTimersByTimeAsync(millis);

  test('asks four times a second while it is open, and for nothing while closed or hidden', async () => {
    const { inspection, asked, world } = stage();
    await pass(10 * POLL_MILLIS);
    expect(asked).toHaveLength(0);
    inspection.show(true);
    await pass(10 * POLL_MILLIS - 1);
    expect(asked).toHaveLength(10);
    // What it has seen it does not ask for again.
    expect(asked.map(({ seen }) => seen)).toEqual([undefined, ...Array(9).fill(1)]);
    world.hidden = true;
    await pass(10 * POLL_MILLIS);
    expect(asked).toHaveLength(10);
    world.hidden = false;
    inspection.show(false);
    await pass(10 * POLL_MILLIS);
    expect(asked).toHaveLength(10);
  });

  test('records while it is open, and beyond when that was asked for', () => {
    const { inspection, recorded } = stage();
    inspection.show(true);
    inspection.show(false);
    inspection.keep(true);
    inspection.show(true);
    inspection.show(false);
    inspection.keep(false);
    expect(recorded).toEqual([true, false, true, true, true, false]);
  });

  test('stands still while paused or on an older page', async () => {
    const rows = Array.from({ length: PAGE_SIZE }, (_, index) => row(1000 + index));
    const { inspection, asked } = stage(() => ({ rows, older: true }));
    inspection.show(true);
    await pass(0);
    inspection.pause(true);
    await pass(10 * POLL_MILLIS);
    expect(asked).toHaveLength(2);
    inspection.pause(false);
    await pass(0);
    inspection.older();
    await pass(10 * POLL_MILLIS);
    expect(asked.at(-1)!.query.before).toBe(1000);
    expect(asked).toHaveLength(4);
    expect(inspection.hasNewer).toBe(true);
    inspection.newer();
    await pass(0);
    expect(asked.at(-1)!.query.before).toBeUndefined();
    expect(inspection.isLive).toBe(true);
  });

  test('goes on looking for older packets where a page is not full', async () => {
    const { inspection, asked } = stage(() => ({ rows: [row(1)], older: true }));
    inspection.show(true);
    inspection.pause(true);
    await pass(3 * POLL_MILLIS);
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.every(({ seen }) => seen === undefined)).toBe(true);
  });

  test('filters at once and from the newest on', async () => {
    const { inspection, asked } = stage(() => ({ rows: [row(5)], older: false }));
    inspection.show(true);
    await pass(0);
    inspection.older();
    inspection.narrow({ protocol: 'DNS' });
    inspection.narrow({ text: 'wiki' });
    await pass(0);
    expect(asked.at(-1)!.query).toEqual({ protocol: 'DNS', text: 'wiki', limit: PAGE_SIZE });
  });

  test('takes apart what is selected; what is gone is said to be', async () => {
    const { inspection } = stage();
    inspection.select(7);
    expect(inspection.selected.value).toEqual({ kind: 'loading', id: 7 });
    await pass(0);
    expect(inspection.selected.value).toMatchObject({ kind: 'loaded', id: 7 });
    inspection.select(8);
    inspection.select(100);
    await pass(0);
    expect(inspection.selected.value).toEqual({ kind: 'gone', id: 100 });
    inspection.clear();
    expect(inspection.selected.value).toEqual({ kind: 'none' });
  });

  test('tells when the worker fails', async () => {
    const { inspection } = stage(() => {
      throw new Error('no more');
    });
    inspection.show(true);
    await pass(0);
    expect(inspection.fault.value).toBe('no more');
  });
});

const field = (name: string, fields: readonly PacketField[] = []): PacketField => ({
  name,
  value: '',
  start: 0,
  end: 0,
  fields,
});
const LAYERS: readonly PacketLayer[] = [
  { ...field('IP', [field('Version')]), buffer: 1 },
  { ...field('TCP', [field('Source Port'), field('Options', [field('SACK')])]), buffer: 2 },
];

describe('the tree of layers', () => {
  test('has a line for what is visible, with its place', () => {
    const lines = treeLines(LAYERS, new Set(['1', '1.1']));
    expect(
      lines.map(({ path, level, position, siblings, buffer }) => [
        path,
        level,
        position,
        siblings,
        buffer,
      ]),
    ).toEqual([
      ['0', 1, 1, 2, 1],
      ['1', 1, 2, 2, 2],
      ['1.0', 2, 1, 2, 2],
      ['1.1', 2, 2, 2, 2],
      ['1.1.0', 3, 1, 1, 2],
    ]);
  });

  test.each([
    ['0', 'ArrowDown', { kind: 'focus', path: '1' }],
    ['0', 'ArrowUp', undefined],
    ['1', 'ArrowUp', { kind: 'focus', path: '0' }],
    ['0', 'ArrowRight', { kind: 'toggle', path: '0' }],
    ['1', 'ArrowRight', { kind: 'focus', path: '1.0' }],
    ['1.0', 'ArrowRight', undefined],
    ['1', 'ArrowLeft', { kind: 'toggle', path: '1' }],
    ['1.1.0', 'ArrowLeft', { kind: 'focus', path: '1.1' }],
    ['1.0', 'ArrowLeft', { kind: 'focus', path: '1' }],
    ['0', 'ArrowLeft', undefined],
    ['1.1.0', 'Home', { kind: 'focus', path: '0' }],
    ['0', 'End', { kind: 'focus', path: '1.1.0' }],
    ['0', 'Enter', { kind: 'toggle', path: '0' }],
    ['1.0', ' ', undefined],
    ['gone', 'Enter', undefined],
  ] as const)('at %s, %s', (path, key, move) => {
    expect(treeMove(treeLines(LAYERS, new Set(['1', '1.1'])), path, key)).toEqual(move);
  });
});

describe('bytes in hexadecimal', () => {
  const bytes = new TextEncoder().encode('GET /menu HTTP/1.1\r\n');
  const buffer = { name: '', bytes, masked: [] };

  test('are cut where the marked ones begin and end, over lines', () => {
    const lines = hexLines(buffer, 16, { start: 14, end: 18 });
    expect(lines.map(({ offset }) => offset)).toEqual(['0000', '0010']);
    const parts = lines.flatMap((line) => line.parts);
    expect(parts.map(({ text }) => text)).toEqual(['GET·/menu·HTTP', '/1', '.1', '··']);
    expect(parts.map(({ isMarked }) => isMarked)).toEqual([false, true, true, false]);
    expect(parts[1]!.hex).toBe('2f 31');
  });

  test('of a password are dots', () => {
    const masked = [{ start: 4, end: 6 }];
    const [line] = hexLines({ ...buffer, masked }, 8, { start: 0, end: 0 });
    expect(line!.parts).toEqual([
      { hex: '47 45 54 20 •• •• 65 6e', text: 'GET·••en', isMarked: false },
    ]);
  });

  test('are not all spelt out', () => {
    const long = { ...buffer, bytes: new Uint8Array(60_000) };
    expect(hexLines(long, 16, { start: 0, end: 0 })).toHaveLength(HEX_BYTES_LIMIT / 16);
  });
});
