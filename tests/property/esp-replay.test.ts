import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noblePrimitives } from '../../shared/crypto/noble.ts';
import type { EspSaParameters } from '../../shared/esp/engine.ts';
import { OpenResult } from '../../shared/esp/engine.ts';
import { REPLAY_WINDOW, ReplayWindow } from '../../shared/esp/replay-window.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';
import { openAll } from '../support/esp.ts';
import { SeededRandom } from '../support/random.ts';
import { WASM_BUILDS, wasmSuite } from '../support/wasm-suite.ts';

/** Remembers every number ever accepted. */
class SetModel {
  readonly #seen = new Set<number>();
  #newest = 0;

  accepts(sequence: number): boolean {
    const inWindow = sequence > 0 && sequence > this.#newest - REPLAY_WINDOW;
    if (!inWindow || this.#seen.has(sequence)) return false;
    this.#seen.add(sequence);
    this.#newest = Math.max(this.#newest, sequence);
    return true;
  }
}

/** Walks that creep, stumble back and leap, from anywhere to the end of the number space. */
const sequences = fc
  .record({
    from: fc.oneof(
      fc.constant(0),
      fc.nat(5000),
      fc.integer({ min: 0xffff_e000, max: 0xffff_ffff }),
    ),
    steps: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }) },
        { weight: 3, arbitrary: fc.integer({ min: -REPLAY_WINDOW - 40, max: 40 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 * REPLAY_WINDOW }) },
      ),
      { maxLength: 300 },
    ),
  })
  .map(({ from, steps }) => {
    let at = from;
    return steps.map((step) => {
      at = Math.min(Math.max(at + step, 0), 0xffff_ffff);
      return at;
    });
  });

const SA: EspSaParameters = {
  spi: 0x0102_0304,
  cipher: 'null',
  cipherKey: new Uint8Array(0),
  integrity: 'hmac-md5-96',
  integrityKey: new Uint8Array(16).fill(7),
};

/** An authentic packet with any sequence number, which no sealer would make. */
function numbered(sequence: number): Bytes {
  const covered = new Uint8Array([1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 2, 59]);
  new DataView(covered.buffer).setUint32(4, sequence);
  return concat(covered, noblePrimitives.hmac('md5', SA.integrityKey!, covered).slice(0, 12));
}

describe('the replay window', () => {
  it('accepts what a set of all numbers seen accepts', () => {
    fc.assert(
      fc.property(sequences, (walk) => {
        const window = new ReplayWindow();
        const model = new SetModel();
        for (const sequence of walk) {
          const admitted = window.admits(sequence);
          if (admitted) window.record(sequence);
          expect(admitted).toBe(model.accepts(sequence));
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it.each(WASM_BUILDS)('is the same in WASM, within and across runs: %s', async (build) => {
    const { esp } = await wasmSuite(new SeededRandom(1), build);
    fc.assert(
      fc.property(sequences, fc.integer({ min: 1, max: 40 }), (walk, run) => {
        const sa = esp.inbound(SA);
        const model = new SetModel();
        for (let at = 0; at < walk.length; at += run) {
          const numbers = walk.slice(at, at + run);
          const opened = openAll(esp, numbers.map(numbered));
          expect(opened.map(({ result }) => result)).toEqual(
            numbers.map((n) => (model.accepts(n) ? OpenResult.ok : OpenResult.replayed)),
          );
        }
        sa.close();
      }),
      { seed: 2, numRuns: 60 },
    );
  });
});
