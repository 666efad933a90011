/**
 * UDP: the header, and the ports that are open. What arrives for a closed port is dropped.
 * Left out: answering with "port unreachable", datagrams larger than the MTU.
 * @rfc 768
 */
import type { Failure } from '../errors.ts';
import type { Bytes, Random } from '../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../wire/checksum.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Ipv4Address } from './address.ts';
import {
  IPV4_HEADER,
  IpProtocol,
  type Ipv4Header,
  type Ipv4Output,
  pseudoHeaderSum,
} from './ipv4.ts';
import { ephemeralPort } from './ports.ts';

const UDP_HEADER = 8;

/** Ports open at a time. */
const UDP_PORT_LIMIT = 1024;

/** What becomes of datagrams on one local port. */
export interface UdpHandler {
  received(source: Ipv4Address, sourcePort: number, bytes: Bytes): void;
  /** A datagram of ours to that address did not arrive. */
  unreachable(destination: Ipv4Address, destinationPort: number, failure: Failure): void;
}

export class UdpLayer {
  readonly #output: Ipv4Output;
  readonly #random: Random;
  readonly #handlers = new Map<number, UdpHandler>();

  constructor(output: Ipv4Output, random: Random) {
    this.#output = output;
    this.#random = random;
  }

  /** Opens `port`, or a random one; `undefined` when it is taken or too many are open. */
  open(handler: UdpHandler, port?: number): number | undefined {
    if (this.#handlers.size >= UDP_PORT_LIMIT) return undefined;
    const chosen = port ?? ephemeralPort(this.#random, (each) => this.#handlers.has(each));
    if (chosen === undefined || this.#handlers.has(chosen)) return undefined;
    this.#handlers.set(chosen, handler);
    return chosen;
  }

  close(port: number): void {
    this.#handlers.delete(port);
  }

  /** Answers false when the datagram is too large for one packet. */
  send(port: number, destination: Ipv4Address, destinationPort: number, data: Bytes): boolean {
    const length = UDP_HEADER + data.length;
    if (IPV4_HEADER + length > this.#output.mtu) return false;
    const packet = this.#output.take();
    const { bytes, start } = packet;
    packet.end = start + length;
    bytes[start] = port >>> 8;
    bytes[start + 1] = port;
    bytes[start + 2] = destinationPort >>> 8;
    bytes[start + 3] = destinationPort;
    bytes[start + 4] = length >>> 8;
    bytes[start + 5] = length;
    bytes[start + 6] = 0;
    bytes[start + 7] = 0;
    bytes.set(data, start + UDP_HEADER);
    const pseudo = pseudoHeaderSum(this.#output.address, destination, IpProtocol.udp, length);
    // 0 means "no checksum", so a sum of 0 goes as its other form.
    const sum = checksumFinish(checksumAdd(pseudo, bytes, start, packet.end)) || 0xffff;
    bytes[start + 6] = sum >>> 8;
    bytes[start + 7] = sum;
    this.#output.send(packet, IpProtocol.udp, destination);
    return true;
  }

  /** The UDP payload of an IP packet. Throws `DecodeError`. */
  arrived(header: Ipv4Header, bytes: Bytes): void {
    const { dataStart: start, dataEnd } = header;
    if (dataEnd - start < UDP_HEADER) throw new DecodeError('UDP truncated');
    const length = u16(bytes, start + 4);
    if (length < UDP_HEADER || start + length > dataEnd) throw new DecodeError('UDP length');
    const pseudo = pseudoHeaderSum(header.source, header.destination, IpProtocol.udp, length);
    const checked = u16(bytes, start + 6) !== 0;
    if (checked && checksumFinish(checksumAdd(pseudo, bytes, start, start + length)) !== 0) {
      throw new DecodeError('UDP checksum');
    }
    const handler = this.#handlers.get(u16(bytes, start + 2));
    if (handler === undefined) throw new DecodeError('UDP port closed');
    const data = bytes.slice(start + UDP_HEADER, start + length);
    handler.received(header.source, u16(bytes, start), data);
  }

  /** An ICMP error quotes a datagram of ours. */
  unreachable(quoted: Ipv4Header, bytes: Bytes, failure: Failure): void {
    const { dataStart: start } = quoted;
    if (quoted.dataEnd - start < UDP_HEADER) throw new DecodeError('ICMP quote truncated');
    const handler = this.#handlers.get(u16(bytes, start));
    handler?.unreachable(quoted.destination, u16(bytes, start + 2), failure);
  }
}

function u16(bytes: Bytes, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
