/**
 * Vector-permute AES (see assembly/vector-permute.ts for how it works) in CBC mode over one, two or four messages side by side:
 * for fewer messages than bitslicing needs.
 */
import { Code, range } from './code.ts';

export function vectorPermute(): string {
  return `/** Vector-permute AES in CBC mode, over few messages. */
import {
  FORWARD, BACKWARD, INPUT, INVERSE, INVERSE_A, PERMUTATIONS, SBOX_1, SBOX_2, SBOX_LAST, SHIFT, TABLES,
} from '../vector-permute';
import { LANES } from '../layout';
import { look } from '../simd';
${[1, 2, 4].map(cbcEncrypt).join('\n')}`;
}

function cbcEncrypt(lanes: number): string {
  const each = (line: (lane: number) => string) => range(lanes).map(line).join('\n');
  const inversion =
    each(
      (l) =>
        `const low${l} = v128.and(x${l}, nibble), high${l} = v128.and(i32x4.shr_u(x${l}, 4), nibble);`,
    ) +
    '\n' +
    each((l) => `const sum${l} = v128.xor(high${l}, low${l}), c${l} = look(inverseA, low${l});`) +
    '\n' +
    each(
      (l) =>
        `const p${l} = v128.xor(look(inverse, high${l}), c${l}), q${l} = v128.xor(look(inverse, sum${l}), c${l});`,
    ) +
    '\n' +
    each(
      (l) =>
        `const u${l} = v128.xor(look(inverse, p${l}), sum${l}), t${l} = v128.xor(look(inverse, q${l}), high${l});`,
    );
  const code = new Code();
  code.add(
    'const nibble = i8x16.splat(0x0f);',
    'const inverse = v128.load(TABLES, INVERSE), inverseA = v128.load(TABLES, INVERSE_A);',
    'const shift = v128.load(PERMUTATIONS + ((<usize>(lastKey - keys)) & 0x30), SHIFT);',
    each((l) => `let a${l} = load<usize>(LANES, ${4 * l}), chain${l} = v128.load(a${l});`),
    `for (let end = a0 + (<usize>blocks << 4); a0 < end; ${range(lanes)
      .map((l) => `a${l} += 16`)
      .join(', ')}) {`,
    'const in0 = v128.load(TABLES, INPUT), in1 = v128.load(TABLES, INPUT + 16), key0 = v128.load(keys);',
    each((l) => `chain${l} = v128.xor(chain${l}, v128.load(a${l}, 16));`),
    each(
      (l) =>
        `let x${l} = v128.xor(v128.xor(look(in0, v128.and(chain${l}, nibble)), look(in1, v128.and(i32x4.shr_u(chain${l}, 4), nibble))), key0);`,
    ),
    'let turn: usize = 16;',
    'for (let at = keys + 16; ; at += 16) {',
    inversion,
    'const key = v128.load(at);',
    'if (at == lastKey) {',
    'const last0 = v128.load(TABLES, SBOX_LAST), last1 = v128.load(TABLES, SBOX_LAST + 16);',
    each(
      (l) =>
        `chain${l} = look(v128.xor(v128.xor(look(last0, u${l}), key), look(last1, t${l})), shift); v128.store(a${l}, chain${l}, 16);`,
    ),
    'break;',
    '}',
    'const forward = v128.load(PERMUTATIONS + turn, FORWARD), back = v128.load(PERMUTATIONS + turn, BACKWARD);',
    'const s0 = v128.load(TABLES, SBOX_1), s1 = v128.load(TABLES, SBOX_1 + 16), d0 = v128.load(TABLES, SBOX_2), d1 = v128.load(TABLES, SBOX_2 + 16);',
    each(
      (l) =>
        `const once${l} = v128.xor(v128.xor(look(s0, u${l}), key), look(s1, t${l})), twice${l} = v128.xor(look(d0, u${l}), look(d1, t${l}));`,
    ),
    each(
      (l) =>
        `const mixed${l} = v128.xor(twice${l}, look(once${l}, forward)); x${l} = v128.xor(v128.xor(mixed${l}, look(once${l}, back)), look(mixed${l}, forward));`,
    ),
    'turn = (turn + 16) & 0x30;',
    '}',
    '}',
  );
  return `
/** As \`cbcEncryptLanes\` of the bitsliced kernels, ${lanes === 1 ? 'for one message' : `over ${lanes} messages`}, with the keys of \`vectorPermuteKeys\`. */
export function cbcEncrypt${lanes}(keys: usize, lastKey: usize, blocks: i32): void {
${code.text()}
}`;
}
