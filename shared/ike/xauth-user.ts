/**
 * The user's side of XAUTH: behind phase 1 the gateway asks for a user name and a password, in transaction exchanges of its own, before Quick Mode.
 * draft-ietf-ipsec-isakmp-xauth-06, draft-ietf-ipsec-isakmp-mode-cfg-05; strongSwan and Cisco do as these say.
 *
 * Weak: the password goes to whoever proved itself in phase 1, and a pre-shared key that many share proves little.
 * Left out: challenges and one-time passwords that are derived from one (types 1 to 3).
 */
import { type Failure, plainText } from '../errors.ts';
import { type Attribute, attributeNumber } from '../isakmp/attribute.ts';
import { ConfigType, ExchangeType, XauthAttribute } from '../isakmp/numbers.ts';
import type { Attributes } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, EMPTY, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { isDue } from '../wire/machine.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import type { CipherChain } from './cipher-chain.ts';
import type { IkeContext } from './context.ts';
import type { XauthAccount } from './credentials.ts';
import type { XauthResult, XauthSide } from './extended-authentication.ts';
import type { IkeSa } from './ike-sa.ts';
import type { Arrival } from './phase1.ts';
import { openTransaction, requireTransaction } from './transaction.ts';

/** Most questions that are answered: one for the name, one for the password, and some to spare. */
const MAX_REQUESTS = 6;

/** Most exchanges whose last answer is kept, for a peer that did not get it. */
const MAX_EXCHANGES = 8;

/** The one type that is answered: a name and a password as they are. draft-ietf-ipsec-isakmp-xauth-06 §6.2 */
const GENERIC = 0;

/** How long a gateway that knows us may take to ask again. */
const RENEWAL_PATIENCE_MILLIS = 5_000;

interface Exchange {
  readonly chain: CipherChain;
  request: Bytes;
  response: Bytes;
}

export class XauthUser implements XauthSide {
  readonly #context: IkeContext;
  readonly #sa: IkeSa;
  readonly #account: XauthAccount;
  /** When a gateway that has asked nothing will not any more; `undefined`: it has to. */
  readonly #askBy: Millis | undefined;
  readonly #exchanges = new Map<number, Exchange>();
  #requests = 0;
  #gavePassword = false;
  /** What the gateway has to say to the user, if anything. */
  #words = '';

  /** `isRenewal`: the gateway has admitted us before. */
  constructor(
    context: IkeContext,
    sa: IkeSa,
    account: XauthAccount,
    isRenewal: boolean,
    now: Millis,
  ) {
    this.#context = context;
    this.#sa = sa;
    this.#account = account;
    this.#askBy = isRenewal ? now + RENEWAL_PATIENCE_MILLIS : undefined;
    context.trace('xauth-awaited');
  }

  /** The gateway repeats itself; what it takes in all is timed by the machine above. */
  get deadline(): Millis | undefined {
    return this.#hasBegun ? undefined : this.#askBy;
  }

  get silence(): Failure {
    return {
      code: 'IKE_XAUTH_FAILED',
      detail: this.#hasBegun
        ? 'the gateway did not say whether the XAUTH password is right'
        : 'the gateway did not ask for the XAUTH password',
    };
  }

  /** Deviation: Cisco's gateways do not ask again when an IKE SA is renewed (the draft says nothing of it), so silence then is consent. */
  timeout(now: Millis): XauthResult {
    if (!isDue(this, now)) return undefined;
    this.#context.trace('xauth-not-asked');
    return 'passed';
  }

