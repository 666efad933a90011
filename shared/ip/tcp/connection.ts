/**
 * One TCP connection, as its caller and its timers see it. What it knows is `control-block.ts`, the rules for an arriving
 * segment are `segment-arrives.ts`; finding the connection for a segment is `tcp.ts`.
 * @rfc 9293 §3.10.1, 9293 §3.10.8
 */
import type { Failure } from '../../errors.ts';
import type { Bytes, Millis } from '../../wire/bytes.ts';
import { earliest } from '../../wire/machine.ts';
import type { ControlBlock } from './control-block.ts';
import type { ConnectionIdentity } from './environment.ts';
import type { Segment } from './segment.ts';
import { beginsAnew, segmentArrives } from './segment-arrives.ts';
import { toPosition, toWire } from './sequence.ts';
import type { ConnectionSnapshot } from './snapshot.ts';
import { noteSleep, type StateName } from './state.ts';

/** Below this an ICMP message is not believed: nobody carries L2TP over less. */
const SMALLEST_PATH_MTU = 552;

export class Connection {
  readonly identity: ConnectionIdentity;
  readonly #block: ControlBlock;

  constructor(block: ControlBlock) {
    this.identity = block.identity;
    this.#block = block;
  }

  get state(): StateName {
    return this.#block.state.name;
  }

  get deadline(): Millis | undefined {
    const { state, sender, receiver, keepalive } = this.#block;
    switch (state.name) {
      case 'SYN-SENT':
      case 'SYN-RECEIVED':
        return Math.min(state.resendAt, state.giveUpAt);
      case 'TIME-WAIT':
        return state.expiresAt;
      case 'CLOSED':
        return undefined;
      default:
        return earliest(sender?.deadline, receiver.deadline, keepalive.deadline);
    }
  }

  /** For people; allocates. */
  get snapshot(): ConnectionSnapshot {
    const { socket, path, remotePort: port, localPort } = this.identity;
    const { sender, receiver, state } = this.#block;
    return {
      socket,
      address: path.remote.bytes,
      port,
      localPort,
      state: state.name,
      sent: Math.max(0, (sender?.space.una ?? 1) - 1),
      received: receiver.nxt - 1,
      receiveWindow: receiver.window,
      ...(sender === undefined ? {} : { sender: sender.snapshot }),
    };
  }

  // ---- What the caller asks

  /** Nagle's algorithm off, and silence after which the peer is asked for a sign of life (infinite: never). */
  tune(noDelay: boolean | undefined, keepAlive: Millis | undefined, now: Millis): void {
    const block = this.#block;
    if (noDelay !== undefined) block.noDelay = noDelay;
    if (block.sender !== undefined) {
      block.sender.prompt = block.noDelay;
      block.sender.output(now);
    }
    if (keepAlive !== undefined) block.keepalive.set(keepAlive, now);
  }

  write(bytes: Bytes, now: Millis): void {
    const block = this.#block;
    if (block.shutdownAsked) return;
    const length = block.sender?.write(bytes) ?? 0;
    block.writeShort = length < bytes.length;
    block.emit({ kind: 'tcp-wrote', socket: this.identity.socket, length });
    block.sender?.output(now);
  }

  consumed(length: number, now: Millis): void {
    const block = this.#block;
    block.receiver.consumed(length, block.sender?.rtt.smoothed ?? 0, now);
    if (block.sender !== undefined) block.acknowledgeIfDue(now);
  }

  /** @rfc 9293 §3.10.4 */
  shutdown(now: Millis): void {
    const block = this.#block;
    if (block.shutdownAsked) return;
    block.shutdownAsked = true;
    if (block.state.name === 'SYN-SENT') block.close();
    else if (block.sender !== undefined) block.sendFin(now);
  }

  /** @rfc 9293 §3.10.5 */
  abort(now: Millis): void {
    const block = this.#block;
    if (block.sender !== undefined || block.state.name === 'SYN-RECEIVED') block.reset(now);
    block.close();
  }

  resume(now: Millis): void {
    this.#block.sender?.output(now);
  }

  // ---- Timers

