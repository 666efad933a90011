/**
 * `npm run -s playground:crowd -- 200`: so many clients at once on one playground, each with an account, a tunnel and the
 * wiki's first page. Exit status 1 where one of them does not get it.
 */
import { PlaygroundProgram, visit } from '../tests/support/crowd.ts';

const PAGE = 'http://wiki.intranet.test/';
const count = Number(process.argv[2] ?? 200);
if (!Number.isInteger(count) || count < 1) {
  console.error('usage: npm run -s playground:crowd -- [CLIENTS]');
  process.exit(2);
}

const program = await PlaygroundProgram.start(count);
const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);
let failed = 0;
try {
  const started = performance.now();
  const dialled = await Promise.allSettled(
    Array.from({ length: count }, () => visit(program.origin)),
  );
  const visitors = dialled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const addresses = new Set(visitors.map(({ session }) => session.address));
  console.log(`${visitors.length} of ${count} tunnels stand, after ${seconds(started)} s.`);
  const asked = performance.now();
  const pages = await Promise.allSettled(visitors.map((visitor) => visitor.get(PAGE)));
  const whole = pages.filter(
    (each) => each.status === 'fulfilled' && /^HTTP\/1\.1 200 [\s\S]*<\/html>/.test(each.value),
  );
  console.log(`${whole.length} of them have ${PAGE}, after ${seconds(asked)} s more.`);
  console.log(`${addresses.size} addresses are in use.`);
  for (const each of [...dialled, ...pages]) {
    if (each.status === 'rejected') console.error(String(each.reason));
  }
  failed = count - Math.min(whole.length, addresses.size);
  await Promise.all(visitors.map((visitor) => visitor.leave()));
} finally {
  await program.stop();
}
process.exitCode = failed === 0 ? 0 : 1;
