/** Echo requests: ours, until they are answered or given up, and the answers to others'. @rfc 792 */
import type { Failure } from '../errors.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import { addressBytes, addressNumber, type Ipv4Address } from './address.ts';
import { encodeEcho, ICMP_HEADER, type IcmpMessage, IcmpType } from './icmp.ts';
import { IPV4_HEADER, IpProtocol, type Ipv4Header, type Ipv4Output } from './ipv4.ts';
import type { IpInput, PingOutput } from './messages.ts';
import { randomU16 } from './ports.ts';

/** Pings waiting for their answer. */
const PING_LIMIT = 64;

interface Waiting {
  readonly ping: number;
  readonly address: Ipv4Address;
  readonly length: number;
  readonly sentAt: Millis;
  readonly expiresAt: Millis;
}

type Echo = Extract<IcmpMessage, { kind: 'echo' | 'echo-reply' }>;

export class Pings {
  readonly #output: Ipv4Output;
  readonly #emit: (output: PingOutput) => void;
  readonly #identifier: number;
  #sequence: number;
  /** By sequence number. */
  readonly #waiting = new Map<number, Waiting>();

  constructor(output: Ipv4Output, random: Random, emit: (output: PingOutput) => void) {
    this.#output = output;
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
    const { ping, length } = input;
    const address = addressNumber(input.address);
    if (!this.#fits(length)) {
      this.#fail(ping, { code: 'UNREACHABLE', detail: 'larger than the link allows' });
      return;
    }
    if (this.#waiting.size >= PING_LIMIT) {
      this.#fail(ping, { code: 'UNREACHABLE', detail: 'too many pings at once' });
      return;
    }
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const expiresAt = now + input.timeout;
    this.#waiting.set(this.#sequence, { ping, address, length, sentAt: now, expiresAt });
    const packet = this.#output.take();
    for (let i = 0; i < length; i++) packet.bytes[packet.start + ICMP_HEADER + i] = i;
    encodeEcho(packet, IcmpType.echo, this.#identifier, this.#sequence, length);
    this.#output.send(packet, IpProtocol.icmp, address);
  }

  /** Answers an echo request that fits a packet. @rfc 1122 §3.2.2.6 */
  answer(message: Echo, header: Ipv4Header, bytes: Bytes): void {
    const length = message.dataEnd - message.dataStart;
    if (!this.#fits(length)) return;
    const packet = this.#output.take();
    const data = bytes.subarray(message.dataStart, message.dataEnd);
    packet.bytes.set(data, packet.start + ICMP_HEADER);
    encodeEcho(packet, IcmpType.echoReply, message.identifier, message.sequence, length);
    this.#output.send(packet, IpProtocol.icmp, header.source);
  }

  replied(message: Echo, header: Ipv4Header, now: Millis): void {
    const waiting = this.#find(message.identifier, message.sequence);
    if (waiting === undefined || waiting.address !== header.source) return;
    this.#waiting.delete(message.sequence);
    this.#emit({
      kind: 'ping-reply',
      ping: waiting.ping,
      address: addressBytes(header.source),
      roundTrip: now - waiting.sentAt,
      length: message.dataEnd - message.dataStart,
      ttl: header.ttl,
    });
  }

  /** An ICMP error quotes an echo request of ours. */
  unreachable(quoted: Ipv4Header, bytes: Bytes, failure: Failure): void {
    const { dataStart: at } = quoted;
    if (quoted.dataEnd - at < ICMP_HEADER || bytes[at] !== IcmpType.echo) return;
    const identifier = (bytes[at + 4]! << 8) | bytes[at + 5]!;
    const sequence = (bytes[at + 6]! << 8) | bytes[at + 7]!;
    const waiting = this.#find(identifier, sequence);
    if (waiting === undefined || waiting.address !== quoted.destination) return;
    this.#waiting.delete(sequence);
    this.#fail(waiting.ping, failure);
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

  #fits(length: number): boolean {
    return IPV4_HEADER + ICMP_HEADER + length <= this.#output.mtu;
  }

  #fail(ping: number, failure: Failure): void {
    this.#emit({ kind: 'ping-failed', ping, failure });
  }
}
