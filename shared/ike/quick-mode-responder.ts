/** Quick Mode, the responder's side, whichever role we had in main mode. RFC 2409 §5.5, RFC 3947 §5. */
import { ExchangeType, NotifyType } from '../isakmp/numbers.ts';
import { decodePayloads, type Payload, type ReceivedPayload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, EMPTY, type Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import type { CipherChain } from './cipher-chain.ts';
import type { SettledConfig } from './config.ts';
import type { IkeContext } from './context.ts';
import { type Group, generateKeyPair, sharedSecret } from './group.ts';
import type { IkeSa } from './ike-sa.ts';
import type { InboundSpis } from './inbound-spis.ts';
import { quickModeHash3 } from './key-material.ts';
import { shorter } from './lifetime.ts';
import { natOriginalAddressPayloads } from './nat-traversal.ts';
import { bodyOf, NONCE_LENGTH, readNonce } from './phase1.ts';
import { choosePhase2, type Phase2Choice } from './phase2-transforms.ts';
import {
  type ChildSeed,
  establishChild,
  inboundChild,
  type QuickMode,
  type QuickModeArrival,
  type QuickModeResult,
  readProposals,
  readUdpPorts,
  usableEncapsulations,
} from './quick-mode.ts';
import { responderLifetimePayloads } from './responder-lifetime.ts';
import { Retransmission } from './retransmission.ts';

/** What an SA lives when its initiator says nothing. @rfc 2407 §4.5 */
const DEFAULT_LIFETIME_SECONDS = 28_800;

type State =
  | {
      readonly kind: 'wait-message-3';
      readonly message1: Bytes;
      readonly seed: ChildSeed;
      readonly resend: Retransmission;
    }
  | { readonly kind: 'done' };

export class QuickModeResponder implements QuickMode {
  readonly messageId: number;
  readonly initiatedBy = 'peer';
  readonly spi: Bytes;
  readonly #context: IkeContext;
  readonly #sa: IkeSa;
  readonly #chain: CipherChain;
  #state: State;

  /**
   * Answers message 1 by policy. Throws `DecodeError` for what is not an authentic message 1, and
   * `ProtocolError` when nothing in it is acceptable.
   */
  constructor(
    context: IkeContext,
    sa: IkeSa,
    spis: InboundSpis,
    { message, bytes }: QuickModeArrival,
    now: Millis,
  ) {
    const { config } = context;
    this.#context = context;
    this.#sa = sa;
    this.messageId = message.header.messageId;
    this.#chain = sa.chain(this.messageId);
    const payloads = sa.open(message, this.#chain, EMPTY);
    if (payloads === undefined) throw new DecodeError('HASH(1) is wrong');
    const initiatorNonce = readNonce(payloads);
    const proposals = readProposals(payloads);
    const choice = choosePhase2(
      proposals,
      config.phase2,
      usableEncapsulations(sa),
      config.acceptedPfs ?? 'any',
    );
    if (choice === undefined) {
      throw new ProtocolError(NotifyType['NO-PROPOSAL-CHOSEN'], 'no acceptable transform');
    }
    const ports = readUdpPorts(payloads);
    if (![0, config.innerLocalPort, context.innerPorts.ours].includes(ports.responder)) {
      throw new ProtocolError(NotifyType['INVALID-ID-INFORMATION'], `port ${ports.responder}`);
    }
    const exchange = keyExchange(config, choice.group, payloads);
    const spi = spis.take(now);
    // The peer repeats its message, and by then there is one.
    if (spi === undefined) throw new DecodeError('no SPI is claimed yet');
    this.spi = spi;
    const seed: ChildSeed = {
      choice,
      ourSpi: spi,
      peerSpi: choice.proposal.spi,
      initiatorNonce,
      responderNonce: config.random.bytes(NONCE_LENGTH),
      sharedSecret: exchange.secret,
      lifetime: shorter(config.childLifetime, {
        seconds: DEFAULT_LIFETIME_SECONDS,
        ...choice.lifetime,
      }),
      initiatedBy: 'peer',
      peerPort: ports.initiator,
    };
    const answer = this.#answer(choice, seed, exchange.payloads, payloads);
    const { messageId } = this;
    const sealed = sa.seal(ExchangeType.quickMode, messageId, this.#chain, initiatorNonce, answer);
    context.transmit(sa.channel, sealed);
    const resend = new Retransmission(config.timers, sa.channel, sealed, now);
    this.#state = { kind: 'wait-message-3', message1: bytes.slice(), seed, resend };
    // The initiator may use the new SA at once, and its last message be late or lost.
    context.emit(inboundChild(sa, seed));
  }

  get finished(): boolean {
    return this.#state.kind === 'done';
  }

  get deadline(): Millis | undefined {
    return this.#state.kind === 'done' ? undefined : this.#state.resend.deadline;
  }

  timeout(now: Millis): boolean {
    if (this.#state.kind === 'done') return true;
    const { resend } = this.#state;
    const due = resend.due(now);
    if (due === 'send') {
      this.#context.trace('retransmit', 'quick-mode-message-2');
      this.#context.transmit(resend.channel, resend.bytes);
    }
    return due !== 'exhausted';
  }

  receive({ message, bytes }: QuickModeArrival): QuickModeResult | undefined {
    const state = this.#state;
    if (state.kind === 'done') return undefined;
    if (constantTimeEqual(bytes, state.message1)) {
      this.#context.trace('duplicate-request');
      this.#context.transmit(state.resend.channel, state.resend.bytes);
      return undefined;
    }
    const plaintext = this.#chain.decrypt(message.body);
    const hash = bodyOf(decodePayloads(message.firstPayload, plaintext), 'hash');
    const { primitives, transform, keys } = this.#sa.parameters;
    const expected = quickModeHash3(
      primitives,
      transform.hash,
      keys,
      this.messageId,
      state.seed.initiatorNonce,
      state.seed.responderNonce,
    );
    if (!constantTimeEqual(hash, expected)) throw new DecodeError('HASH(3) is wrong');
    this.#chain.advance(message.body);
    this.#state = { kind: 'done' };
    const child = establishChild(this.#sa, state.seed);
    state.seed.sharedSecret.fill(0);
    return { kind: 'child', child };
  }

  /** Message 2: the chosen transform as the peer wrote it, our nonce, and the identities returned. */
  #answer(
    choice: Phase2Choice,
    { ourSpi, responderNonce }: ChildSeed,
    keyExchangePayloads: readonly Payload[],
    payloads: readonly ReceivedPayload[],
  ): readonly Payload[] {
    const { remoteAddress, childLifetime } = this.#context.config;
    const { dialect, phase2Address } = this.#sa.parameters;
    const chosen = { ...choice.proposal, spi: ourSpi, transforms: [choice.chosen] };
    const identities = payloads.filter(({ payload }) => payload.kind === 'identification');
    return [
      { kind: 'security-association', proposals: [chosen] },
      { kind: 'nonce', data: responderNonce },
      ...keyExchangePayloads,
      ...identities.map(({ payload }) => payload),
      ...(dialect === undefined
        ? []
        : natOriginalAddressPayloads(dialect, remoteAddress, phase2Address)),
      ...responderLifetimePayloads(2, ourSpi, choice.lifetime, childLifetime),
    ];
  }
}

/** Our half of perfect forward secrecy, and what follows from both; nothing where the peer wants none. */
function keyExchange(
  { random, primitives }: SettledConfig,
  group: Group | undefined,
  payloads: readonly ReceivedPayload[],
): { readonly secret: Bytes; readonly payloads: readonly Payload[] } {
  if (group === undefined) return { secret: EMPTY.slice(), payloads: [] };
  const value = bodyOf(payloads, 'key-exchange');
  const pair = generateKeyPair(group, random, primitives);
  const secret = sharedSecret(pair, value, primitives);
  pair.privateValue.fill(0);
  if (secret === undefined) {
    throw new ProtocolError(NotifyType['INVALID-KEY-INFORMATION'], 'public value out of range');
  }
  return { secret, payloads: [{ kind: 'key-exchange', data: pair.publicValue }] };
}
