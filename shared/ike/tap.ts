/** What IKE shows to whoever records a tunnel for its own user: what it encrypts, and the key. Secret, all of it. */
import type { Bytes } from '../wire/bytes.ts';

export interface IkeTap {
  /** The key of an IKE SA that is being made; to be copied. */
  ikeKey(initiatorCookie: Bytes, responderCookie: Bytes, cipherKey: Bytes): void;
  /** A message's encrypted body, sent or found authentic, and what is in it, padding included. */
  ikePlaintext(ciphertext: Bytes, plaintext: Bytes): void;
}

/** Where whoever records puts and takes away a tap while the tunnel stands; without one nothing is done or kept. */
export interface TapPoint<Tap> {
  readonly tap: Tap | undefined;
}
