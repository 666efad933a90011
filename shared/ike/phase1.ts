/** What main mode and aggressive mode share, in both roles. RFC 2409 §5.4. */
import type { Failure } from '../errors.ts';
import type { Header, Message } from '../isakmp/message.ts';
import type { Payload, ReceivedPayload } from '../isakmp/payload.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { IkeSa } from './ike-sa.ts';
import type { IkeChannel } from './io.ts';

/** A message with what it came in. */
export interface Arrival {
  readonly message: Message;
  readonly bytes: Bytes;
  readonly channel: IkeChannel;
}

/** What the peer proved itself to be is not whom we want. */
export interface Refusal {
  /** For a word to the peer. */
  readonly sa: IkeSa;
  readonly failure: Failure;
}

/** One role of a phase 1 exchange, from its first message to the IKE SA. */
export interface Phase1 {
  /** Also afterwards, while there is something that may have been lost. */
  readonly deadline: Millis | undefined;
  /** The cookie of whoever initiates, for telling which notifications concern this exchange. */
  readonly initiatorCookie: Bytes | undefined;
  /**
   * Answers the SA once it is authenticated, or why that ends it. Afterwards it answers what the peer repeats, and nothing else.
   * Throws `DecodeError` and `ProtocolError`.
   */
  receive(arrival: Arrival, now: Millis): IkeSa | Refusal | undefined;
  /** Answers a failure when the tries are used up, or the SA where the peer's silence was all that was waited for. */
  timeout(now: Millis): IkeSa | Failure | undefined;
  /** What an error notification of the peer's would mean at this point; `undefined` where it means nothing. */
  notification(notifyType: number): Failure | undefined;
  /** The SA that an encrypted notification could already be under. */
  readonly pendingSa: IkeSa | undefined;
  /** What silence means at this point. */
  readonly silence: Failure;
}

export const COOKIE_ZERO: Bytes = new Uint8Array(8);
export const NONCE_LENGTH = 32;

/** Message 1 cannot be fragmented: nobody knows yet whether the peer puts fragments together. */
export const LARGEST_FIRST_MESSAGE = 1_200;

/** @rfc 2409 §5 */
const SHORTEST_NONCE = 8;
const LONGEST_NONCE = 256;

export function phase1Header(
  exchangeType: number,
  initiatorCookie: Bytes,
  responderCookie: Bytes,
): Header {
  return { initiatorCookie, responderCookie, exchangeType, flags: 0, messageId: 0 };
}

/** The data of the one KE and the one nonce of a message. Throws `DecodeError` without. */
export function readKeyExchange(payloads: readonly ReceivedPayload[]): {
  value: Bytes;
  nonce: Bytes;
} {
  return { value: bodyOf(payloads, 'key-exchange'), nonce: readNonce(payloads) };
}

/** The nonce, of a length that is allowed. @rfc 2409 §5 */
export function readNonce(payloads: readonly ReceivedPayload[]): Bytes {
  const nonce = bodyOf(payloads, 'nonce');
  if (nonce.length < SHORTEST_NONCE || nonce.length > LONGEST_NONCE) {
    throw new DecodeError('nonce length');
  }
  return nonce;
}

/** The body of the first payload of a kind. Throws `DecodeError` without. */
export function bodyOf(payloads: readonly ReceivedPayload[], kind: Payload['kind']): Bytes {
  const found = payloads.find(({ payload }) => payload.kind === kind);
  if (found === undefined) throw new DecodeError(`no ${kind} payload`);
  return found.body;
}
