/**
 * The gateway's side of XAUTH: name and password are asked for at once and in one question, and then it is told whether they will do.
 * draft-ietf-ipsec-isakmp-xauth-06, draft-ietf-ipsec-isakmp-mode-cfg-05.
 */
import type { Failure } from '../errors.ts';
import type { Attribute } from '../isakmp/attribute.ts';
import { ConfigType, ExchangeType, XauthAttribute } from '../isakmp/numbers.ts';
import type { Attributes } from '../isakmp/payload.ts';
import { EMPTY, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Decode } from '../wire/text.ts';
import type { CipherChain } from './cipher-chain.ts';
import type { IkeContext } from './context.ts';
import type { XauthAccount } from './credentials.ts';
import type { XauthResult, XauthSide } from './extended-authentication.ts';
import type { IkeSa } from './ike-sa.ts';
import type { Arrival } from './phase1.ts';
import { randomMessageId } from './quick-mode.ts';
import { Retransmission } from './retransmission.ts';
import { openTransaction, requireTransaction } from './transaction.ts';

/** A transaction exchange of ours, until it is answered. */
interface Transaction {
  readonly messageId: number;
  readonly chain: CipherChain;
  readonly resend: Retransmission;
}

type State =
  | { readonly kind: 'asking'; readonly transaction: Transaction }
  | { readonly kind: 'telling'; readonly transaction: Transaction; readonly isAdmitted: boolean }
  | { readonly kind: 'done' };

export class XauthGateway implements XauthSide {
  readonly silence: Failure = { code: 'IKE_NO_RESPONSE', detail: 'no answer to XAUTH' };
  readonly #context: IkeContext;
  readonly #sa: IkeSa;
  readonly #admits: (account: XauthAccount) => boolean;
  #state: State;

  constructor(
    context: IkeContext,
    sa: IkeSa,
    admits: (account: XauthAccount) => boolean,
    now: Millis,
  ) {
    this.#context = context;
    this.#sa = sa;
    this.#admits = admits;
    const { userName, userPassword } = XauthAttribute;
    const wanted = [userName, userPassword].map(
      (type): Attribute => ({ kind: 'variable', type, value: EMPTY }),
    );
    this.#state = { kind: 'asking', transaction: this.#begin(ConfigType.request, wanted, now) };
  }

  get deadline(): Millis | undefined {
    return this.#resend?.deadline;
  }

  timeout(now: Millis): XauthResult {
    const resend = this.#resend;
    const due = resend?.due(now);
    if (due === 'exhausted') return this.silence;
    if (due === 'send') this.#context.transmit(resend!.channel, resend!.bytes);
    return undefined;
  }

  receive({ message }: Arrival, now: Millis): XauthResult {
    const state = this.#state;
    if (state.kind === 'done') throw new DecodeError('XAUTH is over');
    requireTransaction(this.#sa, message);
    const { messageId, chain } = state.transaction;
    if (message.header.messageId !== messageId) throw new DecodeError('another transaction');
    const { configType, attributes } = openTransaction(this.#sa, message, chain);
    if (state.kind === 'asking') {
      if (configType !== ConfigType.reply) throw new DecodeError('not a reply');
      const isAdmitted = this.#admits(accountOf(attributes));
      this.#state = { kind: 'telling', isAdmitted, transaction: this.#tell(isAdmitted, now) };
      return undefined;
    }
    if (configType !== ConfigType.acknowledge) throw new DecodeError('not an acknowledgement');
    this.#state = { kind: 'done' };
    return state.isAdmitted ? 'passed' : { code: 'IKE_XAUTH_FAILED' };
  }

  get #resend(): Retransmission | undefined {
    return this.#state.kind === 'done' ? undefined : this.#state.transaction.resend;
  }

  #tell(isAdmitted: boolean, now: Millis): Transaction {
    const { status } = XauthAttribute;
    const verdict: Attribute = { kind: 'basic', type: status, value: isAdmitted ? 1 : 0 };
    return this.#begin(ConfigType.set, [verdict], now);
  }

  #begin(configType: number, attributes: readonly Attribute[], now: Millis): Transaction {
    const sa = this.#sa;
    const { timers, random } = this.#context.config;
    const messageId = randomMessageId(random);
    const chain = sa.chain(messageId);
    const payload: Attributes = { kind: 'attributes', configType, identifier: 0, attributes };
    const bytes = sa.seal(ExchangeType.transaction, messageId, chain, EMPTY, [payload]);
    this.#context.transmit(sa.channel, bytes);
    return { messageId, chain, resend: new Retransmission(timers, sa.channel, bytes, now) };
  }
}

function accountOf(attributes: readonly Attribute[]): XauthAccount {
  const text = (wanted: number): string => {
    const found = attributes.find(({ type }) => type === wanted);
    return found?.kind === 'variable' ? utf8Decode(found.value) : '';
  };
  return {
    userName: text(XauthAttribute.userName),
    password: text(XauthAttribute.userPassword),
  };
}
