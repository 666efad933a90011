/**
 * Sequence numbers of 64 bits, of which a packet carries half: the other half is found as RFC 4303's appendix A2 says, whatever
 * was lost, reordered or repeated, at every place where the lower half begins anew.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EspEngine, OpenResult } from '../../shared/esp/engine.ts';
import { referenceEspEngine } from '../../shared/esp/reference.ts';
import { REPLAY_WINDOW, ReplayWindow } from '../../shared/esp/replay-window.ts';
import { type Bytes, toHex } from '../../shared/wire/bytes.ts';
import { instantiate } from '../../wasm/module.ts';
import { contents, everySa, fill, openAll, saName, sealedPacket } from '../support/esp.ts';
import { packetOf } from '../support/esp-packet.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';
import { WASM_BUILDS, wasmModule, wasmSuite } from '../support/wasm-suite.ts';

const W = BigInt(REPLAY_WINDOW);
const LOWER = 1n << 32n;

/** The pseudo-code of RFC 4303 appendix A2.3, word by word; the numbers seen are a set. */
class Model {
  #th = 0n;
  #tl = 0n;
  readonly #seen = new Set<bigint>();

  /** What becomes of a packet that was sealed with this number. */
  open(sequence: bigint): OpenResult {
    const seql = sequence % LOWER;
    const bottom = (this.#tl - W + 1n + LOWER) % LOWER;
    let seqh: bigint;
    if (this.#tl >= W - 1n) seqh = seql >= bottom ? this.#th : this.#th + 1n;
    else seqh = seql >= bottom ? this.#th - 1n : this.#th;
    const found = seqh * LOWER + seql;
    if (found !== sequence) return OpenResult.badIcv;
    if (sequence === 0n || this.#seen.has(sequence)) return OpenResult.replayed;
    this.#seen.add(sequence);
    if (sequence > this.#th * LOWER + this.#tl) {
      this.#th = seqh;
      this.#tl = seql;
    }
    return OpenResult.ok;
  }
}

/** Walks that creep, stumble back and leap by up to the whole lower half, so that they pass several of its ends. */
const walks = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }) },
      { weight: 3, arbitrary: fc.integer({ min: -REPLAY_WINDOW - 40, max: 40 }) },
      { weight: 2, arbitrary: fc.integer({ min: 0xffff_f000, max: 0x1_0000_0800 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }) },
      { weight: 1, arbitrary: fc.constant('end' as const) },
    ),
    { maxLength: 200 },
  )
  .map((steps) => {
    let at = 1;
    return steps.map((step) => {
      at = step === 'end' ? Math.ceil(at / 2 ** 32) * 2 ** 32 : Math.max(at + step, 0);
      return at;
    });
  });

const EXTENDED = everySa(new SeededRandom(70)).filter(
  ({ extendedSequenceNumbers }) => extendedSequenceNumbers === true,
);

/** The quickest of them. */
const SA = EXTENDED.find(({ cipher }) => cipher === 'null')!;

const numbered = (sequence: number): Bytes =>
  packetOf(SA, { sequence, iv: new Uint8Array(0), payload: Uint8Array.of(1, 2), nextHeader: 59 });

