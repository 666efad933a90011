/**
 * `npm run -s dial`: the tab's machines from Node, for operators, tests and benchmarks. Stages go to standard
 * error, the body alone to standard output; the exit status is the failure's (`docs/errors.md`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { errorText, TunnelError } from '../shared/errors.ts';
import { describeHop, describeRecord } from './describe.ts';
import { get } from './get.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { ping } from './ping.ts';
import { type OpenTunnel, openTunnel } from './tunnel.ts';

/** Routers are asked three times, four seconds apart. */
const IPV6_WAIT_MS = 15_000;

async function main(options: Options): Promise<void> {
  const tunnel = await openTunnel(options);
  try {
    if (options.ipv6) await ipv6Address(tunnel);
    await run(options, tunnel);
  } finally {
    await tunnel.close();
  }
}

/** Throws `TunnelError` `TIMED_OUT` when there is none in time. */
async function ipv6Address({ ipv6, ended }: OpenTunnel): Promise<void> {
  const late = delay(IPV6_WAIT_MS, undefined, { ref: false }).then(() => {
    throw new TunnelError('TIMED_OUT', 'no router gave an IPv6 address');
  });
  await Promise.race([ipv6, ended, late]);
}

async function run({ command, target, recordType }: Options, tunnel: OpenTunnel): Promise<void> {
  const { sockets } = tunnel;
  switch (command) {
    case 'ping': {
      const { address, roundTripMillis, bytes, ttl } = await ping(sockets, target);
      console.log(`${bytes} bytes from ${address}: ttl ${ttl}, ${roundTripMillis.toFixed(1)} ms`);
      return;
    }
    case 'traceroute':
      for await (const hop of sockets.traceroute(target)) console.log(describeHop(hop));
      return;
    case 'lookup':
      for (const record of await sockets.lookup(target, recordType)) {
        console.log(describeRecord(record));
      }
      return;
    case 'get':
      return get(sockets, new URL(target));
    case 'hold':
      return tunnel.ended;
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
