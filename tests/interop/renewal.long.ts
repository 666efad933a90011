/** `npm run interop -- long`: a download of five minutes through many renewals of both phases, begun by us and by the gateway. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guestObstacle } from '../../scripts/support/guest.ts';
import type { SLOW_FILES } from './support/intranet.ts';
import { renewals } from './support/linux-gateway.ts';
import { LinuxLaboratory } from './support/linux-laboratory.ts';
import { INTRANET_ADDRESS } from './support/softether-config.ts';

const PATH: keyof typeof SLOW_FILES = '/in-5-min.bin';
const WAIT_MS = 400_000;
const BOOT_MS = 90_000;

const obstacle = guestObstacle();
if (obstacle !== undefined) console.error(`SKIPPED the Linux gateway: ${obstacle}`);

describe.skipIf(obstacle !== undefined)('five minutes', () => {
  let laboratory: LinuxLaboratory;

  beforeAll(async () => {
    laboratory = await LinuxLaboratory.start();
  }, BOOT_MS);

  afterAll(() => laboratory?.stop());

  it.each([
    ['we renew', 'raw ESP', ['--ike-lifetime', '75', '--esp-lifetime', '60'], {}],
    [
      'we renew',
      'UDP 4500',
      ['--force-encapsulation', '--ike-lifetime', '75', '--esp-lifetime', '60'],
      {},
    ],
    // The gateway begins 30 s before the end of either.
    ['the gateway renews', 'raw ESP', [], { lifetime: 60, ikeLifetime: 90 }],
    [
      'the gateway renews',
      'UDP 4500',
      ['--force-encapsulation'],
      { lifetime: 60, ikeLifetime: 90 },
    ],
  ] as const)(
    'and nothing is lost while %s both phases, over %s',
    async (_who, _transport, options, policy) => {
      await laboratory.gateway.configure(policy);
      const before = renewals(laboratory.gateway);
      const dial = laboratory.startDial([...options, 'get', `http://${INTRANET_ADDRESS}${PATH}`]);
      const { status, stdout, stderr } = await dial.result(WAIT_MS);
      expect(status, stderr).toBe(0);
      expect(createHash('sha256').update(stdout).digest('hex')).toBe(
        laboratory.intranet.bigFileHash,
      );
      const after = renewals(laboratory.gateway);
      const counts = { ike: after.ike - before.ike, esp: after.esp - before.esp };
      console.log(`${counts.ike} IKE SAs, ${counts.esp} IPsec SAs`);
      // The first, and three renewals.
      expect(counts.ike).toBeGreaterThanOrEqual(4);
      expect(counts.esp).toBeGreaterThanOrEqual(4);
    },
    WAIT_MS,
  );
});
