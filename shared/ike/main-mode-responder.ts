/** Main mode, the responder's side. RFC 2409 §5.4, RFC 3947 §3 and §4. */
import type { Failure } from '../errors.ts';
import { COOKIE_LENGTH, decodeClearBody, encodeClearMessage } from '../isakmp/message.ts';
import { ExchangeType, HeaderFlag, NotifyType } from '../isakmp/numbers.ts';
import { type Bytes, constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import {
  certificateRequests,
  type OpenedIdentity,
  openIdentity,
  sealIdentity,
} from './authentication.ts';
import type { IkeContext } from './context.ts';
import { authenticationMethod, hasXauth } from './credentials.ts';
import { generateKeyPair, sharedSecret } from './group.ts';
import { IkeSa } from './ike-sa.ts';
import { derivePhase1Keys, type Phase1Exchange } from './key-material.ts';
import { type Lifetime, shorter } from './lifetime.ts';
import { type NatDialect, natDiscoveryPayloads, readNatDiscovery } from './nat-traversal.ts';
import {
  type Arrival,
  COOKIE_ZERO,
  NONCE_LENGTH,
  type Phase1,
  phase1Header,
  readKeyExchange,
} from './phase1.ts';
import { acceptPhase1, type Phase1Choice } from './phase1-transforms.ts';
import { responderLifetimePayloads } from './responder-lifetime.ts';
import { readVendorIds, vendorIdPayloads } from './vendor-ids.ts';

type State =
  | { readonly kind: 'wait-message-1' }
  | {
      readonly kind: 'wait-message-3';
      readonly initiatorCookie: Bytes;
      readonly responderCookie: Bytes;
      readonly offer: Bytes;
      readonly choice: Phase1Choice;
      readonly dialect: NatDialect | undefined;
      readonly dpd: boolean;
    }
  | { readonly kind: 'wait-message-5'; readonly sa: IkeSa; readonly offered: Lifetime }
  | { readonly kind: 'done'; readonly sa: IkeSa };

/** The last request with its answer, which a duplicate gets again. */
interface Answer {
  readonly request: Bytes;
  readonly response: Bytes;
}

export class MainModeResponder implements Phase1 {
  /** The initiator repeats itself; all that is timed here is the whole, by the machine above. */
  readonly deadline: undefined;
  readonly silence: Failure = { code: 'IKE_NO_RESPONSE' };
  readonly #context: IkeContext;
  #state: State = { kind: 'wait-message-1' };
  #answer: Answer | undefined;

  constructor(context: IkeContext) {
    this.#context = context;
  }

  get initiatorCookie(): Bytes | undefined {
    const state = this.#state;
    if (state.kind === 'wait-message-1') return undefined;
    return state.kind === 'wait-message-3'
      ? state.initiatorCookie
      : state.sa.parameters.exchange.initiatorCookie;
  }

  get pendingSa(): IkeSa | undefined {
    return this.#state.kind === 'wait-message-5' ? this.#state.sa : undefined;
  }

  notification(): undefined {
    return undefined;
  }

  timeout(): undefined {
    return undefined;
  }

  receive(arrival: Arrival, now: Millis): IkeSa | undefined {
    const { message, bytes, channel } = arrival;
    if (message.header.exchangeType !== ExchangeType.identityProtection) {
      throw new DecodeError('unexpected exchange type');
    }
    if (this.#answer !== undefined && constantTimeEqual(bytes, this.#answer.request)) {
      this.#context.trace('duplicate-request');
      this.#context.transmit(channel, this.#answer.response);
      return undefined;
    }
    switch (this.#state.kind) {
      case 'wait-message-1':
        this.#receiveOffer(arrival);
        return undefined;
      case 'wait-message-3':
        this.#receiveKeyExchange(this.#state, arrival);
        return undefined;
      case 'wait-message-5':
        return this.#receiveIdentity(this.#state, arrival, now);
      case 'done':
        throw new DecodeError('main mode is over');
    }
  }

  /** Message 1: the first of the initiator's transforms that policy allows. */
  #receiveOffer(arrival: Arrival): void {
    const { config } = this.#context;
    const { header } = arrival.message;
    if (!constantTimeEqual(header.responderCookie, COOKIE_ZERO)) {
      throw new DecodeError('foreign cookie');
    }
    const payloads = decodeClearBody(arrival.message);
    const [first] = payloads;
    if (first?.payload.kind !== 'security-association') throw new DecodeError('no SA payload');
    const method = authenticationMethod(config.credentials, 'peer');
    const choice = acceptPhase1(first.payload.proposals, config.phase1, method);
    if (choice === undefined) {
      throw new ProtocolError(NotifyType['NO-PROPOSAL-CHOSEN'], 'no acceptable transform');
    }
    const { initiatorCookie } = header;
    const { dialect, dpd, fragments } = readVendorIds(payloads, config.natTraversal);
    const responderCookie = config.random.bytes(COOKIE_LENGTH);
    const offer = first.body;
    this.#state = {
      kind: 'wait-message-3',
      initiatorCookie,
      responderCookie,
      offer,
      choice,
      dialect,
      dpd,
    };
    if (fragments) this.#context.takesFragments();
    const chosen = { ...choice.proposal, transforms: [choice.chosen] };
    this.#respond(
      arrival,
      encodeClearMessage(
        phase1Header(ExchangeType.identityProtection, initiatorCookie, responderCookie),
        [
          { kind: 'security-association', proposals: [chosen] },
          ...vendorIdPayloads(config.natTraversal, hasXauth(config.credentials)),
        ],
      ),
    );
  }

  /** Message 3: both halves of the key exchange are there. */
  #receiveKeyExchange(state: Extract<State, { kind: 'wait-message-3' }>, arrival: Arrival): void {
    const { config } = this.#context;
    const { primitives } = config;
    const { initiatorCookie, responderCookie, offer, choice } = state;
    const { transform } = choice;
    this.#requireCookies(initiatorCookie, responderCookie, arrival);
    const payloads = decodeClearBody(arrival.message);
    const { value, nonce: initiatorNonce } = readKeyExchange(payloads);
    const pair = generateKeyPair(transform.group, config.random, config.primitives);
    const secret = sharedSecret(pair, value, config.primitives);
    if (secret === undefined) {
      throw new ProtocolError(NotifyType['INVALID-KEY-INFORMATION'], 'public value out of range');
    }
    const exchange: Phase1Exchange = {
      initiatorCookie,
      responderCookie,
      initiatorValue: value,
      responderValue: pair.publicValue,
      initiatorNonce,
      responderNonce: config.random.bytes(NONCE_LENGTH),
      offer,
    };
    const keys = derivePhase1Keys(primitives, transform, config.credentials, secret, exchange);
    secret.fill(0);
    pair.privateValue.fill(0);
    const hashInput = { primitives, hash: transform.hash, initiatorCookie, responderCookie };
    const nat = readNatDiscovery(hashInput, config, arrival.channel, payloads);
    const dialect = nat.local || nat.remote ? state.dialect : undefined;
    const phase2Address = dialect === undefined ? config.localAddress : config.identityAddress;
    const sa = new IkeSa(
      {
        primitives,
        transform,
        exchange,
        keys,
        nat,
        dialect,
        phase2Address,
        dpd: state.dpd,
        taps: config.taps,
      },
      arrival.channel,
      shorter(config.ikeLifetime, choice.lifetime),
    );
    this.#state = { kind: 'wait-message-5', sa, offered: choice.lifetime };
    const discovery =
      state.dialect === undefined
        ? []
        : natDiscoveryPayloads(hashInput, config, arrival.channel, state.dialect);
    this.#respond(
      arrival,
      encodeClearMessage(
        phase1Header(ExchangeType.identityProtection, initiatorCookie, responderCookie),
        [
          { kind: 'key-exchange', data: pair.publicValue },
          { kind: 'nonce', data: exchange.responderNonce },
          ...certificateRequests(config),
          ...discovery,
        ],
      ),
    );
  }

  /** Message 5: the initiator's proof, from where it floated to. */
  #receiveIdentity(
    { sa, offered }: Extract<State, { kind: 'wait-message-5' }>,
    arrival: Arrival,
    now: Millis,
  ): IkeSa | undefined {
    const { message, channel } = arrival;
    const { initiatorCookie, responderCookie } = sa.parameters.exchange;
    this.#requireCookies(initiatorCookie, responderCookie, arrival);
    if ((message.header.flags & HeaderFlag.encryption) === 0) {
      throw new DecodeError('unexpected clear message');
    }
    const opened = this.#openIdentity(sa, message, now);
    if (opened?.kind === 'refused') {
      const { code, detail = code } = opened.failure;
      throw new ProtocolError(NotifyType['INVALID-CERTIFICATE'], detail);
    }
    // A wrong key shows as rubbish more often than as a wrong proof.
    if (opened?.kind !== 'proven') {
      throw new ProtocolError(NotifyType['PAYLOAD-MALFORMED'], 'message 5 does not prove the key');
    }
    sa.channel = channel;
    this.#state = { kind: 'done', sa };
    const { config } = this.#context;
    const more = responderLifetimePayloads(1, sa.cookies, offered, config.ikeLifetime);
    this.#respond(arrival, sealIdentity(sa, 'responder', config, more));
    return sa;
  }

  /** `undefined` for what does not decrypt to payloads. */
  #openIdentity(sa: IkeSa, message: Arrival['message'], now: Millis): OpenedIdentity | undefined {
    try {
      return openIdentity(sa, 'initiator', message, this.#context.config, now);
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #requireCookies(initiatorCookie: Bytes, responderCookie: Bytes, { message }: Arrival): void {
    const { header } = message;
    if (
      !constantTimeEqual(header.initiatorCookie, initiatorCookie) ||
      !constantTimeEqual(header.responderCookie, responderCookie)
    ) {
      throw new DecodeError('foreign cookie');
    }
  }

  #respond({ bytes, channel }: Arrival, response: Bytes): void {
    this.#answer = { request: bytes.slice(), response };
    this.#context.transmit(channel, response);
  }
}
