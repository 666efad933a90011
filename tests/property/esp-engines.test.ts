/**
 * The three builds of the module against the readable reference, packet for packet: what they seal is the same bytes, and
 * what they open, refuse and leave behind is the same, in batches of any size, mixed SAs, lengths and damage.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EspEngine, type EspSealer, OpenResult } from '../../shared/esp/engine.ts';
import { referenceEspEngine } from '../../shared/esp/reference.ts';
import { type Bytes, concat, toHex } from '../../shared/wire/bytes.ts';
import {
  contents,
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
import { WASM_BUILDS, wasmSuite } from '../support/wasm-suite.ts';

/** Longest payload of a batch: what fits a slot behind its headroom. */
const MOST = 1_700;
const FIRST = 100;

const SAS = everySa(new SeededRandom(20));

/** Lengths alike, as under load, or of any length; the contents are drawn from the seed. */
const batch = fc.record({
  lengths: fc.oneof(
    fc.array(fc.nat(MOST), { minLength: 1, maxLength: 40 }),
    fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(MOST))
      .map(([n, length]) => Array(n).fill(length) as number[]),
    fc.array(fc.nat(70), { minLength: 1, maxLength: 40 }),
  ),
  nextHeader: fc.nat(255),
  channel: fc.nat(255),
  seed: fc.nat(),
});
type Batch = typeof batch extends fc.Arbitrary<infer T> ? T : never;

/** What happens to a packet on its way. */
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'arrives' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'twice' } as const) },
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

/** Seals a batch and answers the records, header included. */
function sealBatch(
  engine: EspEngine,
  sealer: EspSealer,
  { lengths, nextHeader, channel, seed }: Batch,
): Bytes[] {
  const random = new SeededRandom(seed);
  lengths.forEach((length, i) => {
    fill(engine, FIRST + i, random.bytes(length));
  });
  expect(sealer.seal(FIRST, lengths.length, nextHeader, channel)).toBe(lengths.length);
  return lengths.map((_, i) => contents(engine, FIRST + i));
}

function openInRuns(engine: EspEngine, packets: readonly Bytes[], length: number): Opened[] {
  const opened: Opened[] = [];
  for (let at = 0; at < packets.length; at += length) {
    opened.push(...openAll(engine, packets.slice(at, at + length), 7));
  }
  return opened;
}

const readable = ({ result, nextHeader, payload }: Opened) =>
  `${result} ${nextHeader} ${toHex(payload)}`;

describe.each(WASM_BUILDS)('wasm, %s, and the reference', (build) => {
  it.each(SAS.map((sa) => [saName(sa), sa] as const))(
    'seal the same bytes from the same random numbers: %s',
    async (_, parameters) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(batch, { minLength: 1, maxLength: 2 }),
          fc.nat(),
          async (batches, seed) => {
            const slow = referenceEspEngine(nodePrimitives, new SeededRandom(seed));
            const { esp: fast } = await wasmSuite(new SeededRandom(seed), build);
            const [expected, sealed] = [slow, fast].map((engine) => {
              const sealer = engine.sealer(parameters);
              const records = batches.flatMap((each) => sealBatch(engine, sealer, each));
              return { records: records.map(toHex), octets: sealer.octets };
            });
            expect(sealed).toEqual(expected);
          },
        ),
        { seed: 3, numRuns: 2 },
      );
    },
  );

  it('open the same packets of mixed SAs, for the same reasons, and leave nothing of the others', async () => {
    const slow = referenceEspEngine(nodePrimitives, new SeededRandom(21));
    const { esp: fast } = await wasmSuite(new SeededRandom(22), build);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(SAS.length - 1), batch), { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fate),
        fc.integer({ min: 1, max: 45 }),
        fc.nat(),
        (batches, fates, length, shuffle) => {
          const order = new SeededRandom(shuffle);
          const sealers = new Map(batches.map(([sa]) => [sa, slow.sealer(SAS[sa]!)] as const));
          const arriving = batches
            .flatMap(([sa, each]) => sealBatch(slow, sealers.get(sa)!, each))
            .map((record) => ({ packet: record.slice(3), at: order.next() }))
            .toSorted((a, b) => a.at - b.at)
            .flatMap(({ packet }) => suffer(packet, fates.next().value!));
          // The last SA of several is one that the receiver does not know.
          const known = [...sealers.keys()].slice(0, Math.max(1, sealers.size - 1));
          const [expected, opened] = [slow, fast].map((engine) => {
            const inbound = known.map((sa) => engine.inbound(SAS[sa]!));
            const packets = openInRuns(engine, arriving, length).map(readable);
            const octets = inbound.map((sa) => sa.octets);
            for (const sa of inbound) sa.close();
            return { packets, octets };
          });
          expect(opened).toEqual(expected);
          for (const sealer of sealers.values()) sealer.close();
        },
      ),
      { seed: 4, numRuns: 40 },
    );
  });

  it.each(SAS.map((sa) => [saName(sa), sa] as const))(
    'refuse every prefix: %s',
    async (_, parameters) => {
      const { esp: fast } = await wasmSuite(new SeededRandom(24), build);
      const slow = referenceEspEngine(nodePrimitives, new SeededRandom(23));
      const secret = new SeededRandom(25).bytes(61);
      fill(slow, 0, secret);
      slow.sealer(parameters).seal(0, 1, 17, 1);
      const packet = sealedPacket(slow, 0);
      fast.inbound(parameters);
      const prefixes = Array.from(packet, (_, length) => packet.slice(0, length));
      openInRuns(fast, prefixes, 50).forEach(({ result, payload }, length) => {
        const { unknownSpi, malformed, badIcv } = OpenResult;
        expect(length < 4 ? [unknownSpi] : [malformed, badIcv]).toContain(result);
        expect(payload.length).toBe(0);
      });
      for (const { bytes } of fast.slots.slice(0, 60)) {
        expect(includesBytes(bytes, secret.subarray(0, 8))).toBe(false);
      }
      expect(openAll(fast, [packet])[0]!.result).toBe(OpenResult.ok);
    },
  );
});
