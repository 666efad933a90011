/** `dial` against a real gateway: strongSwan, xl2tpd and pppd on Linux, with nothing but IPsec let in. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { guestObstacle } from '../../scripts/support/guest.ts';
import { ERRORS, type TunnelErrorCode } from '../../shared/errors.ts';
import { fingerprint } from '../../shared/pki/certificate.ts';
import { connected, detail, disconnect, mainButton } from '../e2e/page.ts';
import { openPage } from '../e2e/support/browser.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { pkiCertificate, pkiFile } from '../support/pki.ts';
import type { DialResult } from './support/dial.ts';
import { INDEX_PAGE, type SLOW_FILES, WIKI_HOST } from './support/intranet.ts';
import { renewals } from './support/linux-gateway.ts';
import {
  IPV6_PAGE,
  IPV6_PREFIX,
  LINUX_USERS,
  type Policy,
} from './support/linux-gateway-config.ts';
import { PASSPHRASE, USER_FILES } from './support/linux-gateway-keys.ts';
import { LinuxLaboratory, type Place, PORTAL } from './support/linux-laboratory.ts';
import { INTRANET_ADDRESS } from './support/softether-config.ts';
import { skipTrial, type Trial, tryOut } from './support/trial.ts';

const PAGE = ['get', `http://${INTRANET_ADDRESS}/index.html`];
const BIG_FILE = ['get', `http://${INTRANET_ADDRESS}/big.bin`];
const SLOW_PATH: keyof typeof SLOW_FILES = '/in-13-s.bin';
const SLOW_FILE = `http://${INTRANET_ADDRESS}${SLOW_PATH}`;
const BIG_FILE_MS = 60_000;
const SEVERAL_DIALS_MS = 90_000;
const BOOT_MS = 90_000;
const GATEWAY = 'Linux';

/** As the table has it. */
type Transport = 'raw ESP' | 'UDP 4500' | 'UDP 4500 through NAT';

const ENCAPSULATED = '--force-encapsulation';

interface Row {
  readonly title: string;
  readonly policy: Policy;
  readonly transport: Transport;
  /** What the session has to say about itself. */
  readonly cipher: string;
  readonly signIn: string;
  /** For `dial`. */
  readonly options: readonly string[];
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
  'aes128ctr-sha256': 'AES-CTR-128, HMAC-SHA2-256-128',
  'aes192ctr-sha256': 'AES-CTR-192, HMAC-SHA2-256-128',
  'aes256ctr-sha1': 'AES-CTR-256, HMAC-SHA1-96',
  'aes256-sha384': 'AES-CBC-256, HMAC-SHA2-384-192',
  'aes256-sha512': 'AES-CBC-256, HMAC-SHA2-512-256',
  'aes256-md5': 'AES-CBC-256, HMAC-MD5-96',
} as const;

/** What the gateway has to be told, and `dial` as well. */
const SETTINGS: readonly Partial<Row>[] = [
  {
    policy: { esp: 'aes128-sha256', truncatedSha256: true },
    options: ['--sha256-96'],
    cipher: 'AES-CBC-128, HMAC-SHA2-256-96',
  },
  ...Object.entries({
    'aes128-sha1-esn': 'AES-CBC-128, HMAC-SHA1-96, ESN',
    'aes256gcm16-esn': 'AES-GCM-16-256, ESN',
    'aes256ctr-sha1-esn': 'AES-CTR-256, HMAC-SHA1-96, ESN',
  }).map(([esp, cipher]) => ({ policy: { esp }, options: ['--esn'], cipher })),
];

const ROWS: readonly Row[] = [
  ...Object.entries(CIPHERS).map(([esp, cipher]) => row({ policy: { esp }, cipher })),
  // Nothing configured: what a gateway does that nobody tuned.
  row({ policy: {} }),
  row({ policy: { signIn: 'chap' }, signIn: 'CHAP-MD5' }),
  ...(['UDP 4500 through NAT', 'raw ESP'] as const).flatMap((transport) => [
    row({ transport }),
    row({ transport, policy: { esp: 'aes256gcm16' }, cipher: 'AES-GCM-16-256' }),
    row({ transport, policy: { signIn: 'chap' }, signIn: 'CHAP-MD5' }),
  ]),
  row({ transport: 'raw ESP', policy: { esp: 'aes128-sha1' }, cipher: CIPHERS['aes128-sha1'] }),
  ...(['aes128ctr-sha256', 'aes256-sha512'] as const).map((esp) =>
    row({ transport: 'raw ESP', policy: { esp }, cipher: CIPHERS[esp] }),
  ),
  ...SETTINGS.map(row),
  row({ ...SETTINGS.at(-1), transport: 'raw ESP' }),
];

