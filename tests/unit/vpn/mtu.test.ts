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
    // UDP, L2TP's longest header, PPP; then ESP, UDP and IP.
    const outside = (inner: number) => inner + 8 + 12 + 4 + sealer.overhead + 8 + 20;
    expect(outside(innerMtu(1500, sealer))).toBeGreaterThan(1500 - 16 - 4);
    const least = innerMtu(1500, sealer) + 24;
    expect(least).toBeLessThanOrEqual(sealer.payloadRoom(1500 - 28));
    expect(innerMtu(65_535, sealer) + 24).toBeLessThanOrEqual(SLOT_SIZE - SLOT_HEADROOM);
    sealer.close();
  },
);
