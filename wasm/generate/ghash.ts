/**
 * GHASH over sixteen blocks of sixteen lanes at a time: byte j of all lanes is one vector, and a product with the key is
 * a sum of look-ups by nibble in tables that are one vector each: byte j of H times what a nibble at position i stands
 * for. Table and place depend on nothing secret, and a look-up is one swizzle.
 */
import { Code, range } from './code.ts';

/** Bytes of the product that are summed up at once, in registers. */
const GROUP = 8;
/** Nibble positions a turn; unrolled further, V8 keeps too much at hand and spills it. */
const TURN = 4;

/** wasm/assembly/generated/ghash-lanes.ts */
export function ghashLanes(): string {
  return `/** GHASH over sixteen lanes. */
import { GHASH_NIBBLES, GHASH_PRODUCTS, GHASH_Y, LANES } from '../layout';
import { look } from '../simd';

/**
 * Writes table number \`position\` of the 32 that make 8,192 bytes, from the 16 products in \`GHASH_PRODUCTS\`: product v
 * is that of value v.
 */
export function storeGhashTable(tables: usize, position: i32): void {
${storeTable()}
}

/** Y := (Y ⊕ X)·H in each lane, for \`blocks\` blocks, \`step\` bytes apart, from the address of each lane. Y is kept byte by byte. */
export function ghashLanes(tables: usize, blocks: i32, step: usize): void {
  const nibble = i8x16.splat(0x0f);
  for (let at: usize = 0; blocks > 0; blocks--, at += step) {
${absorb()}
    let table = tables;
    for (let j = GHASH_Y; j < GHASH_Y + 256; j += ${16 * GROUP}) {
${multiply()}
    }
  }
}

/** Turns Y from byte by byte to lane by lane. */
export function ghashFinish(): void {
${finish()}
}
`;
}

function absorb(): string {
  const code = new Code();
  const lanes = range(16).map((lane) =>
    code.let(`v128.load(load<usize>(LANES, ${4 * lane}) + at)`),
  );
  transpose(code, lanes).forEach((bytes, i) => {
    const y = code.let(`v128.xor(v128.load(GHASH_Y, ${16 * i}), ${bytes})`);
    code.add(
      `v128.store(GHASH_NIBBLES, v128.and(${y}, nibble), ${32 * i});`,
      `v128.store(GHASH_NIBBLES, v128.and(i16x8.shr_u(${y}, 4), nibble), ${32 * i + 16});`,
    );
  });
  return code.text();
}

function multiply(): string {
  const sums = range(GROUP)
    .map((g) => `let a${g} = i64x2.splat(0);`)
    .join('\n');
  const turns = range(TURN).map((turn) => {
    const lines = range(GROUP).map(
      (g) => `a${g} = v128.xor(a${g}, look(v128.load(table, ${16 * (turn * GROUP + g)}), n));`,
    );
    return `{ const n = v128.load(p, ${16 * turn});\n${lines.join('\n')} }`;
  });
  const stores = range(GROUP)
    .map((g) => `v128.store(j, a${g}, ${16 * g});`)
    .join('\n');
  return `${sums}
for (let p = GHASH_NIBBLES; p < GHASH_NIBBLES + 512; p += ${16 * TURN}) {
${turns.join('\n')}
table += ${16 * GROUP * TURN};
}
${stores}`;
}

function finish(): string {
  const code = new Code();
  const lanes = range(16).map((i) => code.let(`v128.load(GHASH_Y, ${16 * i})`));
  transpose(code, lanes).forEach((lane, i) => {
    code.add(`v128.store(GHASH_Y, ${lane}, ${16 * i});`);
  });
  return code.text();
}

function storeTable(): string {
  const code = new Code();
  const products = range(16).map((i) => code.let(`v128.load(GHASH_PRODUCTS, ${16 * i})`));
  code.add(`const to = tables + (<usize>position << 4) * ${GROUP};`);
  transpose(code, products).forEach((bytes, j) => {
    const at = 16 * (Math.trunc(j / GROUP) * 32 * GROUP + (j % GROUP));
    code.add(`v128.store(to, ${bytes}, ${at});`);
  });
  return code.text();
}

/** 16 × 16 bytes: byte j of vector i becomes byte i of vector j. Four times, halves are interleaved. */
function transpose(code: Code, vectors: readonly string[]): string[] {
  const interleave = (from: number) =>
    range(8)
      .flatMap((i) => [from + i, from + i + 16])
      .join(', ');
  let now = [...vectors];
  for (const _ of range(4)) {
    now = range(8).flatMap((i) => [
      code.let(`i8x16.shuffle(${now[i]}, ${now[i + 8]}, ${interleave(0)})`),
      code.let(`i8x16.shuffle(${now[i]}, ${now[i + 8]}, ${interleave(8)})`),
    ]);
  }
  return now;
}
