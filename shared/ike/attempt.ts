/**
 * One phase 1 from its beginning to its IKE SA or its failure, with what is suspected meanwhile: the first of a tunnel, and
 * those that renew its IKE SA beside it.
 */
import type { Failure } from '../errors.ts';
import { encodeClearMessage, type Header } from '../isakmp/message.ts';
import { ExchangeType, NotifyType } from '../isakmp/numbers.ts';
import type { Notification } from '../isakmp/payload.ts';
import { constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError, type ProtocolError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import type { IkeContext } from './context.ts';
import { IkeSa } from './ike-sa.ts';
import {
  deleteIke,
  type Notice,
  openInformational,
  refusal,
  sealInformational,
} from './informational.ts';
import { wipePhase1Keys } from './key-material.ts';
import { type Arrival, COOKIE_ZERO, type Phase1, type Refusal } from './phase1.ts';
import { randomMessageId } from './quick-mode.ts';

export type AttemptResult =
  | { readonly kind: 'authenticated'; readonly sa: IkeSa }
  | { readonly kind: 'failed'; readonly failure: Failure };

export class Attempt {
  readonly phase1: Phase1;
  readonly #context: IkeContext;
  readonly #giveUpAt: Millis;

  /** The suspicions of `context` are this attempt's. */
  constructor(context: IkeContext, phase1: Phase1, now: Millis) {
    this.phase1 = phase1;
    this.#context = context;
    this.#giveUpAt = now + context.config.timers.establish;
  }

  get deadline(): Millis | undefined {
    const { suspicionDeadline } = this.#context;
    return earliest(this.phase1.deadline, suspicionDeadline, this.#giveUpAt);
  }

  /** A message of phase 1, or an encrypted notification. Throws `DecodeError` and `ProtocolError`. */
  receive(arrival: Arrival, now: Millis): AttemptResult | undefined {
    if (arrival.message.header.exchangeType === ExchangeType.informational) {
      return this.#receivePendingNotification(arrival, now);
    }
    const outcome = this.phase1.receive(arrival, now);
    if (outcome === undefined) return undefined;
    if (outcome instanceof IkeSa) return { kind: 'authenticated', sa: outcome };
    return this.#turnAway(outcome);
  }

  /** To the peer the SA stands: it is told that it does not. */
  #turnAway({ sa, failure }: Refusal): AttemptResult {
    const { random } = this.#context.config;
    this.#context.transmit(sa.channel, sealInformational(sa, random, [deleteIke(sa)]));
    wipePhase1Keys(sa.parameters.keys);
    return { kind: 'failed', failure };
  }

  /** An error notification that nobody signed: it ends nothing, but it may turn out to be the reason for silence. */
  suspect(notification: Notification, header: Header, now: Millis): boolean {
    if (!concerns(this.phase1, notification, header)) return false;
    const failure = this.phase1.notification(notification.notifyType);
    if (failure === undefined) return false;
    this.#context.suspect(failure, now);
    return true;
  }

  timeout(now: Millis): AttemptResult | undefined {
    const outcome = this.#overdue(now) ?? this.phase1.timeout(now);
    if (outcome instanceof IkeSa) return { kind: 'authenticated', sa: outcome };
    return outcome && { kind: 'failed', failure: outcome };
  }

  #overdue(now: Millis): Failure | undefined {
    const { suspicion, suspicionDeadline } = this.#context;
    if (suspicionDeadline !== undefined && now >= suspicionDeadline) return suspicion;
    return now >= this.#giveUpAt ? (suspicion ?? this.phase1.silence) : undefined;
  }

  /** The end of an attempt that came to nothing. */
  abandon(): void {
    const sa = this.phase1.pendingSa;
    if (sa !== undefined) wipePhase1Keys(sa.parameters.keys);
  }

  /** Encrypted already, before message 6: authentic if its hash is right, else a sign of different keys. */
  #receivePendingNotification({ message }: Arrival, now: Millis): AttemptResult | undefined {
    const sa = this.phase1.pendingSa;
    if (sa === undefined || !sa.owns(message.header)) throw new DecodeError('foreign cookie');
    // During XAUTH the peer has proved its key already.
    const isProven = sa.peerIdentity.length > 0;
    const undecryptable: Failure = {
      code: 'IKE_AUTHENTICATION_FAILED',
      detail: 'a notification after main mode message 5 cannot be decrypted',
    };
    try {
      const notices = openInformational(sa, message);
      if (notices === undefined && !isProven) this.#context.suspect(undecryptable, now);
      const failure = notices && this.#ending(notices);
      return failure && { kind: 'failed', failure };
    } catch (error) {
      if (error instanceof DecodeError && !isProven) this.#context.suspect(undecryptable, now);
      throw error;
    }
  }

  /** What authentic notices end the attempt with: an error, or a Delete, which strongSwan sends in place of one. */
  #ending(notices: readonly Notice[]): Failure | undefined {
    for (const notice of notices) {
      if (notice.kind === 'error') return this.phase1.notification(notice.notifyType);
      if (notice.kind === 'ike-deleted') {
        return this.phase1.notification(NotifyType['AUTHENTICATION-FAILED']);
      }
    }
    return undefined;
  }
}

/** Whether a notification in clear names the exchange. */
export function concerns(
  phase1: Phase1,
  { spi }: Notification,
  { initiatorCookie }: Header,
): boolean {
  const ours = phase1.initiatorCookie ?? COOKIE_ZERO;
  // Deviation: SoftEther writes a random initiator cookie into the header, and ours only into the SPI field.
  const named = [initiatorCookie, spi.slice(0, ours.length)];
  return named.some((cookie) => constantTimeEqual(cookie, ours));
}

/** Most refusals sent to peers that did not prove themselves, in the life of a machine. */
const MAX_CLEAR_REFUSALS = 8;

/** Refusals before there are keys to sign them with; a bounded number of them. */
export class Refusals {
  readonly #context: IkeContext;
  #sent = 0;

  constructor(context: IkeContext) {
    this.#context = context;
  }

  send({ message, channel }: Arrival, error: ProtocolError): void {
    this.#context.trace('refused', error.message);
    if (this.#sent >= MAX_CLEAR_REFUSALS) return;
    this.#sent++;
    const { initiatorCookie, responderCookie } = message.header;
    const header = {
      initiatorCookie,
      responderCookie,
      exchangeType: ExchangeType.informational,
      flags: 0,
      messageId: randomMessageId(this.#context.config.random),
    };
    this.#context.transmit(channel, encodeClearMessage(header, [refusal(error.wireCode)]));
  }
}
