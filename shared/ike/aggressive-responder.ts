/** Aggressive mode with a pre-shared key, the responder's side. RFC 2409 §5.4, RFC 3947 §3 and §4. */
import type { Failure } from '../errors.ts';
import { COOKIE_LENGTH, decodeClearBody, encodeClearMessage } from '../isakmp/message.ts';
import { ExchangeType, HeaderFlag, NotifyType } from '../isakmp/numbers.ts';
import { decodePayloads, type ReceivedPayload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import { hashPayload, identityPayload, provesKey } from './authentication.ts';
import type { IkeContext } from './context.ts';
import { authenticationMethod, hasXauth } from './credentials.ts';
import { generateKeyPair, sharedSecret } from './group.ts';
import { IkeSa } from './ike-sa.ts';
import type { IkeChannel } from './io.ts';
import { derivePhase1Keys, type Phase1Exchange, type Phase1Keys } from './key-material.ts';
import { shorter } from './lifetime.ts';
import {
  type NatDialect,
  type NatFindings,
  type NatHashInput,
  natDiscoveryPayloads,
  readNatDiscovery,
} from './nat-traversal.ts';
import {
  type Arrival,
  bodyOf,
  COOKIE_ZERO,
  NONCE_LENGTH,
  type Phase1,
  phase1Header,
  readKeyExchange,
} from './phase1.ts';
import { acceptPhase1, type Phase1Choice } from './phase1-transforms.ts';
import { readVendorIds, vendorIdPayloads } from './vendor-ids.ts';

/** What message 1 has led to. */
interface Answered {
  readonly kind: 'wait-message-3';
  readonly request: Bytes;
  readonly response: Bytes;
  readonly choice: Phase1Choice;
  readonly exchange: Phase1Exchange;
  readonly keys: Phase1Keys;
  readonly dialect: NatDialect | undefined;
  readonly dpd: boolean;
  /** Body of the initiator's ID payload, which HASH_I will prove. */
  readonly identity: Bytes;
  /** Its keys stand; nobody has proved anything under it. */
  readonly pending: IkeSa;
}

type State =
  | { readonly kind: 'wait-message-1' }
  | Answered
  | { readonly kind: 'done'; readonly initiatorCookie: Bytes };

export class AggressiveResponder implements Phase1 {
  /** The initiator repeats itself; all that is timed here is the whole, by the machine above. */
  readonly deadline: undefined;
  readonly silence: Failure = { code: 'IKE_NO_RESPONSE' };
  readonly #context: IkeContext;
  #state: State = { kind: 'wait-message-1' };

  constructor(context: IkeContext) {
    this.#context = context;
  }

  get initiatorCookie(): Bytes | undefined {
    const state = this.#state;
    if (state.kind === 'wait-message-1') return undefined;
    return state.kind === 'done' ? state.initiatorCookie : state.exchange.initiatorCookie;
  }

  get pendingSa(): IkeSa | undefined {
    return this.#state.kind === 'wait-message-3' ? this.#state.pending : undefined;
  }

  notification(): undefined {
    return undefined;
  }

  timeout(): undefined {
    return undefined;
  }

  receive(arrival: Arrival): IkeSa | undefined {
    const { message, bytes, channel } = arrival;
    if (message.header.exchangeType !== ExchangeType.aggressive) {
      throw new DecodeError('unexpected exchange type');
    }
    const state = this.#state;
    switch (state.kind) {
      case 'wait-message-1':
        this.#receiveOffer(arrival);
        return undefined;
      case 'wait-message-3':
        if (!constantTimeEqual(bytes, state.request)) return this.#receiveProof(state, arrival);
        this.#context.trace('duplicate-request');
        this.#context.transmit(channel, state.response);
        return undefined;
      case 'done':
        throw new DecodeError('aggressive mode is over');
    }
  }

  /** Message 1: offer, half of the key exchange, and a name that nothing proves yet. */
  #receiveOffer({ message, bytes, channel }: Arrival): void {
    const { config } = this.#context;
    const { primitives, random, credentials } = config;
    const { header } = message;
    if (!constantTimeEqual(header.responderCookie, COOKIE_ZERO)) {
      throw new DecodeError('foreign cookie');
    }
    const payloads = decodeClearBody(message);
    const [first] = payloads;
    if (first?.payload.kind !== 'security-association') throw new DecodeError('no SA payload');
    const request = readKeyExchange(payloads);
    const identity = bodyOf(payloads, 'identification');
    const method = authenticationMethod(credentials, 'peer');
    const choice = acceptPhase1(first.payload.proposals, config.phase1, method);
    if (choice === undefined) {
      throw new ProtocolError(NotifyType['NO-PROPOSAL-CHOSEN'], 'no acceptable transform');
    }
    const { transform } = choice;
    const pair = generateKeyPair(transform.group, random, primitives);
    const secret = sharedSecret(pair, request.value, primitives);
    if (secret === undefined) {
      throw new ProtocolError(NotifyType['INVALID-KEY-INFORMATION'], 'public value out of range');
    }
    const exchange: Phase1Exchange = {
      initiatorCookie: header.initiatorCookie,
      responderCookie: random.bytes(COOKIE_LENGTH),
      initiatorValue: request.value,
      responderValue: pair.publicValue,
      initiatorNonce: request.nonce,
      responderNonce: random.bytes(NONCE_LENGTH),
      offer: first.body,
    };
    const keys = derivePhase1Keys(primitives, transform, credentials, secret, exchange);
    secret.fill(0);
    pair.privateValue.fill(0);
    const { dialect, dpd, fragments } = readVendorIds(payloads, config.natTraversal);
    if (fragments) this.#context.takesFragments();
    const answered = { choice, exchange, keys, dialect, dpd, identity };
    const pending = this.#sa(answered, { local: false, remote: false }, channel);
    const discovery =
      dialect === undefined
        ? []
        : natDiscoveryPayloads(this.#hashInput(answered), config, channel, dialect);
    const response = encodeClearMessage(
      phase1Header(ExchangeType.aggressive, exchange.initiatorCookie, exchange.responderCookie),
      [
        {
          kind: 'security-association',
          proposals: [{ ...choice.proposal, transforms: [choice.chosen] }],
        },
        { kind: 'key-exchange', data: exchange.responderValue },
        { kind: 'nonce', data: exchange.responderNonce },
        identityPayload(config),
        hashPayload(pending, 'responder', config),
        ...vendorIdPayloads(config.natTraversal, hasXauth(credentials)),
        ...discovery,
      ],
    );
    const kind = 'wait-message-3';
    this.#state = { kind, ...answered, pending, request: bytes.slice(), response };
    this.#context.transmit(channel, response);
  }

  /** Message 3: the initiator's proof, encrypted or not, from where it floated to. */
  #receiveProof(state: Answered, { message, channel }: Arrival): IkeSa {
    const { config } = this.#context;
    if (!state.pending.owns(message.header)) throw new DecodeError('foreign cookie');
    const payloads = this.#open(state.pending, message);
    const nat = readNatDiscovery(this.#hashInput(state), config, channel, payloads);
    const sa = this.#sa(state, nat, channel);
    if (!provesKey(sa, 'initiator', config, state.identity, bodyOf(payloads, 'hash'))) {
      throw new ProtocolError(
        NotifyType['AUTHENTICATION-FAILED'],
        'message 3 does not prove the key',
      );
    }
    if (isEncrypted(message)) sa.phase1.advance(message.body);
    this.#state = { kind: 'done', initiatorCookie: state.exchange.initiatorCookie };
    return sa;
  }

  /** A wrong key shows as rubbish more often than as a wrong proof. */
  #open(sa: IkeSa, message: Arrival['message']): readonly ReceivedPayload[] {
    if (!isEncrypted(message)) return decodeClearBody(message);
    try {
      return decodePayloads(message.firstPayload, sa.phase1.decrypt(message.body));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw new ProtocolError(NotifyType['PAYLOAD-MALFORMED'], 'message 3 does not prove the key');
    }
  }

  #sa(
    {
      choice,
      exchange,
      keys,
      dialect: spoken,
      dpd,
    }: Omit<Answered, 'kind' | 'request' | 'response' | 'pending'>,
    nat: NatFindings,
    channel: IkeChannel,
  ): IkeSa {
    const { config } = this.#context;
    const { primitives, taps } = config;
    const { transform } = choice;
    const dialect = nat.local || nat.remote ? spoken : undefined;
    const phase2Address = dialect === undefined ? config.localAddress : config.identityAddress;
    return new IkeSa(
      { primitives, transform, exchange, keys, nat, dialect, phase2Address, dpd, taps },
      channel,
      shorter(config.ikeLifetime, choice.lifetime),
    );
  }

  #hashInput({ choice, exchange }: Pick<Answered, 'choice' | 'exchange'>): NatHashInput {
    const { primitives } = this.#context.config;
    const { initiatorCookie, responderCookie } = exchange;
    return { primitives, hash: choice.transform.hash, initiatorCookie, responderCookie };
  }
}

function isEncrypted({ header }: Arrival['message']): boolean {
  return (header.flags & HeaderFlag.encryption) !== 0;
}
