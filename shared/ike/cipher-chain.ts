/**
 * Encryption of one exchange's message bodies, each chained to the one before. RFC 2409 appendix B.
 * Decrypting does not move the chain: that is for the caller to do once the message proved authentic.
 */
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, concat } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { cipherSizes, type Phase1Transform } from './phase1-transforms.ts';
import type { IkeTap, TapPoint } from './tap.ts';

export class CipherChain {
  readonly #primitives: Primitives;
  readonly #transform: Phase1Transform;
  readonly #key: Bytes;
  readonly #taps: TapPoint<IkeTap>;
  #iv: Bytes;

  constructor(
    primitives: Primitives,
    transform: Phase1Transform,
    key: Bytes,
    iv: Bytes,
    taps: TapPoint<IkeTap>,
  ) {
    this.#taps = taps;
    this.#primitives = primitives;
    this.#transform = transform;
    this.#key = key;
    this.#iv = iv;
  }

  /** The last block that went through the chain. */
  get lastBlock(): Bytes {
    return this.#iv;
  }

  /** Pads with zeros to whole blocks, encrypts and moves the chain. @rfc 2409 §5 */
  encrypt(body: Bytes): Bytes {
    const { block } = cipherSizes(this.#transform);
    const padding = new Uint8Array((block - (body.length % block)) % block);
    const { cipher } = this.#transform;
    const padded = concat(body, padding);
    const ciphertext = this.#primitives.cbcEncrypt(cipher, this.#key, this.#iv, padded);
    this.advance(ciphertext);
    return ciphertext;
  }

  /** The body with its padding. Throws `DecodeError` unless it has whole blocks. */
  decrypt(ciphertext: Bytes): Bytes {
    const { block } = cipherSizes(this.#transform);
    if (ciphertext.length === 0 || ciphertext.length % block !== 0) {
      throw new DecodeError('not whole cipher blocks');
    }
    const { cipher } = this.#transform;
    return this.#primitives.cbcDecrypt(cipher, this.#key, this.#iv, ciphertext);
  }

  /** Takes over from a ciphertext, sent or received and authentic. */
  advance(ciphertext: Bytes): void {
    this.#taps.tap?.ikePlaintext(ciphertext, this.decrypt(ciphertext));
    this.#iv = ciphertext.slice(ciphertext.length - cipherSizes(this.#transform).block);
  }
}
