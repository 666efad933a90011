/**
 * One TCP connection: its states and the rules for an arriving segment. Sending and receiving are `sender.ts` and
 * `receiver.ts`; finding the connection for a segment is `tcp.ts`. Longer than most files here because the order
 * of the rules in RFC 9293 §3.10.7 is the point.
 * Left out: urgent data (read as ordinary data), simultaneous use of one port for a new connection in TIME-WAIT.
 * @rfc 9293 §3.10, 5961 §3, 5961 §4, 5961 §5
 */
import type { Failure } from '../../errors.ts';
import type { Bytes, Millis } from '../../wire/bytes.ts';
import { earliest } from '../../wire/machine.ts';
import type { TcpOutput } from '../messages.ts';
import { Challenges } from './challenges.ts';
import type { ConnectionIdentity, TcpEnvironment } from './environment.ts';
import { DEFAULT_ALGORITHM } from './environment.ts';
import { Keepalive } from './keepalive.ts';
import { Negotiation } from './negotiation.ts';
import { PeerWindow } from './peer-window.ts';
import { Receiver } from './receiver.ts';
import { RttEstimator } from './rtt.ts';
import { type Segment, sequenceLength, TcpFlag } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import { Sender } from './sender.ts';
import { toPosition, toWire } from './sequence.ts';
import type { ConnectionSnapshot } from './snapshot.ts';
import { handshake, type State, type StateName, TIME_WAIT } from './state.ts';
import { Timestamps } from './timestamps.ts';
import type { SenderWire } from './transmitter.ts';

/** Below this an ICMP message is not believed: nobody carries L2TP over less. */
const SMALLEST_PATH_MTU = 552;

