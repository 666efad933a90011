/**
 * `npm run playground`, and the process that `npm start` starts beside the relay. There it is told what to do over Node's
 * channel and ends with it; alone it says how to dial it. Exit status 2 for what the operator can put right.
 */
import { type FromPlayground, type ToPlayground, VISIT_LIMIT } from '../shared/relay/playground.ts';
import { type Options, parseOptions, USAGE, UsageError } from './options.ts';
import { type Playground, startPlayground } from './playground.ts';

/** Its own channel to the relay; none where it was started by hand. */
const send = process.send?.bind(process) as ((message: FromPlayground) => void) | undefined;

await main();

async function main(): Promise<void> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return fail(`${error.message}\n\n${USAGE}`);
  }
  if (options.help) {
    console.log(USAGE);
    return;
  }
  let playground: Playground;
  try {
    playground = await startPlayground(options);
  } catch (error) {
    return fail(startProblem(error as NodeJS.ErrnoException, options));
  }
  if (send === undefined) serveAlone(playground, options);
  else serveRelay(playground, options, send);
}

function serveRelay(
  playground: Playground,
  { host }: Options,
  send: (message: FromPlayground) => void,
): void {
  // Ctrl-C reaches both processes: the relay's says when it is time.
  process.on('SIGINT', () => {});
  process.once('SIGTERM', () => stop(playground));
  process.once('disconnect', () => stop(playground));
  process.on('message', (message: ToPlayground) => {
    if (message.kind !== 'visit') return;
    const answer = JSON.stringify(playground.visit());
    if (answer.length > VISIT_LIMIT) throw new RangeError('bookmarks: too many');
    send({ kind: 'visit', number: message.number, answer });
  });
  send({ kind: 'ready', address: host, ports: playground.ports });
}

function serveAlone(playground: Playground, { host }: Options): void {
  // Before it says that it is ready: whoever reads that may end it at once.
  process.once('SIGINT', () => stop(playground));
  process.once('SIGTERM', () => stop(playground));
  const { preSharedKey, userName, password } = playground.visit();
  const { ike, natt } = playground.ports;
  console.log(
    [
      `The playground is ready at ${host}, UDP ports ${ike} (IKE) and ${natt} (NAT traversal).`,
      `  pre-shared key ${preSharedKey}`,
      `  user name      ${userName}`,
      `  password       ${password}`,
      'It is a playground: anyone who reaches the address can use it.',
    ].join('\n'),
  );
}

function stop(playground: Playground): void {
  playground.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
}

function fail(message: string): void {
  process.exitCode = 2;
  if (send === undefined) console.error(message);
  else send({ kind: 'failed', message });
  if (process.connected) process.disconnect();
}

function startProblem(error: NodeJS.ErrnoException, { host, ports }: Options): string {
  const where = `UDP ports ${ports.ike} and ${ports.natt} on ${host}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `One of the ${where} is already taken. Stop the other program, or choose others with --ike-port and --natt-port.`;
    case 'EACCES':
      return `The ${where} need rights this user does not have. Choose ones above 1023 with --ike-port and --natt-port.`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine. Choose another one with --host.`;
    default:
      return `The playground cannot start: ${error.message}`;
  }
}
