/**
 * The Link Control Protocol: the negotiation, and the packets that only LCP has.
 * RFC 1661 §5.7–5.9, RFC 1570 §1 (Identification and Time-Remaining are heard and ignored).
 * Left out: Link Quality Monitoring, sending Discard-Requests, and detecting a looped-back link from echoes.
 */
import type { Bytes, Millis } from '../wire/bytes.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { State } from './automaton.ts';
import type { PppConfig, PppTiming } from './config.ts';
import { ControlCode, type ControlPacket } from './control-packet.ts';
import type { LcpOption } from './lcp-option.ts';
import { LcpPolicy } from './lcp-policy.ts';
import { Negotiation, type NegotiationOutput, REJECTED_LIMIT } from './negotiation.ts';

export type LcpOutput =
  | NegotiationOutput
  /** The peer does not have this protocol. */
  | { readonly kind: 'protocol-rejected'; readonly protocol: number };

export class Lcp {
  readonly policy: LcpPolicy;
  readonly #negotiation: Negotiation<LcpOption>;
  #echoes = true;

  constructor(config: PppConfig, timing: PppTiming) {
    this.policy = new LcpPolicy(config, timing);
    this.#negotiation = new Negotiation(this.policy, timing);
  }

  get opened(): boolean {
    return this.#negotiation.state === State.opened;
  }

  get deadline(): Millis | undefined {
    return this.#negotiation.deadline;
  }

  open(now: Millis): readonly LcpOutput[] {
    return [...this.#negotiation.signal('Open', now), ...this.#negotiation.signal('Up', now)];
  }

  close(now: Millis): readonly LcpOutput[] {
    return this.#negotiation.signal('Close', now);
  }

  timeout(now: Millis): readonly LcpOutput[] {
    return this.#negotiation.timeout(now);
  }

  /** Throws `DecodeError` when the body is malformed. */
  receive(packet: ControlPacket, now: Millis): readonly LcpOutput[] {
    switch (packet.code) {
      case ControlCode.protocolReject:
        return this.#receiveProtocolReject(packet, now);
      case ControlCode.echoRequest:
        return this.#negotiation.signal('RXR', now, this.#echoReply(packet));
      case ControlCode.echoReply:
      case ControlCode.discardRequest:
        return this.#negotiation.signal('RXR', now);
      case ControlCode.identification:
      case ControlCode.timeRemaining:
        return [{ kind: 'trace', layer: 'lcp', event: 'advice-ignored' }];
      case ControlCode.codeReject:
        if (packet.body[0] === ControlCode.echoRequest) this.#echoes = false;
        return this.#negotiation.receive(packet, now);
      default:
        return this.#negotiation.receive(packet, now);
    }
  }

  /** Asks for a sign of life; `undefined` with a peer that rejected the question. @rfc 1661 §5.8 */
  echoRequest(): ControlPacket | undefined {
    if (!this.#echoes) return undefined;
    const body = new Writer().u32(this.policy.magic).finish();
    return { code: ControlCode.echoRequest, id: this.#negotiation.freshId(), body };
  }

  /** For a packet of a protocol that we do not have; only once LCP is open. @rfc 1661 §5.7 */
  protocolReject(protocol: number, information: Bytes): ControlPacket | undefined {
    if (!this.opened) return undefined;
    const rejected = information.slice(0, REJECTED_LIMIT);
    const body = new Writer().u16(protocol).bytes(rejected).finish();
    return { code: ControlCode.protocolReject, id: this.#negotiation.freshId(), body };
  }

  /** @rfc 1661 §5.7 */
  #receiveProtocolReject(packet: ControlPacket, now: Millis): readonly LcpOutput[] {
    const protocol = new Reader(packet.body).u16();
    if (!this.opened) return [{ kind: 'trace', layer: 'lcp', event: 'protocol-reject-too-early' }];
    const outputs = this.#negotiation.signal('RXJ+', now);
    return [...outputs, { kind: 'protocol-rejected', protocol }];
  }

  /** The data goes back behind our own magic number. */
  #echoReply(request: ControlPacket): ControlPacket {
    const reader = new Reader(request.body);
    reader.skip(4);
    const body = new Writer().u32(this.policy.magic).bytes(reader.rest()).finish();
    return { code: ControlCode.echoReply, id: request.id, body };
  }
}
