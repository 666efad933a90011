import { beforeEach, describe, expect, it } from 'vitest';
import type { CipherSuite } from '../../../shared/crypto/suite.ts';
import { type EspSaParameters, OpenResult, SLOT_COUNT } from '../../../shared/esp/engine.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { contents, everySa, fill, includesBytes, openAll, sealOne } from '../../support/esp.ts';
import { SeededRandom } from '../../support/random.ts';
import { wasmSuite } from '../../support/wasm-suite.ts';

/** What of a secret would be recognised: any four bytes in a row could be chance, eight are not. */
const TELLING = 8;

let suite: CipherSuite;
let memory: Uint8Array;
beforeEach(async () => {
  suite = await wasmSuite(new SeededRandom(30));
  memory = new Uint8Array(suite.esp.slots[0]!.bytes.buffer);
});

describe('linear memory', () => {
  it('holds nothing of a call’s keys and messages after it', () => {
    const random = new SeededRandom(31);
    for (const length of [24, 300, 20_000]) {
      const secrets = [24, 32, length].map((n) => random.bytes(n)) as [Bytes, Bytes, Bytes];
      const [key, iv, message] = secrets;
      const out: Bytes[] = [];
      const before = memory.slice();
      for (const hash of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const) {
        out.push(suite.hash(hash, message), suite.hmac(hash, message, key));
        out.push(suite.hmac(hash, key, message));
      }
      const text = message.slice(0, length - (length % 16));
      out.push(suite.cbcEncrypt('aes-cbc', key, iv.slice(0, 16), text));
      out.push(suite.cbcDecrypt('aes-cbc', key, iv.slice(0, 16), text));
      out.push(suite.cbcEncrypt('3des-cbc', key, iv.slice(0, 8), text));
      out.push(suite.cbcDecrypt('3des-cbc', key, iv.slice(0, 8), text));
      for (const secret of [...secrets, ...out]) expectAbsent(secret);
      expect(firstDifference(before, memory)).toBe(-1);
    }
  });

  it('holds no key as it was given while an SA is open, except the whitened first round', () => {
    for (const parameters of everySa(new SeededRandom(32))) {
      const sealer = suite.esp.sealer(parameters);
      if (parameters.integrityKey !== undefined) expectAbsent(parameters.integrityKey);
      expect(sealer.spi).toBe(parameters.spi);
    }
  });

  it('is as it was before once the last SA is closed', () => {
    const pristine = withoutRandom(memory);
    const secret = new SeededRandom(33).bytes(1200);
    for (const parameters of everySa(new SeededRandom(34))) {
      const sealer = suite.esp.sealer(parameters);
      const opener = suite.esp.opener(parameters);
      const packet = sealOne(suite.esp, sealer, secret);
      expect(openAll(suite.esp, opener, [packet, packet], 300)[0]!.result).toBe(OpenResult.ok);
      expect(contents(suite.esp, 300)).toEqual(secret);
      fill(suite.esp, 17, secret);
      sealer.close();
      opener.close();
      expectAbsent(parameters.cipherKey);
      expectAbsent(secret);
    }
    expect(firstDifference(pristine, withoutRandom(memory))).toBe(-1);
  });

  it('has room for 32 SAs, and for another when one is closed', () => {
    const [parameters] = everySa(new SeededRandom(35)) as [EspSaParameters];
    const sealers = Array.from({ length: 32 }, () => suite.esp.sealer(parameters));
    expect(() => suite.esp.opener(parameters)).toThrow(RangeError);
    sealers[5]!.close();
    const opener = suite.esp.opener(parameters);
    sealers[5]!.close();
    const packet = sealOne(suite.esp, sealers[6]!, new Uint8Array(3));
    expect(openAll(suite.esp, opener, [packet])[0]!.result).toBe(OpenResult.ok);
  });

  it('keeps SAs apart', () => {
    const [a, b] = everySa(new SeededRandom(36)) as [EspSaParameters, EspSaParameters];
    const sealers = [a, b].map((parameters) => suite.esp.sealer(parameters));
    const openers = [a, b].map((parameters) => suite.esp.opener(parameters));
    const packets = sealers.map((sealer) => sealOne(suite.esp, sealer, new Uint8Array(5)));
    expect(openAll(suite.esp, openers[1]!, [packets[0]!])[0]!.result).toBe(OpenResult.malformed);
    openers.forEach((opener, i) => {
      expect(openAll(suite.esp, opener, [packets[i]!])[0]!.result).toBe(OpenResult.ok);
    });
  });

  it('stops sealing before the sequence number wraps', () => {
    const [parameters] = everySa(new SeededRandom(37)) as [EspSaParameters];
    const sealer = suite.esp.sealer(parameters);
    sealOne(suite.esp, sealer, new Uint8Array(1));
    setSequence(parameters.spi, 1, 0xffff_fffd);
    for (let i = 0; i < 4; i++) fill(suite.esp, i, new Uint8Array([i]));
    expect(sealer.seal(0, 4, 17)).toBe(2);
    expect(sealer.sequence).toBe(0xffff_ffff);
    expect(new DataView(contents(suite.esp, 1).buffer).getUint32(4)).toBe(0xffff_ffff);
    expect(contents(suite.esp, 2)).toEqual(new Uint8Array([2]));
    expect(sealer.seal(2, 2, 17)).toBe(0);
    expect(sealer.sequence).toBe(0xffff_ffff);
  });

  it('never moves', () => {
    expect(suite.esp.slots).toHaveLength(SLOT_COUNT);
    expect(memory.length).toBe(suite.esp.slots[0]!.bytes.buffer.byteLength);
    expect(suite.esp.slots.every(({ bytes }) => bytes.buffer === memory.buffer)).toBe(true);
  });
});

function expectAbsent(secret: Bytes): void {
  for (let at = 0; at + TELLING <= secret.length; at += TELLING) {
    expect(includesBytes(memory, secret.subarray(at, at + TELLING))).toBe(false);
  }
}

/** Finds the context by SPI and sequence number, which lie next to each other, and changes the latter. */
function setSequence(spi: number, from: number, to: number): void {
  const needle = new Uint8Array(8);
  new DataView(needle.buffer).setUint32(0, spi, true);
  new DataView(needle.buffer).setUint32(4, from, true);
  const at = Buffer.from(memory.buffer).indexOf(needle);
  new DataView(memory.buffer).setUint32(at + 4, to, true);
}

/** The memory but for the pool of IVs and the slots’ cursors, which are no secrets. */
function withoutRandom(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  for (const { from, length } of PUBLIC_AREAS) copy.fill(0, from, from + length);
  return copy;
}
