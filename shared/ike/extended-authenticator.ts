/**
 * The gateway's side of XAUTH: a phase 1 that is not over before the peer has told a user name and a password, which are asked for at
 * once and in one question. draft-ietf-ipsec-isakmp-xauth-06, draft-ietf-ipsec-isakmp-mode-cfg-05.
 */
import type { Failure } from '../errors.ts';
import type { Attribute } from '../isakmp/attribute.ts';
import { ConfigType, ExchangeType, HeaderFlag, XauthAttribute } from '../isakmp/numbers.ts';
import type { Attributes } from '../isakmp/payload.ts';
import { type Bytes, EMPTY, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import { utf8Decode } from '../wire/text.ts';
import type { CipherChain } from './cipher-chain.ts';
import type { IkeContext } from './context.ts';
import type { XauthAccount } from './credentials.ts';
import { IkeSa } from './ike-sa.ts';
import type { Arrival, Phase1, Refusal } from './phase1.ts';
import { randomMessageId } from './quick-mode.ts';
import { Retransmission } from './retransmission.ts';

/** A transaction exchange of ours, until it is answered. */
interface Transaction {
  readonly messageId: number;
  readonly chain: CipherChain;
  readonly resend: Retransmission;
}

type State =
  | { readonly kind: 'phase-1' }
  | { readonly kind: 'asking'; readonly sa: IkeSa; readonly transaction: Transaction }
  | {
      readonly kind: 'telling';
      readonly sa: IkeSa;
      readonly transaction: Transaction;
      readonly isAdmitted: boolean;
    }
  | { readonly kind: 'done' };

export class ExtendedAuthenticator implements Phase1 {
  readonly #context: IkeContext;
  readonly #phase1: Phase1;
  readonly #admits: (account: XauthAccount) => boolean;
  #state: State = { kind: 'phase-1' };

  constructor(context: IkeContext, phase1: Phase1, admits: (account: XauthAccount) => boolean) {
    this.#context = context;
    this.#phase1 = phase1;
    this.#admits = admits;
  }

  get initiatorCookie(): Bytes | undefined {
    return this.#phase1.initiatorCookie;
  }

  get deadline(): Millis | undefined {
    return earliest(this.#phase1.deadline, this.#transaction?.resend.deadline);
  }

  get pendingSa(): IkeSa | undefined {
    return 'sa' in this.#state ? this.#state.sa : this.#phase1.pendingSa;
  }

  get silence(): Failure {
    if (this.#transaction === undefined) return this.#phase1.silence;
    return { code: 'IKE_NO_RESPONSE', detail: 'no answer to XAUTH' };
  }

  notification(notifyType: number): Failure | undefined {
    return this.#phase1.notification(notifyType);
  }

  timeout(now: Millis): IkeSa | Failure | undefined {
    const resend = this.#transaction?.resend;
    const due = resend?.due(now);
    if (due === 'exhausted') return this.silence;
    if (due === 'send') this.#context.transmit(resend!.channel, resend!.bytes);
    return this.#phase1.timeout(now);
  }

  receive(arrival: Arrival, now: Millis): IkeSa | Refusal | undefined {
    const state = this.#state;
    if (state.kind === 'phase-1') {
      const outcome = this.#phase1.receive(arrival, now);
      if (!(outcome instanceof IkeSa)) return outcome;
      this.#state = { kind: 'asking', sa: outcome, transaction: this.#ask(outcome, now) };
      return undefined;
    }
    if (arrival.message.header.exchangeType !== ExchangeType.transaction) {
      this.#phase1.receive(arrival, now);
      return undefined;
    }
    if (state.kind === 'done') throw new DecodeError('XAUTH is over');
    const { sa, transaction } = state;
    const { configType, attributes } = open(sa, transaction, arrival);
    if (state.kind === 'asking') {
      if (configType !== ConfigType.reply) throw new DecodeError('not a reply');
      const isAdmitted = this.#admits(accountOf(attributes));
      this.#state = {
        kind: 'telling',
        sa,
        isAdmitted,
        transaction: this.#tell(sa, isAdmitted, now),
      };
      return undefined;
    }
    if (configType !== ConfigType.acknowledge) throw new DecodeError('not an acknowledgement');
    this.#state = { kind: 'done' };
    return state.isAdmitted ? sa : { sa, failure: { code: 'IKE_XAUTH_FAILED' } };
  }

  get #transaction(): Transaction | undefined {
    return 'transaction' in this.#state ? this.#state.transaction : undefined;
  }

  #ask(sa: IkeSa, now: Millis): Transaction {
    const { userName, userPassword } = XauthAttribute;
    const wanted = [userName, userPassword].map(
      (type): Attribute => ({ kind: 'variable', type, value: EMPTY }),
    );
    return this.#begin(sa, ConfigType.request, wanted, now);
  }

  #tell(sa: IkeSa, isAdmitted: boolean, now: Millis): Transaction {
    const { status } = XauthAttribute;
    const verdict: Attribute = { kind: 'basic', type: status, value: isAdmitted ? 1 : 0 };
    return this.#begin(sa, ConfigType.set, [verdict], now);
  }

  #begin(
    sa: IkeSa,
    configType: number,
    attributes: readonly Attribute[],
    now: Millis,
  ): Transaction {
    const { timers, random } = this.#context.config;
    const messageId = randomMessageId(random);
    const chain = sa.chain(messageId);
    const payload: Attributes = { kind: 'attributes', configType, identifier: 0, attributes };
    const bytes = sa.seal(ExchangeType.transaction, messageId, chain, EMPTY, [payload]);
    this.#context.transmit(sa.channel, bytes);
    return { messageId, chain, resend: new Retransmission(timers, sa.channel, bytes, now) };
  }
}

/** The one attribute payload of an authentic answer. Throws `DecodeError`. */
function open(sa: IkeSa, { messageId, chain }: Transaction, { message }: Arrival): Attributes {
  const { header } = message;
  if (!sa.owns(header)) throw new DecodeError('foreign cookie');
  if (header.messageId !== messageId) throw new DecodeError('another transaction');
  if ((header.flags & HeaderFlag.encryption) === 0) throw new DecodeError('not encrypted');
  const payloads = sa.open(message, chain, EMPTY);
  if (payloads === undefined) throw new DecodeError('HASH of a transaction is wrong');
  const [first] = payloads;
  if (first?.payload.kind !== 'attributes') throw new DecodeError('no attribute payload');
  return first.payload;
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
