import { createCipheriv } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type EspEngine,
  type EspSaParameters,
  type EspSealer,
  IV_SEED_LENGTH,
  IVS_PER_SEED,
} from '../../../shared/esp/engine.ts';
import { type Bytes, concat, type Random, toHex } from '../../../shared/wire/bytes.ts';
import { ESP_ENGINES, fill, sealedPacket } from '../../support/esp.ts';
import { SeededRandom } from '../../support/random.ts';

const AES: EspSaParameters = {
  spi: 0x1111_1111,
  cipher: 'aes-cbc',
  cipherKey: new Uint8Array(16),
  integrity: 'hmac-md5-96',
  integrityKey: new Uint8Array(16),
};
const TRIPLE_DES: EspSaParameters = { ...AES, cipher: '3des-cbc', cipherKey: new Uint8Array(24) };
const GCM: EspSaParameters = { spi: 1, cipher: 'aes-gcm-16', cipherKey: new Uint8Array(20) };
const NULL: EspSaParameters = { ...AES, cipher: 'null', cipherKey: new Uint8Array(0) };

/** Keeps every seed that was drawn. */
class Recorder implements Random {
  readonly seeds: Bytes[] = [];
  readonly #random = new SeededRandom(50);

  bytes(length: number): Bytes {
    const fresh = this.#random.bytes(length);
    this.seeds.push(fresh.slice());
    return fresh;
  }
}

describe.each(Object.keys(ESP_ENGINES))('%s', (name) => {
  let engine: EspEngine;
  let random: Recorder;
  beforeEach(async () => {
    random = new Recorder();
    engine = await ESP_ENGINES[name]!(random);
  });

  /** The IVs of `count` packets, sealed in runs of `run`. */
  function ivsOf(sealer: EspSealer, count: number, run = 50, ivLength = 16): Bytes[] {
    const ivs: Bytes[] = [];
    while (ivs.length < count) {
      const n = Math.min(run, count - ivs.length);
      for (let i = 0; i < n; i++) fill(engine, i, new Uint8Array(1));
      expect(sealer.seal(0, n, 17, 1)).toBe(n);
      for (let i = 0; i < n; i++) ivs.push(sealedPacket(engine, i).slice(8, 8 + ivLength));
    }
    return ivs;
  }

  it('draws IVs from ChaCha20 under a key that each pool replaces', () => {
    const ivs = ivsOf(engine.sealer(AES), 500);
    const [seed, ...more] = random.seeds as [Bytes];
    expect(more).toEqual([]);
    expect(toHex(concat(...ivs))).toBe(toHex(keyStream(seed, 500 * 16)));
  });

  it('feeds the generator with every SA, which keeps what it knew', () => {
    const first = ivsOf(engine.sealer(AES), 1);
    const second = ivsOf(engine.sealer(AES), 1);
    const [a, b, ...more] = random.seeds as [Bytes, Bytes];
    expect(more).toEqual([]);
    expect(first).toEqual([keyStream(a, 16)]);
    expect(second).toEqual([keyStream(xor(b, nextKey(a)), 16)]);
  });

  it('feeds the generator before it has given too many', () => {
    const sealer = engine.sealer(AES);
    const before = ivsOf(sealer, IVS_PER_SEED, 128);
    expect(random.seeds).toHaveLength(1);
    const after = ivsOf(sealer, 2, 1);
    expect(random.seeds).toHaveLength(2);
    // 30 IVs of 16 bytes come from one key.
    let key = random.seeds[0]!;
    for (let drawn = 0; drawn < IVS_PER_SEED; drawn += 30) key = nextKey(key);
    expect(concat(...after)).toEqual(keyStream(xor(random.seeds[1]!, key), 32));
    expect(new Set([...before, ...after].map(toHex)).size).toBe(IVS_PER_SEED + 2);
    ivsOf(sealer, IVS_PER_SEED - 100, 300);
    expect(random.seeds).toHaveLength(2);
    ivsOf(sealer, 512, 512);
    expect(random.seeds).toHaveLength(3);
  });

  // Noble has no 3DES.
  if (name !== 'reference over noble') {
    it('serves ciphers of either block in turn', () => {
      const aes = engine.sealer(AES);
      const des = engine.sealer(TRIPLE_DES);
      const ivs: Bytes[] = [];
      for (let i = 0; i < 100; i++)
        ivs.push(...(i % 3 === 0 ? ivsOf(des, 1, 1, 8) : ivsOf(aes, 1)));
      const key = xor(random.seeds[1]!, nextKey(random.seeds[0]!));
      const all = concat(...ivs);
      expect(all.length).toBe(34 * 8 + 66 * 16);
      expect(toHex(all)).toBe(toHex(keyStream(key, all.length)));
    });
  }

  it('needs no randomness for AES-GCM and without a cipher', () => {
    for (const parameters of [GCM, NULL]) {
      const sealer = engine.sealer(parameters);
      fill(engine, 0, new Uint8Array(1));
      expect(sealer.seal(0, 1, 17, 1)).toBe(1);
    }
    engine.inbound(AES);
    expect(random.seeds).toEqual([]);
  });

  it('never repeats AES-GCM’s IV under a key, which is the sequence number', () => {
    const sealer = engine.sealer(GCM);
    const seen = new Set<string>();
    for (const run of [1, 512, 3, 512]) {
      for (let i = 0; i < run; i++) fill(engine, i, new Uint8Array(1));
      expect(sealer.seal(0, run, 17, 1)).toBe(run);
      for (let i = 0; i < run; i++) {
        const packet = sealedPacket(engine, i);
        expect(toHex(packet.slice(8, 16))).toBe(`00000000${toHex(packet.slice(4, 8))}`);
        seen.add(toHex(packet.slice(8, 16)));
      }
    }
    expect(seen.size).toBe(1028);
  });

  it('gives bits and bytes as chance would', () => {
    const bytes = concat(...ivsOf(engine.sealer(AES), 4096, 512));
    const counts = new Array<number>(256).fill(0);
    let ones = 0;
    let changes = 0;
    let last = 0;
    for (const byte of bytes) {
      counts[byte]!++;
      for (let bit = 7; bit >= 0; bit--) {
        const now = (byte >> bit) & 1;
        ones += now;
        changes += now ^ last;
        last = now;
      }
    }
    // Five standard deviations; the seed is fixed, so this passes always or never.
    const half = bytes.length * 4;
    const bound = 5 * Math.sqrt(half / 2);
    expect(Math.abs(ones - half)).toBeLessThan(bound);
    expect(Math.abs(changes - half)).toBeLessThan(bound);
    const expected = bytes.length / 256;
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(Math.abs(chiSquare - 255)).toBeLessThan(5 * Math.sqrt(2 * 255));
  });
});

/** One pool of key stream by OpenSSL: the next key, then 480 bytes of IVs. */
function pool(key: Bytes): Bytes {
  const cipher = createCipheriv('chacha20', key, new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(512)));
}

function nextKey(key: Bytes): Bytes {
  return pool(key).slice(0, IV_SEED_LENGTH);
}

/** What the generator gives from `key` on. */
function keyStream(key: Bytes, length: number): Bytes {
  const parts: Bytes[] = [];
  for (let at = 0; at < length; at += 480) {
    parts.push(pool(key).slice(IV_SEED_LENGTH));
    key = nextKey(key);
  }
  return concat(...parts).slice(0, length);
}

function xor(a: Bytes, b: Bytes): Bytes {
  return a.map((byte, i) => byte ^ b[i]!);
}
