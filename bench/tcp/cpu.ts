/** What TCP costs in processor time, beside the least it could. */
import { answer } from '../harness/part.ts';
import { race } from '../harness/race.ts';
import { rowOf } from '../harness/results.ts';
import { BackToBack } from './back-to-back.ts';
import { PlainPath } from './plain-path.ts';

const LAP_BYTES = 10_000_000;
/** A stack has much more to compile than the headers, and a window that grows. */
const WARM_UP = 20;

await answer(async ({ rounds }) => {
  const contestants = { ours: new BackToBack(), plain: new PlainPath() };
  const lap = (path: BackToBack | PlainPath) => () => {
    const before = process.cpuUsage();
    path.transfer(LAP_BYTES);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / (LAP_BYTES / 1e6);
  };
  const { ours, plain } = await race(
    { ours: lap(contestants.ours), plain: lap(contestants.plain) },
    { rounds, warmUp: WARM_UP },
  );
  return [
    rowOf({ bench: 'tcp', case: 'back to back', where: 'Node', unit: 'ms CPU/MB' }, ours!, {
      'headers alone': plain!,
    }),
  ];
});
