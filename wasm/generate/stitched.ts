/**
 * Vector-permute AES-128 in CBC mode and SHA-1 of the ciphertext before, for a packet that comes alone: both are chains, one
 * over vectors and one over numbers, and the processor works on the two at once when their steps take turns.
 */
import { Code, range } from './code.ts';
import { sha1Steps } from './hashes.ts';

const ROUNDS = 10;
const BLOCKS = 4;

/** wasm/assembly/generated/stitched.ts */
export function stitched(): string {
  const code = new Code();
  takeTurns(code, aesSteps(), sha1Steps());
  return `/** AES-128-CBC and SHA-1 in turns, over one packet. */
import {
  FORWARD, BACKWARD, INPUT, INVERSE, INVERSE_A, PERMUTATIONS, SBOX_1, SBOX_2, SBOX_LAST, SHIFT, TABLES,
} from '../vector-permute';
import { look } from '../simd';

/**
 * \`turns\` times: encrypts ${BLOCKS} blocks, the first of them 16 bytes behind \`chain\`, where its predecessor is, and absorbs the
 * 64 bytes at \`message\`. The keys are those of \`vectorPermuteKeys\`, the state SHA-1's.
 */
export function encryptAndHash(keys: usize, chain: usize, message: usize, state: usize, turns: i32): void {
  const nibble = i8x16.splat(0x0f);
  const inverse = v128.load(TABLES, INVERSE), inverseA = v128.load(TABLES, INVERSE_A);
  const s0 = v128.load(TABLES, SBOX_1), s1 = v128.load(TABLES, SBOX_1 + 16);
  const d0 = v128.load(TABLES, SBOX_2), d1 = v128.load(TABLES, SBOX_2 + 16);
  let c = v128.load(chain), x: v128, low: v128, high: v128, a: v128, p: v128, q: v128;
${range(5)
  .map((i) => `  let h${i} = load<u32>(state, ${4 * i});`)
  .join('\n')}
  for (; turns > 0; turns--, chain += ${16 * BLOCKS}, message += 64) {
${range(5)
  .map((i) => `let v${i} = h${i};`)
  .join(' ')}
${code.text()}
${range(5)
  .map((i) => `h${i} += v${i};`)
  .join(' ')}
  }
${range(5)
  .map((i) => `  store<u32>(state, h${i}, ${4 * i});`)
  .join('\n')}
}`;
}

/** The two lists merged, each in its order, evenly. */
function takeTurns(code: Code, a: readonly string[], b: readonly string[]): void {
  let taken = 0;
  a.forEach((step, i) => {
    code.add(step);
    const until = Math.round(((i + 1) / a.length) * b.length);
    code.add(...b.slice(taken, until));
    taken = until;
  });
}

function aesSteps(): string[] {
  const steps: string[] = [];
  for (const block of range(BLOCKS)) {
    steps.push(
      `c = v128.xor(c, v128.load(chain, ${16 * (block + 1)}));`,
      'x = v128.xor(v128.xor(look(v128.load(TABLES, INPUT), v128.and(c, nibble)), look(v128.load(TABLES, INPUT + 16), v128.and(i32x4.shr_u(c, 4), nibble))), v128.load(keys));',
    );
    for (const round of range(ROUNDS)) {
      const turn = 16 * ((round + 1) % 4);
      const key = `v128.load(keys, ${16 * (round + 1)})`;
      steps.push(
        'low = v128.and(x, nibble); high = v128.and(i32x4.shr_u(x, 4), nibble); a = look(inverseA, low); low = v128.xor(high, low);',
        'p = v128.xor(look(inverse, high), a); q = v128.xor(look(inverse, low), a);',
        'p = v128.xor(look(inverse, p), low); q = v128.xor(look(inverse, q), high);',
      );
      if (round < ROUNDS - 1) {
        steps.push(
          `x = v128.xor(v128.xor(look(s0, p), ${key}), look(s1, q)); a = v128.xor(look(d0, p), look(d1, q));`,
          `a = v128.xor(a, look(x, v128.load(PERMUTATIONS, FORWARD + ${turn}))); x = v128.xor(v128.xor(a, look(x, v128.load(PERMUTATIONS, BACKWARD + ${turn}))), look(a, v128.load(PERMUTATIONS, FORWARD + ${turn})));`,
        );
      } else {
        steps.push(
          `c = look(v128.xor(v128.xor(look(v128.load(TABLES, SBOX_LAST), p), ${key}), look(v128.load(TABLES, SBOX_LAST + 16), q)), v128.load(PERMUTATIONS, SHIFT + ${turn})); v128.store(chain, c, ${16 * (block + 1)});`,
        );
      }
    }
  }
  return steps;
}
