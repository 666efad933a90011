/** `dial` against a real gateway: strongSwan, xl2tpd and pppd on Linux, with nothing but IPsec let in. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { guestObstacle } from '../../scripts/support/guest.ts';
import { ERRORS, type TunnelErrorCode } from '../../shared/errors.ts';
import type { DialResult } from './support/dial.ts';
import { INDEX_PAGE, WIKI_HOST } from './support/intranet.ts';
import {
  IPV6_PAGE,
  IPV6_PREFIX,
  LINUX_USERS,
  type Policy,
} from './support/linux-gateway-config.ts';
import { LinuxLaboratory, type Place } from './support/linux-laboratory.ts';
import { INTRANET_ADDRESS } from './support/softether-config.ts';
import { skipTrial, type Trial, tryOut } from './support/trial.ts';

const PAGE = ['get', `http://${INTRANET_ADDRESS}/index.html`];
const BIG_FILE = ['get', `http://${INTRANET_ADDRESS}/big.bin`];
const BIG_FILE_MS = 60_000;
const SEVERAL_DIALS_MS = 90_000;
const BOOT_MS = 90_000;
const GATEWAY = 'Linux';
const TRANSPORTS: Readonly<Record<Place, string>> = {
  near: 'UDP 4500',
  'behind NAT': 'UDP 4500 through NAT',
};

interface Row {
  readonly title: string;
  readonly policy: Policy;
  readonly place: Place;
  /** What the session has to say about itself. */
  readonly cipher: string;
  readonly signIn: string;
}

/** strongSwan's words against ours. */
const CIPHERS = {
  'aes128-sha1': 'AES-CBC-128, HMAC-SHA1-96',
  'aes256-sha1': 'AES-CBC-256, HMAC-SHA1-96',
  'aes128-sha256': 'AES-CBC-128, HMAC-SHA2-256-128',
  'aes256-sha256': 'AES-CBC-256, HMAC-SHA2-256-128',
  aes128gcm16: 'AES-GCM-16-128',
  aes256gcm16: 'AES-GCM-16-256',
  '3des-sha1': '3DES-CBC, HMAC-SHA1-96',
} as const;

const ROWS: readonly Row[] = [
  ...Object.entries(CIPHERS).map(([esp, cipher]) => row({ policy: { esp }, cipher })),
  // Nothing configured: what a gateway does that nobody tuned.
  row({ policy: {} }),
  row({ policy: { signIn: 'chap' }, signIn: 'CHAP-MD5' }),
  row({ place: 'behind NAT' }),
  row({ place: 'behind NAT', policy: { esp: 'aes256gcm16' }, cipher: 'AES-GCM-16-256' }),
  row({ place: 'behind NAT', policy: { signIn: 'chap' }, signIn: 'CHAP-MD5' }),
];

function row(differences: Partial<Row>): Row {
  const { place = 'near', policy = {}, signIn = 'MS-CHAPv2', cipher } = differences;
  return {
    title: `${place}, ${policy.esp ?? 'its own proposals'}, ${signIn}`,
    policy,
    place,
    // What strongSwan puts first when it may choose.
    cipher: cipher ?? CIPHERS['aes256-sha256'],
    signIn,
  };
}

const obstacle = guestObstacle();
if (obstacle !== undefined) console.error(`SKIPPED the Linux gateway: ${obstacle}`);

