/**
 * The instructions of WebAssembly as far as the compiler gives them to us: how long each is, and what it may give away. An
 * instruction that is not listed is refused, so nothing escapes the trace by being new.
 * WebAssembly Core Specification 2.0 §5.4, with relaxed SIMD.
 */

export type ValueType = 'i32' | 'i64' | 'v128' | 'f32' | 'f64';

/**
 * What an instruction shows from outside: nothing; some of its operands, deepest on the stack first; or whether the condition on
 * top of the stack is zero.
 */
export type Exposure =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'operands';
      readonly types: readonly ValueType[];
      readonly shown: readonly number[];
    }
  | { readonly kind: 'condition' };

export interface Instruction {
  /** As in the specification, or the opcode where one line of the table stands for many. */
  readonly name: string;
  readonly exposure: Exposure;
  /** Where the next instruction begins. */
  readonly end: number;
}

const NOTHING: Exposure = { kind: 'nothing' };
const CONDITION: Exposure = { kind: 'condition' };
/** An address, or the number of a label or a function. */
const INDEX = operands(['i32'], 0);
const I64_DIVISION = operands(['i64', 'i64'], 0, 1);
const I32_DIVISION = operands(['i32', 'i32'], 0, 1);
/** Destination, source, length; or destination, value, length. */
const COPY = operands(['i32', 'i32', 'i32'], 0, 1, 2);
const FILL = operands(['i32', 'i32', 'i32'], 0, 2);
const LANE = operands(['i32', 'v128'], 0);

function operands(types: readonly ValueType[], ...shown: readonly number[]): Exposure {
  return { kind: 'operands', types, shown };
}

type Immediate =
  | 'none'
  | 'leb'
  | 'leb leb'
  | 'byte'
  | 'two bytes'
  | '16 bytes'
  | 'lane'
  | '8 bytes'
  | 'table';
type Entry = readonly [
  from: number,
  to: number,
  name: string,
  immediate: Immediate,
  exposure: Exposure,
];

/** Opcodes of one byte. */
const PLAIN: readonly Entry[] = [
  [0x00, 0x01, 'unreachable, nop', 'none', NOTHING],
  [0x02, 0x03, 'block, loop', 'leb', NOTHING],
  [0x04, 0x04, 'if', 'leb', CONDITION],
  [0x05, 0x05, 'else', 'none', NOTHING],
  [0x0b, 0x0b, 'end', 'none', NOTHING],
  [0x0c, 0x0c, 'br', 'leb', NOTHING],
  [0x0d, 0x0d, 'br_if', 'leb', CONDITION],
  [0x0e, 0x0e, 'br_table', 'table', INDEX],
  [0x0f, 0x0f, 'return', 'none', NOTHING],
  [0x10, 0x10, 'call', 'leb', NOTHING],
  [0x11, 0x11, 'call_indirect', 'leb leb', INDEX],
  [0x1a, 0x1a, 'drop', 'none', NOTHING],
  // An engine may compile it to a branch.
  [0x1b, 0x1b, 'select', 'none', CONDITION],
  [0x20, 0x24, 'local, global', 'leb', NOTHING],
  [0x28, 0x35, 'load', 'leb leb', INDEX],
  [0x36, 0x36, 'i32.store', 'leb leb', operands(['i32', 'i32'], 0)],
  [0x37, 0x37, 'i64.store', 'leb leb', operands(['i32', 'i64'], 0)],
  [0x38, 0x38, 'f32.store', 'leb leb', operands(['i32', 'f32'], 0)],
  [0x39, 0x39, 'f64.store', 'leb leb', operands(['i32', 'f64'], 0)],
  [0x3a, 0x3b, 'i32.store8, i32.store16', 'leb leb', operands(['i32', 'i32'], 0)],
  [0x3c, 0x3e, 'i64.store8, 16, 32', 'leb leb', operands(['i32', 'i64'], 0)],
  [0x3f, 0x3f, 'memory.size', 'byte', NOTHING],
  [0x41, 0x42, 'const', 'leb', NOTHING],
  [0x44, 0x44, 'f64.const', '8 bytes', NOTHING],
  [0x45, 0x5a, 'integer comparison', 'none', NOTHING],
  [0x67, 0x6c, 'i32.clz to i32.mul', 'none', NOTHING],
  [0x6d, 0x70, 'i32 division', 'none', I32_DIVISION],
  [0x71, 0x7e, 'i32.and to i64.mul', 'none', NOTHING],
  [0x7f, 0x82, 'i64 division', 'none', I64_DIVISION],
  [0x83, 0x8a, 'i64.and to i64.rotr', 'none', NOTHING],
  // Takes longer for subnormal numbers. What it adds here is shown, so that it is seen to be no secret.
  [0xa0, 0xa0, 'f64.add', 'none', operands(['f64', 'f64'], 0, 1)],
  [0xa7, 0xa7, 'i32.wrap_i64', 'none', NOTHING],
  [0xac, 0xad, 'i64.extend_i32', 'none', NOTHING],
  [0xb7, 0xba, 'f64.convert', 'none', NOTHING],
  [0xc0, 0xc4, 'extend', 'none', NOTHING],
];

