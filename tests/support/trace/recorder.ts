/**
 * Makes a WebAssembly module keep a record of what it does that can be seen from outside: the address of every load, store,
 * copy and fill, every branch taken or not, every selection, and the operands of every division. Works on the compiled
 * module, instruction by instruction, and changes nothing else. Two runs with the same trace executed the same
 * instructions on the same addresses.
 *
 * The trace is written to memory appended to the module's own: the length so far, then two words for each event: the
 * site, which is a number for the instruction, and the value.
 */
import { decodeInstruction, type Exposure, readLeb, type ValueType } from './instructions.ts';

const PAGE = 65_536;

/** 32 MB: four million events. A longer trace ends in a trap. */
const TRACE_PAGES = 512;

const HEADER_LENGTH = 8;
const SECTION = { type: 1, import: 2, function: 3, memory: 5, code: 10 } as const;

const VALUE_TYPES = ['i32', 'i64', 'f32', 'f64', 'v128'] as const satisfies readonly ValueType[];
const TYPE_CODES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** Locals of each type in which operands wait while they are recorded: no instruction has more. */
const SPARES = 3;

export interface RecordingModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where in memory the trace begins. */
  readonly traceAt: number;
  /** What each site is: its place in the original module, as a disassembler prints it, and the instruction. */
  readonly sites: readonly string[];
}

/** The recording twin of `module`, which must import nothing. Throws on an instruction that it does not know. */
export function recording(module: Uint8Array): RecordingModule {
  const sections = readSections(module);
  if (sections.some(({ id }) => id === SECTION.import)) throw new Error('the module has imports');
  const contentOf = (wanted: number) => sections.find(({ id }) => id === wanted)!.content;
  const types = parameterCounts(contentOf(SECTION.type));
  const functions = indices(contentOf(SECTION.function));
  const traceAt = readLeb(contentOf(SECTION.memory), 2)[0] * PAGE;
  const sites: string[] = [];
  const rewritten: Readonly<Record<number, (content: Uint8Array, at: number) => number[]>> = {
    [SECTION.type]: (content) => withOneMore(content, [0x60, 2, 0x7f, 0x7f, 0]),
    [SECTION.function]: (content) => withOneMore(content, leb(types.length)),
    [SECTION.memory]: () => {
      const pages = leb(traceAt / PAGE + TRACE_PAGES);
      return [1, 1, ...pages, ...pages];
    },
    [SECTION.code]: (content, at) => {
      const parameters = functions.map((type) => types[type]!);
      // The recorder comes last, so that all other functions keep their numbers.
      const bodies = rewriteBodies(content, at, parameters, sites);
      return withOneMore(bodies, sized(recorderBody(traceAt)));
    },
  };
  const out = [...module.subarray(0, HEADER_LENGTH)];
  for (const { id, content, at } of sections) {
    append(out, [id], sized(rewritten[id]?.(content, at) ?? content));
  }
  return { bytes: Uint8Array.from(out), traceAt, sites };
}

/** Takes the trace so far out of the memory of a recording module; what comes then is a new one. */
export function takeTrace(memory: ArrayBuffer, traceAt: number): Uint32Array {
  const [length] = new Uint32Array(memory, traceAt, 1) as unknown as [number];
  const trace = new Uint32Array(memory, traceAt + 4, length / 4).slice();
  new Uint32Array(memory, traceAt, 1)[0] = 0;
  return trace;
}

/** Says where two traces part; `undefined` if nowhere. */
export function difference(
  one: Uint32Array,
  other: Uint32Array,
  sites: readonly string[],
): string | undefined {
  const at = one.findIndex((word, i) => word !== other[i]);
  if (at < 0 && one.length === other.length) return undefined;
  const event = at < 0 ? one.length >> 1 : at >> 1;
  const describe = (trace: Uint32Array) => {
    const site = trace[2 * event];
    return site === undefined ? 'the end' : `${sites[site]}, ${trace[2 * event + 1]}`;
  };
  return `event ${event}: ${describe(one)}; or ${describe(other)}`;
}

/** Function bodies in which every instruction that shows something is preceded by its record. */
function rewriteBodies(
  content: Uint8Array,
  contentAt: number,
  parameters: readonly number[],
  sites: string[],
): number[] {
  let [count, at] = readLeb(content, 0);
  const out = leb(count);
  for (let i = 0; i < count; i++) {
    const [length, from] = readLeb(content, at);
    at = from + length;
    const body = content.subarray(from, at);
    const site = (offset: number, name: string) =>
      sites.push(`function ${i} at 0x${(contentAt + from + offset).toString(16)}, ${name}`) - 1;
    append(out, sized(rewriteBody(body, parameters[i]!, parameters.length, site)));
  }
  return out;
}