  timeout(now: Millis): void {
    const block = this.#block;
    const { state } = block;
    switch (state.name) {
      case 'SYN-SENT':
      case 'SYN-RECEIVED':
        noteSleep(state, now);
        if (state.giveUpAt <= now) block.close({ code: 'TIMED_OUT' });
        else if (state.resendAt <= now) {
          state.interval *= 2;
          state.resendAt = now + state.interval;
          state.resent = true;
          // Boxes on the way may drop what asks for ECN. @rfc 3168 §6.1.1.1
          block.negotiation.ecn = false;
          block.writer.syn(now);
        }
        return;
      case 'TIME-WAIT':
        if (state.expiresAt <= now) block.state = { name: 'CLOSED' };
        return;
      case 'CLOSED':
        return;
      default:
        block.receiver.expire(now);
        if (block.sender?.timeout(now) === false) {
          this.#giveUp(now);
          return;
        }
        block.acknowledgeIfDue(now);
        this.#keepAlive(now);
    }
  }

  /** A probe lies before what the peer has, so it is answered. @rfc 9293 §3.8.4 */
  #keepAlive(now: Millis): void {
    const { sender, isOver, keepalive, writer } = this.#block;
    if (sender === undefined || isOver) return;
    const busy = sender.inFlight > 0 || sender.unsent > 0;
    const verdict = keepalive.expire(busy, now);
    if (verdict === 'probe') writer.acknowledgment(sender.space.una - 1, now);
    else if (verdict === 'dead') this.#giveUp(now);
  }

  /** The peer is silent. */
  #giveUp(now: Millis): void {
    this.#block.reset(now);
    this.#block.close({ code: 'TIMED_OUT' });
  }

  // ---- What comes from the network

  /** A segment for this connection whose checksum is right; `bytes` is where its data lies, until `burstEnded` follows. */
  arrived(segment: Segment, bytes: Bytes, now: Millis): void {
    segmentArrives(this.#block, segment, bytes, now);
  }

  /**
   * A SYN came to a listener. Ends what waits in TIME-WAIT if it is a new connection's, and answers the last sequence
   * number that was used; else `undefined`.
   */
  reopened(syn: Segment): number | undefined {
    const block = this.#block;
    if (block.state.name !== 'TIME-WAIT' || !beginsAnew(block, syn)) return undefined;
    block.close();
    return toWire(block.initial, (block.sender?.space.nxt ?? 1) - 1);
  }

  /** What arrived together has been read: delivers, sends what that lets go, and acknowledges if nothing did. */
  burstEnded(now: Millis): void {
    const block = this.#block;
    block.deliver();
    const { sender } = block;
    if (sender === undefined || block.isOver) return;
    sender.output(now);
    block.acknowledgeIfDue(now);
    const worthwhile = Math.floor(sender.capacity / 4);
    if (block.writeShort && sender.room >= worthwhile && sender.room > 0) {
      block.writeShort = false;
      block.emit({ kind: 'tcp-writable', socket: this.identity.socket, room: sender.room });
    }
  }

  /** An ICMP error quoted a segment of ours that began with `sequence`; `mtu` only when one was too large. */
  unreachable(sequence: number, failure: Failure, mtu: number | undefined, now: Millis): void {
    const block = this.#block;
    const { sender } = block;
    const position = toPosition(block.initial, sender?.space.una ?? 0, sequence);
    if (sender === undefined) {
      // Deviation: RFC 1122 §4.2.3.9 keeps trying after "soft" errors; like most stacks (RFC 5461 §4.1) we say so
      // at once while nothing was ever heard from the peer.
      if (position === 0 && mtu === undefined) block.close(failure);
      return;
    }
    // Only what is on the way can have been quoted. Nothing else ends a connection that stands. @rfc 5927 §4.1, 5927 §5.2
    if (position < sender.space.una || position >= sender.space.nxt) return;
    if (mtu === undefined) {
      block.environment.trace('icmp-ignored', failure.code);
    } else if (mtu >= SMALLEST_PATH_MTU && mtu < block.pathMtu) {
      block.pathMtu = mtu;
      sender.shrink(block.negotiation.segmentSize(mtu), now);
    }
  }
}
