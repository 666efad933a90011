/**
 * SHA-1, SHA-256 and MD5, unrolled: over one message in numbers, and over four messages side by side in vectors. Both
 * come from one description of the rounds: only what a word is and how words are added differs.
 */
import { Code, range } from './code.ts';

/** How 32-bit words are computed with: as numbers, or as vectors with a word of each lane. */
interface Words {
  readonly lanes: 1 | 4;
  readonly xor: (a: string, b: string) => string;
  readonly and: (a: string, b: string) => string;
  readonly or: (a: string, b: string) => string;
  readonly not: (a: string) => string;
  readonly add: (...terms: readonly string[]) => string;
  readonly right: (a: string, n: number) => string;
  readonly left: (a: string, n: number) => string;
  /** XOR of `a` rotated right by two or three numbers of bits and, where that is told, shifted right. */
  readonly sigma: (a: string, by: readonly number[], shift?: number) => string;
  readonly constant: (table: number, value: number) => string;
}

const NUMBERS: Words = {
  lanes: 1,
  xor: (a, b) => `(${a} ^ ${b})`,
  and: (a, b) => `(${a} & ${b})`,
  or: (a, b) => `(${a} | ${b})`,
  not: (a) => `~${a}`,
  add: (...terms) => `(${terms.join(' + ')})`,
  right: (a, n) => `(${a} >> ${n})`,
  left: (a, n) => `rotl<u32>(${a}, ${n})`,
  sigma(a, by, shift) {
    const rotated = by.map((n) => NUMBERS.left(a, 32 - n)).reduce(NUMBERS.xor);
    return shift === undefined ? rotated : NUMBERS.xor(rotated, NUMBERS.right(a, shift));
  },
  constant: (_, value) => `<u32>0x${value.toString(16)}`,
};

const VECTORS: Words = {
  lanes: 4,
  xor: (a, b) => `v128.xor(${a}, ${b})`,
  and: (a, b) => `v128.and(${a}, ${b})`,
  or: (a, b) => `v128.or(${a}, ${b})`,
  not: (a) => `v128.not(${a})`,
  add: (first, ...terms) => terms.reduce((sum, term) => `i32x4.add(${sum}, ${term})`, first!),
  right: (a, n) => `i32x4.shr_u(${a}, ${n})`,
  left: (a, n) =>
    n === 1
      ? `v128.or(i32x4.add(${a}, ${a}), i32x4.shr_u(${a}, 31))`
      : `v128.or(i32x4.shl(${a}, ${n}), i32x4.shr_u(${a}, ${32 - n}))`,
  // One long chain: Node 20 schedules all that does not wait for each other side by side, and for the halves of all
  // rotations there are no registers. 19 % of SHA-256.
  sigma(a, by, shift) {
    const halves = by.flatMap((n) => [VECTORS.right(a, n), `i32x4.shl(${a}, ${32 - n})`]);
    if (shift !== undefined) halves.unshift(VECTORS.right(a, shift));
    return halves.reduce(VECTORS.xor);
  },
  constant: (table) => `v128.load(K, ${16 * table})`,
};

interface Hash {
  readonly name: string;
  readonly title: string;
  /** For the documentation comment, where an RFC defines it. */
  readonly rfc?: string;
  readonly words: number;
  readonly bigEndian: boolean;
  /** Constants that the rounds use, in the order of a table. */
  readonly constants: readonly number[];
  /** The rounds over working variables `v` and message words `w0`…`w15`, declared and loaded; answers the variables. */
  readonly rounds: (code: Code, words: Words, v: readonly string[]) => readonly string[];
}

const SHA1: Hash = {
  name: 'sha1',
  title: 'SHA-1, FIPS 180-4 §6.1.2',
  words: 5,
  bigEndian: true,
  constants: [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6],
  rounds(code, words, v) {
    const { xor, and, or, add, left, constant } = words;
    let [a, b, c, d, e] = v as [string, string, string, string, string];
    for (const t of range(80)) {
      const w = `w${t % 16}`;
      if (t >= 16) {
        const mixed = xor(xor(`w${(t - 3) % 16}`, `w${(t - 8) % 16}`), xor(`w${(t - 14) % 16}`, w));
        code.add(`${w} = ${mixed}; ${w} = ${left(w, 1)};`);
      }
      const part = Math.trunc(t / 20);
      const choose = xor(and(xor(c, d), b), d);
      const majority = or(and(b, c), and(or(b, c), d));
      const f = [choose, xor(xor(b, c), d), majority, xor(xor(b, c), d)][part]!;
      code.add(
        `${e} = ${add(add(e, w), add(constant(part, this.constants[part]!), f), left(a, 5))};`,
        `${b} = ${left(b, 30)};`,
      );
      [a, b, c, d, e] = [e, a, b, c, d];
    }
    return [a, b, c, d, e];
  },
};

