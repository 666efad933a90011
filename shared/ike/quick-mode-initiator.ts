/** Quick Mode, the initiator's side. RFC 2409 §5.5, RFC 3947 §5. */
import { ExchangeType, NotifyType } from '../isakmp/numbers.ts';
import type { Payload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, EMPTY, type Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import type { CipherChain } from './cipher-chain.ts';
import type { IkeContext } from './context.ts';
import type { IkeSa } from './ike-sa.ts';
import type { ChildEstablished } from './io.ts';
import { quickModeHash3 } from './key-material.ts';
import { NONCE_LENGTH, readNonce, responderLifetime } from './main-mode.ts';
import { encapsulationMode, natOriginalAddressPayloads } from './nat-traversal.ts';
import { CHILD_LIFETIME_SECONDS, choosePhase2, phase2Proposal } from './phase2-transforms.ts';
import {
  establishChild,
  type QuickMode,
  type QuickModeArrival,
  randomMessageId,
  readProposals,
  udpIdentity,
  usableEncapsulations,
} from './quick-mode.ts';
import { Retransmission } from './retransmission.ts';

type State =
  | { readonly kind: 'wait-message-2'; readonly resend: Retransmission }
  | { readonly kind: 'done'; readonly message2: Bytes; readonly message3: Bytes };

export class QuickModeInitiator implements QuickMode {
  readonly messageId: number;
  readonly initiatedBy = 'us';
  readonly spi: Bytes;
  readonly #context: IkeContext;
  readonly #sa: IkeSa;
  readonly #chain: CipherChain;
  readonly #nonce: Bytes;
  #state: State;

  /** `spi` is that of the inbound SA, 4 bytes. */
  constructor(context: IkeContext, sa: IkeSa, spi: Bytes, now: Millis) {
    const { random, timers } = context.config;
    this.#context = context;
    this.#sa = sa;
    this.messageId = randomMessageId(random);
    this.#chain = sa.chain(this.messageId);
    this.spi = spi;
    this.#nonce = random.bytes(NONCE_LENGTH);
    const payloads = this.#offer();
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

  receive({ message, bytes }: QuickModeArrival): ChildEstablished | undefined {
    const state = this.#state;
    if (state.kind === 'done') {
      // Message 2 again means that message 3 was lost. A fourth message (commit bit, Windows) says nothing new.
      if (constantTimeEqual(bytes, state.message2)) {
        this.#context.trace('duplicate-request');
        this.#context.transmit(this.#sa.channel, state.message3);
      }
      return undefined;
    }
    const payloads = this.#sa.open(message, this.#chain, this.#nonce);
    if (payloads === undefined) throw new DecodeError('HASH(2) is wrong');
    const { phase2 } = this.#context.config;
    const proposals = readProposals(payloads);
    const choice = choosePhase2(proposals, phase2, usableEncapsulations(this.#sa));
    if (choice === undefined) {
      throw new ProtocolError(NotifyType['NO-PROPOSAL-CHOSEN'], 'chose what was not offered');
    }
    const responderNonce = readNonce(payloads);
    const message3 = this.#proof(responderNonce);
    this.#context.transmit(this.#sa.channel, message3);
    this.#state = { kind: 'done', message2: bytes.slice(), message3 };
    // The identities in the answer may differ from ours in address or port: behind a NAT no address is right.
    return establishChild(this.#sa, {
      choice,
      ourSpi: this.spi,
      peerSpi: choice.proposal.spi,
      initiatorNonce: this.#nonce,
      responderNonce,
      lifetimeSeconds: Math.min(
        CHILD_LIFETIME_SECONDS,
        choice.lifetimeSeconds ?? CHILD_LIFETIME_SECONDS,
        responderLifetime(payloads) ?? CHILD_LIFETIME_SECONDS,
      ),
      initiatedBy: 'us',
    });
  }

  #offer(): readonly Payload[] {
    const { config } = this.#context;
    const { dialect, phase2Address } = this.#sa.parameters;
    const proposal = phase2Proposal(config.phase2, this.spi, encapsulationMode(dialect));
    return [
      { kind: 'security-association', proposals: [proposal] },
      { kind: 'nonce', data: this.#nonce },
      udpIdentity(phase2Address, config.innerLocalPort),
      udpIdentity(config.remoteAddress, config.innerRemotePort),
      ...(dialect === undefined
        ? []
        : natOriginalAddressPayloads(dialect, phase2Address, config.remoteAddress)),
    ];
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
