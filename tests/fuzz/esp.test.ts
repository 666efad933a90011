/**
 * ESP: WebAssembly against the readable reference, on packets that were damaged on the way, came again or in another
 * order, and on authentic ones whose inside is wrong: padding, lengths, blocks.
 */
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll } from 'vitest';
import type { EspEngine, EspSaParameters } from '../../shared/esp/engine.ts';
import { ESP_CIPHERS, ESP_INTEGRITIES, GCM_TAG } from '../../shared/esp/format.ts';
import { referenceEspEngine } from '../../shared/esp/reference.ts';
import { type Bytes, concat, EMPTY, toHex } from '../../shared/wire/bytes.ts';
import { Writer } from '../../shared/wire/writer.ts';
import type { Build } from '../../wasm/index.ts';
import { everySa, type Opened, openAll } from '../support/esp.ts';
import { encrypted } from '../support/esp-packet.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';
import { WASM_BUILDS, wasmSuite } from '../support/wasm-suite.ts';
import { fuzz } from './support/campaign.ts';
import { insist } from './support/insist.ts';
import { mutate, mutations, octets } from './support/mutation.ts';

const random = new SeededRandom(5);
const SAS = everySa(random);
const reference = referenceEspEngine(nodePrimitives, random);
const fast = new Map<Build, EspEngine>();
beforeAll(async () => {
  for (const build of WASM_BUILDS) fast.set(build, (await wasmSuite(random, build)).esp);
});

/** What a slot takes behind its headroom. */
const MOST = 1_792;

const packet = fc.record({
  /** Around what is expected, around the edges of the window and of the number. */
  sequence: fc.oneof(
    fc.nat({ max: 200 }),
    fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ff00, 0xffff_ffff),
  ),
  /** The upper half, where numbers have one. */
  higher: fc.constantFrom(0, 0, 0, 1, 2, 0x1f_ffff, 0x20_0000, 0xffff_ffff),
  payload: octets(80),
  /** Bytes more of it. */
  length: fc.constantFrom(0, 0, 0, 1, 15, 1_400),
  padding: octets(20),
  padLength: fc.oneof(fc.constant(undefined), fc.nat({ max: 255 })),
  nextHeader: fc.nat({ max: 255 }),
  /** Makes whole blocks, where the cipher has them. */
  aligned: fc.nat({ max: 9 }).map((chance) => chance > 0),
  changes: fc.option(mutations, { nil: undefined, freq: 2 }),
});
type Packet = typeof packet extends fc.Arbitrary<infer T> ? T : never;

fuzz({
  name: 'esp',
  input: fc.record({
    sa: fc.nat({ max: SAS.length - 1 }),
    packets: fc.array(packet, { minLength: 1, maxLength: 40 }),
    run: fc.integer({ min: 1, max: 40 }),
  }),
  check: ({ sa, packets, run }) => {
    const parameters = SAS[sa]!;
    const arriving = packets.map((each) => {
      const whole = craft(parameters, each);
      return (each.changes ? mutate(whole, each.changes) : whole).slice(0, MOST);
    });
    const expected = openInRuns(reference, parameters, arriving, run);
    for (const [build, engine] of fast) {
      const opened = openInRuns(engine, parameters, arriving, run);
      for (const [index, each] of opened.entries()) {
        const [got, wanted] = [readable(each), readable(expected[index]!)];
        insist(got === wanted, `${build}, packet ${index}: ${got} instead of ${wanted}`);
      }
    }
  },
});

function openInRuns(
  engine: EspEngine,
  parameters: EspSaParameters,
  packets: readonly Bytes[],
  length: number,
): Opened[] {
  const sa = engine.inbound(parameters);
  const opened: Opened[] = [];
  for (let at = 0; at < packets.length; at += length) {
    opened.push(...openAll(engine, packets.slice(at, at + length)));
  }
  sa.close();
  return opened;
}

function readable({ result, nextHeader, payload }: Opened): string {
  return `${result} ${result === 0 ? nextHeader : '-'} ${toHex(payload)}`;
}

/** A packet with a right ICV around whatever it is told. */
function craft(parameters: EspSaParameters, each: Packet): Bytes {
  const { cipher, cipherKey, integrity, integrityKey, extendedSequenceNumbers } = parameters;
  const { ivLength, blockLength } = ESP_CIPHERS[cipher];
  const head = new Writer().u32(parameters.spi).u32(each.sequence).finish();
  const higher = extendedSequenceNumbers ? new Writer().u32(each.higher).finish() : EMPTY;
  const iv = new Uint8Array(ivLength).fill(7);
  const inner = concat(each.payload, new Uint8Array(each.length), each.padding);
  const missing = each.aligned ? blockLength - ((inner.length + 2) % blockLength) : 0;
  const padding = Uint8Array.from({ length: missing % blockLength }, (_, i) => i + 1);
  const trailer = Uint8Array.of(each.padLength ?? padding.length, each.nextHeader);
  const clear = concat(inner, padding, trailer);
  if (cipher === 'aes-gcm-16') {
    const associated = concat(head.slice(0, 4), higher, head.slice(4));
    return concat(head, iv, sealGcm(cipherKey, iv, associated, clear));
  }
  // What is not whole blocks cannot be encrypted; its ICV is right all the same.
  const whole = clear.length % blockLength === 0;
  const ciphertext = whole ? encrypted(parameters, iv, clear) : clear;
  const { hash, icvLength } = ESP_INTEGRITIES[integrity!];
  const covered = concat(head, iv, ciphertext);
  const icv = nodePrimitives.hmac(hash, integrityKey!, covered, higher).slice(0, icvLength);
  return concat(covered, icv);
}

function sealGcm(key: Bytes, iv: Bytes, associated: Bytes, clear: Bytes): Bytes {
  const [aesKey, salt] = [key.slice(0, -4), key.slice(-4)];
  const name = `aes-${(8 * aesKey.length) as 128}-gcm` as const;
  const cipher = createCipheriv(name, aesKey, concat(salt, iv), { authTagLength: GCM_TAG });
  cipher.setAAD(associated);
  const ciphertext = concat(cipher.update(clear), cipher.final(), EMPTY);
  return concat(ciphertext, cipher.getAuthTag());
}
