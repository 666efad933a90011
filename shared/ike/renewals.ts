/**
 * Phase 1 exchanges beside a tunnel that stands: ours, by which its IKE SA is renewed in time, and the peer's, which some gateways call
 * re-authentication. Whoever begins has to prove itself as at the beginning. RFC 2409 §5.
 */
import type { Header } from '../isakmp/message.ts';
import { HeaderFlag } from '../isakmp/numbers.ts';
import type { Notification } from '../isakmp/payload.ts';
import { constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import { Attempt, type AttemptResult } from './attempt.ts';
import type { IkeContext } from './context.ts';
import type { IkeSa } from './ike-sa.ts';
import type { IkeChannel } from './io.ts';
import { type Arrival, COOKIE_ZERO, type Phase1 } from './phase1.ts';
import { answerPhase1, beginPhase1 } from './phase1-modes.ts';

/** Most main modes of the peer's at a time: anybody can send a first message in its name. */
export const MAX_PEER_ATTEMPTS = 3;

/** An IKE SA that a main mode has led to. */
export interface Renewed {
  readonly sa: IkeSa;
  readonly phase1: Phase1;
  readonly initiatedBy: 'us' | 'peer';
  /** When its main mode began. */
  readonly since: Millis;
}

interface Renewal {
  readonly attempt: Attempt;
  readonly since: Millis;
}

export class Renewals {
  readonly #context: IkeContext;
  #ours: Renewal | undefined;
  /** Oldest first. */
  #theirs: readonly Renewal[] = [];

  constructor(context: IkeContext) {
    this.#context = context;
  }

  get deadline(): Millis | undefined {
    return earliest(
      this.#ours?.attempt.deadline,
      ...this.#theirs.map(({ attempt }) => attempt.deadline),
    );
  }

  /** Whether one is under way, of ours or with a peer that at least gets what is sent to it. */
  get isBusy(): boolean {
    return this.#ours !== undefined || this.#theirs.some(isReached);
  }

  /** Begins one of ours, where there is none. */
  begin(channel: IkeChannel, now: Millis): void {
    if (this.#ours !== undefined) return;
    const context = this.#context.beside();
    const phase1 = beginPhase1(context, channel, true, now);
    this.#ours = { attempt: new Attempt(context, phase1, now), since: now };
  }

  /**
   * A message that belongs to no standing IKE SA. Answers the new one once the peer is authenticated, and `failed` where it
   * has ended ours. Throws `DecodeError` and `ProtocolError`.
   */
  receive(arrival: Arrival, now: Millis): Renewed | 'failed' | undefined {
    const { initiatorCookie } = arrival.message.header;
    const isOf = ({ attempt }: Renewal): boolean =>
      constantTimeEqual(attempt.phase1.initiatorCookie ?? COOKIE_ZERO, initiatorCookie);
    const ours = this.#ours;
    if (ours !== undefined && isOf(ours)) {
      // Our own first message, sent back to us, is the one of ours that has no responder's cookie.
      const result = ours.attempt.receive(arrival, now);
      if (result === undefined) return undefined;
      this.#ours = undefined;
      return this.#finish(ours, result, 'us');
    }
    const known = this.#theirs.find(isOf);
    const theirs = known ?? this.#listen(arrival, now);
    const result = theirs.attempt.receive(arrival, now);
    if (known === undefined) this.#admit(theirs);
    if (result === undefined) return undefined;
    this.#theirs = this.#theirs.filter((each) => each !== theirs);
    return this.#finish(theirs, result, 'peer');
  }

  /** An error notification in clear; answers whether it concerned one of these. */
  suspect(notification: Notification, header: Header, now: Millis): boolean {
    return this.#ours?.attempt.suspect(notification, header, now) ?? false;
  }

  /** Answers what has come to its end, and `failed` where ours has come to nothing. */
  timeout(now: Millis): readonly (Renewed | 'failed')[] {
    const ended: (Renewed | 'failed' | undefined)[] = [];
    for (const each of this.#theirs) {
      const result = each.attempt.timeout(now);
      if (result === undefined) continue;
      this.#theirs = this.#theirs.filter((other) => other !== each);
      ended.push(this.#finish(each, result, 'peer'));
    }
    const ours = this.#ours;
    const result = ours?.attempt.timeout(now);
    if (ours !== undefined && result !== undefined) {
      this.#ours = undefined;
      ended.push(this.#finish(ours, result, 'us'));
    }
    return ended.filter((each) => each !== undefined);
  }

  abandon(): void {
    for (const { attempt } of this.#theirs) attempt.abandon();
    this.#ours?.attempt.abandon();
    this.#theirs = [];
    this.#ours = undefined;
  }

  /** The responder's side of what may be a first message. */
  #listen({ message }: Arrival, now: Millis): Renewal {
    const { responderCookie, flags } = message.header;
    const isFirst = constantTimeEqual(responderCookie, COOKIE_ZERO);
    if (!isFirst || (flags & HeaderFlag.encryption) !== 0) throw new DecodeError('foreign cookie');
    const context = this.#context.beside();
    const phase1 = answerPhase1(context, message);
    return { attempt: new Attempt(context, phase1, now), since: now };
  }

  /** Keeps an attempt whose first message was acceptable; one that has got no further makes room for it. */
  #admit(renewal: Renewal): void {
    if (this.#theirs.length >= MAX_PEER_ATTEMPTS) {
      const loser = this.#theirs.find((each) => !isReached(each)) ?? this.#theirs[0]!;
      loser.attempt.abandon();
      this.#theirs = this.#theirs.filter((each) => each !== loser);
    }
    this.#theirs = [...this.#theirs, renewal];
  }

  #finish(
    { attempt, since }: Renewal,
    result: AttemptResult,
    initiatedBy: 'us' | 'peer',
  ): Renewed | 'failed' | undefined {
    if (result.kind === 'authenticated') {
      return { sa: result.sa, phase1: attempt.phase1, initiatedBy, since };
    }
    const { failure } = result;
    this.#context.trace('renewal-failed', failure.detail ?? failure.code);
    attempt.abandon();
    return initiatedBy === 'us' ? 'failed' : undefined;
  }
}

/** Whether the peer has got our cookie: the first message alone proves nothing. */
function isReached({ attempt }: Renewal): boolean {
  return attempt.phase1.pendingSa !== undefined;
}
