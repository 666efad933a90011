/** Main mode, the initiator's side. RFC 2409 §5.4, RFC 3947 §3 and §4. */
import type { Failure } from '../errors.ts';
import {
  COOKIE_LENGTH,
  decodeClearBody,
  encodeClearMessage,
  HEADER_LENGTH,
} from '../isakmp/message.ts';
import { ExchangeType, HeaderFlag, PayloadType } from '../isakmp/numbers.ts';
import type { Payload, ReceivedPayload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import {
  certificateRequests,
  type OpenedIdentity,
  openIdentity,
  sealIdentity,
} from './authentication.ts';
import type { IkeContext } from './context.ts';
import { authenticationMethod, hasXauth } from './credentials.ts';
import { foreignChoice, notificationFailure } from './failures.ts';
import { generateKeyPair, type KeyPair, sharedSecret } from './group.ts';
import { IkeSa } from './ike-sa.ts';
import type { IkeChannel } from './io.ts';
import { derivePhase1Keys } from './key-material.ts';
import { shorter } from './lifetime.ts';
import {
  type NatDialect,
  type NatHashInput,
  natDiscoveryPayloads,
  readNatDiscovery,
} from './nat-traversal.ts';
import {
  type Arrival,
  COOKIE_ZERO,
  LARGEST_FIRST_MESSAGE,
  NONCE_LENGTH,
  type Phase1,
  phase1Header,
  type Refusal,
  readKeyExchange,
} from './phase1.ts';
import { choosePhase1, type Phase1Choice, phase1Proposal } from './phase1-transforms.ts';
import { responderLifetime } from './responder-lifetime.ts';
import { Retransmission } from './retransmission.ts';
import { readVendorIds, vendorIdPayloads } from './vendor-ids.ts';

/** How often message 4 must come again before it is more than a duplicate: a gateway that cannot read message 5 repeats it. */
const REPEATS_OF_MESSAGE_4 = 2;

type State =
  | { readonly kind: 'wait-message-2'; readonly resend: Retransmission }
  | {
      readonly kind: 'wait-message-4';
      readonly resend: Retransmission;
      readonly responderCookie: Bytes;
      readonly choice: Phase1Choice;
      readonly pair: KeyPair;
      readonly nonce: Bytes;
      readonly dialect: NatDialect | undefined;
      readonly dpd: boolean;
    }
  | {
      readonly kind: 'wait-message-6';
      readonly resend: Retransmission;
      readonly sa: IkeSa;
      readonly message4: Bytes;
      repeats: number;
    }
  | { readonly kind: 'done' };

export class MainModeInitiator implements Phase1 {
  readonly initiatorCookie: Bytes;
  readonly #context: IkeContext;
  readonly #channel: IkeChannel;
  /** Body of our SA payload, which both hashes cover. */
  readonly #offer: Bytes;
  #state: State;

  /**
   * Over `channel` 500 is left for 4500 where there is a NAT. A negotiation that begins on 4500 stays there: so do those by which a
   * standing IKE SA is renewed (RFC 3947 §4).
   */
  constructor(context: IkeContext, channel: IkeChannel, now: Millis) {
    const { config } = context;
    this.#context = context;
    this.#channel = channel;
    this.initiatorCookie = config.random.bytes(COOKIE_LENGTH);
    const offer: Payload = {
      kind: 'security-association',
      proposals: [
        phase1Proposal(
          config.phase1,
          authenticationMethod(config.credentials, 'us'),
          config.ikeLifetime,
        ),
      ],
    };
    const vendorIds = vendorIdPayloads(config.natTraversal, hasXauth(config.credentials));
    const header = phase1Header(ExchangeType.identityProtection, this.initiatorCookie, COOKIE_ZERO);
    const bytes = encodeClearMessage(header, [offer, ...vendorIds]);
    if (bytes.length > LARGEST_FIRST_MESSAGE) throw new RangeError('phase1: message 1 too long');
    const [first] = decodeClearBody({
      header,
      firstPayload: PayloadType.securityAssociation,
      body: bytes.slice(HEADER_LENGTH),
    });
    this.#offer = first!.body;
    this.#state = { kind: 'wait-message-2', resend: this.#request(channel, bytes, now) };
  }

  get deadline(): Millis | undefined {
    return this.#state.kind === 'done' ? undefined : this.#state.resend.deadline;
  }

  get pendingSa(): IkeSa | undefined {
    return this.#state.kind === 'wait-message-6' ? this.#state.sa : undefined;
  }

  get silence(): Failure {
    if (this.#state.kind === 'wait-message-2') return { code: 'IKE_NO_RESPONSE' };
    if (this.#state.kind === 'wait-message-4') {
      return { code: 'IKE_NO_RESPONSE', detail: 'no answer to main mode message 3' };
    }
    return { code: 'IKE_AUTHENTICATION_FAILED', detail: 'no answer to main mode message 5' };
  }

  notification(notifyType: number): Failure {
    const stage = this.#state.kind === 'wait-message-6' ? 'authentication' : 'proposal';
    return notificationFailure(this.#context.config, stage, notifyType);
  }

  timeout(now: Millis): Failure | undefined {
    if (this.#state.kind === 'done') return undefined;
    const { resend } = this.#state;
    switch (resend.due(now)) {
      case 'wait':
        return undefined;
      case 'send':
        this.#context.trace('retransmit', this.#state.kind);
        this.#context.transmit(resend.channel, resend.bytes);
        return undefined;
      case 'exhausted':
        return this.#context.suspicion ?? this.silence;
    }
  }

  receive({ message, bytes, channel }: Arrival, now: Millis): IkeSa | Refusal | undefined {
    const { header } = message;
    if (header.exchangeType !== ExchangeType.identityProtection) {
      throw new DecodeError('unexpected exchange type');
    }
    if (!constantTimeEqual(header.initiatorCookie, this.initiatorCookie)) {
      throw new DecodeError('foreign cookie');
    }
    const state = this.#state;
    if (state.kind === 'done') throw new DecodeError('main mode is over');
    if (state.kind === 'wait-message-2') {
      if (constantTimeEqual(header.responderCookie, COOKIE_ZERO)) {
        throw new DecodeError('no responder cookie');
      }
      this.#receiveChoice(header.responderCookie, decodeClearBody(message), now);
      return undefined;
    }
    if (state.kind === 'wait-message-4') {
      if (!constantTimeEqual(header.responderCookie, state.responderCookie)) {
        throw new DecodeError('foreign cookie');
      }
      this.#receiveKeyExchange(state, decodeClearBody(message), bytes, now);
      return undefined;
    }
    if (!state.sa.owns(header)) throw new DecodeError('foreign cookie');
    if ((header.flags & HeaderFlag.encryption) === 0) {
      this.#receiveRepetition(state, bytes, now);
      return undefined;
    }
    return this.#receiveIdentity(state, { message, bytes, channel }, now);
  }

  /** Message 2: one transform of ours. */
  #receiveChoice(responderCookie: Bytes, payloads: readonly ReceivedPayload[], now: Millis): void {
    const { config } = this.#context;
    const [first] = payloads;
    if (first?.payload.kind !== 'security-association') throw new DecodeError('no SA payload');
    const method = authenticationMethod(config.credentials, 'us');
    const choice = choosePhase1(first.payload.proposals, config.phase1, method);
    if (choice === undefined) {
      this.#context.suspect(foreignChoice(config, 'proposal'), now);
      return;
    }
    const { dialect, dpd, fragments } = readVendorIds(payloads, config.natTraversal);
    if (dialect === undefined && config.natTraversal === 'force') {
      const detail = 'the gateway does not offer NAT traversal, and nothing else can be used here';
      this.#context.suspect({ code: 'IKE_REFUSED', detail }, now);
      return;
    }
    const { transform } = choice;
    const pair = generateKeyPair(transform.group, config.random, config.primitives);
    const nonce = config.random.bytes(NONCE_LENGTH);
    const discovery =
      dialect === undefined
        ? []
        : natDiscoveryPayloads(
            this.#hashInput(choice, responderCookie),
            config,
            this.#channel,
            dialect,
          );
    const bytes = encodeClearMessage(
      phase1Header(ExchangeType.identityProtection, this.initiatorCookie, responderCookie),
      [
        { kind: 'key-exchange', data: pair.publicValue },
        { kind: 'nonce', data: nonce },
        ...certificateRequests(config),
        ...discovery,
      ],
    );
    if (fragments) this.#context.takesFragments();
    const resend = this.#request(this.#channel, bytes, now);
    const kind = 'wait-message-4';
    this.#state = { kind, resend, responderCookie, choice, pair, nonce, dialect, dpd };
  }

  /** Message 4: the keys exist, and we know who is behind a NAT. */
  #receiveKeyExchange(
    state: Extract<State, { kind: 'wait-message-4' }>,
    payloads: readonly ReceivedPayload[],
    message4: Bytes,
    now: Millis,
  ): void {
    const { config } = this.#context;
    const { primitives } = config;
    const { responderCookie, choice, pair } = state;
    const { transform } = choice;
    const { value, nonce } = readKeyExchange(payloads);
    // Message 3, sent back to us, has the shape of message 4.
    if (constantTimeEqual(value, pair.publicValue)) throw new DecodeError('our own public value');
    const secret = sharedSecret(pair, value, primitives);
    if (secret === undefined) throw new DecodeError('public value out of range');
    const exchange = {
      initiatorCookie: this.initiatorCookie,
      responderCookie,
      initiatorValue: pair.publicValue,
      responderValue: value,
      initiatorNonce: state.nonce,
      responderNonce: nonce,
      offer: this.#offer,
    };
    const keys = derivePhase1Keys(primitives, transform, config.credentials, secret, exchange);
    secret.fill(0);
    pair.privateValue.fill(0);
    const hashInput = this.#hashInput(choice, responderCookie);
    const nat = readNatDiscovery(hashInput, config, this.#channel, payloads);
    const dialect = nat.local || nat.remote ? state.dialect : undefined;
    // Some gateways announce dead peer detection only here.
    const dpd = state.dpd || readVendorIds(payloads, config.natTraversal).dpd;
    const channel = dialect === undefined ? this.#channel : 'natt';
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
        dpd,
        taps: config.taps,
      },
      channel,
      shorter(config.ikeLifetime, choice.lifetime),
    );
    // The float: from message 5 on everything goes to port 4500 (RFC 3947 §4).
    const bytes = sealIdentity(sa, 'initiator', config);
    const resend = this.#request(channel, bytes, now);
    this.#state = { kind: 'wait-message-6', resend, sa, message4, repeats: 0 };
  }

  /** Message 4 again: message 5 was lost, or the peer cannot read it. */
  #receiveRepetition(
    state: Extract<State, { kind: 'wait-message-6' }>,
    bytes: Bytes,
    now: Millis,
  ): void {
    if (!constantTimeEqual(bytes, state.message4))
      throw new DecodeError('unexpected clear message');
    state.repeats++;
    if (state.repeats < REPEATS_OF_MESSAGE_4) return;
    const detail = 'the gateway keeps repeating main mode message 4';
    this.#context.suspect({ code: 'IKE_AUTHENTICATION_FAILED', detail }, now);
  }

  /** Message 6: the peer's proof. */
  #receiveIdentity(
    state: Extract<State, { kind: 'wait-message-6' }>,
    { message }: Arrival,
    now: Millis,
  ): IkeSa | Refusal | undefined {
    const { sa } = state;
    const opened = this.#openIdentity(sa, message, now);
    if (opened.kind === 'refused') return { sa, failure: opened.failure };
    if (opened.kind === 'unproven') {
      this.#context.suspect(opened.failure, now);
      return undefined;
    }
    sa.lifetime = shorter(sa.lifetime, responderLifetime(opened.payloads));
    this.#state = { kind: 'done' };
    return sa;
  }

  #openIdentity(sa: IkeSa, message: Arrival['message'], now: Millis): OpenedIdentity {
    try {
      return openIdentity(sa, 'responder', message, this.#context.config, now);
    } catch (error) {
      if (error instanceof DecodeError) {
        const code = 'IKE_AUTHENTICATION_FAILED';
        const detail = 'the answer to main mode message 5 cannot be decrypted';
        this.#context.suspect({ code, detail }, now);
      }
      throw error;
    }
  }

  /** Sends a request and starts repeating it; the exchange moved on, so no suspicion stands. */
  #request(channel: IkeChannel, bytes: Bytes, now: Millis): Retransmission {
    this.#context.clearSuspicion();
    this.#context.transmit(channel, bytes);
    return new Retransmission(this.#context.config.timers, channel, bytes, now);
  }

  #hashInput({ transform }: Phase1Choice, responderCookie: Bytes): NatHashInput {
    const { primitives } = this.#context.config;
    const { initiatorCookie } = this;
    return { primitives, hash: transform.hash, initiatorCookie, responderCookie };
  }
}
