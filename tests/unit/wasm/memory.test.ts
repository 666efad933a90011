import { beforeEach, describe, expect, it } from 'vitest';
import type { CipherSuite } from '../../../shared/crypto/suite.ts';
import { type EspSaParameters, OpenResult, SLOT_COUNT } from '../../../shared/esp/engine.ts';
import { instantiate, type Wasm } from '../../../wasm/module.ts';
import {
  contents,
  everySa,
  fill,
  includesBytes,
  openAll,
  sealedPacket,
  sealOne,
} from '../../support/esp.ts';
import { SeededRandom } from '../../support/random.ts';
import { WASM_BUILDS, wasmModule, wasmSuite } from '../../support/wasm-suite.ts';

describe.each(WASM_BUILDS)('linear memory, %s', (build) => {
  let suite: CipherSuite;
  let memory: Uint8Array;
  let wasm: Wasm;
  beforeEach(async () => {
    suite = await wasmSuite(new SeededRandom(30), build);
    memory = new Uint8Array(suite.esp.slots[0]!.bytes.buffer);
    wasm = await instantiate(await wasmModule(build));
  });

  it('is as it was before once a hash, a MAC or a cipher has answered', () => {
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
    const [parameters] = everySa(new SeededRandom(32)) as [EspSaParameters];
    const pristine = withoutPublicAreas();
    suite.esp.sealer(parameters);
    expect(pristine.equals(withoutPublicAreas())).toBe(false);
    const from = wasm.CONTEXTS.value;
    memory.fill(0, from, from + wasm.CONTEXT_COUNT.value * wasm.CONTEXT_SIZE.value);
    expect(pristine.equals(withoutPublicAreas())).toBe(true);
  });

  it('stops sealing before the sequence number wraps', () => {
    const [parameters] = everySa(new SeededRandom(37)) as [EspSaParameters];
    const sealer = suite.esp.sealer(parameters);
    sealOne(suite.esp, sealer, new Uint8Array(1));
    setSequence(memory, parameters.spi, 1, 0xffff_fffd);
    for (let i = 0; i < 4; i++) fill(suite.esp, i, new Uint8Array([i]));
    expect(sealer.seal(0, 4, 17, 1)).toBe(2);
    expect(sealer.sequence).toBe(0xffff_ffff);
    expect(new DataView(sealedPacket(suite.esp, 1).buffer).getUint32(4)).toBe(0xffff_ffff);
    expect(contents(suite.esp, 2)).toEqual(new Uint8Array([2]));
    expect(sealer.seal(2, 2, 17, 1)).toBe(0);
    expect(sealer.sequence).toBe(0xffff_ffff);
  });

  it('never moves', () => {
    expect(suite.esp.slots).toHaveLength(SLOT_COUNT);
    expect(memory.length).toBe(suite.esp.slots[0]!.bytes.buffer.byteLength);
    expect(suite.esp.slots.every(({ bytes }) => bytes.buffer === memory.buffer)).toBe(true);
  });

  /** A copy of the memory, but for the pool of IVs, the slots’ cursors and what was found in them, which are no secrets. */
  function withoutPublicAreas(): Buffer {
    const copy = Buffer.from(memory);
    const { IVS, IVS_SIZE, CURSORS, RESULTS, NEXT_HEADERS } = wasm;
    copy.fill(0, IVS.value, IVS.value + IVS_SIZE.value);
    copy.fill(0, CURSORS.value, CURSORS.value + SLOT_COUNT * 4);
    for (const { value } of [RESULTS, NEXT_HEADERS]) copy.fill(0, value, value + SLOT_COUNT);
    return copy;
  }
});

/** Finds the context by SPI and sequence number, which lie next to each other, and changes the latter. */
function setSequence(memory: Uint8Array, spi: number, from: number, to: number): void {
  const needle = new Uint8Array(8);
  new DataView(needle.buffer).setUint32(0, spi, true);
  new DataView(needle.buffer).setUint32(4, from, true);
  const at = Buffer.from(memory.buffer).indexOf(needle);
  new DataView(memory.buffer).setUint32(at + 4, to, true);
}
