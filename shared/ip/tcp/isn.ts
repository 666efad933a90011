import type { Primitives } from '../../crypto/suite.ts';
import type { Bytes, Millis, Random } from '../../wire/bytes.ts';
import { Writer } from '../../wire/writer.ts';
import type { Path } from '../path.ts';

const SECRET_LENGTH = 32;

/** Ticks of 4 µs in a millisecond: the clock M. @rfc 6528 §3 */
const TICKS_PER_MILLI = 250;

/** Initial sequence numbers and timestamp offsets that nobody outside can predict. */
export class InitialNumbers {
  readonly #secret: Bytes;
  readonly #primitives: Pick<Primitives, 'hash'>;

  constructor(random: Random, primitives: Pick<Primitives, 'hash'>) {
    this.#secret = random.bytes(SECRET_LENGTH);
    this.#primitives = primitives;
  }

  /**
   * `ISN = M + F(addresses, ports, secret)`, and a timestamp offset from the same hash. Where an earlier connection of
   * the same ends came to `used`, it lies behind that.
   * @rfc 6528 §3, 7323 §5.4, 9293 §3.6.1
   */
  next(
    { local, remote }: Path,
    localPort: number,
    remotePort: number,
    now: Millis,
    used?: number,
  ): { readonly sequence: number; readonly timestampOffset: number } {
    const tuple = new Writer()
      .bytes(local.bytes)
      .u16(localPort)
      .bytes(remote.bytes)
      .u16(remotePort)
      .finish();
    const digest = this.#primitives.hash('sha256', tuple, this.#secret);
    const view = new DataView(digest.buffer, digest.byteOffset);
    const sequence = (view.getUint32(0) + Math.floor(now * TICKS_PER_MILLI)) >>> 0;
    const wasUsed = used !== undefined && ((sequence - used) | 0) <= 0;
    return {
      sequence: wasUsed ? (used + 1) >>> 0 : sequence,
      timestampOffset: view.getUint32(4),
    };
  }
}
