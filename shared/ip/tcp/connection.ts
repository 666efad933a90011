/**
 * One TCP connection: its states and the rules for an arriving segment. Sending and receiving are `sender.ts` and
 * `receiver.ts`; finding the connection for a segment is `tcp.ts`. Longer than most files here because the order
 * of the rules in RFC 9293 §3.10.7 is the point.
 * Left out: keepalive, urgent data (read as ordinary data), simultaneous use of one port for a new connection in
 * TIME-WAIT.
 * @rfc 9293 §3.10, 5961 §3, 5961 §4, 5961 §5
 */
import type { Failure } from '../../errors.ts';
import type { Bytes, Millis } from '../../wire/bytes.ts';
import { earliest } from '../../wire/machine.ts';
import type { ConnectionIdentity, TcpEnvironment } from './environment.ts';
import { Negotiation } from './negotiation.ts';
import { Receiver } from './receiver.ts';
import { INITIAL_RTO } from './rtt.ts';
import { SACK_BLOCK_LIMIT, type Segment, TcpFlag } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import { Sender, type SenderWire } from './sender.ts';
import { toPosition, toWire } from './sequence.ts';
import { Timestamps } from './timestamps.ts';

/**
 * Deviation: RFC 9293 §3.8.3 asks for at least 3 minutes before a SYN is given up; a person in front of a screen
 * has long gone by then.
 */
export const CONNECT_TIMEOUT: Millis = 30_000;

/** Deviation: 2 MSL is 4 minutes in RFC 9293 §3.4.2; 60 s is what Linux keeps, and ports and memory are few. */
export const TIME_WAIT: Millis = 60_000;

/** At most one challenge acknowledgment a connection in this time. @rfc 5961 §7 */
const CHALLENGE_INTERVAL: Millis = 500;

/** Below this an ICMP message is not believed: nobody carries L2TP over less. */
const SMALLEST_PATH_MTU = 552;

/** States as the RFC names them; those before the first data own the SYN's timer. @rfc 9293 §3.3.2 */
type State =
  | {
      readonly name: 'SYN-SENT' | 'SYN-RECEIVED';
      resendAt: Millis;
      interval: Millis;
      readonly giveUpAt: Millis;
      resent: boolean;
      readonly since: Millis;
    }
  | { readonly name: 'ESTABLISHED' | 'FIN-WAIT-1' | 'FIN-WAIT-2' }
  | { readonly name: 'CLOSE-WAIT' | 'CLOSING' | 'LAST-ACK' }
  | { readonly name: 'TIME-WAIT'; expiresAt: Millis }
  | { readonly name: 'CLOSED' };

type StateName = State['name'];

/** Filled again for each acknowledgment: nothing is allocated for a packet. */
const edges = new Float64Array(2 * SACK_BLOCK_LIMIT);
const acknowledgment = {
  position: 0,
  window: 0,
  sackCount: 0,
  edges,
  bare: false,
  echoRtt: undefined as Millis | undefined,
};

export class Connection {
  readonly identity: ConnectionIdentity;
  readonly #environment: TcpEnvironment;
  readonly #initial: number;
  readonly #negotiation: Negotiation;
  readonly #timestamps: Timestamps;
  readonly #receiver: Receiver;
  readonly #writer: SegmentWriter;
  #sender: Sender | undefined;
  #state: State;
  #pathMtu: number;
  /** Segment that last moved the window: SND.WL1, SND.WL2. */
  #windowSequence = 0;
  #windowAcknowledgment = 0;
  #shutdownAsked = false;
  /** A write was not taken whole. */
  #writeShort = false;
  #challengedAt: Millis = Number.NEGATIVE_INFINITY;

