import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EspEngine, EspSaParameters } from '../../shared/esp/engine.ts';
import { OpenResult } from '../../shared/esp/engine.ts';
import { referenceEspEngine } from '../../shared/esp/reference.ts';
import { type Bytes, concat, toHex } from '../../shared/wire/bytes.ts';
import {
  everySa,
  fill,
  includesBytes,
  type Opened,
  openAll,
  saName,
  sealedPacket,
} from '../support/esp.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';
import { wasmSuite } from '../support/wasm-suite.ts';

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(fc.nat(1500), fc.nat()).map(([length, seed]) => new SeededRandom(seed).bytes(length)),
) as fc.Arbitrary<Bytes>;

const run = fc.record({
  payloads: fc.array(payload, { maxLength: 12 }),
  nextHeader: fc.nat(255),
  first: fc.nat(500),
});

/** What happens to a packet on its way. */
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'arrives' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('twice' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('tampered' as const), at: fc.nat(), bit: fc.nat(7) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncated' as const), to: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('noise' as const),
      bytes: fc.uint8Array({ maxLength: 200 }) as fc.Arbitrary<Bytes>,
    }),
  },
);
type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;

function suffer(packet: Bytes, what: Fate): Bytes[] {
  switch (what.kind) {
    case 'arrives':
      return [packet];
    case 'twice':
      return [packet, packet.slice()];
    case 'truncated':
      return [packet.slice(0, what.to % packet.length)];
    case 'noise':
      return [what.bytes, packet, concat(packet.slice(0, 8), what.bytes)];
    case 'tampered': {
      const changed = packet.slice();
      changed[what.at % packet.length]! ^= 1 << what.bit;
      return [changed];
    }
  }
}

function sealAll(engine: EspEngine, parameters: EspSaParameters, runs: readonly Run[]): Bytes[] {
  const sealer = engine.sealer(parameters);
  const packets: Bytes[] = [];
  for (const { payloads, nextHeader, first } of runs) {
    payloads.forEach((bytes, i) => {
      fill(engine, first + i, bytes);
    });
    expect(sealer.seal(first, payloads.length, nextHeader, 1)).toBe(payloads.length);
    payloads.forEach((_, i) => {
      packets.push(sealedPacket(engine, first + i));
    });
  }
  expect(sealer.octets).toBe(packets.reduce((sum, { length }) => sum + length, 0));
  sealer.close();
  return packets;
}
type Run = typeof run extends fc.Arbitrary<infer T> ? T : never;

function openInRuns(engine: EspEngine, packets: readonly Bytes[], length: number): Opened[] {
  const opened: Opened[] = [];
  for (let at = 0; at < packets.length; at += length) {
    opened.push(...openAll(engine, packets.slice(at, at + length), 7));
  }
  return opened;
}

const readable = ({ result, nextHeader, payload }: Opened) =>
  `${result} ${nextHeader} ${toHex(payload)}`;

describe.each(everySa(new SeededRandom(20)).map((sa) => [saName(sa), sa] as const))(
  'wasm and reference, %s',
  (_, parameters) => {
    it('seal the same bytes from the same random numbers', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(run, { maxLength: 4 }), fc.nat(), async (runs, seed) => {
          const reference = referenceEspEngine(nodePrimitives, new SeededRandom(seed));
          const { esp } = await wasmSuite(new SeededRandom(seed));
          const expected = sealAll(reference, parameters, runs);
          expect(sealAll(esp, parameters, runs).map(toHex)).toEqual(expected.map(toHex));
        }),
        { seed: 3, numRuns: 5 },
      );
    });

    it('open the same packets, for the same reasons, and leave nothing of the others', async () => {
      const reference = referenceEspEngine(nodePrimitives, new SeededRandom(21));
      const { esp } = await wasmSuite(new SeededRandom(22));
      fc.assert(
        fc.property(
          fc.array(run, { maxLength: 3 }),
          fc.infiniteStream(fate),
          fc.integer({ min: 1, max: 20 }),
          (runs, fates, length) => {
            const arriving: Bytes[] = [];
            for (const packet of sealAll(reference, parameters, runs)) {
              arriving.push(...suffer(packet, fates.next().value!));
            }
            const slow = reference.inbound(parameters);
            const fast = esp.inbound(parameters);
            const expected = openInRuns(reference, arriving, length);
            const opened = openInRuns(esp, arriving, length);
            expect(opened.map(readable)).toEqual(expected.map(readable));
            expect(fast.octets).toBe(slow.octets);
            slow.close();
            fast.close();
          },
        ),
        { seed: 4, numRuns: 12 },
      );
    });

    it('refuse every prefix', async () => {
      const reference = referenceEspEngine(nodePrimitives, new SeededRandom(23));
      const { esp } = await wasmSuite(new SeededRandom(24));
      const secret = new SeededRandom(25).bytes(61);
      const [packet] = sealAll(reference, parameters, [
        { payloads: [secret], nextHeader: 17, first: 0 },
      ]) as [Bytes];
      esp.inbound(parameters);
      const prefixes = Array.from(packet, (_, length) => packet.slice(0, length));
      const opened = openInRuns(esp, prefixes, 50);
      opened.forEach(({ result, payload }, length) => {
        const { unknownSpi, malformed, badIcv } = OpenResult;
        expect(length < 4 ? [unknownSpi] : [malformed, badIcv]).toContain(result);
        expect(payload.length).toBe(0);
      });
      for (const slot of esp.slots) {
        expect(includesBytes(slot.bytes, secret.subarray(0, 8))).toBe(false);
      }
      expect(openInRuns(esp, [packet], 1)[0]!.result).toBe(OpenResult.ok);
    });
  },
);