describe('an extended sequence number', () => {
  it('is found as appendix A2 has it', () => {
    fc.assert(
      fc.property(walks, (walk) => {
        const window = new ReplayWindow();
        const model = new Model();
        for (const sequence of walk) {
          const found = window.extend(sequence % 2 ** 32);
          let result: OpenResult = OpenResult.badIcv;
          if (found === sequence) {
            const admitted = window.admits(found);
            if (admitted) window.record(found);
            result = admitted ? OpenResult.ok : OpenResult.replayed;
          }
          expect(result).toBe(model.open(BigInt(sequence)));
        }
      }),
      { seed: 71, numRuns: 200 },
    );
  });

  it('is below 0 where a packet would be older than the first', () => {
    const window = new ReplayWindow();
    expect(window.extend(0xffff_fffe)).toBe(-2);
    expect(window.admits(-2)).toBe(false);
    window.record(REPLAY_WINDOW - 1);
    expect(window.extend(0xffff_fffe)).toBe(0xffff_fffe);
  });

  it.each(WASM_BUILDS)('is the same in WASM, within and across runs: %s', async (build) => {
    const { esp } = await wasmSuite(new SeededRandom(72), build);
    fc.assert(
      fc.property(walks, fc.integer({ min: 1, max: 40 }), (walk, run) => {
        const sa = esp.inbound(SA);
        const model = new Model();
        for (let at = 0; at < walk.length; at += run) {
          const numbers = walk.slice(at, at + run);
          const opened = openAll(esp, numbers.map(numbered));
          expect(opened.map(({ result }) => result)).toEqual(
            numbers.map((n) => model.open(BigInt(n))),
          );
        }
        sa.close();
      }),
      { seed: 73, numRuns: 100 },
    );
  });

  describe.each(WASM_BUILDS)('across 2^32, %s', (build) => {
    it.each(EXTENDED.map((sa) => [saName(sa), sa] as const))(
      'goes into the same bytes as in the reference, which both open: %s',
      async (_, parameters) => {
        const from = 0xffff_fff0;
        const slow = referenceEspEngine(nodePrimitives, new SeededRandom(74), from);
        const { esp: fast } = await wasmSuite(new SeededRandom(74), build);
        const sealers = [slow.sealer(parameters), fast.sealer(parameters)] as const;
        await setSequence(fast, parameters.spi, BigInt(from), build);
        const payloads = Array.from({ length: 40 }, (_, i) => new SeededRandom(i).bytes(i * 9));
        const [expected, sealed] = [slow, fast].map((engine, which) => {
          payloads.forEach((payload, i) => {
            fill(engine, i, payload);
          });
          expect(sealers[which]!.seal(0, payloads.length, 17, 1)).toBe(payloads.length);
          expect(sealers[which]!.sequence).toBe(from + payloads.length);
          return payloads.map((_, i) => toHex(contents(engine, i)));
        }) as [string[], string[]];
        expect(sealed).toEqual(expected);
        const packets = payloads.map((_, i) => sealedPacket(slow, i));
        const shuffled = packets.toSorted((a, b) => a[a.length - 1]! - b[b.length - 1]!);
        // Leaps, each of less than the lower half: the newest until then says which half a packet belongs to.
        const leaps = [2 ** 31, from - 1].map((sequence, i) => {
          const engine = referenceEspEngine(nodePrimitives, new SeededRandom(80 + i), sequence);
          fill(engine, 0, new Uint8Array(3));
          engine.sealer(parameters).seal(0, 1, 17, 1);
          return sealedPacket(engine, 0);
        });
        for (const engine of [slow, fast]) {
          engine.inbound(parameters);
          const runs = [leaps, shuffled, shuffled];
          const results = runs.map((run) => openAll(engine, run, 100).map(({ result }) => result));
          const { ok, replayed } = OpenResult;
          expect(results).toEqual([[ok, ok], shuffled.map(() => ok), shuffled.map(() => replayed)]);
        }
      },
    );

    it('ends where numbers are no longer exact', async () => {
      const { esp } = await wasmSuite(new SeededRandom(76), build);
      const parameters = EXTENDED[0]!;
      const slow = referenceEspEngine(
        nodePrimitives,
        new SeededRandom(76),
        Number.MAX_SAFE_INTEGER - 2,
      );
      const fast = esp.sealer(parameters);
      await setSequence(esp, parameters.spi, BigInt(Number.MAX_SAFE_INTEGER - 2), build);
      for (const sealer of [slow.sealer(parameters), fast]) {
        expect(sealer.seal(0, 4, 17, 1)).toBe(2);
        expect(sealer.seal(0, 4, 17, 1)).toBe(0);
        expect(sealer.sequence).toBe(Number.MAX_SAFE_INTEGER);
      }
    });
  });
});

/** Has the SA count on from `sequence`, in the module's memory. */
async function setSequence(
  engine: EspEngine,
  spi: number,
  sequence: bigint,
  build: (typeof WASM_BUILDS)[number],
): Promise<void> {
  const { CONTEXTS, CONTEXT_SIZE, CONTEXT_COUNT } = await instantiate(await wasmModule(build));
  const view = new DataView(engine.slots[0]!.bytes.buffer);
  for (let i = 0; i < CONTEXT_COUNT.value; i++) {
    const context = CONTEXTS.value + i * CONTEXT_SIZE.value;
    if (view.getUint32(context, true) === spi) view.setBigUint64(context + 24, sequence, true);
  }
}
