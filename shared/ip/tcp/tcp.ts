/**
 * All TCP connections of a stack: finds the one a segment is for, opens and accepts new ones, answers segments
 * that belong to none.
 * @rfc 9293 §3.10, 6056 §3.3.1
 */
import type { Primitives } from '../../crypto/suite.ts';
import type { Failure } from '../../errors.ts';
import type { Bytes, Millis, Random } from '../../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../../wire/checksum.ts';
import { DecodeError } from '../../wire/errors.ts';
import { earliest } from '../../wire/machine.ts';
import type { SpareMemory } from '../../wire/spare-memory.ts';
import { addressKey, IpAddress } from '../address.ts';
import { type IpHeader, IpProtocol } from '../header.ts';
import type { NetworkInterface } from '../interface.ts';
import type { TcpInput, TcpOutput } from '../messages.ts';
import { Path } from '../path.ts';
import { ephemeralPort } from '../ports.ts';
import { Connection } from './connection.ts';
import { ControlBlock } from './control-block.ts';
import type { ConnectionIdentity, TcpEnvironment, TcpLimits } from './environment.ts';
import { InitialNumbers } from './isn.ts';
import type { ByteRing } from './ring.ts';
import { decodeSegment, encodeSegment, Segment, TcpFlag } from './segment.ts';
import type { ConnectionSnapshot } from './snapshot.ts';

/** Connections at a time, not counting those in TIME-WAIT. */
const CONNECTION_LIMIT = 1024;

/** Connections a listener has that are not yet established; more SYNs are dropped. */
export const BACKLOG_LIMIT = 128;

/** The same from one address, so that nobody alone keeps the others out. */
export const PEER_BACKLOG_LIMIT = 32;

/** Connections in TIME-WAIT; the oldest goes first. */
const TIME_WAIT_LIMIT = 256;

interface TcpSurroundings {
  readonly network: NetworkInterface;
  readonly random: Random;
  readonly primitives: Pick<Primitives, 'hash'>;
  readonly limits: TcpLimits;
  readonly spare: SpareMemory;
  emit(output: TcpOutput): void;
  trace(event: string, detail?: string): void;
}

export class TcpLayer {
  /** While true, connections send no data. */
  held = false;
  readonly #surroundings: TcpSurroundings;
  readonly #environment: TcpEnvironment;
  readonly #numbers: InitialNumbers;
  /** By local port, then by remote address and port; a key that two addresses share has two. */
  readonly #byPort = new Map<number, Map<number, Connection[]>>();
  readonly #bySocket = new Map<number, Connection>();
  readonly #timeWait = new Set<Connection>();
  /** Those that segments of this burst were for. */
  readonly #busy: Connection[] = [];
  readonly #listeners = new Map<number, number>();
  readonly #segment = new Segment();
  readonly #reply = new Segment();
  #nextReserved = -1;

