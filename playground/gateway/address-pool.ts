/** Addresses for clients: a range of IPv4 from which each is lent once at a time, the one free for longest first. */
import type { Bytes } from '../../shared/wire/bytes.ts';

export class AddressPool {
  readonly #first: number;
  readonly #size: number;
  /** Those that came back, in that order. */
  readonly #returned: number[] = [];
  readonly #lent = new Set<number>();
  /** How many have ever been lent. */
  #used = 0;

  /** `first`: the lowest, 4 bytes; `size` of them. */
  constructor(first: Bytes, size: number) {
    this.#first = addressNumber(first);
    this.#size = size;
  }

  /** An address, 4 bytes; `undefined` where all are lent. */
  lease(): Bytes | undefined {
    const address = this.#used < this.#size ? this.#first + this.#used++ : this.#returned.shift();
    if (address === undefined) return undefined;
    this.#lent.add(address);
    return addressBytes(address);
  }

  release(address: Bytes): void {
    const number = addressNumber(address);
    if (this.#lent.delete(number)) this.#returned.push(number);
  }
}

function addressNumber(bytes: Bytes): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function addressBytes(address: number): Bytes {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}