const SHA256: Hash = {
  name: 'sha256',
  title: 'SHA-256, FIPS 180-4 §6.2.2',
  words: 8,
  bigEndian: true,
  constants: cubeRoots(64),
  rounds(code, words, v) {
    const { xor, and, add, sigma, constant } = words;
    let [a, b, c, d, e, f, g, h] = v as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    // Majority(a, b, c) is b ⊕ (a ⊕ b)(b ⊕ c), and the next round's b ⊕ c is this one's a ⊕ b.
    code.add(`let ab = ${xor(b, c)}, bc = ab;`);
    for (const t of range(64)) {
      const w = `w${t % 16}`;
      if (t >= 16) {
        const sigma0 = sigma(`w${(t - 15) % 16}`, [7, 18], 3);
        const sigma1 = sigma(`w${(t - 2) % 16}`, [17, 19], 10);
        code.add(`${w} = ${add(add(w, `w${(t - 7) % 16}`), sigma0, sigma1)};`);
      }
      const k = constant(t, this.constants[t]!);
      const choose = xor(and(xor(f, g), e), g);
      code.add(
        `${h} = ${add(add(add(h, w), k), choose, sigma(e, [6, 11, 25]))};`,
        `${d} = ${add(d, h)};`,
        `ab = ${xor(a, b)};`,
        `${h} = ${add(add(h, sigma(a, [2, 13, 22])), xor(and('ab', 'bc'), b))};`,
        'bc = ab;',
      );
      [a, b, c, d, e, f, g, h] = [h, a, b, c, d, e, f, g];
    }
    return [a, b, c, d, e, f, g, h];
  },
};

const MD5: Hash = {
  name: 'md5',
  title: 'MD5',
  rfc: '@rfc 1321 §3.4',
  words: 4,
  bigEndian: false,
  constants: range(64).map((i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32)),
  rounds(code, words, v) {
    const { xor, and, or, not, add, left, constant } = words;
    const shifts = [
      [7, 12, 17, 22],
      [5, 9, 14, 20],
      [4, 11, 16, 23],
      [6, 10, 15, 21],
    ];
    let [a, b, c, d] = v as [string, string, string, string];
    for (const i of range(64)) {
      const part = i >> 4;
      const w = `w${[i, 5 * i + 1, 3 * i + 5, 7 * i][part]! % 16}`;
      const f = [
        xor(and(xor(c, d), b), d),
        xor(and(xor(b, c), d), c),
        xor(xor(b, c), d),
        xor(c, or(b, not(d))),
      ][part]!;
      code.add(
        `${a} = ${add(add(a, f), add(constant(i, this.constants[i]!), w))};`,
        `${a} = ${add(b, left(a, shifts[part]![i % 4]!))};`,
      );
      [a, b, c, d] = [d, a, b, c];
    }
    return [a, b, c, d];
  },
};

/** wasm/assembly/generated/{sha1,sha256,md5}.ts */
export function scalarHash(name: 'sha1' | 'sha256' | 'md5'): string {
  const hash = HASHES[name];
  const { words, bigEndian } = hash;
  const code = new Code();
  for (const i of range(16)) {
    const word = `load<u32>(message, ${4 * i})`;
    code.add(`let w${i} = ${bigEndian ? `bswap<u32>(${word})` : word};`);
  }
  code.add(...range(words).map((i) => `let v${i} = h${i};`));
  const last = hash.rounds(
    code,
    NUMBERS,
    range(words).map((i) => `v${i}`),
  );
  code.add(...last.map((v, i) => `h${i} += ${v};`));
  return `${header(hash, '')}

/** Absorbs \`blocks\` blocks of 64 bytes; the state is ${words} words at \`state\`. */
export function ${name}Blocks(state: usize, message: usize, blocks: i32): void {
${range(words)
  .map((i) => `  let h${i} = load<u32>(state, ${4 * i});`)
  .join('\n')}
  for (const end = message + (<usize>blocks << 6); message < end; message += 64) {
${code.text()}
  }
${range(words)
  .map((i) => `  store<u32>(state, h${i}, ${4 * i});`)
  .join('\n')}
}
`;
}

