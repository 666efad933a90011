/** Quick Mode, the initiator's side. RFC 2409 §5.5, RFC 3947 §5. */
import { ExchangeType, HeaderFlag, NotifyType } from '../isakmp/numbers.ts';
import type { Payload, ReceivedPayload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, EMPTY, type Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import type { CipherChain } from './cipher-chain.ts';
import type { IkeContext } from './context.ts';
import { type Group, generateKeyPair, type KeyPair, sharedSecret } from './group.ts';
import type { IkeSa } from './ike-sa.ts';
import { quickModeHash3 } from './key-material.ts';
import { shorter } from './lifetime.ts';
import { encapsulationMode, natOriginalAddressPayloads } from './nat-traversal.ts';
import { bodyOf, NONCE_LENGTH, readNonce } from './phase1.ts';
import { choosePhase2, phase2Proposal } from './phase2-transforms.ts';
import {
  establishChild,
  type QuickMode,
  type QuickModeArrival,
  type QuickModeResult,
  randomMessageId,
  readProposals,
  readUdpPorts,
  spiNumber,
  udpIdentity,
  usableEncapsulations,
} from './quick-mode.ts';
import { responderLifetime } from './responder-lifetime.ts';
import { Retransmission } from './retransmission.ts';

type State =
  | { readonly kind: 'wait-message-2'; readonly resend: Retransmission }
  | { readonly kind: 'done'; readonly message2: Bytes; readonly message3: Bytes };

/** What not every gateway takes, so that it is tried with and without. */
export interface QuickModeVariant {
  /** That of perfect forward secrecy, if it is wanted. */
  readonly group: Group | undefined;
  /** Whether the original addresses are told, where ESP travels in UDP. */
  readonly tellsAddresses: boolean;
}

export class QuickModeInitiator implements QuickMode {
  readonly messageId: number;
  readonly initiatedBy = 'us';
  readonly spi: Bytes;
  readonly #context: IkeContext;
  readonly #sa: IkeSa;
  readonly #chain: CipherChain;
  readonly #nonce: Bytes;
  /** Set with perfect forward secrecy. */
  readonly #pair: KeyPair | undefined;
  #state: State;

  /** `spi` is that of the inbound SA, 4 bytes. */
  constructor(
    context: IkeContext,
    sa: IkeSa,
    spi: Bytes,
    { group, tellsAddresses }: QuickModeVariant,
    now: Millis,
  ) {
    const { random, timers, primitives } = context.config;
    this.#context = context;
    this.#sa = sa;
    this.messageId = randomMessageId(random);
    this.#chain = sa.chain(this.messageId);
    this.spi = spi;
    this.#nonce = random.bytes(NONCE_LENGTH);
    this.#pair = group === undefined ? undefined : generateKeyPair(group, random, primitives);
    const payloads = this.#offer(tellsAddresses);
    const bytes = sa.seal(ExchangeType.quickMode, this.messageId, this.#chain, EMPTY, payloads);
    context.transmit(sa.channel, bytes);
    const resend = new Retransmission(timers, sa.channel, bytes, now);
    this.#state = { kind: 'wait-message-2', resend };
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
      this.#context.trace('retransmit', 'quick-mode-message-1');
      this.#context.transmit(resend.channel, resend.bytes);
    }
    return due !== 'exhausted';
  }

  receive(arrival: QuickModeArrival): QuickModeResult | undefined {
    const { message, bytes } = arrival;
    const state = this.#state;
    if (state.kind === 'done') return this.#receiveLater(state, arrival);
    const payloads = this.#sa.open(message, this.#chain, this.#nonce);
    if (payloads === undefined) throw new DecodeError('HASH(2) is wrong');
    const { phase2, childLifetime } = this.#context.config;
    const group = this.#pair?.group;
    const choice = choosePhase2(
      readProposals(payloads),
      phase2,
      usableEncapsulations(this.#sa),
      group,
    );
    if (choice === undefined) {
      throw new ProtocolError(NotifyType['NO-PROPOSAL-CHOSEN'], 'chose what was not offered');
    }
    const ports = readUdpPorts(payloads);
    const responderNonce = readNonce(payloads);
    const secret = this.#sharedSecret(payloads);
    const message3 = this.#proof(responderNonce);
    this.#context.transmit(this.#sa.channel, message3);
    this.#state = { kind: 'done', message2: bytes.slice(), message3 };
    const child = establishChild(this.#sa, {
      choice,
      ourSpi: this.spi,
      peerSpi: choice.proposal.spi,
      initiatorNonce: this.#nonce,
      responderNonce,
      sharedSecret: secret,
      lifetime: shorter(shorter(childLifetime, choice.lifetime), responderLifetime(payloads)),
      initiatedBy: 'us',
      peerPort: ports.responder,
    });
    secret.fill(0);
    return { kind: 'child', child };
  }

  /**
   * Message 2 again means that message 3 was lost. A fourth message says that it arrived, where the commit bit was set
   * (RFC 2408 §3.1) and with Windows; one that cannot be read says nothing.
   */
  #receiveLater(
    state: Extract<State, { kind: 'done' }>,
    { message, bytes }: QuickModeArrival,
  ): QuickModeResult | undefined {
    if (constantTimeEqual(bytes, state.message2)) {
      this.#context.trace('duplicate-request');
      this.#context.transmit(this.#sa.channel, state.message3);
      return undefined;
    }
    if ((message.header.flags & HeaderFlag.encryption) === 0) return undefined;
    const payloads = this.#sa.open(message, this.#chain, EMPTY);
    const confirms = payloads?.some(
      ({ payload }) =>
        payload.kind === 'notification' && payload.notifyType === NotifyType.CONNECTED,
    );
    return confirms === true ? { kind: 'confirmed', spi: spiNumber(this.spi) } : undefined;
  }

  #offer(tellsAddresses: boolean): readonly Payload[] {
    const { config, innerPorts } = this.#context;
    const { dialect, phase2Address } = this.#sa.parameters;
    const proposal = phase2Proposal(config.phase2, this.spi, {
      encapsulation: encapsulationMode(dialect),
      lifetime: config.childLifetime,
      group: this.#pair?.group,
    });
    return [
      { kind: 'security-association', proposals: [proposal] },
      { kind: 'nonce', data: this.#nonce },
      ...(this.#pair === undefined
        ? []
        : [{ kind: 'key-exchange', data: this.#pair.publicValue } as const]),
      udpIdentity(phase2Address, innerPorts.ours),
      udpIdentity(config.remoteAddress, innerPorts.peer),
      ...(dialect === undefined || !tellsAddresses
        ? []
        : natOriginalAddressPayloads(dialect, phase2Address, config.remoteAddress)),
    ];
  }

  /** g(qm)^xy; empty without perfect forward secrecy. */
  #sharedSecret(payloads: readonly ReceivedPayload[]): Bytes {
    const pair = this.#pair;
    if (pair === undefined) return EMPTY.slice();
    const { primitives } = this.#context.config;
    const secret = sharedSecret(pair, bodyOf(payloads, 'key-exchange'), primitives);
    if (secret === undefined) {
      throw new ProtocolError(NotifyType['INVALID-KEY-INFORMATION'], 'public value out of range');
    }
    pair.privateValue.fill(0);
    return secret;
  }

  /** Message 3: HASH(3) alone. */
  #proof(responderNonce: Bytes): Bytes {
    const { primitives, transform, keys } = this.#sa.parameters;
    const data = quickModeHash3(
      primitives,
      transform.hash,
      keys,
      this.messageId,
      this.#nonce,
      responderNonce,
    );
    const payloads: readonly Payload[] = [{ kind: 'hash', data }];
    return this.#sa.sealPayloads(ExchangeType.quickMode, this.messageId, this.#chain, payloads);
  }
}
