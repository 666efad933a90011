/** `dial` against a real gateway: Libreswan, xl2tpd and pppd on Linux, with nothing but IPsec let in. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { guestObstacle } from '../../scripts/support/guest.ts';
import { ERRORS } from '../../shared/errors.ts';
import { fingerprint } from '../../shared/pki/certificate.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { pkiCertificate, pkiFile } from '../support/pki.ts';
import type { DialResult } from './support/dial.ts';
import { INDEX_PAGE } from './support/intranet.ts';
import {
  CERTIFICATES,
  type Connection,
  configureLibreswan,
  startLibreswan,
  XAUTH,
} from './support/libreswan.ts';
import { LINUX_USERS } from './support/linux-gateway-config.ts';
import { PASSPHRASE } from './support/linux-gateway-keys.ts';
import { LinuxLaboratory, type Place } from './support/linux-laboratory.ts';
import { INTRANET_ADDRESS } from './support/softether-config.ts';
import { skipTrial, tryOut } from './support/trial.ts';

const PAGE = ['get', `http://${INTRANET_ADDRESS}/index.html`];
const SLOW_FILE = ['get', `http://${INTRANET_ADDRESS}/in-13-s.bin`];
const BOOT_MS = 90_000;
const GATEWAY = 'Libreswan';

interface Row {
  readonly title: string;
  readonly connection: Connection;
  /** What the session has to say about itself. */
  readonly agreed: RegExp;
  /** For `dial`. */
  readonly options?: readonly string[];
  readonly place?: Place;
}

const ROWS: readonly Row[] = [
  {
    title: 'as it comes, with perfect forward secrecy',
    connection: [],
    agreed: /pre-shared key; ESP AES-GCM-16-256 over Raw ESP;/,
  },
  {
    title: 'as installed for L2TP by hand, behind NAT',
    connection: ['ike=aes256-sha1;modp2048', 'phase2alg=aes128-sha1', 'pfs=no', 'rekey=no'],
    place: 'behind NAT',
    agreed: /SHA1, MODP-2048, .* ESP AES-CBC-128, HMAC-SHA1-96 over UDP 4500;/,
  },
  {
    title: 'with a SHA-256 of 96 bits',
    connection: ['phase2alg=aes256-sha2_256', 'sha2-truncbug=yes'],
    options: ['--sha256-96'],
    agreed: /HMAC-SHA2-256-96 over Raw ESP;/,
  },
  {
    title: 'with aggressive mode for a domain name, and XAUTH',
    connection: ['aggressive=yes', 'ike=aes256-sha2;modp2048', 'rightid=@staff', ...XAUTH],
    options: ['--aggressive', '@staff', '--xauth-user', 'bob'],
    agreed: /pre-shared key, aggressive mode, XAUTH;/,
  },
];

const obstacle = guestObstacle();
if (obstacle !== undefined) console.error(`SKIPPED Libreswan: ${obstacle}`);

describe.skipIf(obstacle !== undefined)('Libreswan', () => {
  let laboratory: LinuxLaboratory;

  beforeAll(async () => {
    laboratory = await LinuxLaboratory.start();
    await startLibreswan(laboratory.gateway);
  }, BOOT_MS);

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(laboratory.logs);
    // Whatever happened, everything was taken down in order. SPIs that nobody has keys for stay reserved until the kernel forgets them.
    expect(await laboratory.gateway.securityAssociations()).not.toMatch(/^\s+(enc|aead) /m);
  });

  afterAll(() => laboratory?.stop());

  it.for(ROWS)('connects $title', async (row, context) => {
    const { connection, options = [], place = 'near', agreed } = row;
    const trial = {
      gateway: GATEWAY,
      transport: place === 'near' ? 'raw ESP' : 'UDP 4500 through NAT',
    };
    const { natObstacle } = laboratory;
    if (place === 'behind NAT' && natObstacle !== undefined) skipTrial(context, trial, natObstacle);
    await configureLibreswan(laboratory.gateway, connection);
    await tryOut(
      trial,
      () =>
        laboratory.dial([...options, ...PAGE], {
          place,
          env: { CULVERT_XAUTH_PASSWORD: LINUX_USERS.bob },
        }),
      (result) => {
        expectPage(result);
        expect(result.stderr).toMatch(agreed);
      },
    );
  });

  it('connects with RSA certificates, which come in fragments', async () => {
    await configureLibreswan(laboratory.gateway, [...CERTIFICATES, 'fragmentation=force']);
    const options = [
      ...laboratory.keyFileOptions([pkiFile('legacy.p12')]),
      ...['--accept', fingerprint(pkiCertificate('gateway.crt'), nodePrimitives)],
      ...['--gateway-name', 'gateway.example'],
    ];
    await tryOut(
      { gateway: GATEWAY, transport: 'raw ESP', signIn: 'RSA certificates' },
      () => laboratory.dial([...options, ...PAGE], { env: { CULVERT_PASSPHRASE: PASSPHRASE } }),
      (result) => {
        expectPage(result);
        expect(result.stderr).toContain('RSA certificate;');
      },
    );
  });

  it('reports a wrong pre-shared key', async () => {
    await configureLibreswan(laboratory.gateway, []);
    await tryOut(
      { gateway: GATEWAY, transport: 'raw ESP' },
      () => laboratory.dial(PAGE, { preSharedKey: 'not-the-key' }),
      ({ status, stderr }) => {
        expect(stderr).toMatch(/^IKE_AUTHENTICATION_FAILED: /m);
        expect(status).toBe(ERRORS.IKE_AUTHENTICATION_FAILED.exit);
      },
    );
  });

  it('loses nothing of a download when it lets ESP SAs end that it does not renew', async () => {
    await configureLibreswan(laboratory.gateway, ['pfs=no', 'rekey=no', 'salifetime=5s']);
    const established = () =>
      laboratory.gateway.logOf('charon.log').match(/IPsec SA established/g)?.length ?? 0;
    const before = established();
    const result = await laboratory.dial(SLOW_FILE);
    expect(result.status, result.stderr).toBe(0);
    const hash = createHash('sha256').update(result.stdout).digest('hex');
    expect(hash).toBe(laboratory.intranet.bigFileHash);
    expect(established() - before).toBeGreaterThanOrEqual(3);
  });
});

function expectPage({ status, stdout, stderr }: DialResult): void {
  expect(status, stderr).toBe(0);
  expect(stdout.toString()).toBe(INDEX_PAGE);
}
