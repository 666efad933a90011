import { expect, test } from 'vitest';
import { SLOT_HEADROOM, SLOT_SIZE } from '../../../shared/esp/engine.ts';
import { referenceEspEngine } from '../../../shared/esp/reference.ts';
import { innerMtu } from '../../../shared/vpn/mtu.ts';
import { everySa, saName } from '../../support/esp.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

const random = new SeededRandom(1);
const engine = referenceEspEngine(nodePrimitives, random);

test.each(everySa(random).map((sa) => [saName(sa), sa] as const))(
  'a packet fits path and slot, %s',
  (_name, sa) => {
    const sealer = engine.sealer(sa);
    for (const [encapsulation, udp] of [
      ['udp', 8],
      ['raw', 0],
    ] as const) {
      const mtu = innerMtu(1500, encapsulation, sealer);
      // UDP, L2TP's longest header, PPP; then ESP, UDP perhaps, and IP.
      const outside = mtu + 8 + 12 + 4 + sealer.overhead + udp + 20;
      expect(outside).toBeGreaterThan(1500 - 16 - 4);
      expect(mtu + 24).toBeLessThanOrEqual(sealer.payloadRoom(1500 - 20 - udp));
      const huge = innerMtu(65_535, encapsulation, sealer);
      expect(huge + 24).toBeLessThanOrEqual(SLOT_SIZE - SLOT_HEADROOM);
    }
    sealer.close();
  },
);
