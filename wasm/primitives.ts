/** `Primitives` over the module: messages go through its `IO` area in pieces, and nothing stays there. */
import type * as contract from '../shared/crypto/suite.ts';
import type { CbcCipherName, HashName, Primitives } from '../shared/crypto/suite.ts';
import type { Bytes } from '../shared/wire/bytes.ts';
import type { Wasm } from './module.ts';

/** Numbers as in assembly/algorithms.ts, lengths in bytes. */
const HASHES: Readonly<Record<HashName, { code: number; block: number; digest: number }>> = {
  md5: { code: 0, block: 64, digest: 16 },
  sha1: { code: 1, block: 64, digest: 20 },
  sha256: { code: 2, block: 64, digest: 32 },
  sha384: { code: 3, block: 128, digest: 48 },
  sha512: { code: 4, block: 128, digest: 64 },
};

const CIPHERS: Readonly<
  Record<CbcCipherName, { code: number; block: number; keys: readonly number[] }>
> = {
  'aes-cbc': { code: 0, block: 16, keys: [16, 24, 32] },
  '3des-cbc': { code: 1, block: 8, keys: [24] },
};

/** The same number as in the contract; the compiler refuses others. */
const MOD_POW_LIMIT: typeof contract.MOD_POW_LIMIT = 1024;

/** Longest digest, and more than the longest key with its IV. */
const SMALLEST_WIPE = 128;

export function wasmPrimitives(wasm: Wasm): Primitives {
  const size = wasm.IO_SIZE.value;
  const io = new Uint8Array(wasm.memory.buffer as ArrayBuffer, wasm.IO.value, size);
  /** How much of `io` the call in progress has written to. */
  let touched = SMALLEST_WIPE;

  function wipe(): void {
    wasm.wipePrimitives(touched);
    touched = SMALLEST_WIPE;
  }

  /** Puts the parts through `hashUpdate`, and answers how many bytes are left in `io` for the last piece. */
  function absorb(parts: readonly Bytes[]): number {
    let at = 0;
    for (const part of parts) {
      for (let from = 0; from < part.length; ) {
        const length = Math.min(size - at, part.length - from);
        io.set(part.subarray(from, from + length), at);
        at += length;
        from += length;
        touched = Math.max(touched, at);
        if (at < size) continue;
        wasm.hashUpdate(size);
        at = 0;
      }
    }
    return at;
  }

  function hash(name: HashName, ...parts: readonly Bytes[]): Bytes {
    const { code, digest } = known(HASHES[name], 'name');
    wasm.hashStart(code);
    wasm.hashFinish(absorb(parts));
    const out = io.slice(0, digest);
    wipe();
    return out;
  }

  function hmac(name: HashName, key: Bytes, ...parts: readonly Bytes[]): Bytes {
    const { code, block, digest } = known(HASHES[name], 'name');
    // A longer key is replaced by its digest (RFC 2104 §2).
    const short = key.length > block ? hash(name, key) : key;
    io.set(short);
    wasm.hmacStart(code, short.length);
    wasm.hmacFinish(absorb(parts));
    const out = io.slice(0, digest);
    wipe();
    return out;
  }

  function cbc(
    cipher: CbcCipherName,
    key: Bytes,
    iv: Bytes,
    text: Bytes,
    run: (length: number) => void,
  ): Bytes {
    const { code, block, keys } = known(CIPHERS[cipher], 'cipher');
    if (!keys.includes(key.length)) throw new RangeError(`key: ${key.length} bytes`);
    if (iv.length !== block) throw new RangeError(`iv: ${iv.length} bytes`);
    if (text.length % block !== 0) throw new RangeError('text: not whole blocks');
    io.set(key);
    io.set(iv, key.length);
    wasm.cbcStart(code, key.length);
    const out = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += size) {
      const piece = text.subarray(at, at + size);
      touched = Math.max(touched, piece.length);
      io.set(piece);
      run(piece.length);
      out.set(io.subarray(0, piece.length), at);
    }
    wipe();
    return out;
  }

  function modPow(base: Bytes, exponent: Bytes, modulus: Bytes): Bytes {
    const { length } = modulus;
    if (length > MOD_POW_LIMIT) throw new RangeError(`modulus: ${length} bytes`);
    const odd = length > 0 && (modulus[length - 1]! & 1) === 1;
    if (!odd || modulus[0] === 0 || (length === 1 && modulus[0] === 1)) {
      throw new RangeError('modulus: even, one, or with a leading zero');
    }
    if (base.length > length) throw new RangeError(`base: ${base.length} bytes`);
    if (exponent.length > MOD_POW_LIMIT) throw new RangeError(`exponent: ${exponent.length} bytes`);
    io.set(modulus);
    io.fill(0, length, 2 * length - base.length);
    io.set(base, 2 * length - base.length);
    io.set(exponent, 2 * length);
    touched = Math.max(touched, 2 * length + exponent.length);
    wasm.modExp(length, exponent.length);
    const out = io.slice(0, length);
    wipe();
    return out;
  }

  return {
    hash,
    hmac,
    cbcEncrypt: (cipher, key, iv, plaintext) => cbc(cipher, key, iv, plaintext, wasm.cbcEncrypt),
    cbcDecrypt: (cipher, key, iv, ciphertext) => cbc(cipher, key, iv, ciphertext, wasm.cbcDecrypt),
    modPow,
  };
}

function known<T>(entry: T | undefined, argument: string): T {
  if (entry === undefined) throw new RangeError(`${argument}: unknown`);
  return entry;
}