  /** Throws `DecodeError`. */
  receive({ message, bytes, channel }: Arrival): XauthResult {
    requireTransaction(this.#sa, message);
    const { messageId } = message.header;
    const known = this.#exchanges.get(messageId);
    if (known !== undefined && constantTimeEqual(bytes, known.request)) {
      this.#context.trace('duplicate-request');
      this.#context.transmit(channel, known.response);
      return undefined;
    }
    const chain = known?.chain ?? this.#sa.chain(messageId);
    const question = openTransaction(this.#sa, message, chain);
    if (known === undefined && this.#exchanges.size >= MAX_EXCHANGES) {
      throw new DecodeError('too many transaction exchanges');
    }
    const { reply, result } = this.#answer(question);
    const response = this.#sa.seal(ExchangeType.transaction, messageId, chain, EMPTY, [reply]);
    this.#exchanges.set(messageId, { chain, request: bytes.slice(), response });
    this.#context.transmit(channel, response);
    return result;
  }

  /** Whether anything authentic has been asked. */
  get #hasBegun(): boolean {
    return this.#exchanges.size > 0;
  }

  #answer(question: Attributes): { readonly reply: Attributes; readonly result: XauthResult } {
    const { identifier, attributes } = question;
    const words = attributes.find(({ type }) => type === XauthAttribute.message);
    if (words?.kind === 'variable') this.#words = plainText(utf8Decode(words.value));
    const answer = (configType: number, given: readonly Attribute[]): Attributes => ({
      kind: 'attributes',
      configType,
      identifier,
      attributes: given,
    });
    switch (question.configType) {
      case ConfigType.request: {
        const failure = this.#refusal(attributes);
        const given = failure === undefined ? this.#give(attributes) : [status(0)];
        return { reply: answer(ConfigType.reply, given), result: failure };
      }
      case ConfigType.set: {
        const reply = answer(ConfigType.acknowledge, attributes.map(withoutValue));
        return { reply, result: this.#verdict(attributes) };
      }
      default:
        throw new DecodeError('an answer to nothing');
    }
  }

  /** Why a question gets no answer. A password that is asked for again was not the right one. */
  #refusal(attributes: readonly Attribute[]): Failure | undefined {
    const asks = (type: number): boolean => attributes.some((each) => each.type === type);
    const type = attributes.find((each) => each.type === XauthAttribute.type);
    if (asks(XauthAttribute.challenge) || (type && attributeNumber(type) !== GENERIC)) {
      return this.#failure('the gateway wants an answer to a challenge, which is not supported');
    }
    const asksPassword = asks(XauthAttribute.userPassword) || asks(XauthAttribute.passcode);
    if (asksPassword && this.#gavePassword) return this.#failure('the gateway asks again');
    this.#gavePassword ||= asksPassword;
    this.#requests++;
    return this.#requests > MAX_REQUESTS ? this.#failure('the gateway keeps asking') : undefined;
  }

  #give(attributes: readonly Attribute[]): readonly Attribute[] {
    return attributes.flatMap((asked) => {
      const value = this.#value(asked);
      return value === undefined ? [] : [value];
    });
  }

  #value({ type }: Attribute): Attribute | undefined {
    const { userName, password } = this.#account;
    switch (type) {
      case XauthAttribute.type:
        return { kind: 'basic', type, value: GENERIC };
      case XauthAttribute.userName:
        return { kind: 'variable', type, value: utf8Encode(userName) };
      case XauthAttribute.userPassword:
      case XauthAttribute.passcode:
        return { kind: 'variable', type, value: utf8Encode(password) };
      case XauthAttribute.domain:
        return { kind: 'variable', type, value: EMPTY };
      default:
        return undefined;
    }
  }

  /** XAUTH-STATUS: 1 is success. Whatever else a gateway sets is taken note of by the acknowledgement alone. */
  #verdict(attributes: readonly Attribute[]): XauthResult {
    const found = attributes.find(({ type }) => type === XauthAttribute.status);
    if (found === undefined) return undefined;
    return attributeNumber(found) === 1 ? 'passed' : this.#failure('XAUTH-STATUS says FAIL');
  }

  #failure(detail: string): Failure {
    const words = this.#words === '' ? detail : `${detail}; the gateway says: ${this.#words}`;
    return { code: 'IKE_XAUTH_FAILED', detail: words };
  }
}

function status(value: number): Attribute {
  return { kind: 'basic', type: XauthAttribute.status, value };
}

/** An acknowledgement names what was set. draft-ietf-ipsec-isakmp-mode-cfg-05 §3.2 */
function withoutValue({ type }: Attribute): Attribute {
  return { kind: 'variable', type, value: EMPTY };
}
