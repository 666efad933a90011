/**
 * `npm run -s dial`: the tab's machines from Node, for operators, tests and benchmarks. Stages go to standard
 * error, the body alone to standard output; the exit status is the failure's (`docs/errors.md`).
 */
import { errorText, TunnelError } from '../shared/errors.ts';
import { get } from './get.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { ping } from './ping.ts';
import { openTunnel } from './tunnel.ts';

async function main(options: Options): Promise<void> {
  const tunnel = await openTunnel(options);
  try {
    if (options.command === 'ping') {
      const { address, roundTripMillis, bytes, ttl } = await ping(tunnel.sockets, options.target);
      console.log(`${bytes} bytes from ${address}: ttl ${ttl}, ${roundTripMillis.toFixed(1)} ms`);
    } else if (options.command === 'get') {
      await get(tunnel.sockets, new URL(options.target));
    } else {
      await tunnel.ended;
    }
  } finally {
    await tunnel.close();
  }
}

function fail(error: unknown): void {
  const { code, detail } =
    error instanceof TunnelError ? error : { code: 'INTERNAL' as const, detail: String(error) };
  const { title, cause, advice, exit } = errorText(code);
  console.error(`${code}: ${title}${detail === undefined ? '' : ` (${detail})`}`);
  console.error(`${cause} ${advice}`);
  if (code === 'PPP_NO_AUTH_PROTOCOL') {
    console.error('Where it has nothing but PAP, --allow-pap hands it the password itself.');
  }
  if (code === 'BAD_INPUT') console.error(USAGE);
  process.exitCode = exit;
}

try {
  await main(await parseOptions(process.argv.slice(2), process.env));
} catch (error) {
  fail(error);
}
