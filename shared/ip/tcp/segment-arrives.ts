/**
 * The rules for an arriving segment, in the order of the RFC: sequence number, reset, SYN, acknowledgment, data, FIN.
 * Left out: urgent data (read as ordinary data).
 * @rfc 9293 §3.10.7, 5961 §3, 5961 §4, 5961 §5
 */
import type { Bytes, Millis } from '../../wire/bytes.ts';
import type { ControlBlock } from './control-block.ts';
import { type Segment, sequenceLength, TcpFlag } from './segment.ts';
import { toPosition, toWire } from './sequence.ts';
import { handshake, TIME_WAIT } from './state.ts';

/** A segment for this connection whose checksum is right; `bytes` is where its data lies. */
export function segmentArrives(
  block: ControlBlock,
  segment: Segment,
  bytes: Bytes,
  now: Millis,
): void {
  switch (block.state.name) {
    case 'SYN-SENT':
      arrivesInSynSent(block, segment, now);
      return;
    case 'TIME-WAIT':
      arrivesInTimeWait(block, segment, now);
      return;
    case 'CLOSED':
      return;
    default:
      arrivesSynchronized(block, segment, bytes, now);
  }
}

/** @rfc 9293 §3.10.7.3 */
function arrivesInSynSent(block: ControlBlock, segment: Segment, now: Millis): void {
  const acknowledges = segment.has(TcpFlag.ack);
  if (acknowledges && segment.acknowledgment !== toWire(block.initial, 1)) {
    if (!segment.has(TcpFlag.rst)) block.writer.resetAt(segment.acknowledgment, now);
    return;
  }
  if (segment.has(TcpFlag.rst)) {
    if (acknowledges) block.close({ code: 'CONNECTION_REFUSED' });
    return;
  }
  if (!segment.has(TcpFlag.syn)) return;
  block.readSyn(segment, now);
  if (acknowledges) {
    block.establish(segment, now);
    block.receiver.acknowledgeNow();
  } else {
    block.state = handshake('SYN-RECEIVED', now);
    block.writer.syn(now);
  }
}

/** Only the peer's FIN, sent again, is of interest; a RST is not (RFC 1337 §3). @rfc 9293 §3.10.7.4 */
function arrivesInTimeWait(block: ControlBlock, segment: Segment, now: Millis): void {
  if (segment.has(TcpFlag.rst) || block.state.name !== 'TIME-WAIT') return;
  const { negotiation, receiver } = block;
  const end = toPosition(
    negotiation.peerInitial,
    receiver.nxt,
    segment.sequence + sequenceLength(segment),
  );
  if (segment.has(TcpFlag.fin) && end === receiver.nxt) block.state.expiresAt = now + TIME_WAIT;
  block.challenge(segment, now);
}

/** Whether a SYN to a connection in TIME-WAIT begins a new one, and is no straggler of the old. @rfc 6191 §2 */
export function beginsAnew(block: ControlBlock, syn: Segment): boolean {
  const { negotiation, timestamps, receiver } = block;
  const later = toPosition(negotiation.peerInitial, receiver.nxt, syn.sequence) >= receiver.nxt;
  if (!syn.hasTimestamps) return later;
  if (!negotiation.timestamps) return true;
  const advance = timestamps.advance(syn);
  return advance > 0 || (advance === 0 && later);
}

/** @rfc 9293 §3.10.7.4 */
function arrivesSynchronized(
  block: ControlBlock,
  segment: Segment,
  bytes: Bytes,
  now: Millis,
): void {
  const { receiver, negotiation } = block;
  const position = toPosition(negotiation.peerInitial, receiver.nxt, segment.sequence);
  if (!isAcceptable(block, segment, position, now)) return;
  if (segment.has(TcpFlag.rst)) {
    resetArrives(block, segment, position, now);
    return;
  }
  if (segment.has(TcpFlag.syn)) {
    synArrives(block, segment, position, now);
    return;
  }
  if (!segment.has(TcpFlag.ack)) return;
  block.keepalive.heard(now);
  if (block.state.name === 'SYN-RECEIVED') {
    if (segment.acknowledgment !== toWire(block.initial, 1)) {
      block.writer.resetAt(segment.acknowledgment, now);
      return;
    }
    block.establish(segment, now);
  }
  if (!acknowledgmentArrives(block, segment, position, now)) return;
  dataArrive(block, segment, position, bytes, now);
  if (receiver.mustTell) block.acknowledgeIfDue(now);
}

