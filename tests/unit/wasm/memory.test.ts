import { createCipheriv } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CipherSuite } from '../../../shared/crypto/suite.ts';
import { OpenResult, SLOT_COUNT } from '../../../shared/esp/engine.ts';
import { type Bytes, toHex } from '../../../shared/wire/bytes.ts';
import { instantiate, type Wasm } from '../../../wasm/module.ts';
import {
  contents,
  everySa,
  fill,
  includesBytes,
  openAll,
  saName,
  sealedPacket,
  sealOne,
} from '../../support/esp.ts';
import { SeededRandom } from '../../support/random.ts';
import { WASM_BUILDS, wasmModule, wasmSuite } from '../../support/wasm-suite.ts';

const SAS = everySa(new SeededRandom(37));

describe.each(WASM_BUILDS)('linear memory, %s', (build) => {
  let suite: CipherSuite;
  let memory: Uint8Array;
  let wasm: Wasm;
  beforeEach(async () => {
    suite = await wasmSuite(new SeededRandom(30), build);
    memory = new Uint8Array(suite.esp.slots[0]!.bytes.buffer);
    wasm = await instantiate(await wasmModule(build));
  });

  it('is as it was before once a hash, a MAC, a cipher or a power has been answered', () => {
    const random = new SeededRandom(31);
    const before = Buffer.from(memory);
    for (const length of [24, 300, 20_000]) {
      const key = random.bytes(24);
      const iv = random.bytes(16);
      const message = random.bytes(length);
      const text = message.slice(0, length - (length % 16));
      const calls = [
        ...(['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const).flatMap((hash) => [
          () => suite.hash(hash, message),
          () => suite.hmac(hash, key, message),
          () => suite.hmac(hash, message, key),
        ]),
        () => suite.cbcEncrypt('aes-cbc', key, iv, text),
        () => suite.cbcDecrypt('aes-cbc', key, iv, text),
        () => suite.cbcEncrypt('3des-cbc', key, iv.slice(0, 8), text),
        () => suite.cbcDecrypt('3des-cbc', key, iv.slice(0, 8), text),
        () => suite.modPow(message.slice(0, 300), key, odd(message.slice(0, 300))),
      ];
      for (const call of calls) {
        call();
        expect(before.equals(memory)).toBe(true);
      }
    }
  });

  it('is as it was before once the last SA is closed', () => {
    const pristine = withoutPublicAreas();
    const secret = new SeededRandom(33).bytes(1200);
    for (const parameters of everySa(new SeededRandom(34))) {
      const sealer = suite.esp.sealer(parameters);
      const inbound = suite.esp.inbound(parameters);
      const packet = sealOne(suite.esp, sealer, secret);
      expect(openAll(suite.esp, [packet, packet], 300)[0]!.result).toBe(OpenResult.ok);
      expect(includesBytes(memory, secret)).toBe(true);
      fill(suite.esp, 17, secret);
      sealer.close();
      inbound.close();
      expect(pristine.equals(withoutPublicAreas())).toBe(true);
    }
  });

  it('has an SA’s keys in no other place than its context', () => {
    const pristine = withoutPublicAreas();
    // Those that need no IVs, so that their generator is empty.
    for (const parameters of SAS.filter(({ cipher }) => /null|gcm/.test(cipher))) {
      const sealer = suite.esp.sealer(parameters);
      expect(pristine.equals(withoutPublicAreas())).toBe(false);
      const from = wasm.CONTEXTS.value;
      memory.fill(0, from, from + wasm.CONTEXT_COUNT.value * wasm.CONTEXT_SIZE.value);
      expect(pristine.equals(withoutPublicAreas())).toBe(true);
      sealer.close();
    }
  });

  it.each(
    [SAS[0]!, SAS.find(({ cipher }) => cipher === 'aes-gcm-16')!].map(
      (sa) => [saName(sa), sa] as const,
    ),
  )('stops sealing before sequence number and AES-GCM’s IV wrap: %s', (_, parameters) => {
    const sealer = suite.esp.sealer(parameters);
    sealOne(suite.esp, sealer, new Uint8Array(1));
    setSequence(memory, parameters.spi, 0xffff_fffd);
    for (let i = 0; i < 4; i++) fill(suite.esp, i, new Uint8Array([i]));
    expect(sealer.seal(0, 4, 17, 1)).toBe(2);
    expect(sealer.sequence).toBe(0xffff_ffff);
    for (const [slot, sequence] of ['fffffffe', 'ffffffff'].entries()) {
      const packet = toHex(sealedPacket(suite.esp, slot));
      expect(packet.slice(8, 16)).toBe(sequence);
      if (parameters.cipher === 'aes-gcm-16')
        expect(packet.slice(16, 32)).toBe(`00000000${sequence}`);
    }
    expect(contents(suite.esp, 2)).toEqual(new Uint8Array([2]));
    for (let again = 0; again < 2; again++) {
      expect(sealer.seal(2, 2, 17, 1)).toBe(0);
      expect(contents(suite.esp, 2)).toEqual(new Uint8Array([2]));
    }
    expect(sealer.sequence).toBe(0xffff_ffff);
  });

  it('keeps no IV that was given and no key that was used', async () => {
    const seeds: Bytes[] = [];
    const random = new SeededRandom(38);
    const recorder = {
      bytes(length: number) {
        const fresh = random.bytes(length);
        seeds.push(fresh.slice());
        return fresh;
      },
    };
    const { esp } = await wasmSuite(recorder, build);
    const bytes = new Uint8Array(esp.slots[0]!.bytes.buffer);
    const sealer = esp.sealer(SAS[0]!);
    // The first key's 30 IVs, and 10 of the second's.
    const ivs: Bytes[] = [];
    for (let i = 0; i < 40; i++) ivs.push(sealOne(esp, sealer, new Uint8Array(1)).slice(8, 24));
    for (const slot of esp.slots) slot.bytes.fill(0);
    const [first] = seeds as [Bytes];
    const [second, third] = [nextKey(first), nextKey(nextKey(first))];
    for (const gone of [first, second, ...ivs]) {
      for (const half of [gone.subarray(0, 8), gone.subarray(-8)]) {
        expect(includesBytes(bytes, half)).toBe(false);
      }
    }
    // What is there: the next key. So the test looks at the right bytes.
    expect(includesBytes(bytes, third)).toBe(true);
  });

  it('never moves', () => {
    expect(suite.esp.slots).toHaveLength(SLOT_COUNT);
    expect(memory.length).toBe(suite.esp.slots[0]!.bytes.buffer.byteLength);
    expect(suite.esp.slots.every(({ bytes }) => bytes.buffer === memory.buffer)).toBe(true);
  });

  /** A copy of the memory, but for the slots’ cursors and what was found in them, which are no secrets. */
  function withoutPublicAreas(): Buffer {
    const copy = Buffer.from(memory);
    const { CURSORS, RESULTS, NEXT_HEADERS } = wasm;
    copy.fill(0, CURSORS.value, CURSORS.value + SLOT_COUNT * 4);
    for (const { value } of [RESULTS, NEXT_HEADERS]) copy.fill(0, value, value + SLOT_COUNT);
    return copy;
  }
});

/** The first 32 bytes of ChaCha20's key stream: what the generator of IVs goes on with. */
function nextKey(key: Bytes): Bytes {
  const cipher = createCipheriv('chacha20', key, new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(32)));
}

function odd(bytes: Bytes): Bytes {
  const out = bytes.slice();
  out[0]! |= 0x80;
  out[out.length - 1]! |= 1;
  return out;
}

/** The context's sequence number, found by its SPI, which nothing else in memory begins with in this byte order. */
function setSequence(memory: Uint8Array, spi: number, sequence: number): void {
  const view = new DataView(memory.buffer);
  const needle = new Uint8Array(4);
  new DataView(needle.buffer).setUint32(0, spi, true);
  const at = Buffer.from(memory.buffer).indexOf(needle);
  expect(view.getBigUint64(at + 24, true)).toBe(1n);
  view.setBigUint64(at + 24, BigInt(sequence), true);
}
