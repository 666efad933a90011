/**
 * A hostile client's ten minutes: every attack at once, beside an honest session. Prints the relay's memory
 * before, during and after, what the honest session noticed, and what the relay counted.
 *
 *     npx tsx bench/relay-soak.ts [seconds]
 */
import { soak } from './relay-under-attack.ts';

const seconds = Number(process.argv[2] ?? 600);
if (!(seconds >= 1)) throw new RangeError('seconds: must be at least 1');

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

const {
  memory,
  echoes,
  sessionsAfter,
  uncounted,
  report,
  seconds: attacked,
} = await soak(seconds, (second, bytes) => {
  if (second % 10 === 0) console.log(`after ${second} s: ${megabytes(bytes)}`);
});
console.log(`attacked for:     ${attacked} s`);
console.log(`memory before:    ${megabytes(memory.before)}`);
console.log(
  `memory during:    ${megabytes(memory.during)} at the end, ${megabytes(memory.most)} at most`,
);
console.log(`memory after:     ${megabytes(memory.after)}`);
console.log(
  `honest session:   ${echoes.received} of ${echoes.sent} echoes, the slowest after ${echoes.slowest.toFixed(0)} ms`,
);
console.log(`sessions after:   ${sessionsAfter}`);
console.log(`what it counted:  ${JSON.stringify(report)}`);
if (uncounted.length > 0) {
  console.log(`NOT COUNTED:      ${uncounted.join(', ')}`);
  process.exitCode = 1;
}
