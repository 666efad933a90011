/** The reference ESP engine over OpenSSL: quick enough for thousands of tunnels. */
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import { referenceEspEngine } from '../../shared/esp/reference.ts';
import { nodePrimitives } from './node-primitives.ts';
import { SeededRandom } from './random.ts';

export function nodeSuite(seed: number): CipherSuite {
  const esp = referenceEspEngine(nodePrimitives, new SeededRandom(seed));
  return { ...nodePrimitives, name: 'node', esp };
}
