/**
 * The reliable control channel: sequence numbers, acknowledgment, retransmission, and the two windows.
 * RFC 2661 §5.8 and appendix A. What the messages say is not its business.
 *
 * Messages that overtake others wait here for their turn (some gateways send them out of order); what lies
 * beyond the window we offer is left to the peer's retransmission.
 */
import type { Bytes, Millis } from '../wire/bytes.ts';
import type { Avp } from './avp.ts';
import { type ControlMessage, encodeControl, type Message } from './message.ts';

/** Control messages the peer may have outstanding: what we offer, and so the most that can wait for its turn. */
export const RECEIVE_WINDOW = 8;

/** The peer's window while it has not told it. @rfc 2661 §4.4.3 */
const DEFAULT_WINDOW = 4;

/** Times a message is sent before the peer counts as gone; with the intervals below that is after 31 s. */
export const MAX_TRANSMISSIONS = 6;

/** @rfc 2661 §5.8 */
const FIRST_RETRANSMISSION: Millis = 1000;

/** The RFC allows no smaller cap. @rfc 2661 §5.8 */
const MAX_RETRANSMISSION: Millis = 8000;

/** A message to be sent: the channel adds the tunnel id and the sequence numbers. */
export interface Outgoing {
  readonly type: number;
  /** The peer's; 0 for the tunnel's own messages and before the peer has told it. */
  readonly sessionId: number;
  readonly avps: readonly Avp[];
}

/** What became of a message that arrived. */
type Arrival =
  /** To be processed now, in this order; none for a bare acknowledgment. */
  | { readonly kind: 'deliver'; readonly messages: readonly Message[] }
  /** Seen before; it will be acknowledged again. */
  | { readonly kind: 'duplicate' }
  /** Ahead of its turn, and kept. */
  | { readonly kind: 'early' }
  /** Ahead of the window, or acknowledging what was never sent: dropped. */
  | { readonly kind: 'refused'; readonly reason: string };

export class ControlChannel {
  /** The id the peer assigned to the tunnel; 0 while it is not known. */
  peerTunnelId = 0;
  /** Not yet sent, in order. */
  readonly #queue: Outgoing[] = [];
  /** Sent and not acknowledged; the last one has Ns `#ns - 1`. */
  readonly #unacknowledged: Outgoing[] = [];
  /** Arrived ahead of their turn, by Ns; fewer than `RECEIVE_WINDOW`. */
  readonly #early = new Map<number, Message>();
  /** Runs for the oldest unacknowledged message, and only while there is one. */
  #timer: { readonly transmissions: number; readonly resendAt: Millis } | undefined;
  /** Ns of the next new message. */
  #ns = 0;
  /** Ns expected from the peer next. */
  #nr = 0;
  #acknowledge = false;
  #peerWindow = DEFAULT_WINDOW;
  #congestionWindow = 1;
  #threshold = DEFAULT_WINDOW;

  /** Messages not yet acknowledged, sent or not. */
  get pending(): number {
    return this.#queue.length + this.#unacknowledged.length;
  }

  /** When `expire` is due; `undefined` while nothing is unacknowledged. */
  get deadline(): Millis | undefined {
    return this.#timer?.resendAt;
  }

  /** Takes the peer's Receive Window Size; 0 is invalid and read as 1. @rfc 2661 §5.8 */
  setPeerWindow(messages: number): void {
    this.#peerWindow = Math.max(1, messages);
    this.#threshold = this.#peerWindow;
  }

  /** Queues a message; the next `flush` sends it when the windows allow. */
  send(message: Outgoing): void {
    this.#queue.push(message);
  }

  /** Queues the tunnel's last message, which slow start does not hold back: nothing follows that could congest. */
  sendLast(message: Outgoing): void {
    this.#queue.push(message);
    this.#congestionWindow = this.#peerWindow;
  }

  /** Gives up on everything unacknowledged; acknowledging the peer goes on. */
  abandon(): void {
    this.#queue.length = 0;
    this.#unacknowledged.length = 0;
    this.#timer = undefined;
  }

