/** Echo requests: ours, until they are answered or given up, and the answers to others'. @rfc 792, 4443 §4 */
import type { Failure } from '../errors.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import { IpAddress } from './address.ts';
import type { IpHeader } from './header.ts';
import { encodeEcho, ICMP_HEADER, type IcmpMessage, icmpProtocol, isQuotedEcho } from './icmp.ts';
import type { NetworkInterface } from './interface.ts';
import type { IpInput, PingOutput } from './messages.ts';
import type { Path } from './path.ts';
import { randomU16 } from './ports.ts';

/** Pings waiting for their answer. */
const PING_LIMIT = 64;

interface Waiting {
  readonly ping: number;
  readonly path: Path;
  readonly sentAt: Millis;
  readonly expiresAt: Millis;
}

type Echo = Extract<IcmpMessage, { kind: 'echo' | 'echo-reply' }>;
type IcmpError = Extract<IcmpMessage, { kind: 'error' }>;

export class Pings {
  readonly #interface: NetworkInterface;
  readonly #emit: (output: PingOutput) => void;
  readonly #identifier: number;
  #sequence: number;
  /** By sequence number. */
  readonly #waiting = new Map<number, Waiting>();

  constructor(network: NetworkInterface, random: Random, emit: (output: PingOutput) => void) {
    this.#interface = network;
    this.#emit = emit;
    this.#identifier = randomU16(random);
    this.#sequence = randomU16(random);
  }

  get deadline(): Millis | undefined {
    let first: Millis | undefined;
    for (const { expiresAt } of this.#waiting.values()) first = earliest(first, expiresAt);
    return first;
  }

  send(input: Extract<IpInput, { kind: 'ping' }>, now: Millis): void {
    const { ping, length, ttl } = input;
    const path = this.#interface.pathTo(new IpAddress(input.address));
    if (path === undefined) return this.#refuse(ping, 'no way to that address');
    if (!this.#fits(path, length)) return this.#refuse(ping, 'larger than the link allows');
    if (this.#waiting.size >= PING_LIMIT) return this.#refuse(ping, 'too many pings at once');
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#waiting.set(this.#sequence, { ping, path, sentAt: now, expiresAt: now + input.timeout });
    const packet = this.#interface.take(path);
    for (let i = 0; i < length; i++) packet.bytes[packet.start + ICMP_HEADER + i] = i;
    encodeEcho(packet, path, 'echo', this.#identifier, this.#sequence, length);
    this.#interface.send(packet, path, icmpProtocol(path), ttl);
  }

  /** Answers an echo request that fits a packet. @rfc 1122 §3.2.2.6, 4443 §4.2 */
  answer(message: Echo, header: IpHeader, bytes: Bytes): void {
    const length = message.dataEnd - message.dataStart;
    const path = this.#interface.replyTo(header);
    if (path === undefined || !this.#fits(path, length)) return;
    const packet = this.#interface.take(path);
    const data = bytes.subarray(message.dataStart, message.dataEnd);
    packet.bytes.set(data, packet.start + ICMP_HEADER);
    encodeEcho(packet, path, 'echo-reply', message.identifier, message.sequence, length);
    this.#interface.send(packet, path, icmpProtocol(path));
  }

  replied(message: Echo, header: IpHeader, now: Millis): void {
    const waiting = this.#find(message.identifier, message.sequence);
    if (waiting === undefined || !header.isFrom(waiting.path.remote)) return;
    this.#waiting.delete(message.sequence);
    this.#emit({
      kind: 'ping-reply',
      ping: waiting.ping,
      address: waiting.path.remote.bytes,
      roundTrip: now - waiting.sentAt,
      length: message.dataEnd - message.dataStart,
      ttl: header.ttl,
    });
  }

  /** An ICMP error quotes an echo request of ours. */
  unreachable(
    quoted: IpHeader,
    bytes: Bytes,
    { failure, expired }: IcmpError,
    router: IpAddress,
    now: Millis,
  ): void {
    if (!isQuotedEcho(quoted, bytes)) return;
    const { dataStart: at } = quoted;
    const identifier = (bytes[at + 4]! << 8) | bytes[at + 5]!;
    const sequence = (bytes[at + 6]! << 8) | bytes[at + 7]!;
    const waiting = this.#find(identifier, sequence);
    if (waiting === undefined || !quoted.isTo(waiting.path.remote)) return;
    this.#waiting.delete(sequence);
    const { ping, sentAt } = waiting;
    const found = { ping, address: router.bytes, roundTrip: now - sentAt };
    this.#emit(
      expired ? { kind: 'ping-expired', ...found } : { kind: 'ping-failed', ...found, failure },
    );
  }

  timeout(now: Millis): void {
    for (const [sequence, { ping, expiresAt }] of this.#waiting) {
      if (expiresAt > now) continue;
      this.#waiting.delete(sequence);
      this.#fail(ping, { code: 'TIMED_OUT' });
    }
  }

  #find(identifier: number, sequence: number): Waiting | undefined {
    return identifier === this.#identifier ? this.#waiting.get(sequence) : undefined;
  }

  #fits(path: Path, length: number): boolean {
    return path.headerLength + ICMP_HEADER + length <= this.#interface.mtu;
  }

  #refuse(ping: number, detail: string): void {
    this.#fail(ping, { code: 'UNREACHABLE', detail });
  }

  #fail(ping: number, failure: Failure): void {
    this.#emit({ kind: 'ping-failed', ping, failure });
  }
}
