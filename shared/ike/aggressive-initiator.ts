/**
 * Aggressive mode with a pre-shared key, the initiator's side. RFC 2409 §5.4, RFC 3947 §3 and §4.
 *
 * Weak: whoever reads message 2, or answers message 1, has a hash of the pre-shared key, against which guesses can be tried at leisure.
 * It is for gateways that find the key by the name of a group, which main mode does not say in time.
 */
import type { Failure } from '../errors.ts';
import {
  COOKIE_LENGTH,
  decodeClearBody,
  encodeClearMessage,
  HEADER_LENGTH,
} from '../isakmp/message.ts';
import { ExchangeType, PayloadType } from '../isakmp/numbers.ts';
import type { Payload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { hashPayload, identityPayload, provesKey } from './authentication.ts';
import type { IkeContext } from './context.ts';
import { type Aggressive, authenticationMethod, hasXauth } from './credentials.ts';
import { foreignChoice, notificationFailure } from './failures.ts';
import { generateKeyPair, type KeyPair, sharedSecret } from './group.ts';
import { IkeSa } from './ike-sa.ts';
import type { IkeChannel } from './io.ts';
import { derivePhase1Keys, wipePhase1Keys } from './key-material.ts';
import { shorter } from './lifetime.ts';
import { natDiscoveryPayloads, readNatDiscovery } from './nat-traversal.ts';
import {
  type Arrival,
  bodyOf,
  COOKIE_ZERO,
  LARGEST_FIRST_MESSAGE,
  NONCE_LENGTH,
  type Phase1,
  phase1Header,
  readKeyExchange,
} from './phase1.ts';
import { choosePhase1, phase1Proposal } from './phase1-transforms.ts';
import { Retransmission } from './retransmission.ts';
import { readVendorIds, vendorIdPayloads } from './vendor-ids.ts';

type State =
  | {
      readonly kind: 'wait-message-2';
      readonly resend: Retransmission;
      readonly pair: KeyPair;
      readonly nonce: Bytes;
      /** Body of our SA payload, which both hashes cover. */
      readonly offer: Bytes;
    }
  | {
      readonly kind: 'done';
      readonly message2: Bytes;
      readonly message3: Retransmission;
      readonly repeats: number;
    };

/** Message 3 has no answer, and not every responder repeats message 2 for want of it: it is sent again so often, unasked. */
const REPEATS_OF_MESSAGE_3 = 2;

export class AggressiveInitiator implements Phase1 {
  readonly initiatorCookie: Bytes;
  /** Message 2 proves the peer at once: there is no time in which an SA is only pending. */
  readonly pendingSa: undefined;
  readonly #context: IkeContext;
  readonly #channel: IkeChannel;
  #state: State;

  constructor(context: IkeContext, { group }: Aggressive, channel: IkeChannel, now: Millis) {
    const { config } = context;
    const { random, primitives, credentials } = config;
    this.#context = context;
    this.#channel = channel;
    this.initiatorCookie = random.bytes(COOKIE_LENGTH);
    const method = authenticationMethod(credentials, 'us');
    const offer: Payload = {
      kind: 'security-association',
      proposals: [phase1Proposal(config.phase1, method, config.ikeLifetime)],
    };
    const pair = generateKeyPair(group, random, primitives);
    const nonce = random.bytes(NONCE_LENGTH);
    const header = phase1Header(ExchangeType.aggressive, this.initiatorCookie, COOKIE_ZERO);
    const bytes = encodeClearMessage(header, [
      offer,
      { kind: 'key-exchange', data: pair.publicValue },
      { kind: 'nonce', data: nonce },
      identityPayload(config),
      ...vendorIdPayloads(config.natTraversal, hasXauth(credentials)),
    ]);
    if (bytes.length > LARGEST_FIRST_MESSAGE) throw new RangeError('phase1: message 1 too long');
    const [first] = decodeClearBody({
      header,
      firstPayload: PayloadType.securityAssociation,
      body: bytes.slice(HEADER_LENGTH),
    });
    context.clearSuspicion();
    context.transmit(channel, bytes);
    const resend = new Retransmission(config.timers, channel, bytes, now);
    this.#state = { kind: 'wait-message-2', resend, pair, nonce, offer: first!.body };
  }

  get deadline(): Millis | undefined {
    const state = this.#state;
    if (state.kind === 'wait-message-2') return state.resend.deadline;
    return state.repeats < REPEATS_OF_MESSAGE_3 ? state.message3.deadline : undefined;
  }

  get silence(): Failure {
    const detail =
      'no answer to aggressive mode message 1: the gateway may not allow this mode, or not know the group';
    return { code: 'IKE_NO_RESPONSE', detail };
  }

  notification(notifyType: number): Failure {
    // Proposal and identity are in one message: whatever is not about the one is about the other.
    return notificationFailure(this.#context.config, 'authentication', notifyType);
  }

  timeout(now: Millis): Failure | undefined {
    const state = this.#state;
    if (state.kind === 'done') {
      if (this.deadline !== undefined && state.message3.due(now) === 'send') this.#sendAgain(state);
      return undefined;
    }
    switch (state.resend.due(now)) {
      case 'wait':
        return undefined;
      case 'send':
        this.#context.trace('retransmit', state.kind);
        this.#context.transmit(state.resend.channel, state.resend.bytes);
        return undefined;
      case 'exhausted':
        return this.#context.suspicion ?? this.silence;
    }
  }

  receive({ message, bytes }: Arrival, now: Millis): IkeSa | undefined {
    const { header } = message;
    if (header.exchangeType !== ExchangeType.aggressive) {
      throw new DecodeError('unexpected exchange type');
    }
    if (!constantTimeEqual(header.initiatorCookie, this.initiatorCookie)) {
      throw new DecodeError('foreign cookie');
    }
    const state = this.#state;
    if (state.kind === 'wait-message-2') return this.#receiveAnswer(state, message, bytes, now);
    // Message 3 was lost.
    if (!constantTimeEqual(bytes, state.message2)) throw new DecodeError('aggressive mode is over');
    this.#sendAgain(state);
    return undefined;
  }

  /** Message 3 once more. */
  #sendAgain(state: Extract<State, { kind: 'done' }>): void {
    this.#state = { ...state, repeats: state.repeats + 1 };
    this.#context.trace('retransmit', 'message-3');
    this.#context.transmit(state.message3.channel, state.message3.bytes);
  }

  /** Message 2: a transform of ours, the peer's half of the key exchange, and its proof. */
  #receiveAnswer(
    { pair, nonce, offer }: Extract<State, { kind: 'wait-message-2' }>,
    message: Arrival['message'],
    message2: Bytes,
    now: Millis,
  ): IkeSa | undefined {
    const { config } = this.#context;
    const { primitives, credentials } = config;
    const { responderCookie } = message.header;
    if (constantTimeEqual(responderCookie, COOKIE_ZERO)) {
      throw new DecodeError('no responder cookie');
    }
    const payloads = decodeClearBody(message);
    const [first] = payloads;
    if (first?.payload.kind !== 'security-association') throw new DecodeError('no SA payload');
    const method = authenticationMethod(credentials, 'us');
    const choice = choosePhase1(first.payload.proposals, config.phase1, method);
    if (choice === undefined) {
      this.#context.suspect(foreignChoice(config, 'proposal'), now);
      return undefined;
    }
    const answer = readKeyExchange(payloads);
    // Our own message, sent back to us.
    if (constantTimeEqual(answer.value, pair.publicValue)) {
      throw new DecodeError('our own public value');
    }
    const identity = bodyOf(payloads, 'identification');
    const hash = bodyOf(payloads, 'hash');
    const secret = sharedSecret(pair, answer.value, primitives);
    if (secret === undefined) throw new DecodeError('public value out of range');
    const exchange = {
      initiatorCookie: this.initiatorCookie,
      responderCookie,
      initiatorValue: pair.publicValue,
      responderValue: answer.value,
      initiatorNonce: nonce,
      responderNonce: answer.nonce,
      offer,
    };
    const { transform } = choice;
    const keys = derivePhase1Keys(primitives, transform, credentials, secret, exchange);
    secret.fill(0);
    const announced = readVendorIds(payloads, config.natTraversal);
    const hashInput = {
      primitives,
      hash: transform.hash,
      initiatorCookie: this.initiatorCookie,
      responderCookie,
    };
    const nat = readNatDiscovery(hashInput, config, this.#channel, payloads);
    const dialect = nat.local || nat.remote ? announced.dialect : undefined;
    const channel = dialect === undefined ? this.#channel : 'natt';
    const phase2Address = dialect === undefined ? config.localAddress : config.identityAddress;
    const { dpd } = announced;
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
    const failure = provesKey(sa, 'responder', config, identity, hash)
      ? this.#objection(announced.dialect !== undefined)
      : WRONG_HASH;
    if (failure !== undefined) {
      // Nobody else has proved anything either: the answer of the gateway itself may still come.
      wipePhase1Keys(keys);
      this.#context.suspect(failure, now);
      return undefined;
    }
    pair.privateValue.fill(0);
    if (announced.fragments) this.#context.takesFragments();
    // The float: message 3 goes to port 4500 already, and its hashes cover the ports that it uses (RFC 3947 §4).
    const discovery =
      announced.dialect === undefined
        ? []
        : natDiscoveryPayloads(hashInput, config, channel, announced.dialect);
    const message3 = sa.sealPayloads(ExchangeType.aggressive, 0, sa.phase1, [
      hashPayload(sa, 'initiator', config),
      ...discovery,
    ]);
    this.#context.clearSuspicion();
    this.#context.transmit(channel, message3);
    const repeated = new Retransmission(config.timers, channel, message3, now);
    this.#state = { kind: 'done', message2: message2.slice(), message3: repeated, repeats: 0 };
    return sa;
  }

  #objection(hasDialect: boolean): Failure | undefined {
    if (hasDialect || this.#context.config.natTraversal !== 'force') return undefined;
    const detail = 'the gateway does not offer NAT traversal, and nothing else can be used here';
    return { code: 'IKE_REFUSED', detail };
  }
}

const WRONG_HASH: Failure = {
  code: 'IKE_AUTHENTICATION_FAILED',
  detail: 'HASH_R of aggressive mode message 2 is wrong',
};
