/**
 * How many AES blocks lie bit by bit in eight words ("planes", plane 0 the least significant bits): as eight vectors of
 * eight blocks, or as eight 64-bit numbers of four.
 *
 * ShiftRows is left undone ("fixslicing": A. Adomnicai and T. Peyrin, CHES 2021): after n rounds, the byte of row r that
 * belongs into column c lies in column c + nr, and MixColumns' rotations of rows take that into account. What it costs
 * is a rotation of each round's own; what it saves are eight permutations a round.
 */
import { type Code, range } from './code.ts';

export interface Slicing {
  readonly type: 'v128' | 'u64';
  /** Blocks side by side. */
  readonly lanes: number;
  /** Bytes of a plane. */
  readonly bytes: number;
  readonly xor: (a: string, b: string) => string;
  readonly and: (a: string, b: string) => string;
  readonly load: (address: string, offset?: number) => string;
  readonly store: (address: string, value: string, offset?: number) => string;
  /** Rows rotated up by `rows`, with `undone` ShiftRows left undone (-1: one InvShiftRows). */
  readonly rotate: (plane: string, rows: number, undone: number) => string;
  /** Catches up on `undone` ShiftRows. */
  readonly shiftRows: (plane: string, undone: number) => string;
  /** Planes of the blocks at these addresses: each block XORed with what `mask` gives for it. */
  readonly slice: (code: Code, blocks: readonly Block[]) => string[];
  readonly unslice: (code: Code, planes: readonly string[]) => Block[];
  /** The block at an address, the XOR of two, and storing one. */
  readonly loadBlock: (code: Code, address: string, offset?: number) => Block;
  readonly xorBlocks: (code: Code, a: Block, b: Block) => Block;
  readonly storeBlock: (address: string, block: Block, offset?: number) => string;
}

/** Names of the words that make one block. */
type Block = readonly string[];

const modulo4 = (n: number) => ((n % 4) + 4) % 4;

/** Where byte `column`, `row` of the result comes from. */
type Gather = (column: number, row: number) => readonly [number, number];

const rotation =
  (rows: number, undone: number): Gather =>
  (column, row) => [modulo4(column + undone * rows), modulo4(row + rows)];

const catchUp =
  (undone: number): Gather =>
  (column, row) => [modulo4(column + undone * row), row];

/** Byte permutations that the vector kernels use, by their text: each is 16 bytes of a table in memory. */
export class Masks {
  readonly #bytes: string[] = [];

  /** Offset of a permutation in the table. */
  offset(mask: string): number {
    let index = this.#bytes.indexOf(mask);
    if (index < 0) index = this.#bytes.push(mask) - 1;
    return 16 * index;
  }

  text(): string {
    return this.#bytes.join(',\n  ');
  }
}

/** Eight blocks in eight vectors; byte j of a plane has one bit of byte j of each block. */
export function vectorSlicing(masks: Masks): Slicing {
  const permute = (plane: string, gather: Gather): string => {
    const mask = range(16)
      .map((i) => {
        const [column, row] = gather(i >> 2, i & 3);
        return 4 * column + row;
      })
      .join(', ');
    // As an operand in memory it is cheapest, but only the relaxed instruction takes it there without a correction.
    return `(ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(${plane}, v128.load(MASKS, ${masks.offset(mask)})) : i8x16.swizzle(${plane}, i8x16(${mask})))`;
  };
  const xor = (a: string, b: string) => `v128.xor(${a}, ${b})`;
  const and = (a: string, b: string) => `v128.and(${a}, ${b})`;
  return {
    type: 'v128',
    lanes: 8,
    bytes: 16,
    xor,
    and,
    load: (address, offset = 0) => `v128.load(${address}, ${offset})`,
    store: (address, value, offset = 0) => `v128.store(${address}, ${value}, ${offset});`,
    rotate: (plane, rows, undone) => permute(plane, rotation(rows, undone)),
    shiftRows: (plane, undone) => (modulo4(undone) === 0 ? plane : permute(plane, catchUp(undone))),
    slice: (code, blocks) =>
      transpose(
        code,
        blocks.map(([block]) => block!),
        {
          xor,
          and,
          right: (a, n) => `i32x4.shr_u(${a}, ${n})`,
          left: (a, n) => `i32x4.shl(${a}, ${n})`,
          masks: ['i8x16.splat(0x55)', 'i8x16.splat(0x33)', 'i8x16.splat(0x0f)'],
        },
      ),
    unslice: (code, planes) =>
      vectorSlicing(masks)
        .slice(
          code,
          planes.map((p) => [p]),
        )
        .map((b) => [b]),
    loadBlock: (code, address, offset = 0) => [code.let(`v128.load(${address}, ${offset})`)],
    xorBlocks: (code, [a], [b]) => [code.let(xor(a!, b!))],
    storeBlock: (address, [block], offset = 0) => `v128.store(${address}, ${block}, ${offset});`,
  };
}

