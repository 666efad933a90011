/** Both ends ours, in virtual time: what the algorithms do when nothing takes time but the path. */
import type { Algorithm } from '../../shared/ip/tcp/congestion/control.ts';
import { DEFAULT_TCP_LIMITS } from '../../shared/ip/tcp/environment.ts';
import type { Millis } from '../../shared/wire/bytes.ts';
import { Upload } from '../../tests/support/upload.ts';
import { answer } from '../harness/part.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { LATENCY, MTU } from './shape.ts';
import type { Conditions } from './trial.ts';

const ALGORITHMS: readonly Algorithm[] = ['cubic', 'bbr'];
const WARM_UP: Millis = 3000;
const CLEAN_SEEDS = 5;
const CLEAN: Millis = 5000;
const LOSSY_SEEDS = 100;
const LOSSY: Millis = 20_000;
const STALL: Millis = 2000;

await answer(async (_, say) => {
  const rows: Row[] = [];
  const head = { bench: 'tcp', where: 'virtual time' };
  for (const algorithm of ALGORITHMS) {
    const name = algorithm.toUpperCase();
    say(`${name} at 50 ms without loss`);
    const rates = seeds(CLEAN_SEEDS).map((seed) => upload(algorithm, {}, seed).run(CLEAN));
    rows.push(rowOf({ ...head, case: `50 ms, after 3 s, ${name}`, unit: 'Mbit/s' }, rates, {}));

    say(`${name} at 50 ms with 1 % loss, ${LOSSY_SEEDS} seeds`);
    // 5 Mbit/s: without a bottleneck BBR takes whatever there is, and most of its packets teach nothing new.
    const conditions = { loss: 0.01, rate: 625, buffer: 31_250 };
    const stalls = seeds(LOSSY_SEEDS).map((seed) => {
      const lossy = upload(algorithm, conditions, seed);
      lossy.run(LOSSY - WARM_UP);
      return lossy.stall;
    });
    say(`longest time without a byte: ${Math.round(Math.max(...stalls))} ms`);
    const count = stalls.filter((stall) => stall > STALL).length;
    const title = `50 ms, 1 % loss, ${name}: seeds of ${LOSSY_SEEDS} that stall for 2 s`;
    rows.push(rowOf({ ...head, case: title, unit: 'stalls' }, [count], {}));
  }
  return rows;
});

/** An upload that has run for `WARM_UP`. */
function upload(congestion: Algorithm, conditions: Conditions, seed: number): Upload {
  const link = { latency: LATENCY, ...conditions, seed };
  const started = new Upload(link, { ...DEFAULT_TCP_LIMITS, congestion }, MTU);
  started.run(WARM_UP);
  return started;
}

function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