function rewriteBody(
  body: Uint8Array,
  parameters: number,
  recorder: number,
  site: (offset: number, name: string) => number,
): number[] {
  const [groups, groupsAt] = readLeb(body, 0);
  let at = groupsAt;
  let locals = parameters;
  for (let i = 0; i < groups; i++) {
    const [n, next] = readLeb(body, at);
    locals += n;
    at = next + 1;
  }
  const out = leb(groups + VALUE_TYPES.length);
  append(out, body.subarray(groupsAt, at));
  for (const type of VALUE_TYPES) out.push(SPARES, TYPE_CODES[type]);
  const spare = (type: ValueType, i: number) =>
    leb(locals + VALUE_TYPES.indexOf(type) * SPARES + i);
  while (at < body.length) {
    const { name, exposure, end } = decodeInstruction(body, at);
    if (exposure.kind !== 'nothing') {
      const record = [0x41, ...signedLeb(site(at, name))];
      append(out, recordOf(exposure, record, [0x10, ...leb(recorder)], spare));
    }
    append(out, body.subarray(at, end));
    at = end;
  }
  return out;
}

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const I32_EQZ = 0x45;
const I32_WRAP_I64 = 0xa7;
const HIGH_HALF = [0x42, 32, 0x88, I32_WRAP_I64];
const I64_REINTERPRET_F64 = 0xbd;

/** Code that records what is on the stack and leaves it there; a record is `site`, a value and `call`. */
function recordOf(
  exposure: Exclude<Exposure, { kind: 'nothing' }>,
  site: readonly number[],
  call: readonly number[],
  spare: (type: ValueType, i: number) => readonly number[],
): number[] {
  if (exposure.kind === 'condition') {
    const condition = spare('i32', 0);
    const get = [LOCAL_GET, ...condition];
    return [LOCAL_SET, ...condition, ...site, ...get, I32_EQZ, ...call, ...get];
  }
  const { types, shown } = exposure;
  const out: number[] = [];
  for (const [i, type] of [...types.entries()].reverse()) out.push(LOCAL_SET, ...spare(type, i));
  for (const i of shown) {
    const type = types[i]!;
    const get = [LOCAL_GET, ...spare(type, i)];
    if (type === 'i32') {
      out.push(...site, ...get, ...call);
      continue;
    }
    if (type === 'f64') get.push(I64_REINTERPRET_F64);
    out.push(...site, ...get, I32_WRAP_I64, ...call, ...site, ...get, ...HIGH_HALF, ...call);
  }
  for (const [i, type] of types.entries()) out.push(LOCAL_GET, ...spare(type, i));
  return out;
}

/** Appends (site, value), its two parameters, to the trace. */
function recorderBody(traceAt: number): number[] {
  const length = [0x41, ...signedLeb(traceAt)];
  const store = (offset: number) => [0x36, 2, ...leb(offset)];
  return [
    ...[1, 1, TYPE_CODES.i32],
    ...[...length, 0x28, 2, 0, LOCAL_SET, 2],
    ...[LOCAL_GET, 2, LOCAL_GET, 0, ...store(traceAt + 4)],
    ...[LOCAL_GET, 2, LOCAL_GET, 1, ...store(traceAt + 8)],
    ...[...length, LOCAL_GET, 2, 0x41, 8, 0x6a, ...store(0)],
    0x0b,
  ];
}

interface Section {
  readonly id: number;
  readonly content: Uint8Array;
  /** Where in the module `content` begins. */
  readonly at: number;
}

function readSections(module: Uint8Array): readonly Section[] {
  const sections: Section[] = [];
  for (let at = HEADER_LENGTH; at < module.length; ) {
    const id = module[at]!;
    const [length, from] = readLeb(module, at + 1);
    at = from + length;
    sections.push({ id, content: module.subarray(from, at), at: from });
  }
  return sections;
}

/** How many parameters each function type has. */
function parameterCounts(content: Uint8Array): readonly number[] {
  let [count, at] = readLeb(content, 0);
  return Array.from({ length: count }, () => {
    const [parameters, parametersAt] = readLeb(content, at + 1);
    const [results, resultsAt] = readLeb(content, parametersAt + parameters);
    at = resultsAt + results;
    return parameters;
  });
}

function indices(content: Uint8Array): readonly number[] {
  let [count, at] = readLeb(content, 0);
  return Array.from({ length: count }, () => {
    const [index, next] = readLeb(content, at);
    at = next;
    return index;
  });
}

/** A vector with one more element. */
function withOneMore(content: ArrayLike<number>, element: readonly number[]): number[] {
  const bytes = Uint8Array.from(content);
  const [count, at] = readLeb(bytes, 0);
  const out = leb(count + 1);
  append(out, bytes.subarray(at), element);
  return out;
}

function sized(content: ArrayLike<number>): number[] {
  const out = leb(content.length);
  append(out, content);
  return out;
}

function append(out: number[], ...parts: readonly ArrayLike<number>[]): void {
  for (const part of parts) for (let i = 0; i < part.length; i++) out.push(part[i]!);
}

function leb(value: number): number[] {
  const out: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) out.push((value & 0x7f) | 0x80);
  return [...out, value];
}

/** Of a number that is not negative: its top bit must not look like a sign. */
function signedLeb(value: number): number[] {
  const out = leb(value);
  const last = out.pop()!;
  return last < 0x40 ? [...out, last] : [...out, last | 0x80, 0];
}
