import type { Random } from '../wire/bytes.ts';

const EPHEMERAL_FIRST = 49_152;
const EPHEMERAL_COUNT = 16_384;

/**
 * A random free port of the dynamic range: the first free one at or after a random place.
 * `undefined` when all are taken.
 * @rfc 6056 §3.3.1
 */
export function ephemeralPort(
  random: Random,
  taken: (port: number) => boolean,
): number | undefined {
  const start = randomU16(random) % EPHEMERAL_COUNT;
  for (let i = 0; i < EPHEMERAL_COUNT; i++) {
    const port = EPHEMERAL_FIRST + ((start + i) % EPHEMERAL_COUNT);
    if (!taken(port)) return port;
  }
  return undefined;
}

/** An unpredictable number from 0 to 65535. */
export function randomU16(random: Random): number {
  const bytes = random.bytes(2);
  return (bytes[0]! << 8) | bytes[1]!;
}