  /** Actively when `syn` is missing, else from a SYN that came to a listener. */
  constructor(
    identity: ConnectionIdentity,
    environment: TcpEnvironment,
    initial: { readonly sequence: number; readonly timestampOffset: number },
    syn: Segment | undefined,
    now: Millis,
  ) {
    this.identity = identity;
    this.#environment = environment;
    this.#negotiation = new Negotiation(identity.path.headerLength);
    this.#initial = initial.sequence;
    this.#timestamps = new Timestamps(initial.timestampOffset);
    this.#receiver = new Receiver(environment.limits.receiveBuffer);
    this.#pathMtu = environment.mtu;
    this.#writer = new SegmentWriter(
      identity,
      environment,
      initial.sequence,
      this.#negotiation,
      this.#timestamps,
      this.#receiver,
    );
    this.#state = handshake(syn === undefined ? 'SYN-SENT' : 'SYN-RECEIVED', now);
    if (syn !== undefined) this.#readSyn(syn, now);
    this.#writer.syn(now);
  }

  get state(): StateName {
    return this.#state.name;
  }

  get deadline(): Millis | undefined {
    const state = this.#state;
    switch (state.name) {
      case 'SYN-SENT':
      case 'SYN-RECEIVED':
        return Math.min(state.resendAt, state.giveUpAt);
      case 'TIME-WAIT':
        return state.expiresAt;
      case 'CLOSED':
        return undefined;
      default:
        return earliest(this.#sender?.deadline, this.#receiver.deadline);
    }
  }

  // ---- What the caller asks

  write(bytes: Bytes, now: Millis): void {
    if (this.#shutdownAsked) return;
    const length = this.#sender?.write(bytes) ?? 0;
    this.#writeShort = length < bytes.length;
    this.#environment.emit({ kind: 'tcp-wrote', socket: this.identity.socket, length });
    this.#sender?.output(now);
  }

  consumed(length: number, now: Millis): void {
    this.#receiver.consumed(length);
    if (this.#sender !== undefined) this.#acknowledgeIfDue(now);
  }

  /** @rfc 9293 §3.10.4 */
  shutdown(now: Millis): void {
    if (this.#shutdownAsked) return;
    this.#shutdownAsked = true;
    if (this.#state.name === 'SYN-SENT') this.#close();
    else if (this.#sender !== undefined) this.#sendFin(now);
  }

  /** @rfc 9293 §3.10.5 */
  abort(now: Millis): void {
    if (this.#sender !== undefined || this.#state.name === 'SYN-RECEIVED')
      this.#writer.reset(this.#sender?.nxt ?? 1, now);
    this.#close();
  }

  resume(now: Millis): void {
    this.#sender?.output(now);
  }

  timeout(now: Millis): void {
    const state = this.#state;
    switch (state.name) {
      case 'SYN-SENT':
      case 'SYN-RECEIVED':
        if (state.giveUpAt <= now) this.#close({ code: 'TIMED_OUT' });
        else if (state.resendAt <= now) {
          state.interval *= 2;
          state.resendAt = now + state.interval;
          state.resent = true;
          this.#writer.syn(now);
        }
        return;
      case 'TIME-WAIT':
        if (state.expiresAt <= now) this.#state = { name: 'CLOSED' };
        return;
      case 'CLOSED':
        return;
      default:
        this.#receiver.expire(now);
        if (this.#sender?.timeout(now) === false) {
          this.#writer.reset(this.#sender?.nxt ?? 1, now);
          this.#close({ code: 'TIMED_OUT' });
          return;
        }
        this.#acknowledgeIfDue(now);
    }
  }

  /** An ICMP error quoted a segment of ours that began with `sequence`; `mtu` only when one was too large. */
  unreachable(sequence: number, failure: Failure, mtu: number | undefined, now: Millis): void {
    const position = toPosition(this.#initial, this.#sender?.una ?? 0, sequence);
    if (this.#sender === undefined) {
      // Deviation: RFC 1122 §4.2.3.9 keeps trying after "soft" errors; like most stacks (RFC 5461 §4.1) we say so
      // at once while nothing was ever heard from the peer.
      if (position === 0 && mtu === undefined) this.#close(failure);
      return;
    }
    // Only what is on the way can have been quoted. Nothing else ends a connection that stands. @rfc 5927 §4.1, 5927 §5.2
    if (position < this.#sender.una || position >= this.#sender.nxt) return;
    if (mtu === undefined) {
      this.#environment.trace('icmp-ignored', failure.code);
    } else if (mtu >= SMALLEST_PATH_MTU && mtu < this.#pathMtu) {
      this.#pathMtu = mtu;
      this.#sender.shrink(this.#negotiation.segmentSize(this.#pathMtu), now);
    }
  }

  // ---- Segments

  /** A segment for this connection whose checksum is right; `bytes` is where its data lies. @rfc 9293 §3.10.7 */
  arrived(segment: Segment, bytes: Bytes, now: Millis): void {
    if (this.#state.name === 'SYN-SENT') this.#arrivedInSynSent(segment, now);
    else if (this.#state.name === 'TIME-WAIT') this.#arrivedInTimeWait(segment, now);
    else if (this.#state.name !== 'CLOSED') this.#arrivedSynchronized(segment, bytes, now);
  }

  /** @rfc 9293 §3.10.7.3 */
  #arrivedInSynSent(segment: Segment, now: Millis): void {
    const acknowledges = segment.has(TcpFlag.ack);
    if (acknowledges && segment.acknowledgment !== toWire(this.#initial, 1)) {
      if (!segment.has(TcpFlag.rst)) this.#writer.resetAt(segment.acknowledgment, now);
      return;
    }
    if (segment.has(TcpFlag.rst)) {
      if (acknowledges) this.#close({ code: 'CONNECTION_REFUSED' });
      return;
    }
    if (!segment.has(TcpFlag.syn)) return;
    this.#readSyn(segment, now);
    if (acknowledges) {
      this.#establish(segment, now);
      this.#receiver.acknowledgeNow();
      this.#afterSegment(now);
    } else {
      this.#state = handshake('SYN-RECEIVED', now);
      this.#writer.syn(now);
    }
  }

  /** Only the peer's FIN, sent again, is of interest; a RST is not (RFC 1337 §3). @rfc 9293 §3.10.7.4 */
  #arrivedInTimeWait(segment: Segment, now: Millis): void {
    if (segment.has(TcpFlag.rst) || this.#state.name !== 'TIME-WAIT') return;
    if (segment.has(TcpFlag.fin)) this.#state.expiresAt = now + TIME_WAIT;
    if (this.#mayChallenge(segment, now)) this.#acknowledge(now);
  }

  /** @rfc 9293 §3.10.7.4 */
  #arrivedSynchronized(segment: Segment, bytes: Bytes, now: Millis): void {
    const receiver = this.#receiver;
    const position = toPosition(this.#negotiation.peerInitial, receiver.nxt, segment.sequence);
    if (!this.#isAcceptable(segment, position, now)) return;
    if (segment.has(TcpFlag.rst)) {
      this.#arrivedReset(segment, position, now);
      return;
    }
    if (segment.has(TcpFlag.syn)) {
      this.#arrivedSyn(segment, position, now);
      return;
    }
    if (!segment.has(TcpFlag.ack)) return;
    if (this.#state.name === 'SYN-RECEIVED') {
      if (segment.acknowledgment !== toWire(this.#initial, 1)) {
        this.#writer.resetAt(segment.acknowledgment, now);
        return;
      }
      this.#establish(segment, now);
    }
    if (
      this.#negotiation.timestamps &&
      segment.hasTimestamps &&
      position <= this.#writer.acknowledged
    ) {
      this.#timestamps.remember(segment, now);
    }
    if (!this.#arrivedAcknowledgment(segment, position, now)) return;
    this.#arrivedData(segment, position, bytes, now);
    this.#afterSegment(now);
  }

  /** Step 1: the sequence number, and the timestamp. An answer goes to what is not acceptable. */
  #isAcceptable(segment: Segment, position: number, now: Millis): boolean {
    const receiver = this.#receiver;
    const reset = segment.has(TcpFlag.rst);
    const length = sequenceLength(segment);
    const old =
      this.#negotiation.timestamps &&
      segment.hasTimestamps &&
      !reset &&
      this.#timestamps.isOld(segment, now);
    // A little wider than the RFC's table: what begins at either edge carries an acknowledgment worth reading,
    // even into a closed window.
    const inside = position + length >= receiver.nxt && position <= receiver.nxt + receiver.window;
    if (inside && !old) return true;
    this.#environment.trace('dropped', old ? 'old timestamp' : 'outside the window');
    if (!reset && this.#mayChallenge(segment, now)) {
      if (segment.dataLength > 0 && position < receiver.nxt) {
        receiver.repeated(position, Math.min(position + segment.dataLength, receiver.nxt));
      }
      this.#acknowledge(now);
    }
    return false;
  }

  /** Exactly the next position ends the connection; others inside the window are asked again. @rfc 5961 §3.2 */
  #arrivedReset(segment: Segment, position: number, now: Millis): void {
    if (position !== this.#receiver.nxt) {
      if (this.#mayChallenge(segment, now)) this.#acknowledge(now);
      return;
    }
    const refused = this.#state.name === 'SYN-RECEIVED' && this.identity.listener === undefined;
    this.#close({ code: refused ? 'CONNECTION_REFUSED' : 'CONNECTION_RESET' });
  }

  /** @rfc 5961 §4.2, 9293 §3.5 */
  #arrivedSyn(segment: Segment, position: number, now: Millis): void {
    const first = this.#state.name === 'SYN-RECEIVED' && position === 0;
    if (!first) {
      if (this.#mayChallenge(segment, now)) this.#acknowledge(now);
    } else if (!segment.has(TcpFlag.ack)) {
      this.#writer.syn(now);
    } else if (segment.acknowledgment === toWire(this.#initial, 1)) {
      this.#establish(segment, now);
      this.#receiver.acknowledgeNow();
      this.#afterSegment(now);
    }
  }

  /** Step 5. Answers whether the rest of the segment may be looked at. @rfc 9293 §3.10.7.4, 5961 §5.2 */
  #arrivedAcknowledgment(segment: Segment, sequence: number, now: Millis): boolean {
    const sender = this.#sender;
    if (sender === undefined) return false;
    const position = toPosition(this.#initial, sender.una, segment.acknowledgment);
    if (position > sender.nxt || position < sender.una - sender.maximumWindow) {
      if (this.#mayChallenge(segment, now)) this.#acknowledge(now);
      return false;
    }
    if (position < sender.una) return true;
    const newer =
      this.#windowSequence < sequence ||
      (this.#windowSequence === sequence && this.#windowAcknowledgment <= position);
    if (newer) {
      this.#windowSequence = sequence;
      this.#windowAcknowledgment = position;
    }
    acknowledgment.position = position;
    acknowledgment.window = newer
      ? segment.window * 2 ** this.#negotiation.peerScale
      : sender.window;
    acknowledgment.sackCount = this.#negotiation.selective ? segment.sackCount : 0;
    for (let i = 0; i < 2 * acknowledgment.sackCount; i++) {
      edges[i] = toPosition(this.#initial, sender.una, segment.sackEdges[i]!);
    }
    acknowledgment.bare = sequenceLength(segment) === 0;
    acknowledgment.echoRtt =
      this.#negotiation.timestamps && segment.hasTimestamps
        ? this.#timestamps.roundTrip(segment, now)
        : undefined;
    sender.acknowledged(acknowledgment, now);
    if (sender.finished) this.#finAcknowledged(now);
    return true;
  }

  /** Steps 7 and 8. */
  #arrivedData(segment: Segment, position: number, bytes: Bytes, now: Millis): void {
    const fin = segment.has(TcpFlag.fin);
    if (this.#receiver.finished) {
      if (fin || segment.dataLength > 0) this.#receiver.acknowledgeNow();
      return;
    }
    if (!fin && segment.dataLength === 0) return;
    const data = this.#receiver.accept(
      position,
      bytes,
      segment.dataStart,
      segment.dataLength,
      fin,
      now,
    );
    if (data !== undefined) this.#emitData(data);
    if (this.#receiver.finished) this.#finArrived(now);
  }

  #emitData(bytes: Bytes): void {
    this.#environment.emit({ kind: 'tcp-data', socket: this.identity.socket, bytes });
  }

  #finArrived(now: Millis): void {
    this.#environment.emit({ kind: 'tcp-end', socket: this.identity.socket });
    switch (this.#state.name) {
      case 'ESTABLISHED':
        this.#state = { name: 'CLOSE-WAIT' };
        return;
      case 'FIN-WAIT-1':
        this.#state = { name: 'CLOSING' };
        return;
      case 'FIN-WAIT-2':
        this.#enterTimeWait(now);
        return;
    }
  }

  #finAcknowledged(now: Millis): void {
    switch (this.#state.name) {
      case 'FIN-WAIT-1':
        this.#state = { name: 'FIN-WAIT-2' };
        return;
      case 'CLOSING':
        this.#enterTimeWait(now);
        return;
      case 'LAST-ACK':
        this.#close();
        return;
    }
  }

  /** For the caller it is over; we stay to answer the peer's FIN should our acknowledgment be lost. */
  #enterTimeWait(now: Millis): void {
    this.#acknowledge(now);
    this.#release();
    this.#state = { name: 'TIME-WAIT', expiresAt: now + TIME_WAIT };
    this.#environment.emit({ kind: 'tcp-closed', socket: this.identity.socket });
  }

  /** What news about gaps does not wait for data to ride on; the rest does. */
  #afterSegment(now: Millis): void {
    const sender = this.#sender;
    if (sender === undefined || this.#isOver) return;
    if (this.#receiver.mustAcknowledge && this.#receiver.hasGap) this.#acknowledge(now);
    sender.output(now);
    this.#acknowledgeIfDue(now);
    const worthwhile = Math.floor(this.#environment.limits.sendBuffer / 4);
    if (this.#writeShort && sender.room >= worthwhile && sender.room > 0) {
      this.#writeShort = false;
      const { socket } = this.identity;
      this.#environment.emit({ kind: 'tcp-writable', socket, room: sender.room });
    }
  }

  #acknowledgeIfDue(now: Millis): void {
    if (!this.#isOver && this.#receiver.mustAcknowledge) this.#acknowledge(now);
  }

  // ---- Opening and closing

  #readSyn(segment: Segment, now: Millis): void {
    this.#negotiation.read(segment);
    if (segment.hasTimestamps) this.#timestamps.remember(segment, now);
  }

  #establish(segment: Segment, now: Millis): void {
    const state = this.#state;
    const negotiation = this.#negotiation;
    const sender = new Sender(
      this.#wire(),
      this.#environment.limits.sendBuffer,
      negotiation.segmentSize(this.#pathMtu),
      negotiation.selective,
    );
    this.#sender = sender;
    // The window of a SYN is not scaled. @rfc 7323 §2.2
    const scale = segment.has(TcpFlag.syn) ? 0 : this.#negotiation.peerScale;
    sender.window = segment.window * 2 ** scale;
    sender.maximumWindow = sender.window;
    this.#windowSequence = toPosition(
      this.#negotiation.peerInitial,
      this.#receiver.nxt,
      segment.sequence,
    );
    this.#windowAcknowledgment = 1;
    if ('since' in state && !state.resent) sender.rtt.sample(Math.max(0.1, now - state.since));
    this.#state = { name: 'ESTABLISHED' };
    const { socket, listener, remotePort: port, localPort } = this.identity;
    const address = this.identity.path.remote.bytes;
    this.#environment.emit(
      listener === undefined
        ? { kind: 'tcp-opened', socket, address, port, localPort }
        : { kind: 'tcp-accepted', listener, socket, address, port },
    );
    if (this.#writeShort) {
      this.#writeShort = false;
      this.#environment.emit({ kind: 'tcp-writable', socket, room: sender.room });
    }
    if (this.#shutdownAsked) this.#sendFin(now);
  }

  #sendFin(now: Millis): void {
    if (this.#state.name === 'ESTABLISHED') this.#state = { name: 'FIN-WAIT-1' };
    else if (this.#state.name === 'CLOSE-WAIT') this.#state = { name: 'LAST-ACK' };
    this.#sender?.shutdown();
    this.#sender?.output(now);
  }

  get #isOver(): boolean {
    return this.#state.name === 'CLOSED' || this.#state.name === 'TIME-WAIT';
  }

  #close(failure?: Failure): void {
    if (this.#isOver) {
      this.#state = { name: 'CLOSED' };
      return;
    }
    const { socket, listener } = this.identity;
    const unheard = listener !== undefined && this.#state.name === 'SYN-RECEIVED';
    this.#release();
    this.#state = { name: 'CLOSED' };
    if (unheard) return;
    this.#environment.emit(
      failure === undefined
        ? { kind: 'tcp-closed', socket }
        : { kind: 'tcp-closed', socket, failure },
    );
  }

  #release(): void {
    this.#sender?.release();
    this.#receiver.release();
  }

  // ---- Writing segments

  #wire(): SenderWire {
    const environment = this.#environment;
    const writer = this.#writer;
    return {
      get held() {
        return environment.held;
      },
      sendData: writer.data.bind(writer),
    };
  }

  #acknowledge(now: Millis): void {
    this.#writer.acknowledgment(this.#sender?.bareSequence ?? 1, now);
  }

  /** Whether an unwelcome segment is answered: always when it carries something, else not too often. @rfc 5961 §7 */
  #mayChallenge(segment: Segment, now: Millis): boolean {
    const carries = segment.dataLength > 0 || segment.has(TcpFlag.fin);
    if (carries && !segment.has(TcpFlag.syn)) return true;
    if (now - this.#challengedAt < CHALLENGE_INTERVAL) return false;
    this.#challengedAt = now;
    return true;
  }
}

function handshake(name: 'SYN-SENT' | 'SYN-RECEIVED', now: Millis): State {
  return {
    name,
    resendAt: now + INITIAL_RTO,
    interval: INITIAL_RTO,
    giveUpAt: now + CONNECT_TIMEOUT,
    resent: false,
    since: now,
  };
}

/** What a segment takes of the sequence space: SEG.LEN. @rfc 9293 §3.3.1 */
function sequenceLength(segment: Segment): number {
  return (
    segment.dataLength + (segment.has(TcpFlag.syn) ? 1 : 0) + (segment.has(TcpFlag.fin) ? 1 : 0)
  );
}
