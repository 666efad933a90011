/** What the number of packets that are sealed or opened by one call does to the cost of each, in Node. */
import { wasmSuite } from '../../tests/support/wasm-suite.ts';
import { answer } from '../harness/part.ts';
import { type Lap, race } from '../harness/race.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { Layout } from './contestant.ts';
import { cpuMillis } from './node-clock.ts';
import { type OurContestant, ours } from './ours.ts';
import { BATCHES, PAYLOAD, random, SUITES } from './suites.ts';

/** Beside the batch that the contest has. */
const OTHERS = [1, 4, 8, 16, 64, 256] as const;
const LARGEST = 256;
const SIZES = [BATCHES[0], ...OTHERS];

const WARM_UP_ROUNDS = 5;
const SLICE_MS = 25;

await answer(async ({ rounds }) => {
  const engine = (await wasmSuite(random)).esp;
  const rows: Row[] = [];
  for (const [name, parameters] of Object.entries(SUITES)) {
    const contestant = ours(engine, parameters);
    const layout = new Layout(parameters);
    const frame = new Uint8Array(LARGEST * layout.stride);
    const out = new Uint8Array(LARGEST * PAYLOAD);
    const payloads = Array.from({ length: LARGEST }, () => random.bytes(PAYLOAD));
    contestant.seal(payloads, frame);
    const packets = payloads.map((_, i) => layout.packetIn(frame, i).slice());
    const work = {
      seal: (batch: number) => inBatches(payloads, batch, (some) => contestant.seal(some, frame)),
      open: (batch: number) => {
        const all = inBatches(packets, batch, (some) => contestant.open(some, out));
        return () => renewed(contestant, all);
      },
    };
    for (const [direction, of] of Object.entries(work)) {
      const laps = await race(
        Object.fromEntries(SIZES.map((size) => [String(size), lap(of(size))])),
        { rounds, warmUp: WARM_UP_ROUNDS },
      );
      const head = {
        bench: 'batches',
        case: `${name} ${direction}, batches of ${BATCHES[0]}`,
        where: 'Node',
        unit: 'thousand packets/CPU second',
      } as const;
      const others = OTHERS.map((size) => [`of ${size}`, laps[String(size)]!]);
      rows.push(rowOf(head, laps[String(BATCHES[0])]!, Object.fromEntries(others)));
    }
    contestant.close();
  }
  return rows;
});

/** Does all of it, so many at a time. */
function inBatches<T>(all: readonly T[], batch: number, work: (some: readonly T[]) => void) {
  const batches = Array.from({ length: all.length / batch }, (_, i) =>
    all.slice(i * batch, (i + 1) * batch),
  );
  return () => batches.forEach(work);
}

/** The same packets once more are replays, but to an SA that has not seen them. */
function renewed(contestant: OurContestant, all: () => void): void {
  contestant.renew();
  all();
}

/** Thousands of packets per second of processor time. */
function lap(all: () => void): Lap {
  return () => {
    let packets = 0;
    const began = cpuMillis();
    const until = performance.now() + SLICE_MS;
    do {
      all();
      packets += LARGEST;
    } while (performance.now() < until);
    return packets / (cpuMillis() - began);
  };
}
