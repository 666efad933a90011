import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import type { Addon } from '../../../relay/native.ts';
import { tune } from '../../../relay/tcp.ts';
import { ADDON_OBSTACLE, addon, because } from './addon.ts';
import { closeAll, onClose } from './support.ts';

afterEach(closeAll);

/** Both ends of a connection to an address of this machine. */
async function connection(host: string): Promise<{ accepted: Socket; client: Socket }> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, host);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  onClose(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { accepted, client };
}

/** What the addon could do for a connection: 1 bounds what is unsent, 2 is BBR. */
async function tuned(host: string): Promise<number> {
  const answers: number[] = [];
  const spy: Addon = {
    start: () => {
      throw new Error('no sockets are needed');
    },
    tuneTcp(fd, unsent) {
      answers.push(addon().tuneTcp(fd, unsent));
      return answers[0]!;
    },
  };
  tune((await connection(host)).accepted, spy);
  expect(answers).toHaveLength(1);
  return answers[0]!;
}

/** An address of this machine that a peer elsewhere might have. */
const outward = Object.values(networkInterfaces())
  .flat()
  .find((found) => found?.family === 'IPv4' && !found.internal)?.address;

function bbrObstacle(): string | undefined {
  if (ADDON_OBSTACLE !== undefined) return ADDON_OBSTACLE;
  if (outward === undefined) return 'it needs an address other than the loopback’s';
  const allowed = readFileSync('/proc/sys/net/ipv4/tcp_allowed_congestion_control', 'utf8');
  const available = readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8');
  const has = (process.getuid?.() === 0 ? available : allowed).split(/\s+/).includes('bbr');
  return has ? undefined : 'it needs BBR in the kernel';
}

const BBR_OBSTACLE = bbrObstacle();

test.skipIf(BBR_OBSTACLE !== undefined)(
  `a connection from elsewhere is bounded and gets BBR${because(BBR_OBSTACLE)}`,
  async () => {
    expect(await tuned(outward!)).toBe(3);
  },
);

test.skipIf(ADDON_OBSTACLE !== undefined)(
  `a connection within this machine, a proxy’s, is bounded${because(ADDON_OBSTACLE)}`,
  async () => {
    expect(await tuned('127.0.0.1')).toBe(1);
  },
);

test('without the addon a connection is as good as before', async () => {
  const { accepted, client } = await connection('127.0.0.1');
  tune(accepted, undefined);
  accepted.write('hello');
  expect(String((await once(client, 'data'))[0])).toBe('hello');
});
