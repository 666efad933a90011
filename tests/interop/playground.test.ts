/** The playground's gateway dialled by a client that nobody here wrote: strongSwan, xl2tpd and pppd on Linux. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { guestObstacle, preparedGuest } from '../../scripts/support/guest.ts';
import { Daemon } from './support/daemon.ts';
import {
  CLIENT_TAP,
  type ClientAccount,
  type ClientPolicy,
  clientFiles,
  dialScript,
  HANG_UP,
  PLAYGROUND_ADDRESS,
} from './support/linux-client-config.ts';
import { LinuxGuest } from './support/linux-guest.ts';
import { Namespace, temporaryFolder } from './support/namespace.ts';
import { nodeArguments, ROOT } from './support/node-script.ts';

const BOOT_MS = 90_000;
const DIAL_MS = 90_000;
const NATT_PORT = 14_500;

/** Its own have X25519 alone, which IKEv1 has no number for: whoever dials L2TP with it names others. */
const PROPOSALS =
  'aes256-sha256-ecp256,aes256-sha256-modp2048,aes256-sha1-modp1024,3des-sha1-modp1024';

const obstacle = guestObstacle();
if (obstacle !== undefined) console.error(`SKIPPED the playground’s native client: ${obstacle}`);

describe.skipIf(obstacle !== undefined)('a native Linux client dials the playground', () => {
  let folder: string;
  let namespace: Namespace;
  const playgrounds: Daemon[] = [];
  let usual: ClientAccount;
  let unprivileged: ClientAccount;
  let client: LinuxGuest;

  beforeAll(async () => {
    folder = temporaryFolder();
    namespace = Namespace.create('p');
    namespace.tap(CLIENT_TAP);
    namespace.ip('addr', 'add', `${PLAYGROUND_ADDRESS}/24`, 'dev', CLIENT_TAP);
    namespace.ip('link', 'set', CLIENT_TAP, 'up');
    usual = await startPlayground(500, 4500);
    unprivileged = await startPlayground(10_500, NATT_PORT);
    mkdirSync(join(folder, 'client'));
    client = await LinuxGuest.start({
      guest: await preparedGuest(),
      name: 'Linux client',
      namespace,
      taps: [CLIENT_TAP],
      files: clientFiles(usual),
      logs: ['charon.log', 'xl2tpd.log', 'pppd.log'],
      folder: join(folder, 'client'),
    });
  }, BOOT_MS);

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') {
      console.error([client.log, ...playgrounds.map(({ log }) => log)].join('\n'));
    }
    await client.run(HANG_UP);
  });

  afterAll(async () => {
    await client?.stop();
    await Promise.all(playgrounds.map((playground) => playground.stop()));
    namespace?.destroy();
    rmSync(folder, { recursive: true, force: true });
  }, BOOT_MS);

  /** Starts it as an operator does, and reads the account that it prints. */
  async function startPlayground(ike: number, natt: number): Promise<ClientAccount> {
    const ports = ['--ike-port', String(ike), '--natt-port', String(natt)];
    const args = nodeArguments('playground/main.ts', ['--host', PLAYGROUND_ADDRESS, ...ports]);
    const daemon = new Daemon('playground', namespace.spawn(process.execPath, args, { cwd: ROOT }));
    playgrounds.push(daemon);
    await daemon.until('ready', () => /password +\S+/.test(daemon.log), 30_000);
    const word = (what: string) => new RegExp(`${what} +(\\S+)`).exec(daemon.log)![1]!;
    return {
      preSharedKey: word('pre-shared key'),
      userName: word('user name'),
      password: word('password'),
    };
  }

  async function dial(account: ClientAccount, policy: ClientPolicy): Promise<void> {
    const output = await client.run(dialScript(account, policy));
    expect(output.trim().split('\n').at(-1)).toMatch(/^10\.99\.\d+\.\d+$/);
    // The call is inside ESP in UDP, both ways.
    expect((await client.run('/bin/ip xfrm state')).match(/encap type espinudp/g)).toHaveLength(2);
    const echoes = await client.run('ping -c 3 10.99.0.1');
    expect(echoes).toContain('3 packets received');
    // The name server that IPCP told, then the page by the address that it knows.
    const resolver = await client.run(
      'cat /run/ppp/resolv.conf /etc/ppp/resolv.conf 2> /dev/null || true',
    );
    expect(resolver).toContain('nameserver 10.99.0.2');
    const names = await client.run('nslookup wiki.intranet.test 10.99.0.2');
    const address = /wiki\.intranet\.test\s+Address[^:]*: *(\S+)/.exec(names)?.[1];
    expect(address).toMatch(/^10\.99\.0\./);
    const page = await client.run(
      `wget -q -O - --header 'Host: wiki.intranet.test' http://${address}/`,
    );
    expect(page).toContain('<title>');
  }

  const POLICIES: readonly [string, ClientPolicy][] = [
    [
      'with AES-GCM and CHAP-MD5',
      { ike: 'aes256-sha256-modp2048', esp: 'aes256gcm16', refuse: ['mschap-v2'] },
    ],
    [
      'with 3DES and PAP, as very old ones do',
      { ike: '3des-sha1-modp1024', esp: '3des-sha1', refuse: ['mschap-v2', 'chap'] },
    ],
  ];

  it.each(POLICIES)('%s', (_what, policy) => dial(usual, policy), DIAL_MS);

  it(
    'at the port of NAT traversal alone, to a gateway without privileges',
    () => dial(unprivileged, { ike: PROPOSALS, port: NATT_PORT }),
    DIAL_MS,
  );
});
