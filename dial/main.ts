/**
 * `npm run -s dial`: the tab's machines from Node, for operators, tests and benchmarks. Stages go to standard
 * error, the body alone to standard output; the exit status is the failure's (`docs/errors.md`).
 */
import { errorText, TunnelError } from '../shared/errors.ts';
import { describeHop, describeRecord } from './describe.ts';
import { get } from './get.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { ping } from './ping.ts';
import { type OpenTunnel, openTunnel } from './tunnel.ts';

async function main(options: Options): Promise<void> {
  const tunnel = await openTunnel(options);
  try {
    await run(options, tunnel);
  } finally {
    await tunnel.close();
  }
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
