/** A laboratory whose key exchange is quick to compute, for tests about what comes after it. */
import { nobleSuite } from '../../shared/crypto/noble.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import { utf8Encode } from '../../shared/wire/text.ts';
import type { GatewayConfig } from './gateway.ts';
import { Laboratory, type LaboratoryOptions } from './laboratory.ts';
import { SeededRandom } from './random.ts';

const PHASE1: Phase1Transform = { cipher: 'aes-cbc', keyBits: 128, hash: 'sha1', group: 2 };

export function quickLaboratory(
  gateway: Partial<GatewayConfig> = {},
  options: Partial<LaboratoryOptions> = {},
): Laboratory {
  const key = utf8Encode('a key that nobody guesses');
  return new Laboratory({
    tunnel: {
      suite: nobleSuite(new SeededRandom(1)),
      random: new SeededRandom(2),
      gateway: 'test',
      credentials: { kind: 'pre-shared-key', key },
      userName: 'alice',
      password: 'wonderland',
      authMethods: ['mschapv2'],
      innerPort: 50_000,
    },
    gateway: {
      suite: nobleSuite(new SeededRandom(3)),
      random: new SeededRandom(4),
      preSharedKey: key,
      clientAddress: Uint8Array.of(198, 51, 100, 1),
      clientPorts: { ike: 40_500, natt: 44_500 },
      innerPort: 50_000,
      accounts: { alice: 'wonderland' },
      methods: ['mschapv2'],
      port: 80,
      content: new Uint8Array(10),
      phase1: [PHASE1],
      ...gateway,
    },
    link: { seed: 5, latency: 20, jitter: 0, loss: 0 },
    ...options,
  });
}
