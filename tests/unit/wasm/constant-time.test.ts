/**
 * No secret decides which instructions run or which addresses they touch: the module, made to record both, leaves the same
 * trace for every key, message and seed of the same lengths. 3DES, whose S-boxes are tables, does not; it
 * shows that the test can fail.
 *
 * What this cannot see: instructions whose time depends on their operands on some processor (here only division, whose
 * operands are in the trace), and what an engine makes of the instructions.
 */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildWasm } from '../../../scripts/build-wasm.mjs';
import type { CipherSuite } from '../../../shared/crypto/suite.ts';
import { OpenResult } from '../../../shared/esp/engine.ts';
import type { Bytes, Random } from '../../../shared/wire/bytes.ts';
import { loadWasmSuite } from '../../../wasm/index.ts';
import { everySa, fill, openAll, saName, sealedPacket, sealOne } from '../../support/esp.ts';
import { SeededRandom } from '../../support/random.ts';
import {
  difference,
  type RecordingModule,
  recording,
  takeTrace,
} from '../../support/trace/recorder.ts';
import { WASM_BUILDS } from '../../support/wasm-suite.ts';

const PATHS = await buildWasm();

/** Random secrets, and those with all bits equal. */
const SECRETS: readonly Random[] = [
  ...[1, 2].map((seed) => new SeededRandom(seed)),
  { bytes: (length) => new Uint8Array(length) },
  { bytes: (length) => new Uint8Array(length).fill(0xff) },
];

/** Does everything that needs no watching, and answers what does. */
type Prepare = (suite: CipherSuite, secret: Random) => () => void;

/** Every key length with one integrity algorithm, every integrity algorithm with one key length, 64-bit numbers; no 3DES. */
const SAS = everySa(new SeededRandom(60)).filter(
  ({ cipher, cipherKey, integrity, extendedSequenceNumbers }) =>
    extendedSequenceNumbers === true ||
    cipher === 'aes-gcm-16' ||
    (cipher === 'aes-cbc' && cipherKey.length === 32) ||
    (cipher !== '3des-cbc' && integrity === 'hmac-sha1-96'),
);

/** How many packets at a time: as many ways as there are to work on them side by side. */
const RUNS = [1, 2, 3, 5, 10];
const PAYLOADS = [0, 1, 13, 14, 40, 64, 100, 200, 300, 300];

describe.each(WASM_BUILDS)('the module, %s', (build) => {
  let twin: RecordingModule;
  let compiled: WebAssembly.Module;
  beforeAll(async () => {
    twin = recording(await readFile(PATHS[build]));
    compiled = new WebAssembly.Module(twin.bytes);
  });

  /** One trace for each of the secrets, from instances that differ in nothing else. */
  async function traces(prepare: Prepare): Promise<Uint32Array[]> {
    const all: Uint32Array[] = [];
    for (const secret of SECRETS) {
      const suite = await loadWasmSuite(compiled, secret);
      const { buffer } = suite.esp.slots[0]!.bytes;
      const act = prepare(suite, secret);
      takeTrace(buffer, twin.traceAt);
      act();
      all.push(takeTrace(buffer, twin.traceAt));
    }
    return all;
  }

  async function expectOneTrace(prepare: Prepare): Promise<void> {
    const [first, ...others] = (await traces(prepare)) as [Uint32Array];
    expect(first.length).toBeGreaterThan(100);
    for (const other of others) {
      const found = difference(first, other, twin.sites);
      if (found !== undefined) expect.fail(`two secrets show at ${found}`);
    }
  }

  it('hashes and authenticates', async () => {
    await expectOneTrace((suite, secret) => {
      const [key, message] = [secret.bytes(20), secret.bytes(300)];
      return () => {
        for (const hash of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const) {
          suite.hash(hash, message);
          suite.hmac(hash, key, message);
        }
      };
    });
  });

  it.each([16, 24, 32])('encrypts and decrypts with AES and %i bytes of key', async (length) => {
    await expectOneTrace((suite, secret) => {
      const [key, iv, text] = [secret.bytes(length), secret.bytes(16), secret.bytes(160)];
      return () => {
        suite.cbcEncrypt('aes-cbc', key, iv, text);
        suite.cbcDecrypt('aes-cbc', key, iv, text);
      };
    });
  });

  it.each([
    [1, 1],
    [20, 8],
    [64, 20],
    [65, 33],
  ])('raises to a power modulo %i bytes, with %i of exponent', async (length, exponentLength) => {
    await expectOneTrace((suite, secret) => {
      const [base, exponent] = [secret.bytes(length), secret.bytes(exponentLength)];
      const modulus = secret.bytes(length);
      modulus[0]! |= 2;
      modulus[length - 1]! |= 1;
      return () => suite.modPow(base, exponent, modulus);
    });
  });

  it('draws IVs from any seed', async () => {
    const sa = SAS[0]!;
    await expectOneTrace((suite) => () => {
      const sealer = suite.esp.sealer(sa);
      // More than one key gives.
      for (let i = 0; i < 70; i++) sealOne(suite.esp, sealer, new Uint8Array(1));
    });
  });

  it.each(SAS.map((sa) => [saName(sa), sa] as const))('seals and opens: %s', async (_, sa) => {
    await expectOneTrace((suite, secret) => {
      const parameters = {
        ...sa,
        cipherKey: secret.bytes(sa.cipherKey.length),
        ...(sa.integrityKey && { integrityKey: secret.bytes(sa.integrityKey.length) }),
      };
      const payloads = PAYLOADS.map((length) => secret.bytes(length));
      return () => {
        const sealer = suite.esp.sealer(parameters);
        const inbound = suite.esp.inbound(parameters);
        const packets = RUNS.flatMap((count) => {
          for (let i = 0; i < count; i++) fill(suite.esp, i, payloads[i]!);
          expect(sealer.seal(0, count, 17, 1)).toBe(count);
          return Array.from({ length: count }, (_, i) => sealedPacket(suite.esp, i));
        });
        const wrong = packets.map((packet) => tampered(packet, secret));
        for (const [arriving, result] of [
          [wrong, OpenResult.badIcv],
          [packets, OpenResult.ok],
        ] as const) {
          let at = 0;
          for (const count of RUNS) {
            const opened = openAll(suite.esp, arriving.slice(at, at + count));
            expect(opened.every((each) => each.result === result)).toBe(true);
            at += count;
          }
        }
        inbound.close();
        sealer.close();
      };
    });
  });

  it('shows the keys and the text of 3DES', async () => {
    for (const secretKey of [true, false]) {
      const [first, other] = (await traces((suite, secret) => {
        const key = secretKey ? secret.bytes(24) : new Uint8Array(24);
        const text = secretKey ? new Uint8Array(8) : secret.bytes(8);
        return () => suite.cbcEncrypt('3des-cbc', key, new Uint8Array(8), text);
      })) as [Uint32Array, Uint32Array];
      expect(difference(first, other, twin.sites)).toMatch(/, load, /);
    }
  });
});

/** The packet with a few bits of its ICV changed, anywhere in it. */
function tampered(packet: Bytes, random: Random): Bytes {
  const out = packet.slice();
  const noise = random.bytes(2);
  out[out.length - 1 - (noise[0]! % 12)]! ^= noise[1]! | 1;
  return out;
}
