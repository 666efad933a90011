/**
 * How long Diffie-Hellman takes: both halves of an exchange, in WebAssembly and with BigInt, in turns. Prints medians in
 * milliseconds.
 *
 *     npx tsx bench/key-exchange.ts
 */
import { webcrypto } from 'node:crypto';
import { noblePrimitives } from '../shared/crypto/noble.ts';
import type { Primitives } from '../shared/crypto/suite.ts';
import { generateKeyPair, sharedSecret } from '../shared/ike/group.ts';
import type { ModpGroup } from '../shared/ike/modp.ts';
import type { Random } from '../shared/wire/bytes.ts';
import { wasmSuite } from '../tests/support/wasm-suite.ts';

const GROUPS: readonly ModpGroup[] = [2, 5, 14, 15, 16, 17, 18];
const ROUNDS = 15;
const WARM_UP_ROUNDS = 5;

const random: Random = { bytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)) };
const wasm = await wasmSuite(random);

function exchange(group: ModpGroup, primitives: Primitives): number {
  const began = performance.now();
  const pair = generateKeyPair(group, random, primitives);
  if (sharedSecret(pair, pair.publicValue, primitives) === undefined) throw new Error('refused');
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

console.log('group      wasm    BigInt   BigInt/wasm');
for (const group of GROUPS) {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const times = [exchange(group, wasm), exchange(group, noblePrimitives)] as const;
    if (round < 0) continue;
    ours.push(times[0]);
    theirs.push(times[1]);
  }
  const [a, b] = [median(ours), median(theirs)];
  console.log(
    `${group}`.padEnd(6) + [a, b, b / a].map((value) => value.toFixed(1).padStart(10)).join(''),
  );
}