  constructor(surroundings: TcpSurroundings) {
    this.#surroundings = surroundings;
    this.#numbers = new InitialNumbers(surroundings.random, surroundings.primitives);
    const layer = this;
    this.#environment = {
      get mtu() {
        return surroundings.network.mtu;
      },
      get held() {
        return layer.held;
      },
      limits: surroundings.limits,
      random: surroundings.random,
      spare: surroundings.spare,
      emit: surroundings.emit,
      trace: surroundings.trace,
      transmit: (path, segment, data, position, length) =>
        this.#transmit(path, segment, data, position, length),
    };
  }

  get deadline(): Millis | undefined {
    return earliest(firstDue(this.#bySocket.values()), firstDue(this.#timeWait));
  }

  /** Every connection but those in TIME-WAIT. */
  get snapshots(): readonly ConnectionSnapshot[] {
    return [...this.#bySocket.values()].map((each) => each.snapshot);
  }

  command(input: TcpInput, now: Millis): void {
    switch (input.kind) {
      case 'tcp-connect':
        this.#connect(input.socket, new IpAddress(input.address), input.port, now);
        return;
      case 'tcp-listen':
        this.#listen(input.listener, input.port);
        return;
      case 'tcp-unlisten':
        this.#unlisten(input.listener);
        return;
    }
    const connection = this.#bySocket.get(input.socket);
    if (connection === undefined) return;
    switch (input.kind) {
      case 'tcp-write':
        connection.write(input.bytes, now);
        break;
      case 'tcp-consumed':
        connection.consumed(input.length, now);
        break;
      case 'tcp-shutdown':
        connection.shutdown(now);
        break;
      case 'tcp-tune':
        connection.tune(input.noDelay, input.keepAlive, now);
        break;
      case 'tcp-abort':
        connection.abort(now);
        break;
    }
    this.#settle(connection);
  }

  /** A socket number below 0, which no caller chooses. */
  reserve(): number {
    return this.#nextReserved--;
  }

  timeout(now: Millis): void {
    for (const connection of this.#connections()) {
      const deadline = connection.deadline;
      if (deadline === undefined || deadline > now) continue;
      connection.timeout(now);
      this.#settle(connection);
    }
  }

  resume(now: Millis): void {
    for (const connection of this.#bySocket.values()) connection.resume(now);
  }

  /** The TCP payload of an IP packet, one of a burst. Throws `DecodeError`. */
  arrived(header: IpHeader, bytes: Bytes, now: Millis): void {
    const { dataStart, dataEnd } = header;
    const sum = header.pseudoHeaderSum(IpProtocol.tcp, dataEnd - dataStart);
    if (checksumFinish(checksumAdd(sum, bytes, dataStart, dataEnd)) !== 0) {
      throw new DecodeError('TCP checksum');
    }
    const segment = this.#segment;
    decodeSegment(segment, bytes, dataStart, dataEnd);
    segment.ecn = header.ecn;
    const peers = this.#peers(segment.destinationPort, header.sourceKey, segment.sourcePort);
    for (const known of peers) {
      const { local, remote } = known.identity.path;
      if (!header.isFrom(remote) || !header.isTo(local)) continue;
      if (known.state === 'TIME-WAIT' && this.#reopen(known, segment, now)) return;
      known.arrived(segment, bytes, now);
      this.#settle(known);
      if (!this.#busy.includes(known)) this.#busy.push(known);
      return;
    }
    const path = new Path(header.destination, header.source);
    if (!this.#accept(path, segment, now)) this.#refuse(path, segment);
  }

  /** What came together has been read. */
  burstEnded(now: Millis): void {
    for (const connection of this.#busy) {
      connection.burstEnded(now);
      this.#settle(connection);
    }
    this.#busy.length = 0;
  }

  /** An ICMP error quotes the first bytes of a segment of ours. */
  unreachable(
    quoted: IpHeader,
    bytes: Bytes,
    failure: Failure,
    mtu: number | undefined,
    now: Millis,
  ): void {
    if (quoted.dataEnd - quoted.dataStart < 8) throw new DecodeError('ICMP quote truncated');
    const view = new DataView(bytes.buffer, bytes.byteOffset + quoted.dataStart, 8);
    for (const known of this.#peers(view.getUint16(0), quoted.destinationKey, view.getUint16(2))) {
      const { local, remote } = known.identity.path;
      if (!quoted.isFrom(local) || !quoted.isTo(remote)) continue;
      known.unreachable(view.getUint32(4), failure, mtu, now);
      this.#settle(known);
      return;
    }
  }

  // ---- Opening

  #connect(socket: number, remote: IpAddress, remotePort: number, now: Millis): void {
    const refuse = (detail: string) => {
      const failure: Failure = { code: 'UNREACHABLE', detail };
      this.#surroundings.emit({ kind: 'tcp-closed', socket, failure });
    };
    if (this.#bySocket.has(socket)) throw new RangeError('socket: in use');
    const path = this.#surroundings.network.pathTo(remote);
    if (path === undefined) {
      refuse('not the address of a host behind the gateway');
      return;
    }
    if (this.#bySocket.size >= CONNECTION_LIMIT) {
      refuse('too many connections');
      return;
    }
    const key = addressKey(remote.bytes, 0, remote.version);
    const localPort = ephemeralPort(
      this.#surroundings.random,
      (port) => this.#peers(port, key, remotePort).length > 0 || this.#listeners.has(port),
    );
    if (localPort === undefined) {
      refuse('no free port');
      return;
    }
    this.#add({ socket, listener: undefined, path, remotePort, localPort }, undefined, now);
  }

  #listen(listener: number, port: number): void {
    if (this.#listeners.has(port)) {
      const failure: Failure = { code: 'BAD_INPUT', detail: `port ${port} is in use` };
      this.#surroundings.emit({ kind: 'tcp-unlistened', listener, failure });
    } else {
      this.#listeners.set(port, listener);
    }
  }

  /** Connections it accepted stay. */
  #unlisten(listener: number): void {
    for (const [port, each] of this.#listeners) {
      if (each === listener) this.#listeners.delete(port);
    }
    this.#surroundings.emit({ kind: 'tcp-unlistened', listener });
  }

  /** A segment for a connection in TIME-WAIT: a new one of the same ends may take its place. @rfc 9293 §3.6.1 */
  #reopen(known: Connection, segment: Segment, now: Millis): boolean {
    if (this.#listenerFor(segment) === undefined) return false;
    const used = known.reopened(segment);
    if (used === undefined) return false;
    this.#settle(known);
    return this.#accept(known.identity.path, segment, now, used);
  }

  /** Whose a SYN is that belongs to no connection. */
  #listenerFor(segment: Segment): number | undefined {
    const opens = segment.has(TcpFlag.syn) && !segment.has(TcpFlag.ack | TcpFlag.rst);
    return opens ? this.#listeners.get(segment.destinationPort) : undefined;
  }

  /** A SYN to a listener. Answers whether the segment was dealt with. @rfc 9293 §3.10.7.2 */
  #accept(path: Path, segment: Segment, now: Millis, used?: number): boolean {
    const listener = this.#listenerFor(segment);
    if (listener === undefined) return false;
    let waiting = 0;
    let waitingOfPeer = 0;
    for (const { identity, state } of this.#bySocket.values()) {
      if (identity.listener !== listener || state !== 'SYN-RECEIVED') continue;
      waiting++;
      if (identity.path.remote.equals(path.remote)) waitingOfPeer++;
    }
    const full = waiting >= BACKLOG_LIMIT || waitingOfPeer >= PEER_BACKLOG_LIMIT;
    if (full || this.#bySocket.size >= CONNECTION_LIMIT) {
      this.#surroundings.trace('dropped', 'backlog full');
      return true;
    }
    const socket = this.reserve();
    const localPort = segment.destinationPort;
    const remotePort = segment.sourcePort;
    this.#add({ socket, listener, path, remotePort, localPort }, segment, now, used);
    return true;
  }

  /** A segment for nobody. @rfc 9293 §3.10.7.1 */
  #refuse(path: Path, segment: Segment): void {
    this.#surroundings.trace('dropped', 'no such connection');
    if (segment.has(TcpFlag.rst)) return;
    const reply = this.#reply;
    reply.clearOptions();
    reply.sourcePort = segment.destinationPort;
    reply.destinationPort = segment.sourcePort;
    reply.window = 0;
    if (segment.has(TcpFlag.ack)) {
      reply.flags = TcpFlag.rst;
      reply.sequence = segment.acknowledgment;
      reply.acknowledgment = 0;
    } else {
      const length =
        segment.dataLength +
        (segment.has(TcpFlag.syn) ? 1 : 0) +
        (segment.has(TcpFlag.fin) ? 1 : 0);
      reply.flags = TcpFlag.rst | TcpFlag.ack;
      reply.sequence = 0;
      reply.acknowledgment = (segment.sequence + length) >>> 0;
    }
    this.#transmit(path, reply);
  }

  // ---- The table

  #add(identity: ConnectionIdentity, syn: Segment | undefined, now: Millis, used?: number): void {
    const { path, remotePort, localPort, socket } = identity;
    const initial = this.#numbers.next(path, localPort, remotePort, now, used);
    const block = new ControlBlock(identity, this.#environment, initial, syn, now);
    const connection = new Connection(block);
    const peers = this.#byPort.get(localPort) ?? new Map<number, Connection[]>();
    this.#byPort.set(localPort, peers);
    const key = keyOf(identity);
    peers.set(key, [...(peers.get(key) ?? []), connection]);
    this.#bySocket.set(socket, connection);
  }

  /** Connections that may be meant: those of the peer with that address key and port, and hardly ever another's. */
  #peers(localPort: number, remoteKey: number, remotePort: number): readonly Connection[] {
    return this.#byPort.get(localPort)?.get(peerKey(remoteKey, remotePort)) ?? NOBODY;
  }

  *#connections(): Generator<Connection> {
    yield* this.#bySocket.values();
    yield* this.#timeWait;
  }

  /** Moves a connection to where its state belongs. */
  #settle(connection: Connection): void {
    const { socket } = connection.identity;
    if (connection.state === 'CLOSED') {
      // The caller may have given the number to another while this one was in TIME-WAIT.
      if (this.#bySocket.get(socket) === connection) this.#bySocket.delete(socket);
      this.#timeWait.delete(connection);
      this.#forget(connection);
    } else if (connection.state === 'TIME-WAIT' && !this.#timeWait.has(connection)) {
      this.#bySocket.delete(socket);
      this.#timeWait.add(connection);
      if (this.#timeWait.size > TIME_WAIT_LIMIT) {
        const [oldest] = this.#timeWait;
        this.#timeWait.delete(oldest!);
        this.#forget(oldest!);
      }
    }
  }

  #forget(connection: Connection): void {
    const { identity } = connection;
    const peers = this.#byPort.get(identity.localPort);
    const key = keyOf(identity);
    const others = peers?.get(key)?.filter((each) => each !== connection) ?? [];
    if (others.length > 0) peers?.set(key, others);
    else peers?.delete(key);
    if (peers?.size === 0) this.#byPort.delete(identity.localPort);
  }

  // ---- The wire

  #transmit(path: Path, segment: Segment, data?: ByteRing, position = 0, length = 0): void {
    const { network } = this.#surroundings;
    const packet = network.take(path);
    const { bytes, start } = packet;
    const header = encodeSegment(segment, bytes, start);
    packet.end = start + header + length;
    if (data !== undefined && length > 0) data.read(position, bytes, start + header, length);
    const sum = path.pseudoHeaderSum(IpProtocol.tcp, header + length);
    const checksum = checksumFinish(checksumAdd(sum, bytes, start, packet.end));
    bytes[start + 16] = checksum >>> 8;
    bytes[start + 17] = checksum;
    network.send(packet, path, IpProtocol.tcp, undefined, segment.ecn);
  }
}

function firstDue(connections: Iterable<Connection>): Millis | undefined {
  let first: Millis | undefined;
  for (const { deadline } of connections) {
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  }
  return first;
}

const NOBODY: readonly Connection[] = [];

function keyOf({ path: { remote }, remotePort }: ConnectionIdentity): number {
  return peerKey(addressKey(remote.bytes, 0, remote.version), remotePort);
}

function peerKey(remoteKey: number, remotePort: number): number {
  return remoteKey * 65_536 + remotePort;
}
