/** `dial` against a real gateway, SoftEther, in both of its personalities. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS, type TunnelErrorCode } from '../../shared/errors.ts';
import { describePhase1, PHASE1_TRANSFORMS } from '../../shared/ike/phase1-transforms.ts';
import { describePhase2, PHASE2_TRANSFORMS } from '../../shared/ike/phase2-transforms.ts';
import type { DialResult } from './support/dial.ts';
import { INDEX_PAGE, type SLOW_FILES, WIKI_HOST } from './support/intranet.ts';
import { DESERTED_GATEWAY, GATEWAY, Laboratory, RAW_GATEWAY } from './support/laboratory.ts';
import { ipProtocols, negotiations, udpPorts } from './support/pcap.ts';
import { INTRANET_ADDRESS } from './support/softether-config.ts';
import { tryOut } from './support/trial.ts';

/** Of our offers, what SoftEther knows: no curves, no group above 4096 bits; no AES-CTR, AES-GCM or SHA-2 for ESP. */
const KNOWN_TRANSFORMS = [
  ...PHASE1_TRANSFORMS.filter(({ group }) => group < 17)
    .map(describePhase1)
    .map((names) => ({ option: '--ike', names, shown: `IKE ${names}, pre-shared key;` })),
  ...PHASE2_TRANSFORMS.filter(({ cipher }) => cipher.endsWith('-cbc'))
    .filter(({ integrity }) => integrity === 'hmac-sha1-96' || integrity === 'hmac-md5-96')
    .map(describePhase2)
    .map((names) => ({ option: '--esp', names, shown: `ESP ${names} over UDP 4500;` })),
];
const DIALS_AT_ONCE = 4;
const SLOW_PATH: keyof typeof SLOW_FILES = '/in-13-s.bin';
const SLOW_FILE = `http://${INTRANET_ADDRESS}${SLOW_PATH}`;
const BIG_FILE_SECONDS = 60;
const ESP_PROTOCOL = 50;
const IKE_PORT = 500;
const NAT_T_PORT = 4500;
/** The gateway's own time-outs are longer. */
const GOODBYE_MS = 5_000;

