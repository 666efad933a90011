/** The user's side of XAUTH: a phase 1 that is not over before the gateway has asked, and is content. draft-ietf-ipsec-isakmp-xauth-06 */
import type { Failure } from '../errors.ts';
import { ExchangeType } from '../isakmp/numbers.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import type { IkeContext } from './context.ts';
import type { XauthAccount } from './credentials.ts';
import { notificationFailure } from './failures.ts';
import { IkeSa } from './ike-sa.ts';
import type { Arrival, Phase1, Refusal } from './phase1.ts';
import { Xauth } from './xauth.ts';

/** How long a gateway that knows us may take to ask again. */
const RENEWAL_PATIENCE_MILLIS = 5_000;

type State =
  | { readonly kind: 'phase-1' }
  /** `askBy`: where it is not sure that there will be a question. */
  | {
      readonly kind: 'xauth';
      readonly sa: IkeSa;
      readonly xauth: Xauth;
      readonly askBy: Millis | undefined;
    }
  | { readonly kind: 'done'; readonly xauth: Xauth };

export class ExtendedAuthentication implements Phase1 {
  readonly #context: IkeContext;
  readonly #phase1: Phase1;
  readonly #account: XauthAccount;
  readonly #isRenewal: boolean;
  #state: State = { kind: 'phase-1' };

  constructor(context: IkeContext, phase1: Phase1, account: XauthAccount, isRenewal: boolean) {
    this.#context = context;
    this.#phase1 = phase1;
    this.#account = account;
    this.#isRenewal = isRenewal;
  }

  get initiatorCookie(): Bytes | undefined {
    return this.#phase1.initiatorCookie;
  }

  /** In XAUTH the gateway repeats itself; all that is timed is the whole, by the machine above. */
  get deadline(): Millis | undefined {
    return earliest(this.#phase1.deadline, this.#askBy);
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

  /** Deviation: Cisco's gateways do not ask again when an IKE SA is renewed (the draft says nothing of it), so silence then is consent. */
  timeout(now: Millis): IkeSa | Failure | undefined {
    const state = this.#state;
    if (state.kind === 'xauth' && (this.#askBy ?? Infinity) <= now) {
      this.#context.trace('xauth-not-asked');
      this.#state = { kind: 'done', xauth: state.xauth };
      return state.sa;
    }
    return this.#phase1.timeout(now);
  }

  receive(arrival: Arrival, now: Millis): IkeSa | Refusal | undefined {
    const state = this.#state;
    if (state.kind === 'phase-1') {
      const outcome = this.#phase1.receive(arrival, now);
      if (!(outcome instanceof IkeSa)) return outcome;
      const xauth = new Xauth(this.#context, outcome, this.#account);
      this.#context.trace('xauth-awaited');
      const askBy = this.#isRenewal ? now + RENEWAL_PATIENCE_MILLIS : undefined;
      this.#state = { kind: 'xauth', sa: outcome, xauth, askBy };
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

  /** When a gateway that has asked nothing will not any more. */
  get #askBy(): Millis | undefined {
    const state = this.#state;
    return state.kind === 'xauth' && !state.xauth.hasBegun ? state.askBy : undefined;
  }
}