/** Step 1: the sequence number, and the timestamp. An answer goes to what is not acceptable. */
function isAcceptable(
  block: ControlBlock,
  segment: Segment,
  position: number,
  now: Millis,
): boolean {
  const { receiver, negotiation, timestamps } = block;
  const reset = segment.has(TcpFlag.rst);
  const length = sequenceLength(segment);
  const old =
    negotiation.timestamps && segment.hasTimestamps && !reset && timestamps.isOld(segment, now);
  // A little wider than the RFC's table: what begins at either edge carries an acknowledgment worth reading,
  // even into a closed window.
  const inside = position + length >= receiver.nxt && position <= receiver.nxt + receiver.window;
  if (inside && !old) return true;
  block.environment.trace('dropped', old ? 'old timestamp' : 'outside the window');
  if (!reset && block.challenges.allow(segment, now)) {
    if (segment.dataLength > 0 && position < receiver.nxt) {
      receiver.repeated(position, Math.min(position + segment.dataLength, receiver.nxt));
    }
    block.acknowledge(now);
  }
  return false;
}

/** Exactly the next position ends the connection; others inside the window are asked again. @rfc 5961 §3.2 */
function resetArrives(block: ControlBlock, segment: Segment, position: number, now: Millis): void {
  if (position !== block.receiver.nxt) {
    block.challenge(segment, now);
    return;
  }
  const refused = block.state.name === 'SYN-RECEIVED' && block.identity.listener === undefined;
  block.close({ code: refused ? 'CONNECTION_REFUSED' : 'CONNECTION_RESET' });
}

/** @rfc 5961 §4.2, 9293 §3.5 */
function synArrives(block: ControlBlock, segment: Segment, position: number, now: Millis): void {
  const first = block.state.name === 'SYN-RECEIVED' && position === 0;
  if (!first) {
    block.challenge(segment, now);
  } else if (!segment.has(TcpFlag.ack)) {
    block.writer.syn(now);
  } else if (segment.acknowledgment === toWire(block.initial, 1)) {
    block.establish(segment, now);
    block.receiver.acknowledgeNow();
  }
}

/** Step 5. Answers whether the rest of the segment may be looked at. @rfc 9293 §3.10.7.4, 5961 §5.2 */
function acknowledgmentArrives(
  block: ControlBlock,
  segment: Segment,
  sequence: number,
  now: Millis,
): boolean {
  const { sender, negotiation } = block;
  if (sender === undefined) return false;
  const { una, nxt, window, maximumWindow } = sender.space;
  const position = toPosition(block.initial, una, segment.acknowledgment);
  if (position > nxt || position < una - maximumWindow) {
    block.challenge(segment, now);
    return false;
  }
  const echoes = negotiation.timestamps && segment.hasTimestamps;
  // Only here: whoever does not know what is on the way must not turn the clock on, or the peer's own segments would be old.
  if (echoes && sequence <= block.writer.acknowledged) block.timestamps.remember(segment, now);
  if (position < una) return true;
  const acknowledgment = block.peerWindow.read(
    segment,
    sequence,
    position,
    una,
    block.initial,
    window,
    negotiation,
    echoes ? block.timestamps.roundTrip(segment, now) : -1,
  );
  sender.acknowledged(acknowledgment, now);
  if (sender.finished) block.finAcknowledged(now);
  return true;
}

/** Steps 7 and 8. */
function dataArrive(
  block: ControlBlock,
  segment: Segment,
  position: number,
  bytes: Bytes,
  now: Millis,
): void {
  const fin = segment.has(TcpFlag.fin);
  const { receiver, negotiation, timestamps } = block;
  if (receiver.finished) {
    if (fin || segment.dataLength > 0) receiver.acknowledgeNow();
    return;
  }
  if (!fin && segment.dataLength === 0) return;
  if (negotiation.ecn && receiver.echo.arrived(segment.ecn, segment.has(TcpFlag.cwr))) {
    receiver.acknowledgeNow();
  }
  if (negotiation.timestamps && segment.hasTimestamps && segment.dataLength > 0) {
    const rtt = timestamps.roundTrip(segment, now);
    if (rtt >= 0) receiver.tuning.roundTrip(rtt);
  }
  receiver.accept(position, bytes, segment.dataStart, segment.dataLength, fin, now);
  if (receiver.finished) block.finArrived(now);
}
