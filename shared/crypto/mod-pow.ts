import { type Bytes, fromHex, toHex } from '../wire/bytes.ts';
import { MOD_POW_LIMIT } from './suite.ts';

/**
 * base^exponent modulo `modulus`, as `Primitives` has it: square and multiply over BigInt, whose time depends on the
 * operands. For tests, and where a secret exponent does not matter.
 */
export function modPow(base: Bytes, exponent: Bytes, modulus: Bytes): Bytes {
  const { length } = modulus;
  if (length > MOD_POW_LIMIT) throw new RangeError(`modulus: ${length} bytes`);
  const m = toNumber(modulus);
  if (m < 3n || m % 2n === 0n || modulus[0] === 0) {
    throw new RangeError('modulus: even, one, or with a leading zero');
  }
  if (base.length > length) throw new RangeError(`base: ${base.length} bytes`);
  if (exponent.length > MOD_POW_LIMIT) throw new RangeError(`exponent: ${exponent.length} bytes`);
  const b = toNumber(base);
  let result = 1n;
  for (const bit of toNumber(exponent).toString(2)) {
    result = (result * result) % m;
    if (bit === '1') result = (result * b) % m;
  }
  return fromHex(result.toString(16).padStart(2 * length, '0'));
}

function toNumber(bytes: Bytes): bigint {
  return BigInt(`0x${toHex(bytes) || '0'}`);
}