describe.skipIf(obstacle !== undefined)('a Linux gateway', () => {
  let laboratory: LinuxLaboratory;

  beforeAll(async () => {
    laboratory = await LinuxLaboratory.start();
  }, BOOT_MS);

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(laboratory.logs);
    // Whatever happened, everything was taken down in order.
    expect(await laboratory.gateway.securityAssociations()).toBe('');
  });

  afterAll(() => laboratory?.stop());

  it.for(ROWS)('connects: $title', async (each, context) => {
    const { policy, place, cipher, signIn } = each;
    if (place === 'behind NAT' && laboratory.natObstacle !== undefined) {
      skipTrial(context, trial(each), laboratory.natObstacle);
    }
    await laboratory.gateway.configure(policy);
    await tryOut(
      trial(each),
      () => laboratory.dial(PAGE, { place }),
      (result) => {
        expectSuccess(result);
        expect(result.stdout.toString()).toBe(INDEX_PAGE);
        expect(result.stderr).toContain(`ESP ${cipher} over UDP 4500; ${signIn};`);
      },
    );
  });

  it(
    'gives IPv6 as well: an address, a page by it, the way to its router',
    async () => {
      await laboratory.gateway.configure({ ipv6: true });
      const command = (...rest: string[]) => ['--ipv6', ...rest];
      const page = await laboratory.dial(command('get', `http://[${IPV6_PREFIX}1]/`), {
        place: 'near',
      });
      expectSuccess(page);
      expect(page.stderr).toMatch(/^IPv6: address 2001:db8:42:[0-9a-f:]+$/m);
      expect(page.stdout.toString()).toBe(IPV6_PAGE);
      const trace = await laboratory.dial(command('traceroute', `${IPV6_PREFIX}1`), {
        place: 'near',
      });
      expectSuccess(trace);
      expect(trace.stdout.toString()).toMatch(
        /^ 1 {2}2001:db8:42::1 {2}\d+\.\d ms( {2}\d+\.\d ms){2}\n$/,
      );
    },
    SEVERAL_DIALS_MS,
  );

  it.each([
    [
      'a wrong pre-shared key',
      {},
      { preSharedKey: 'not-the-key' },
      'IKE_AUTHENTICATION_FAILED',
    ] as const,
    ['a wrong password', {}, { password: 'not-the-password' }, 'PPP_AUTH_FAILED'] as const,
    [
      'no IKE proposal in common',
      { ike: 'aes256-sha1-ecp384' },
      {},
      'IKE_NO_PROPOSAL_CHOSEN',
    ] as const,
    ['no ESP proposal in common', { esp: 'null-sha1' }, {}, 'IKE_NO_PROPOSAL_CHOSEN'] as const,
    ['nothing but PAP', { signIn: 'pap' }, {}, 'PPP_NO_AUTH_PROTOCOL'] as const,
  ])('reports %s', async (_name, policy: Policy, options, code) => {
    await laboratory.gateway.configure(policy);
    const cipher = policy.esp ?? policy.ike;
    const { signIn } = policy;
    await tryOut(
      {
        gateway: GATEWAY,
        transport: TRANSPORTS.near,
        ...(cipher !== undefined && { cipher }),
        ...(signIn !== undefined && { signIn }),
      },
      () => laboratory.dial(PAGE, options),
      (result) => expectFailure(result, code),
    );
  });

  describe('as it comes', () => {
    beforeAll(() => laboratory.gateway.configure({}));

    it('answers a ping and finds a name through the tunnel', async () => {
      expectSuccess(await laboratory.dial(['ping', INTRANET_ADDRESS]));
      const page = await laboratory.dial(['get', `http://${WIKI_HOST}/`]);
      expectSuccess(page);
      expect(page.stdout.toString()).toBe(INDEX_PAGE);
    });

    it(
      'fetches 20 MB unharmed, for four at once from one address',
      async () => {
        const results = await Promise.all(
          Object.entries(LINUX_USERS).map(([user, password]) =>
            laboratory.dial(BIG_FILE, { user, password }),
          ),
        );
        for (const result of results) {
          expectSuccess(result);
          expect(hash(result.stdout)).toBe(laboratory.intranet.bigFileHash);
        }
      },
      BIG_FILE_MS,
    );

    it('has ESP in UDP while a tunnel stands, and nothing after its end; and takes the next at once', async () => {
      const dial = laboratory.startDial(['hold']);
      await dial.daemon.until('connected', () => /^connected: /m.test(dial.daemon.log));
      const standing = await laboratory.gateway.securityAssociations();
      expect(standing.match(/proto esp .* mode transport/g)).toHaveLength(2);
      expect(standing.match(/encap type espinudp/g)).toHaveLength(2);
      dial.daemon.signal('SIGINT');
      expectSuccess(await dial.result());
      expect(await laboratory.gateway.securityAssociations()).toBe('');
      expectSuccess(await laboratory.dial(PAGE));
    });
  });

  it('goes on when the gateway renews the IPsec SA', async () => {
    await laboratory.gateway.configure({ lifetime: 8 });
    const before = renewals(laboratory);
    const dial = laboratory.startDial(['hold']);
    await dial.daemon.until('renewed', () => renewals(laboratory) >= before + 3);
    expect(dial.daemon.alive).toBe(true);
    // What is sent now goes by the new SA: the farewell is answered.
    dial.daemon.signal('SIGINT');
    expectSuccess(await dial.result());
    expect(laboratory.gateway.logOf('xl2tpd.log')).toMatch(/Connection closed[^\n]*\n*$/);
  });
});

function trial({ place, cipher, signIn }: Row): Trial {
  return { gateway: GATEWAY, transport: TRANSPORTS[place], cipher, signIn };
}

/** IPsec SAs that the gateway ever had. */
function renewals({ gateway }: LinuxLaboratory): number {
  return [...gateway.logOf('charon.log').matchAll(/CHILD_SA .* established with SPIs/g)].length;
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function expectSuccess({ status, stderr }: DialResult): void {
  expect(status, stderr).toBe(0);
}

/** The documented exit status, the code on standard error, and nothing on standard output. */
function expectFailure({ status, stdout, stderr }: DialResult, code: TunnelErrorCode): void {
  expect(stderr).toMatch(new RegExp(`^${code}: `, 'm'));
  expect(status).toBe(ERRORS[code].exit);
  expect(stdout).toHaveLength(0);
}