export class Connection {
  readonly identity: ConnectionIdentity;
  readonly #environment: TcpEnvironment;
  readonly #initial: number;
  readonly #negotiation: Negotiation;
  readonly #challenges = new Challenges();
  readonly #keepalive = new Keepalive();
  readonly #timestamps: Timestamps;
  readonly #receiver: Receiver;
  readonly #writer: SegmentWriter;
  #sender: Sender | undefined;
  #state: State;
  #pathMtu: number;
  #peerWindow = new PeerWindow(0);
  #shutdownAsked = false;
  #noDelay = false;
  /** A write was not taken whole. */
  #writeShort = false;

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
    this.#initial = initial.sequence;
    this.#negotiation = new Negotiation(
      identity.path.headerLength,
      syn === undefined && environment.limits.ecn === true,
    );
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
        return earliest(this.#sender?.deadline, this.#receiver.deadline, this.#keepalive.deadline);
    }
  }

  /** For people; allocates. */
  get snapshot(): ConnectionSnapshot {
    const { socket, path, remotePort: port, localPort } = this.identity;
    const sender = this.#sender;
    return {
      socket,
      address: path.remote.bytes,
      port,
      localPort,
      state: this.#state.name,
      sent: Math.max(0, (sender?.space.una ?? 1) - 1),
      received: this.#receiver.nxt - 1,
      receiveWindow: this.#receiver.window,
      ...(sender === undefined ? {} : { sender: sender.snapshot }),
    };
  }

  // ---- What the caller asks

  /** Nagle's algorithm off, and silence after which the peer is asked for a sign of life (infinite: never). */
  tune(noDelay: boolean | undefined, keepAlive: Millis | undefined, now: Millis): void {
    if (noDelay !== undefined) this.#noDelay = noDelay;
    if (this.#sender !== undefined) {
      this.#sender.prompt = this.#noDelay;
      this.#sender.output(now);
    }
    if (keepAlive !== undefined) this.#keepalive.set(keepAlive, now);
  }

  write(bytes: Bytes, now: Millis): void {
    if (this.#shutdownAsked) return;
    const length = this.#sender?.write(bytes) ?? 0;
    this.#writeShort = length < bytes.length;
    this.#emit({ kind: 'tcp-wrote', socket: this.identity.socket, length });
    this.#sender?.output(now);
  }

  consumed(length: number, now: Millis): void {
    this.#receiver.consumed(length, this.#sender?.rtt.smoothed ?? 0, now);
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
      this.#writer.reset(this.#sender?.space.nxt ?? 1, now);
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
          // Boxes on the way may drop what asks for ECN. @rfc 3168 §6.1.1.1
          this.#negotiation.ecn = false;
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
          this.#writer.reset(this.#sender?.space.nxt ?? 1, now);
          this.#close({ code: 'TIMED_OUT' });
          return;
        }
        this.#acknowledgeIfDue(now);
        this.#keepAlive(now);
    }
  }

  /** An ICMP error quoted a segment of ours that began with `sequence`; `mtu` only when one was too large. */
  unreachable(sequence: number, failure: Failure, mtu: number | undefined, now: Millis): void {
    const position = toPosition(this.#initial, this.#sender?.space.una ?? 0, sequence);
    if (this.#sender === undefined) {
      // Deviation: RFC 1122 §4.2.3.9 keeps trying after "soft" errors; like most stacks (RFC 5461 §4.1) we say so
      // at once while nothing was ever heard from the peer.
      if (position === 0 && mtu === undefined) this.#close(failure);
      return;
    }
    // Only what is on the way can have been quoted. Nothing else ends a connection that stands. @rfc 5927 §4.1, 5927 §5.2
    if (position < this.#sender.space.una || position >= this.#sender.space.nxt) return;
    if (mtu === undefined) {
      this.#environment.trace('icmp-ignored', failure.code);
    } else if (mtu >= SMALLEST_PATH_MTU && mtu < this.#pathMtu) {
      this.#pathMtu = mtu;
      this.#sender.shrink(this.#negotiation.segmentSize(this.#pathMtu), now);
    }
  }

  // ---- Segments

  /**
   * A segment for this connection whose checksum is right; `bytes` is where its data lies, until `burstEnded` follows.
   * @rfc 9293 §3.10.7
   */
  arrived(segment: Segment, bytes: Bytes, now: Millis): void {
    if (this.#state.name === 'SYN-SENT') this.#arrivedInSynSent(segment, now);
    else if (this.#state.name === 'TIME-WAIT') this.#arrivedInTimeWait(segment, now);
    else if (this.#state.name !== 'CLOSED') this.#arrivedSynchronized(segment, bytes, now);
  }

  /** What arrived together has been read: delivers, sends what that lets go, and acknowledges if nothing did. */
  burstEnded(now: Millis): void {
    this.#deliver();
    const sender = this.#sender;
    if (sender === undefined || this.#isOver) return;
    sender.output(now);
    this.#acknowledgeIfDue(now);
    const worthwhile = Math.floor(sender.capacity / 4);
    if (this.#writeShort && sender.room >= worthwhile && sender.room > 0) {
      this.#writeShort = false;
      const { socket } = this.identity;
      this.#emit({ kind: 'tcp-writable', socket, room: sender.room });
    }
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
    } else {
      this.#state = handshake('SYN-RECEIVED', now);
      this.#writer.syn(now);
    }
  }

  /** Only the peer's FIN, sent again, is of interest; a RST is not (RFC 1337 §3). @rfc 9293 §3.10.7.4 */
  #arrivedInTimeWait(segment: Segment, now: Millis): void {
    if (segment.has(TcpFlag.rst) || this.#state.name !== 'TIME-WAIT') return;
    if (segment.has(TcpFlag.fin)) this.#state.expiresAt = now + TIME_WAIT;
    if (this.#challenges.allow(segment, now)) this.#acknowledge(now);
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
    this.#keepalive.heard(now);
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
    if (this.#receiver.mustTell) this.#acknowledgeIfDue(now);
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
    if (!reset && this.#challenges.allow(segment, now)) {
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
      if (this.#challenges.allow(segment, now)) this.#acknowledge(now);
      return;
    }
    const refused = this.#state.name === 'SYN-RECEIVED' && this.identity.listener === undefined;
    this.#close({ code: refused ? 'CONNECTION_REFUSED' : 'CONNECTION_RESET' });
  }

  /** @rfc 5961 §4.2, 9293 §3.5 */
  #arrivedSyn(segment: Segment, position: number, now: Millis): void {
    const first = this.#state.name === 'SYN-RECEIVED' && position === 0;
    if (!first) {
      if (this.#challenges.allow(segment, now)) this.#acknowledge(now);
    } else if (!segment.has(TcpFlag.ack)) {
      this.#writer.syn(now);
    } else if (segment.acknowledgment === toWire(this.#initial, 1)) {
      this.#establish(segment, now);
      this.#receiver.acknowledgeNow();
    }
  }

  /** Step 5. Answers whether the rest of the segment may be looked at. @rfc 9293 §3.10.7.4, 5961 §5.2 */
  #arrivedAcknowledgment(segment: Segment, sequence: number, now: Millis): boolean {
    const sender = this.#sender;
    if (sender === undefined) return false;
    const position = toPosition(this.#initial, sender.space.una, segment.acknowledgment);
    if (position > sender.space.nxt || position < sender.space.una - sender.space.maximumWindow) {
      if (this.#challenges.allow(segment, now)) this.#acknowledge(now);
      return false;
    }
    if (position < sender.space.una) return true;
    const echoes = this.#negotiation.timestamps && segment.hasTimestamps;
    const acknowledgment = this.#peerWindow.read(
      segment,
      sequence,
      position,
      sender.space.una,
      this.#initial,
      sender.space.window,
      this.#negotiation,
      echoes ? this.#timestamps.roundTrip(segment, now) : -1,
    );
    sender.acknowledged(acknowledgment, now);
    if (sender.finished) this.#finAcknowledged(now);
    return true;
  }

  /** Steps 7 and 8. */
  #arrivedData(segment: Segment, position: number, bytes: Bytes, now: Millis): void {
    const fin = segment.has(TcpFlag.fin);
    const receiver = this.#receiver;
    if (receiver.finished) {
      if (fin || segment.dataLength > 0) receiver.acknowledgeNow();
      return;
    }
    if (!fin && segment.dataLength === 0) return;
    if (this.#negotiation.ecn && receiver.echo.arrived(segment.ecn, segment.has(TcpFlag.cwr))) {
      receiver.acknowledgeNow();
    }
    if (this.#negotiation.timestamps && segment.hasTimestamps && segment.dataLength > 0) {
      const rtt = this.#timestamps.roundTrip(segment, now);
      if (rtt >= 0) receiver.tuning.roundTrip(rtt);
    }
    receiver.accept(position, bytes, segment.dataStart, segment.dataLength, fin, now);
    if (receiver.finished) this.#finArrived(now);
  }

  /** Says what came about, after the data that came before it. */
  #emit(output: TcpOutput): void {
    this.#deliver();
    this.#environment.emit(output);
  }

  #deliver(): void {
    const bytes = this.#receiver.take();
    if (bytes === undefined) return;
    this.#environment.emit({ kind: 'tcp-data', socket: this.identity.socket, bytes });
  }

  #finArrived(now: Millis): void {
    this.#emit({ kind: 'tcp-end', socket: this.identity.socket });
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
    this.#emit({ kind: 'tcp-closed', socket: this.identity.socket });
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
    const rtt = new RttEstimator();
    if ('since' in state && !state.resent) rtt.sample(Math.max(0.1, now - state.since));
    const { limits, random } = this.#environment;
    const sender = new Sender({
      wire: this.#wire(),
      limit: limits.sendBuffer,
      segmentSize: negotiation.segmentSize(this.#pathMtu),
      selective: negotiation.selective,
      algorithm: limits.congestion ?? DEFAULT_ALGORITHM,
      rtt,
      now,
      random: () => fraction(random.bytes(4)),
    });
    this.#sender = sender;
    sender.prompt = this.#noDelay;
    this.#keepalive.heard(now);
    // The window of a SYN is not scaled. @rfc 7323 §2.2
    const scale = segment.has(TcpFlag.syn) ? 0 : negotiation.peerScale;
    sender.space.offered(segment.window << scale);
    this.#peerWindow = new PeerWindow(
      toPosition(negotiation.peerInitial, this.#receiver.nxt, segment.sequence),
    );
    this.#state = { name: 'ESTABLISHED' };
    const { socket, listener, remotePort: port, localPort } = this.identity;
    const address = this.identity.path.remote.bytes;
    this.#emit(
      listener === undefined
        ? { kind: 'tcp-opened', socket, address, port, localPort }
        : { kind: 'tcp-accepted', listener, socket, address, port },
    );
    if (this.#writeShort) {
      this.#writeShort = false;
      this.#emit({ kind: 'tcp-writable', socket, room: sender.room });
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
    this.#emit(
      failure === undefined
        ? { kind: 'tcp-closed', socket }
        : { kind: 'tcp-closed', socket, failure },
    );
  }

  #release(): void {
    this.#sender?.release();
    this.#receiver.release();
  }

  /** A probe lies before what the peer has, so it is answered. @rfc 9293 §3.8.4 */
  #keepAlive(now: Millis): void {
    const sender = this.#sender;
    if (sender === undefined || this.#isOver) return;
    const busy = sender.inFlight > 0 || sender.unsent > 0;
    const verdict = this.#keepalive.expire(busy, now);
    if (verdict === 'probe') {
      this.#writer.acknowledgment(sender.space.una - 1, now);
    } else if (verdict === 'dead') {
      this.#writer.reset(sender.space.nxt, now);
      this.#close({ code: 'TIMED_OUT' });
    }
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
    this.#writer.acknowledgment(this.#sender?.space.bareSequence ?? 1, now);
  }
}

/** 4 random bytes as a number in [0, 1). */
function fraction(bytes: Bytes): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