  /** Takes a message that is for this tunnel. @rfc 2661 §5.8 */
  receive(message: ControlMessage, now: Millis): Arrival {
    if (!this.#takeAcknowledgment(message.nr, now)) {
      return { kind: 'refused', reason: 'Nr of a message never sent' };
    }
    if (message.kind === 'zlb') return { kind: 'deliver', messages: [] };
    const ahead = (message.ns - this.#nr) & 0xffff;
    if (ahead >= 0x8000) {
      this.#acknowledge = true;
      return { kind: 'duplicate' };
    }
    if (ahead >= RECEIVE_WINDOW) return { kind: 'refused', reason: 'Ns beyond the window' };
    if (ahead > 0) {
      this.#early.set(message.ns, message);
      return { kind: 'early' };
    }
    this.#acknowledge = true;
    const messages: Message[] = [];
    for (let next: Message | undefined = message; next; next = this.#early.get(this.#nr)) {
      messages.push(next);
      this.#early.delete(this.#nr);
      this.#nr = (this.#nr + 1) & 0xffff;
    }
    return { kind: 'deliver', messages };
  }

  /**
   * The datagrams to send now: new messages as far as the windows allow, else a bare acknowledgment if one is due.
   * @rfc 2661 §5.8, appendix A
   */
  flush(now: Millis): readonly Bytes[] {
    const out: Bytes[] = [];
    const window = Math.min(Math.floor(this.#congestionWindow), this.#peerWindow);
    while (this.#unacknowledged.length < window) {
      const message = this.#queue.shift();
      if (message === undefined) break;
      this.#unacknowledged.push(message);
      out.push(this.#encode(message, this.#ns));
      this.#ns = (this.#ns + 1) & 0xffff;
      this.#timer ??= { transmissions: 1, resendAt: now + FIRST_RETRANSMISSION };
    }
    if (out.length === 0 && this.#acknowledge) {
      const { peerTunnelId: tunnelId } = this;
      out.push(encodeControl({ kind: 'zlb', tunnelId, sessionId: 0, ns: this.#ns, nr: this.#nr }));
      this.#acknowledge = false;
    }
    return out;
  }

  /**
   * The oldest unacknowledged message once more, if its time has come; `exhausted` when it was sent often enough.
   * One transmission a call, however late the call is: a tab in the background does not lose its tries.
   * @rfc 2661 §5.8, appendix A
   */
  expire(now: Millis): Bytes | 'exhausted' | undefined {
    const [oldest] = this.#unacknowledged;
    if (this.#timer === undefined || now < this.#timer.resendAt || !oldest) return undefined;
    const { transmissions } = this.#timer;
    if (transmissions >= MAX_TRANSMISSIONS) return 'exhausted';
    const interval = Math.min(FIRST_RETRANSMISSION * 2 ** transmissions, MAX_RETRANSMISSION);
    this.#timer = { transmissions: transmissions + 1, resendAt: now + interval };
    this.#threshold = Math.max(1, Math.floor(this.#congestionWindow / 2));
    this.#congestionWindow = 1;
    return this.#encode(oldest, (this.#ns - this.#unacknowledged.length) & 0xffff);
  }

  /** Every datagram carries the newest Nr, so that it acknowledges as well. */
  #encode({ type, sessionId, avps }: Outgoing, ns: number): Bytes {
    this.#acknowledge = false;
    const { peerTunnelId: tunnelId } = this;
    const nr = this.#nr;
    return encodeControl({
      kind: 'message',
      tunnelId,
      sessionId,
      ns,
      nr,
      type,
      mandatory: true,
      avps,
    });
  }

  /** False when `nr` is ahead of what was sent; one that lies behind is an old message's, and harmless. */
  #takeAcknowledgment(nr: number, now: Millis): boolean {
    const outstanding = this.#unacknowledged.length;
    const count = (nr - (this.#ns - outstanding)) & 0xffff;
    if (count >= 0x8000) return true;
    if (count > outstanding) return false;
    if (count === 0) return true;
    this.#unacknowledged.splice(0, count);
    this.#congestionWindow +=
      this.#congestionWindow < this.#threshold ? 1 : 1 / this.#congestionWindow;
    this.#congestionWindow = Math.min(this.#congestionWindow, this.#peerWindow);
    this.#timer =
      this.#unacknowledged.length > 0
        ? { transmissions: 1, resendAt: now + FIRST_RETRANSMISSION }
        : undefined;
    return true;
  }
}
