/** What the secret shared by LAC and LNS is for: tunnel authentication and reading hidden AVPs. RFC 2661 §4.3, §5.1.1. */
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, constantTimeEqual } from '../wire/bytes.ts';
import { type Avp, decodeValue, type UnknownAvp } from './avp.ts';

/** Octets of the challenges we send. */
export const CHALLENGE_LENGTH = 16;

const BLOCK = 16;

export class SharedSecret {
  readonly #secret: Bytes;
  readonly #primitives: Pick<Primitives, 'hash'>;

  constructor(secret: Bytes, primitives: Pick<Primitives, 'hash'>) {
    this.#secret = secret;
    this.#primitives = primitives;
  }

  /**
   * The 16 octets that answer `challenge` in a message of type `type`, which is CHAP's identifier here.
   * @rfc 2661 §4.4.3
   */
  respond(type: number, challenge: Bytes): Bytes {
    return this.#primitives.hash('md5', Uint8Array.of(type), this.#secret, challenge);
  }

  verify(type: number, challenge: Bytes, response: Bytes): boolean {
    return constantTimeEqual(this.respond(type, challenge), response);
  }

  /** The AVPs with the hidden ones in clear; what cannot be revealed stays as it is. @rfc 2661 §4.3 */
  reveal(avps: readonly Avp[]): readonly Avp[] {
    let vector: Bytes | undefined;
    return avps.map((avp) => {
      if (avp.kind === 'randomVector') vector = avp.value;
      if (avp.kind !== 'unknown' || !avp.hidden || avp.vendor !== 0 || avp.reserved !== 0)
        return avp;
      return vector === undefined ? avp : (this.#reveal(avp, vector) ?? avp);
    });
  }

  #reveal({ code, body }: UnknownAvp, vector: Bytes): Avp | undefined {
    const clear = new Uint8Array(body.length);
    let pad = this.#primitives.hash('md5', Uint8Array.of(code >>> 8, code), this.#secret, vector);
    for (let at = 0; at < body.length; at += BLOCK) {
      const block = body.slice(at, at + BLOCK);
      for (let i = 0; i < block.length; i++) clear[at + i] = block[i]! ^ pad[i]!;
      pad = this.#primitives.hash('md5', this.#secret, block);
    }
    if (clear.length < 2) return undefined;
    const length = (clear[0]! << 8) | clear[1]!;
    return length > clear.length - 2 ? undefined : decodeValue(code, clear.slice(2, 2 + length));
  }
}
