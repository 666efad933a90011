/**
 * What is known of one connection, and the changes of its state: the transmission control block. Which segment or call
 * brings a change about is `segment-arrives.ts` and `connection.ts`.
 * @rfc 9293 §3.3.1, 9293 §3.3.2
 */
import type { Failure } from '../../errors.ts';
import type { Bytes, Millis } from '../../wire/bytes.ts';
import type { TcpOutput } from '../messages.ts';
import { Challenges } from './challenges.ts';
import type { ConnectionIdentity, TcpEnvironment } from './environment.ts';
import { DEFAULT_ALGORITHM } from './environment.ts';
import { Keepalive } from './keepalive.ts';
import { Negotiation } from './negotiation.ts';
import { PeerWindow } from './peer-window.ts';
import { Receiver } from './receiver.ts';
import { RttEstimator } from './rtt.ts';
import { type Segment, TcpFlag } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import { Sender } from './sender.ts';
import { toPosition } from './sequence.ts';
import { handshake, noteSleep, type State, TIME_WAIT } from './state.ts';
import { Timestamps } from './timestamps.ts';
import type { SenderWire } from './transmitter.ts';

export class ControlBlock {
  readonly identity: ConnectionIdentity;
  readonly environment: TcpEnvironment;
  /** Our initial sequence number: ISS. */
  readonly initial: number;
  readonly negotiation: Negotiation;
  readonly challenges: Challenges = new Challenges();
  readonly keepalive: Keepalive = new Keepalive();
  readonly timestamps: Timestamps;
  readonly receiver: Receiver;
  readonly writer: SegmentWriter;
  /** From the moment on that the connection stands. */
  sender: Sender | undefined;
  state: State;
  /** Largest IP packet that the path takes, in bytes. */
  pathMtu: number;
  peerWindow: PeerWindow = new PeerWindow(0);
  shutdownAsked = false;
  noDelay = false;
  /** A write was not taken whole. */
  writeShort = false;

  /** Actively when `syn` is missing, else from a SYN that came to a listener. */
  constructor(
    identity: ConnectionIdentity,
    environment: TcpEnvironment,
    initial: { readonly sequence: number; readonly timestampOffset: number },
    syn: Segment | undefined,
    now: Millis,
  ) {
    this.identity = identity;
    this.environment = environment;
    this.initial = initial.sequence;
    this.negotiation = new Negotiation(
      identity.path.headerLength,
      syn === undefined && environment.limits.ecn === true,
    );
    this.timestamps = new Timestamps(initial.timestampOffset);
    this.receiver = new Receiver(environment.limits.receiveBuffer);
    this.pathMtu = environment.mtu;
    this.writer = new SegmentWriter(
      identity,
      environment,
      initial.sequence,
      this.negotiation,
      this.timestamps,
      this.receiver,
    );
    this.state = handshake(syn === undefined ? 'SYN-SENT' : 'SYN-RECEIVED', now);
    if (syn !== undefined) this.readSyn(syn, now);
    this.writer.syn(now);
  }

  get isOver(): boolean {
    return this.state.name === 'CLOSED' || this.state.name === 'TIME-WAIT';
  }

  // ---- Telling

  /** Says what came about, after the data that came before it. */
  emit(output: TcpOutput): void {
    this.deliver();
    this.environment.emit(output);
  }

  /** Hands on what became readable. */
  deliver(): void {
    const bytes = this.receiver.take(this.environment.spare);
    if (bytes === undefined) return;
    this.environment.emit({ kind: 'tcp-data', socket: this.identity.socket, bytes });
  }

  acknowledge(now: Millis): void {
    this.writer.acknowledgment(this.sender?.space.bareSequence ?? 1, now);
  }

  acknowledgeIfDue(now: Millis): void {
    if (!this.isOver && this.receiver.mustAcknowledge) this.acknowledge(now);
  }

  /** Answers an unwelcome segment with where we are, unless it was done too often. @rfc 5961 §7 */
  challenge(segment: Segment, now: Millis): void {
    if (this.challenges.allow(segment, now)) this.acknowledge(now);
  }

  // ---- Opening

  readSyn(segment: Segment, now: Millis): void {
    this.negotiation.read(segment);
    if (segment.hasTimestamps) this.timestamps.remember(segment, now);
  }