function row(differences: Partial<Row>): Row {
  const { transport = 'UDP 4500', policy = {}, signIn = 'MS-CHAPv2', cipher } = differences;
  const { options = [] } = differences;
  const esp = policy.esp ?? 'its own proposals';
  return {
    title: [transport, esp, signIn, ...options].join(', '),
    policy,
    transport,
    // What strongSwan puts first when it may choose.
    cipher: cipher ?? CIPHERS['aes256-sha256'],
    signIn,
    options,
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

  /** strongSwan's words and ours; each with a hash that is offered with the group. */
  it.each([
    ['sha256-modp1024', 'SHA2-256, MODP-1024'],
    ['sha256-modp1536', 'SHA2-256, MODP-1536'],
    ['sha256-modp2048', 'SHA2-256, MODP-2048'],
    ['sha256-modp3072', 'SHA2-256, MODP-3072'],
    ['sha512-modp4096', 'SHA2-512, MODP-4096'],
    ['sha512-modp6144', 'SHA2-512, MODP-6144'],
    ['sha512-modp8192', 'SHA2-512, MODP-8192'],
    ['sha256-ecp256', 'SHA2-256, ECP-256'],
    ['sha384-ecp384', 'SHA2-384, ECP-384'],
    ['sha512-ecp521', 'SHA2-512, ECP-521'],
  ])('exchanges keys in %s', async (words, names) => {
    await laboratory.gateway.configure({ ike: `aes256-${words}` });
    await tryOut(
      { gateway: GATEWAY, transport: 'raw ESP', cipher: `IKE AES-CBC-256, ${names}` },
      () => laboratory.dial(PAGE),
      (result) => {
        expectSuccess(result);
        expect(result.stdout.toString()).toBe(INDEX_PAGE);
        expect(result.stderr).toContain(`IKE AES-CBC-256, ${names}, pre-shared key;`);
      },
    );
  });

  it.for(ROWS)('connects: $title', async (each, context) => {
    const { policy, transport, cipher, signIn } = each;
    const place: Place = transport === 'UDP 4500 through NAT' ? 'behind NAT' : 'near';
    const options = [...each.options, ...(transport === 'UDP 4500' ? [ENCAPSULATED] : [])];
    if (place === 'behind NAT' && laboratory.natObstacle !== undefined) {
      skipTrial(context, trial(each), laboratory.natObstacle);
    }
    await laboratory.gateway.configure(policy);
    await tryOut(
      trial(each),
      () => laboratory.dial([...options, ...PAGE], { place }),
      (result) => {
        expectSuccess(result);
        expect(result.stdout.toString()).toBe(INDEX_PAGE);
        const shown = transport === 'raw ESP' ? 'Raw ESP' : 'UDP 4500';
        expect(result.stderr).toContain(`ESP ${cipher} over ${shown}; ${signIn};`);
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
      { ike: 'aes256-sha256-modp6144' },
      {},
      'IKE_NO_PROPOSAL_CHOSEN',
    ] as const,
    ['no ESP proposal in common', { esp: 'null-sha1' }, {}, 'IKE_NO_PROPOSAL_CHOSEN'] as const,
    [
      'no sequence numbers in common',
      { esp: 'aes128-sha1-esn' },
      {},
      'IKE_NO_PROPOSAL_CHOSEN',
    ] as const,
    ['nothing but PAP', { signIn: 'pap' }, {}, 'PPP_NO_AUTH_PROTOCOL'] as const,
  ])('reports %s', async (_name, policy: Policy, options, code) => {
    await laboratory.gateway.configure(policy);
    const cipher = policy.esp ?? policy.ike;
    const { signIn } = policy;
    await tryOut(
      {
        gateway: GATEWAY,
        transport: 'UDP 4500',
        ...(cipher !== undefined && { cipher }),
        ...(signIn !== undefined && { signIn }),
      },
      () => laboratory.dial([ENCAPSULATED, ...PAGE], options),
      (result) => expectFailure(result, code),
    );
  });

  const AGGRESSIVE = ['--aggressive', 'staff'];
  const XAUTH = ['--xauth-user', 'bob'];
  const OLD_GROUP = ['--aggressive-dh', '2'];

  it.for([
    ['aggressive mode', AGGRESSIVE, { group: 'staff' }],
    [
      'aggressive mode',
      [...AGGRESSIVE, ...OLD_GROUP],
      { group: 'staff', ike: 'aes128-sha1-modp1024' },
    ],
    ['XAUTH', XAUTH, { xauth: true }],
    ['aggressive mode, XAUTH', [...AGGRESSIVE, ...XAUTH], { group: 'staff', xauth: true }],
    [
      'aggressive mode, XAUTH',
      [...AGGRESSIVE, ...XAUTH, ENCAPSULATED],
      { group: 'staff', xauth: true },
    ],
  ] as const)('connects with %s (%o)', async ([how, options, policy]) => {
    await laboratory.gateway.configure(policy);
    const transport = options.includes(ENCAPSULATED as never) ? 'UDP 4500' : 'raw ESP';
    await tryOut(
      { gateway: GATEWAY, transport, cipher: 'its own proposals', signIn: how },
      () =>
        laboratory.dial([...options, ...PAGE], {
          env: { CULVERT_XAUTH_PASSWORD: LINUX_USERS.bob },
        }),
      (result) => {
        expectSuccess(result);
        expect(result.stdout.toString()).toBe(INDEX_PAGE);
        expect(result.stderr).toContain(`pre-shared key, ${how};`);
      },
    );
  });

  it.for([
    ['a wrong XAUTH password', XAUTH, { xauth: true }, 'IKE_XAUTH_FAILED'],
    [
      'a wrong XAUTH password',
      [...AGGRESSIVE, ...XAUTH],
      { group: 'staff', xauth: true },
      'IKE_XAUTH_FAILED',
    ],
    ['XAUTH that is not filled in', [], { xauth: true }, 'IKE_AUTHENTICATION_FAILED'],
    [
      'a group that there is none of',
      ['--aggressive', 'guests'],
      { group: 'staff' },
      'IKE_AUTHENTICATION_FAILED',
    ],
    ['aggressive mode where there is main mode', AGGRESSIVE, {}, 'IKE_AUTHENTICATION_FAILED'],
  ] as const)('reports %s', async ([_name, options, policy, code]) => {
    await laboratory.gateway.configure(policy);
    await tryOut(
      { gateway: GATEWAY, transport: 'raw ESP', signIn: options.join(' ') },
      () =>
        laboratory.dial([...options, ...PAGE], {
          env: { CULVERT_XAUTH_PASSWORD: 'not-the-password' },
        }),
      (result) => expectFailure(result, code),
    );
  });

  /** A key exchange over each curve goes with it. */
  it.for([
    ['RSA certificates', 'aes256-sha256-ecp256', 'AES-CBC-256, SHA2-256, ECP-256, RSA certificate'],
    [
      'ECDSA certificates',
      'aes256-sha384-ecp384',
      'AES-CBC-256, SHA2-384, ECP-384, ECDSA certificate',
    ],
    ['bare RSA keys', 'aes256-sha512-ecp521', 'AES-CBC-256, SHA2-512, ECP-521, RSA public key'],
  ] as const)('connects with %s', async ([keys, ike, agreed]) => {
    await laboratory.gateway.configure({ keys, ike });
    const accept = {
      'RSA certificates': 'gateway.crt',
      'ECDSA certificates': 'ecgateway.crt',
    } as const;
    const options = [
      ...laboratory.keyFileOptions(USER_FILES[keys].map(pkiFile)),
      ...(keys === 'bare RSA keys'
        ? ['--identity', 'alice@example.org']
        : ['--accept', accepted(accept[keys]), '--gateway-name', 'gateway.example']),
    ];
    await tryOut(
      { gateway: GATEWAY, transport: 'raw ESP', cipher: 'its own proposals', signIn: keys },
      () => laboratory.dial([...options, ...PAGE], { env: { CULVERT_PASSPHRASE: PASSPHRASE } }),
      (result) => {
        expectSuccess(result);
        expect(result.stdout.toString()).toBe(INDEX_PAGE);
        expect(result.stderr).toContain(`IKE ${agreed};`);
      },
    );
  });

  it('shows a certificate before it is trusted, and one with another name', async () => {
    await laboratory.gateway.configure({ keys: 'RSA certificates' });
    const options = laboratory.keyFileOptions([pkiFile('legacy.p12')]);
    const dial = (...rest: string[]) =>
      laboratory.dial([...options, ...rest, ...PAGE], { env: { CULVERT_PASSPHRASE: PASSPHRASE } });
    const first = await dial();
    expectFailure(first, 'IKE_CERTIFICATE_NEW');
    expect(first.stderr).toContain(`fingerprint ${accepted('gateway.crt')}`);
    const wrong = await dial(
      '--accept',
      accepted('gateway.crt'),
      '--gateway-name',
      'other.example',
    );
    expectFailure(wrong, 'IKE_CERTIFICATE_WRONG_NAME');
    expect(wrong.stderr).toContain('names: gateway.example, 203.0.113.5');
  });

  it('the page takes a PKCS#12 file, shows the certificate, and refuses another name', async () => {
    await laboratory.gateway.configure({ keys: 'RSA certificates' });
    const browser = await laboratory.startBrowser();
    try {
      const { page, complaints } = await openPage(browser, PORTAL);
      const { bytes } = pkiFile('legacy.p12');
      await page.getByLabel('a certificate or key file').check();
      await page.getByLabel('Key and certificate files').setInputFiles({
        name: 'alice.p12',
        mimeType: 'application/x-pkcs12',
        buffer: Buffer.from(bytes),
      });
      await page.getByLabel('Passphrase of the file').fill(PASSPHRASE);
      await page.getByLabel('Name in the gateway’s certificate').fill('other.example');
      await page.getByLabel('User name', { exact: true }).fill('alice');
      await page.getByLabel('Password', { exact: true }).fill(LINUX_USERS.alice);
      const alert = page.getByRole('alert');
      const accept = page.getByRole('button', { name: 'Accept this certificate' });

      await mainButton(page, 'Connect').click();
      await alert.getByText('IKE_CERTIFICATE_WRONG_NAME').waitFor();
      expect(await alert.innerText()).toContain('gateway.example, 203.0.113.5');
      expect(await accept.isVisible()).toBe(false);

      await page.getByLabel('Name in the gateway’s certificate').fill('gateway.example');
      await mainButton(page, 'Connect').click();
      await alert.getByText('IKE_CERTIFICATE_NEW').waitFor();
      await accept.click();
      await mainButton(page, 'Connect').click();
      await alert.waitFor({ state: 'detached' });
      await connected(page);
      expect(await detail(page, 'IKE')).toContain('RSA certificate');
      const kept = await page.evaluate(() => Object.entries(localStorage));
      const relay = new URL(PORTAL).origin.replace('http', 'ws');
      const entry = { relay, gateway: 'linux', fingerprint: accepted('gateway.crt') };
      expect(kept).toEqual([['culvert.certificates', JSON.stringify([entry])]]);
      await disconnect(page);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  describe('as it comes', () => {
    beforeAll(() => laboratory.gateway.configure({}));

    it('answers a ping and finds a name through the tunnel', async () => {
      expectSuccess(await laboratory.dial(['ping', INTRANET_ADDRESS]));
      const page = await laboratory.dial(['get', `http://${WIKI_HOST}/`]);
      expectSuccess(page);
      expect(page.stdout.toString()).toBe(INDEX_PAGE);
    });

    it.each([
      ['raw ESP', []],
      ['UDP 4500', [ENCAPSULATED]],
    ])(
      'fetches 20 MB unharmed, for four at once from one address, over %s',
      async (_transport, options) => {
        const results = await Promise.all(
          Object.entries(LINUX_USERS).map(([user, password]) =>
            laboratory.dial([...options, ...BIG_FILE], { user, password }),
          ),
        );
        for (const result of results) {
          expectSuccess(result);
          expect(hash(result.stdout)).toBe(laboratory.intranet.bigFileHash);
        }
      },
      BIG_FILE_MS,
    );

    it.each([
      ['raw ESP', [], 0],
      ['ESP in UDP', [ENCAPSULATED], 2],
    ])(
      'has %s while a tunnel stands, and nothing after its end; and takes the next at once',
      async (_transport, options, encapsulated) => {
        const dial = laboratory.startDial([...options, 'hold']);
        await dial.daemon.until('connected', () => /^connected: /m.test(dial.daemon.log));
        const standing = await laboratory.gateway.securityAssociations();
        expect(standing.match(/proto esp .* mode transport/g)).toHaveLength(2);
        expect(standing.match(/encap type espinudp/g) ?? []).toHaveLength(encapsulated);
        dial.daemon.signal('SIGINT');
        expectSuccess(await dial.result());
        expect(await laboratory.gateway.securityAssociations()).toBe('');
        expectSuccess(await laboratory.dial([...options, ...PAGE]));
      },
    );

    it('is reached in UDP where a firewall drops protocol 50', async () => {
      const rule = 'INPUT -p 50 -j DROP';
      await laboratory.gateway.run(`iptables-legacy -I ${rule}`);
      try {
        await tryOut(
          { gateway: GATEWAY, transport: 'raw ESP, dropped' },
          () => laboratory.dial(PAGE),
          (result) => {
            expectSuccess(result);
            expect(result.stderr).toContain('over UDP 4500;');
            // Main mode twice: the tunnel began anew.
            expect(result.stderr.match(/^IKE phase 1$/gm)).toHaveLength(2);
          },
        );
      } finally {
        await laboratory.gateway.run(`iptables-legacy -D ${rule}`);
      }
    });
  });

  it('puts IKE messages together that the gateway sends in fragments', async () => {
    const file = '/etc/strongswan.d/fragments.conf';
    const reload = 'kill -HUP $(pidof charon)';
    await laboratory.gateway.configure({ ike: 'aes256-sha512-modp4096' });
    await laboratory.gateway.run(`echo 'charon { fragment_size = 552 }' > ${file}; ${reload}`);
    try {
      expectSuccess(await laboratory.dial(PAGE));
    } finally {
      await laboratory.gateway.run(`rm ${file}; ${reload}`);
    }
    expect(laboratory.gateway.logOf('charon.log')).toMatch(
      /splitting IKE message \(\d+ bytes\) into 2 fragments/,
    );
  });

  const SHORT = ['--ike-lifetime', '10', '--esp-lifetime', '10'];

  it.each([
    // The gateway begins half a lifetime, here 4 s, before the end, and calls it re-authentication where it is an IKE SA.
    ['the gateway renews', 'raw ESP', [], { lifetime: 8, ikeLifetime: 10 }],
    ['we renew', 'UDP 4500', [ENCAPSULATED, ...SHORT], {}],
    ['we renew, with XAUTH,', 'raw ESP', [...XAUTH, ...SHORT], { xauth: true }],
    [
      'we renew, with aggressive mode and XAUTH,',
      'raw ESP',
      [...AGGRESSIVE, ...XAUTH, ...SHORT],
      { group: 'staff', xauth: true },
    ],
  ] as const)(
    'loses nothing of a download while %s IPsec SA and IKE SA, over %s',
    async (_who, _transport, options, policy) => {
      await laboratory.gateway.configure(policy);
      const before = renewals(laboratory.gateway);
      const result = await laboratory.dial([...options, 'get', SLOW_FILE], {
        env: { CULVERT_XAUTH_PASSWORD: LINUX_USERS.bob },
      });
      expectSuccess(result);
      expect(hash(result.stdout)).toBe(laboratory.intranet.bigFileHash);
      const after = renewals(laboratory.gateway);
      // The first ones, and what follows them in the 13 s of the download.
      expect(after.ike - before.ike).toBeGreaterThanOrEqual(2);
      expect(after.esp - before.esp).toBeGreaterThanOrEqual(2);
    },
    SEVERAL_DIALS_MS,
  );
});

function trial({ transport, cipher, signIn }: Row): Trial {
  return { gateway: GATEWAY, transport, cipher, signIn };
}

/** What the user would have compared. */
function accepted(name: 'gateway.crt' | 'ecgateway.crt'): string {
  return fingerprint(pkiCertificate(name), nodePrimitives);
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
