import type { Bytes } from './bytes.ts';

/** Bytes from which four words at a time are faster, by half, than one. */
const LONG = 64;

/**
 * One's complement sum of the 16-bit words of `bytes[start, end)`, added to `sum` and not yet folded or
 * inverted, so that a pseudo-header can go first; an odd last byte counts as its high half.
 * @rfc 1071 §1
 */
export function checksumAdd(sum: number, bytes: Bytes, start: number, end: number): number {
  let at = start;
  if (end - start >= LONG) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + 16 <= end; at += 16) {
      const a = view.getInt32(at);
      const b = view.getInt32(at + 4);
      const c = view.getInt32(at + 8);
      const d = view.getInt32(at + 12);
      sum += (a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff);
      sum += (c >>> 16) + (c & 0xffff) + (d >>> 16) + (d & 0xffff);
    }
  }
  for (; at + 1 < end; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < end) sum += bytes[at]! << 8;
  return sum;
}

/**
 * Folds a sum to 16 bits and inverts it: the value of the checksum field, and 0 for bytes whose
 * checksum field is right.
 * @rfc 1071 §1
 */
export function checksumFinish(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
