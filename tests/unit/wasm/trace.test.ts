import { describe, expect, it } from 'vitest';
import { difference, recording, takeTrace } from '../../support/trace/recorder.ts';

const GET = [0x20, 0];
const DROP = 0x1a;
const END = 0x0b;

/** A module with one page of memory and `f(i32)` with the given code. */
function moduleOf(code: readonly number[]): Uint8Array {
  const body = [0, ...code, END];
  const sections = [
    [1, 1, 0x60, 1, 0x7f, 0],
    [3, 1, 0],
    [5, 1, 1, 1, 1],
    [7, 2, 1, 0x66, 0, 0, 1, 0x6d, 2, 0],
    [10, 1, body.length, ...body],
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flatMap(([id, ...content]) => [id!, content.length, ...content]),
  ]);
}

/** Where the traces of f(1) and f(2) part. */
function distinction(code: readonly number[]): string | undefined {
  const { bytes, traceAt, sites } = recording(moduleOf(code));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { f, m } = exports as { f(argument: number): void; m: WebAssembly.Memory };
  const [one, two] = [1, 2].map((argument) => {
    f(argument);
    return takeTrace(m.buffer as ArrayBuffer, traceAt);
  }) as [Uint32Array, Uint32Array];
  return difference(one, two, sites);
}

const ZERO = [0x41, 0];
const VECTOR_ZERO = [0xfd, 12, ...new Array<number>(16).fill(0)];
const WIDE = [...GET, 0xad];

const SHOWS: Readonly<Record<string, readonly number[]>> = {
  'an address loaded from': [...GET, 0x2d, 0, 5, DROP],
  'an address stored to': [...GET, ...ZERO, 0x3a, 0, 0],
  'an address of 64 bits stored to': [...GET, 0x42, 0, 0x37, 0, 0],
  'an address of a vector loaded': [...GET, 0xfd, 0, 0, 0, DROP],
  'an address of a vector stored': [...GET, ...VECTOR_ZERO, 0xfd, 11, 0, 0],
  'an address of a splat': [...GET, 0xfd, 7, 0, 0, DROP],
  'an address of a lane loaded': [...GET, ...VECTOR_ZERO, 0xfd, 84, 0, 0, 3, DROP],
  'an address of a lane stored': [...GET, ...VECTOR_ZERO, 0xfd, 88, 0, 0, 3],
  'what is copied where': [...ZERO, ...GET, ...ZERO, 0xfc, 10, 0, 0],
  'how much is copied': [...ZERO, ...ZERO, ...GET, 0xfc, 10, 0, 0],
  'how much is filled': [...ZERO, ...ZERO, ...GET, 0xfc, 11, 0],
  'whether a branch is taken': [0x02, 0x40, ...GET, 0x41, 1, 0x71, 0x0d, 0, END],
  'an arm of a condition': [...GET, 0x41, 1, 0x71, 0x04, 0x40, 0x05, END],
  'which label is jumped to': [0x02, 0x40, 0x02, 0x40, ...GET, 0x0e, 1, 0, 1, END, END],
  'a selection': [...ZERO, ...ZERO, ...GET, 0x41, 1, 0x71, 0x1b, DROP],
  'a divisor': [...ZERO, ...GET, 0x70, DROP],
  'a dividend': [...GET, 0x41, 3, 0x6e, DROP],
  'a divisor of 64 bits': [0x42, 0, ...WIDE, 0x82, DROP],
  'the upper half of a dividend': [...WIDE, 0x42, 32, 0x86, 0x42, 3, 0x80, DROP],
  'a sum of floating-point numbers': [...GET, 0xb8, ...GET, 0xb8, 0xa0, DROP],
};

const SHOWS_NOT: Readonly<Record<string, readonly number[]>> = {
  'what is stored': [...ZERO, ...GET, 0x36, 0, 0],
  'what a memory is filled with': [...ZERO, ...GET, ...ZERO, 0xfc, 11, 0],
  'a sum, a product, a rotation': [...GET, ...GET, 0x6a, ...GET, 0x6c, ...GET, 0x77, DROP],
  'a number from a loop of equal length': [
    ...[0x03, 0x40, ...GET, 0x21, 0, ...ZERO, 0x0d, 0, END],
    ...GET,
    DROP,
  ],
  'which bytes a vector is made of': [...VECTOR_ZERO, ...GET, 0xfd, 15, 0xfd, 14, DROP],
  'two conditions that are both true': [...GET, 0x04, 0x40, END],
};

describe('a recording module', () => {
  it.each(Object.entries(SHOWS))('shows %s', (_, code) => {
    expect(distinction(code)).toMatch(/^event \d+: function 0 at 0x[0-9a-f]+, /);
  });

  it.each(Object.entries(SHOWS_NOT))('does not show %s', (_, code) => {
    expect(distinction(code)).toBeUndefined();
  });

  it('says where the original instruction is', () => {
    const code = [...GET, 0x2d, 0, 5, DROP];
    const module = moduleOf(code);
    const [site] = recording(module).sites as [string];
    const at = Number(/0x[0-9a-f]+/.exec(site)![0]);
    expect([...module.subarray(at, at + 3)]).toEqual([0x2d, 0, 5]);
    expect(distinction(code)).toBe(`event 0: ${site}, 1; or ${site}, 2`);
  });

  it('tells a trace from its beginning', () => {
    const loop = [0x03, 0x40, ...GET, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, END];
    expect(distinction(loop)).toMatch(/^event 0: .*, 1; or .*, 0$/);
    const long = Uint32Array.of(0, 7, 0, 8);
    expect(difference(long, long.slice(0, 2), ['here'])).toBe('event 1: here, 8; or the end');
    expect(difference(long.slice(0, 2), long, ['here'])).toBe('event 1: the end; or here, 8');
    expect(difference(long, long.slice(), ['here'])).toBeUndefined();
  });

  it('is not made of instructions that nobody has looked at', () => {
    expect(() => recording(moduleOf([...GET, 0xb3, DROP]))).toThrow('0xb3 is in no table');
    expect(() => recording(moduleOf([0xfd, 0xe4, 1]))).toThrow('0xfd 0xe4 is in no table');
    expect(() => recording(moduleOf([0xfc, 8, 0, 0]))).toThrow('0xfc 0x8 is in no table');
  });
});