/** Four blocks in eight numbers; bit 16·row + 4·column + block of a plane. */
export const NUMBER_SLICING: Slicing = {
  type: 'u64',
  lanes: 4,
  bytes: 8,
  xor: (a, b) => `(${a} ^ ${b})`,
  and: (a, b) => `(${a} & ${b})`,
  load: (address, offset = 0) => `load<u64>(${address}, ${offset})`,
  store: (address, value, offset = 0) => `store<u64>(${address}, ${value}, ${offset});`,
  rotate(plane, rows, undone) {
    const shift = 4 * modulo4(undone * rows);
    if (shift === 0) return `rotr<u64>(${plane}, ${16 * rows})`;
    const low = everyRow((1 << (16 - shift)) - 1);
    const high = everyRow(0xffff & ~((1 << (16 - shift)) - 1));
    const right = 16 * rows + shift;
    return `((rotr<u64>(${plane}, ${right % 64}) & ${low}) | (rotr<u64>(${plane}, ${right - 16}) & ${high}))`;
  },
  shiftRows(plane, undone) {
    if (modulo4(undone) === 0) return plane;
    if (modulo4(undone) !== 2) throw new RangeError('undone: the number of rounds is even');
    // Two places in rows 1 and 3.
    return `((${plane} & 0x0000ffff0000ffff) | ((${plane} >> 8) & 0x00ff000000ff0000) | ((${plane} << 8) & 0xff000000ff000000))`;
  },
  slice(code, blocks) {
    const words = blocks.map(([low, high]) => [
      interleave(code, `((${low} & 0xffffffff) | (${high} << 32))`),
      interleave(code, `((${low} >> 32) | (${high} & 0xffffffff00000000))`),
    ]);
    return transpose(code, [...words.map(([a]) => a!), ...words.map(([, b]) => b!)], NUMBERS);
  },
  unslice(code, planes) {
    const words = transpose(code, planes, NUMBERS);
    return range(4).map((i) => {
      const a = separate(code, words[i]!);
      const b = separate(code, words[i + 4]!);
      return [
        code.let(`(${a} & 0xffffffff) | (${b} << 32)`),
        code.let(`(${a} >> 32) | (${b} & 0xffffffff00000000)`),
      ];
    });
  },
  loadBlock: (code, address, offset = 0) => [
    code.let(`load<u64>(${address}, ${offset})`),
    code.let(`load<u64>(${address}, ${offset + 8})`),
  ],
  xorBlocks: (code, a, b) => range(2).map((i) => code.let(`${a[i]} ^ ${b[i]}`)),
  storeBlock: (address, [low, high], offset = 0) =>
    `store<u64>(${address}, ${low}, ${offset}); store<u64>(${address}, ${high}, ${offset + 8});`,
};

const NUMBERS: Shifts = {
  xor: (a, b) => `${a} ^ ${b}`,
  and: (a, b) => `(${a}) & ${b}`,
  right: (a, n) => `(${a} >> ${n})`,
  left: (a, n) => `(${a} << ${n})`,
  masks: ['0x5555555555555555', '0x3333333333333333', '0x0f0f0f0f0f0f0f0f'],
};

/** The same 16 bits in each row. */
function everyRow(bits: number): string {
  return `0x${bits.toString(16).padStart(4, '0').repeat(4)}`;
}

/** Bytes 0 to 7 in the order 0, 4, 1, 5, 2, 6, 3, 7: two columns become rows. */
function interleave(code: Code, word: string): string {
  return exchange(
    code,
    exchange(code, code.let(word), 16, '0x00000000ffff0000'),
    8,
    '0x0000ff000000ff00',
  );
}

function separate(code: Code, word: string): string {
  return exchange(code, exchange(code, word, 8, '0x0000ff000000ff00'), 16, '0x00000000ffff0000');
}

/** Exchanges the bits under `mask` with those `distance` to their left. */
function exchange(code: Code, word: string, distance: number, mask: string): string {
  const t = code.let(`(${word} ^ (${word} >> ${distance})) & ${mask}`);
  return code.let(`${word} ^ ${t} ^ (${t} << ${distance})`);
}

interface Shifts {
  readonly xor: (a: string, b: string) => string;
  readonly and: (a: string, b: string) => string;
  readonly right: (a: string, n: number) => string;
  readonly left: (a: string, n: number) => string;
  readonly masks: readonly string[];
}

/** Bit i of byte j of word k becomes bit k of byte j of word i. */
function transpose(code: Code, words: readonly string[], shifts: Shifts): string[] {
  const { xor, and, right, left, masks } = shifts;
  const out = [...words];
  for (const [stage, distance] of [1, 2, 4].entries()) {
    const mask = code.let(masks[stage]!);
    for (const low of range(8).filter((i) => (i & distance) === 0)) {
      const high = low + distance;
      const t = code.let(and(xor(right(out[low]!, distance), out[high]!), mask));
      out[high] = code.let(xor(out[high]!, t));
      out[low] = code.let(xor(out[low]!, left(t, distance)));
    }
  }
  return out;
}
