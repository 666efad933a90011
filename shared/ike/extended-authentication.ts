/** A phase 1 that is not over before XAUTH is, on whichever side of it. draft-ietf-ipsec-isakmp-xauth-06 */
import type { Failure } from '../errors.ts';
import { ExchangeType } from '../isakmp/numbers.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import type { IkeContext } from './context.ts';
import { notificationFailure } from './failures.ts';
import { IkeSa } from './ike-sa.ts';
import type { Arrival, Phase1, Refusal } from './phase1.ts';

/** What XAUTH has come to; `undefined` while it goes on. */
export type XauthResult = 'passed' | Failure | undefined;

/** One side of XAUTH under an IKE SA that stands. */
export interface XauthSide {
  /** When `timeout` is due. */
  readonly deadline: Millis | undefined;
  /** What silence means at this point. */
  readonly silence: Failure;
  /** A message of a transaction exchange. When all is over it answers what the peer repeats, or throws. Throws `DecodeError`. */
  receive(arrival: Arrival, now: Millis): XauthResult;
  timeout(now: Millis): XauthResult;
}

type State =
  | { readonly kind: 'phase-1' }
  | { readonly kind: 'xauth'; readonly sa: IkeSa; readonly side: XauthSide }
  | { readonly kind: 'done'; readonly side: XauthSide };

export class ExtendedAuthentication implements Phase1 {
  readonly #context: IkeContext;
  readonly #phase1: Phase1;
  readonly #begin: (sa: IkeSa, now: Millis) => XauthSide;
  #state: State = { kind: 'phase-1' };

  /** `begin` is called once, when phase 1 has led to an SA. */
  constructor(context: IkeContext, phase1: Phase1, begin: (sa: IkeSa, now: Millis) => XauthSide) {
    this.#context = context;
    this.#phase1 = phase1;
    this.#begin = begin;
  }

  get initiatorCookie(): Bytes | undefined {
    return this.#phase1.initiatorCookie;
  }

  get deadline(): Millis | undefined {
    return earliest(this.#phase1.deadline, this.#underWay?.side.deadline);
  }

  get pendingSa(): IkeSa | undefined {
    return this.#underWay?.sa ?? this.#phase1.pendingSa;
  }

  get silence(): Failure {
    return this.#underWay?.side.silence ?? this.#phase1.silence;
  }

  notification(notifyType: number): Failure | undefined {
    if (this.#underWay === undefined) return this.#phase1.notification(notifyType);
    const { code, detail } = notificationFailure(
      this.#context.config,
      'authentication',
      notifyType,
    );
    const isPlain = code === 'IKE_AUTHENTICATION_FAILED';
    return { code: isPlain ? 'IKE_XAUTH_FAILED' : code, ...(detail !== undefined && { detail }) };
  }

  timeout(now: Millis): IkeSa | Failure | undefined {
    const underWay = this.#underWay;
    const result = underWay?.side.timeout(now);
    if (underWay === undefined || result === undefined) return this.#phase1.timeout(now);
    return result === 'passed' ? this.#passed(underWay) : result;
  }

  receive(arrival: Arrival, now: Millis): IkeSa | Refusal | undefined {
    const state = this.#state;
    if (state.kind === 'phase-1') {
      const outcome = this.#phase1.receive(arrival, now);
      if (!(outcome instanceof IkeSa)) return outcome;
      this.#state = { kind: 'xauth', sa: outcome, side: this.#begin(outcome, now) };
      return undefined;
    }
    if (arrival.message.header.exchangeType !== ExchangeType.transaction) {
      this.#phase1.receive(arrival, now);
      return undefined;
    }
    const result = state.side.receive(arrival, now);
    if (state.kind === 'done' || result === undefined) return undefined;
    return result === 'passed' ? this.#passed(state) : { sa: state.sa, failure: result };
  }

  get #underWay(): Extract<State, { kind: 'xauth' }> | undefined {
    return this.#state.kind === 'xauth' ? this.#state : undefined;
  }

  #passed({ sa, side }: Extract<State, { kind: 'xauth' }>): IkeSa {
    this.#state = { kind: 'done', side };
    return sa;
  }
}