describe.each(['bound', 'any'] as const)('SoftEther, %s', (personality) => {
  let laboratory: Laboratory;

  beforeAll(async () => {
    laboratory = await Laboratory.start({ personality });
  });

  afterEach(async ({ task }) => {
    const trouble = await laboratory.gateway.trouble();
    if (task.result?.state === 'fail') console.error(laboratory.logs);
    expect(trouble, 'the gateway afterwards').toBeUndefined();
  });

  afterAll(() => laboratory?.stop());

  it('answers a ping through the tunnel', async () => {
    await tryOut(
      { gateway: `SoftEther, ${personality}`, transport: 'UDP 4500' },
      () => laboratory.dial(['ping', INTRANET_ADDRESS]),
      (result) => {
        expectSuccess(result);
        expect(result.stdout.toString()).toMatch(/bytes from 10\.30\.0\.1: .* ms\n$/);
      },
    );
  });

  it('lets somebody in by aggressive mode', async () => {
    const aggressive = ['--aggressive', 'staff'];
    await tryOut(
      { gateway: `SoftEther, ${personality}`, transport: 'UDP 4500', signIn: 'aggressive mode' },
      () => laboratory.dial([...aggressive, 'get', `http://${INTRANET_ADDRESS}/index.html`]),
      (result) => {
        expectSuccess(result);
        expect(result.stdout.toString()).toBe(INDEX_PAGE);
        expect(result.stderr).toContain('pre-shared key, aggressive mode;');
      },
    );
  });

  it('fetches a page: the body alone on standard output, the stages on standard error', async () => {
    const result = await laboratory.dial(['get', `http://${INTRANET_ADDRESS}/index.html`]);
    expectSuccess(result);
    expect(result.stdout.toString()).toBe(INDEX_PAGE);
    expect(result.stderr).toMatch(/\S/);
    expect(result.stderr).not.toContain('<html');
  });

  it('finds a name with the name server that the gateway assigned', async () => {
    const result = await laboratory.dial(['get', `http://${WIKI_HOST}/`]);
    expectSuccess(result);
    expect(result.stdout.toString()).toBe(INDEX_PAGE);
  });

  it('says that a name does not exist', async () => {
    const result = await laboratory.dial(['get', `http://no-such-host.test.lan/`]);
    expectFailure(result, 'NAME_NOT_FOUND');
  });

  it(
    'fetches 20 MB unharmed',
    async () => {
      const result = await laboratory.dial(['get', `http://${INTRANET_ADDRESS}/big.bin`]);
      expectSuccess(result);
      const hash = createHash('sha256').update(result.stdout).digest('hex');
      expect(hash).toBe(laboratory.intranet.bigFileHash);
    },
    BIG_FILE_SECONDS * 1_000,
  );

  it(
    'serves four at once from one address',
    () => fourDownloads(laboratory, GATEWAY),
    4 * BIG_FILE_SECONDS * 1_000,
  );

  it('holds a tunnel until it is interrupted, and takes it down in order', async () => {
    const dial = laboratory.startDial(['hold']);
    await dial.daemon.until('connected', () => /^connected: /m.test(dial.daemon.log));
    const before = laboratory.gateway.log.length;
    dial.daemon.signal('SIGINT');
    const result = await dial.result();
    expectSuccess(result);
    expect(result.stdout).toHaveLength(0);
    // The gateway is told, on both layers, instead of waiting for a dead peer.
    const log = () => laboratory.gateway.log.slice(before);
    await expect.poll(log, { timeout: GOODBYE_MS }).toMatch(/PPP session is disconnected/);
    expect(log()).toMatch(/This IKE SA is deleted/);
  });

  it('serves another user', async () => {
    const options = { user: 'bob', password: 'bobpw' };
    expectSuccess(await laboratory.dial(['ping', INTRANET_ADDRESS], options));
  });

  it('reports a wrong pre-shared key', async () => {
    const options = { preSharedKey: 'not-the-key' };
    expectFailure(
      await laboratory.dial(['ping', INTRANET_ADDRESS], options),
      'IKE_AUTHENTICATION_FAILED',
    );
  });

  it('reports a wrong password', async () => {
    const options = { password: 'not-the-password' };
    expectFailure(await laboratory.dial(['ping', INTRANET_ADDRESS], options), 'PPP_AUTH_FAILED');
  });

  it('reports a gateway that the relay does not know', async () => {
    const options = { gateway: 'nobody' };
    expectFailure(
      await laboratory.dial(['ping', INTRANET_ADDRESS], options),
      'RELAY_UNKNOWN_GATEWAY',
    );
  });

  it('reports a gateway where nothing listens', async () => {
    const options = { gateway: DESERTED_GATEWAY };
    expectFailure(await laboratory.dial(['ping', INTRANET_ADDRESS], options), 'IKE_UNREACHABLE');
  });

  // Its personality has no part in these, and they take their time.
  if (personality === 'any') {
    it(
      'takes every transform of ours that it knows',
      async () => {
        const page = `http://${INTRANET_ADDRESS}/index.html`;
        const queue = [...KNOWN_TRANSFORMS];
        const dialInTurn = async () => {
          for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
            const { option, names, shown } = each;
            await tryOut(
              { gateway: `SoftEther, ${personality}`, transport: 'UDP 4500', cipher: names },
              () => laboratory.dial([option, names, 'get', page]),
              (result) => {
                expectSuccess(result);
                expect(result.stdout.toString()).toBe(INDEX_PAGE);
                expect(result.stderr).toContain(shown);
              },
            );
          }
        };
        await Promise.all(Array.from({ length: DIALS_AT_ONCE }, dialInTurn));
      },
      KNOWN_TRANSFORMS.length * 10_000,
    );

    it(
      'loses nothing of a download while IKE SA and IPsec SA are renewed',
      async () => {
        // Of the download itself tcpdump would drop something.
        const capture = await laboratory.capture([`udp port ${NAT_T_PORT} and udp[8:4] = 0`]);
        const lifetimes = ['--ike-lifetime', '10', '--esp-lifetime', '10'];
        const result = await laboratory.dial([...lifetimes, 'get', SLOW_FILE]);
        const { ike, esp } = negotiations(await capture.stop(), NAT_T_PORT);
        expectSuccess(result);
        expect(createHash('sha256').update(result.stdout).digest('hex')).toBe(
          laboratory.intranet.bigFileHash,
        );
        // The first ones, and what follows them in the 13 s of the download.
        expect(ike.size).toBeGreaterThanOrEqual(2);
        expect(esp.size).toBeGreaterThanOrEqual(2);
      },
      BIG_FILE_SECONDS * 1_000,
    );
  }

  // Only bound to an address has it protocol 50.
  if (personality === 'bound') {
    describe('over raw ESP', () => {
      it('answers a ping through the tunnel', async () => {
        await tryOut(
          { gateway: 'SoftEther, bound', transport: 'raw ESP' },
          () => laboratory.dial(['ping', INTRANET_ADDRESS], { gateway: RAW_GATEWAY }),
          (result) => {
            expectSuccess(result);
            expect(result.stderr).toMatch(/; ESP .+ over Raw ESP; /);
          },
        );
      });

      it('sends protocol 50 and IKE on port 500, and nothing on 4500', async () => {
        const capture = await laboratory.capture();
        const page = ['get', `http://${INTRANET_ADDRESS}/index.html`];
        const result = await laboratory.dial(page, { gateway: RAW_GATEWAY });
        const recording = await capture.stop();
        expectSuccess(result);
        expect(result.stdout.toString()).toBe(INDEX_PAGE);
        expect([...ipProtocols(recording)]).toContain(ESP_PROTOCOL);
        expect([...udpPorts(recording)]).toContain(IKE_PORT);
        expect([...udpPorts(recording)]).not.toContain(NAT_T_PORT);
      });

      it(
        'fetches 20 MB for four at once from one address',
        () => fourDownloads(laboratory, RAW_GATEWAY),
        4 * BIG_FILE_SECONDS * 1_000,
      );
    });
  }
});

async function fourDownloads(laboratory: Laboratory, gateway: string): Promise<void> {
  const users = { alice: 'alicepw', bob: 'bobpw' };
  const results = await Promise.all(
    [...Object.entries(users), ...Object.entries(users)].map(([user, password]) =>
      laboratory.dial(['get', `http://${INTRANET_ADDRESS}/big.bin`], { user, password, gateway }),
    ),
  );
  for (const result of results) {
    expectSuccess(result);
    const hash = createHash('sha256').update(result.stdout).digest('hex');
    expect(hash).toBe(laboratory.intranet.bigFileHash);
  }
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
