/** A phase 1 of ours that is not over before XAUTH is. draft-ietf-ipsec-isakmp-xauth-06 */
import type { Failure } from '../errors.ts';
import { ExchangeType } from '../isakmp/numbers.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import type { IkeContext } from './context.ts';
import type { XauthAccount } from './credentials.ts';
import { notificationFailure } from './failures.ts';
import { IkeSa } from './ike-sa.ts';
import type { Arrival, Phase1, Refusal } from './phase1.ts';
import { Xauth } from './xauth.ts';

type State =
  | { readonly kind: 'phase-1' }
  | { readonly kind: 'xauth'; readonly sa: IkeSa; readonly xauth: Xauth }
  | { readonly kind: 'done'; readonly xauth: Xauth };

export class ExtendedAuthentication implements Phase1 {
  readonly #context: IkeContext;
  readonly #phase1: Phase1;
  readonly #account: XauthAccount;
  #state: State = { kind: 'phase-1' };

  constructor(context: IkeContext, phase1: Phase1, account: XauthAccount) {
    this.#context = context;
    this.#phase1 = phase1;
    this.#account = account;
  }

  get initiatorCookie(): Bytes | undefined {
    return this.#phase1.initiatorCookie;
  }

  /** Phase 1's. In XAUTH the gateway repeats itself; all that is timed is the whole, by the machine above. */
  get deadline(): Millis | undefined {
    return this.#phase1.deadline;
  }

  get pendingSa(): IkeSa | undefined {
    return this.#state.kind === 'xauth' ? this.#state.sa : this.#phase1.pendingSa;
  }

  get silence(): Failure {
    const state = this.#state;
    if (state.kind !== 'xauth') return this.#phase1.silence;
    const detail = state.xauth.hasBegun
      ? 'the gateway did not say whether the XAUTH password is right'
      : 'the gateway did not ask for the XAUTH password';
    return { code: 'IKE_XAUTH_FAILED', detail };
  }

  notification(notifyType: number): Failure | undefined {
    if (this.#state.kind !== 'xauth') return this.#phase1.notification(notifyType);
    const { code, detail } = notificationFailure(
      this.#context.config,
      'authentication',
      notifyType,
    );
    const isPlain = code === 'IKE_AUTHENTICATION_FAILED';
    return { code: isPlain ? 'IKE_XAUTH_FAILED' : code, ...(detail !== undefined && { detail }) };
  }

  timeout(now: Millis): Failure | undefined {
    return this.#phase1.timeout(now);
  }

  receive(arrival: Arrival, now: Millis): IkeSa | Refusal | undefined {
    const state = this.#state;
    if (state.kind === 'phase-1') {
      const outcome = this.#phase1.receive(arrival, now);
      if (!(outcome instanceof IkeSa)) return outcome;
      const xauth = new Xauth(this.#context, outcome, this.#account);
      this.#context.trace('xauth-awaited');
      this.#state = { kind: 'xauth', sa: outcome, xauth };
      return undefined;
    }
    if (arrival.message.header.exchangeType !== ExchangeType.transaction) {
      this.#phase1.receive(arrival, now);
      return undefined;
    }
    const result = state.xauth.receive(arrival);
    if (state.kind === 'done' || result === undefined) return undefined;
    const { sa, xauth } = state;
    if (result !== 'passed') return { sa, failure: result };
    this.#state = { kind: 'done', xauth };
    return sa;
  }
}
