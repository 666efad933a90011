/**
 * What the Authentication phase asks of PAP and CHAP, on either side.
 * @rfc 1661 §3.5
 */
import type { Failure } from '../errors.ts';
import type { Millis } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import type { ControlPacket } from './control-packet.ts';

export type AuthenticationOutput =
  | { readonly kind: 'transmit'; readonly packet: ControlPacket }
  /** `message` is the peer's text, made fit for a screen. */
  | { readonly kind: 'passed'; readonly message?: string }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | Trace;

/** One side of one method. It stays alive in the network phase: answers get lost, and CHAP may ask again. */
export interface Authentication {
  readonly deadline: Millis | undefined;
  start(now: Millis): readonly AuthenticationOutput[];
  /** Throws `DecodeError` when the body is malformed. */
  receive(packet: ControlPacket, now: Millis): readonly AuthenticationOutput[];
  timeout(now: Millis): readonly AuthenticationOutput[];
}