/** After 0xfc. */
const BULK: readonly Entry[] = [
  [10, 10, 'memory.copy', 'two bytes', COPY],
  [11, 11, 'memory.fill', 'byte', FILL],
];

/** After 0xfd. No vector instruction but those that load and store takes time that depends on its operands. */
const VECTOR: readonly Entry[] = [
  [0, 10, 'v128.load and its kin', 'leb leb', INDEX],
  [11, 11, 'v128.store', 'leb leb', operands(['i32', 'v128'], 0)],
  [12, 13, 'v128.const, i8x16.shuffle', '16 bytes', NOTHING],
  [14, 20, 'swizzle, splat', 'none', NOTHING],
  [21, 34, 'extract_lane, replace_lane', 'byte', NOTHING],
  [35, 64, 'integer comparison', 'none', NOTHING],
  [77, 82, 'bitwise', 'none', NOTHING],
  [83, 83, 'v128.any_true', 'none', NOTHING],
  [84, 91, 'v128.load_lane, store_lane', 'lane', LANE],
  [92, 93, 'v128.load_zero', 'leb leb', INDEX],
  [96, 102, 'i8x16', 'none', NOTHING],
  [107, 115, 'i8x16', 'none', NOTHING],
  [118, 121, 'i8x16', 'none', NOTHING],
  [123, 147, 'i8x16, i16x8', 'none', NOTHING],
  [149, 159, 'i16x8', 'none', NOTHING],
  [160, 223, 'i32x4, i64x2', 'none', NOTHING],
  [0x100, 0x100, 'i8x16.relaxed_swizzle', 'none', NOTHING],
  [0x109, 0x10c, 'relaxed_laneselect', 'none', NOTHING],
  [0x111, 0x113, 'relaxed_dot', 'none', NOTHING],
];

/** Throws on an instruction that is not in the tables. */
export function decodeInstruction(code: Uint8Array, at: number): Instruction {
  const first = code[at]!;
  if (first !== 0xfc && first !== 0xfd) return found(PLAIN, first, code, at + 1);
  const [opcode, next] = readLeb(code, at + 1);
  return found(first === 0xfc ? BULK : VECTOR, opcode, code, next);
}

function found(table: readonly Entry[], opcode: number, code: Uint8Array, at: number): Instruction {
  const entry = table.find(([from, to]) => opcode >= from && opcode <= to);
  if (entry === undefined) {
    const prefix = table === PLAIN ? '' : table === BULK ? '0xfc ' : '0xfd ';
    throw new Error(`instruction ${prefix}0x${opcode.toString(16)} is in no table`);
  }
  const [, , name, immediate, exposure] = entry;
  return { name, exposure, end: skip(immediate, code, at) };
}

function skip(immediate: Immediate, code: Uint8Array, at: number): number {
  switch (immediate) {
    case 'none':
      return at;
    case 'leb':
      return readLeb(code, at)[1];
    case 'leb leb':
      return readLeb(code, readLeb(code, at)[1])[1];
    case 'byte':
      return at + 1;
    case 'two bytes':
      return at + 2;
    case '8 bytes':
      return at + 8;
    case '16 bytes':
      return at + 16;
    case 'lane':
      return readLeb(code, readLeb(code, at)[1])[1] + 1;
    case 'table': {
      let [labels, next] = readLeb(code, at);
      // The default label comes last.
      for (; labels >= 0; labels--) next = readLeb(code, next)[1];
      return next;
    }
  }
}

/** An unsigned LEB128 number and where it ends; of signed and longer ones, only the end is right. */
export function readLeb(bytes: Uint8Array, at: number): readonly [value: number, end: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    if (shift < 35) value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}