  /** `segment` acknowledges our SYN. */
  establish(segment: Segment, now: Millis): void {
    const { state, negotiation } = this;
    const rtt = new RttEstimator();
    if ('since' in state) {
      noteSleep(state, now);
      if (!state.resent && !state.slept) rtt.sample(Math.max(0.1, now - state.since));
    }
    const { limits, random } = this.environment;
    const sender = new Sender({
      wire: this.#wire(),
      limit: limits.sendBuffer,
      segmentSize: negotiation.segmentSize(this.pathMtu),
      selective: negotiation.selective,
      algorithm: limits.congestion ?? DEFAULT_ALGORITHM,
      rtt,
      now,
      random: () => fraction(random.bytes(4)),
    });
    this.sender = sender;
    sender.prompt = this.noDelay;
    this.keepalive.heard(now);
    // The window of a SYN is not scaled. @rfc 7323 §2.2
    const scale = segment.has(TcpFlag.syn) ? 0 : negotiation.peerScale;
    sender.space.offered(segment.window << scale);
    this.peerWindow = new PeerWindow(
      toPosition(negotiation.peerInitial, this.receiver.nxt, segment.sequence),
    );
    this.state = { name: 'ESTABLISHED' };
    const { socket, listener, remotePort: port, localPort } = this.identity;
    const address = this.identity.path.remote.bytes;
    this.emit(
      listener === undefined
        ? { kind: 'tcp-opened', socket, address, port, localPort }
        : { kind: 'tcp-accepted', listener, socket, address, port },
    );
    if (this.writeShort) {
      this.writeShort = false;
      this.emit({ kind: 'tcp-writable', socket, room: sender.room });
    }
    if (this.shutdownAsked) this.sendFin(now);
  }

  // ---- Closing @rfc 9293 §3.6

  sendFin(now: Millis): void {
    if (this.state.name === 'ESTABLISHED') this.state = { name: 'FIN-WAIT-1' };
    else if (this.state.name === 'CLOSE-WAIT') this.state = { name: 'LAST-ACK' };
    this.sender?.shutdown();
    this.sender?.output(now);
  }

  finArrived(now: Millis): void {
    this.emit({ kind: 'tcp-end', socket: this.identity.socket });
    switch (this.state.name) {
      case 'ESTABLISHED':
        this.state = { name: 'CLOSE-WAIT' };
        return;
      case 'FIN-WAIT-1':
        this.state = { name: 'CLOSING' };
        return;
      case 'FIN-WAIT-2':
        this.#enterTimeWait(now);
        return;
    }
  }

  finAcknowledged(now: Millis): void {
    switch (this.state.name) {
      case 'FIN-WAIT-1':
        this.state = { name: 'FIN-WAIT-2' };
        return;
      case 'CLOSING':
        this.#enterTimeWait(now);
        return;
      case 'LAST-ACK':
        this.close();
        return;
    }
  }

  close(failure?: Failure): void {
    if (this.isOver) {
      this.state = { name: 'CLOSED' };
      return;
    }
    const { socket, listener } = this.identity;
    const unheard = listener !== undefined && this.state.name === 'SYN-RECEIVED';
    this.#release();
    this.state = { name: 'CLOSED' };
    if (unheard) return;
    this.emit(
      failure === undefined
        ? { kind: 'tcp-closed', socket }
        : { kind: 'tcp-closed', socket, failure },
    );
  }

  /** The peer is told that it is over. */
  reset(now: Millis): void {
    this.writer.reset(this.sender?.space.nxt ?? 1, now);
  }

  /** For the caller it is over; we stay to answer the peer's FIN should our acknowledgment be lost. */
  #enterTimeWait(now: Millis): void {
    this.acknowledge(now);
    this.#release();
    this.state = { name: 'TIME-WAIT', expiresAt: now + TIME_WAIT };
    this.emit({ kind: 'tcp-closed', socket: this.identity.socket });
  }

  #release(): void {
    this.sender?.release();
    this.receiver.release();
  }

  #wire(): SenderWire {
    const { environment, writer } = this;
    return {
      get held() {
        return environment.held;
      },
      sendData: writer.data.bind(writer),
    };
  }
}

/** 4 random bytes as a number in [0, 1). */
function fraction(bytes: Bytes): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