/** One block of SHA-1 over numbers as a list of steps in order, over `v0`…`v4` and the words at `message`. */
export function sha1Steps(): readonly string[] {
  const code = new Code();
  for (const i of range(16)) code.add(`let w${i} = bswap<u32>(load<u32>(message, ${4 * i}));`);
  SHA1.rounds(code, NUMBERS, ['v0', 'v1', 'v2', 'v3', 'v4']);
  return code.lines;
}

/** wasm/assembly/generated/{sha1,sha256,md5}-lanes.ts */
export function laneHash(name: 'sha1' | 'sha256' | 'md5'): string {
  const hash = HASHES[name];
  const { words, bigEndian, constants } = hash;
  const code = new Code();
  code.add(...range(16).map((i) => `let w${i}: v128;`));
  for (const quarter of range(4)) code.add(...transposeQuarter(quarter, bigEndian));
  code.add(...range(words).map((i) => `let v${i} = v128.load(LANE_STATES, ${16 * i});`));
  const last = hash.rounds(
    code,
    VECTORS,
    range(words).map((i) => `v${i}`),
  );
  code.add(
    ...last.map(
      (v, i) =>
        `v128.store(LANE_STATES, i32x4.add(v128.load(LANE_STATES, ${16 * i}), ${v}), ${16 * i});`,
    ),
  );
  const table = constants.map((k) =>
    Array(4)
      .fill(`0x${k.toString(16)}`)
      .join(', '),
  );
  return `${header(hash, ', over four messages side by side')}
import { LANE_STATES, LANES } from '../layout';

/** Each constant once for every lane. */
const K: usize = memory.data<u32>([
  ${table.join(',\n  ')},
], 16);

/** Absorbs \`blocks\` blocks of 64 bytes from the address of each lane; word w of lane l's state is at 16w + 4l. */
export function ${name}Lanes(blocks: i32): void {
  let p0 = load<usize>(LANES), p1 = load<usize>(LANES, 4), p2 = load<usize>(LANES, 8), p3 = load<usize>(LANES, 12);
  for (const end = p0 + (<usize>blocks << 6); p0 < end; p0 += 64, p1 += 64, p2 += 64, p3 += 64) {
${code.text()}
  }
}
`;
}

function header({ title, rfc }: Hash, how: string): string {
  return rfc === undefined ? `/** ${title}${how}. */` : `/**\n * ${title}${how}.\n * ${rfc}\n */`;
}

const HASHES = { sha1: SHA1, sha256: SHA256, md5: MD5 };

/** Loads four words of each lane, and puts the lanes' first words into one vector, the second into another, … */
function transposeQuarter(quarter: number, bigEndian: boolean): string[] {
  const load = (lane: number) => {
    const vector = `v128.load(p${lane}, ${16 * quarter})`;
    return bigEndian
      ? `i8x16.swizzle(${vector}, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))`
      : vector;
  };
  return [
    '{',
    ...range(4).map((lane) => `const r${lane} = ${load(lane)};`),
    'const s0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), s1 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);',
    'const s2 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), s3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);',
    `w${4 * quarter} = v128.shuffle<i64>(s0, s2, 0, 2);`,
    `w${4 * quarter + 1} = v128.shuffle<i64>(s0, s2, 1, 3);`,
    `w${4 * quarter + 2} = v128.shuffle<i64>(s1, s3, 0, 2);`,
    `w${4 * quarter + 3} = v128.shuffle<i64>(s1, s3, 1, 3);`,
    '}',
  ];
}

/** The first 32 bits of the fractional parts of the cube roots of the first primes. */
function cubeRoots(count: number): number[] {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < count; n++)
    if (primes.every((p) => n % p !== 0n)) primes.push(n);
  return primes.map((prime) => {
    const cube = prime << 96n;
    let root = 0n;
    for (let bit = 1n << 39n; bit > 0n; bit >>= 1n) {
      const next = root | bit;
      if (next * next * next <= cube) root = next;
    }
    return Number(root & 0xffff_ffffn);
  });
}
