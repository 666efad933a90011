/**
 * UDP: the header, and the ports that are open. What arrives for a closed port is dropped.
 * Left out: answering with "port unreachable", datagrams larger than the MTU.
 * @rfc 768, 8200 §8.1
 */
import type { Failure } from '../errors.ts';
import type { Bytes, Random } from '../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../wire/checksum.ts';
import { DecodeError } from '../wire/errors.ts';
import type { IpAddress } from './address.ts';
import { type IpHeader, IpProtocol } from './header.ts';
import type { NetworkInterface } from './interface.ts';
import { ephemeralPort } from './ports.ts';

const UDP_HEADER = 8;

/** Ports open at a time. */
const UDP_PORT_LIMIT = 1024;

/** What becomes of datagrams on one local port. */
export interface UdpHandler {
  received(source: IpAddress, sourcePort: number, bytes: Bytes): void;
  /** A datagram of ours to that address did not arrive. */
  unreachable(destination: IpAddress, destinationPort: number, failure: Failure): void;
}

export class UdpLayer {
  readonly #interface: NetworkInterface;
  readonly #random: Random;
  readonly #handlers = new Map<number, UdpHandler>();

  constructor(network: NetworkInterface, random: Random) {
    this.#interface = network;
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

  /** Answers why not, where it could not be sent. */
  send(
    port: number,
    destination: IpAddress,
    destinationPort: number,
    data: Bytes,
  ): Failure | undefined {
    const length = UDP_HEADER + data.length;
    const path = this.#interface.pathTo(destination);
    if (path === undefined) return { code: 'UNREACHABLE', detail: 'no way to that address' };
    if (path.headerLength + length > this.#interface.mtu) {
      return { code: 'UNREACHABLE', detail: 'larger than the link allows' };
    }
    const packet = this.#interface.take(path);
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
    const pseudo = path.pseudoHeaderSum(IpProtocol.udp, length);
    // 0 means "no checksum", so a sum of 0 goes as its other form.
    const sum = checksumFinish(checksumAdd(pseudo, bytes, start, packet.end)) || 0xffff;
    bytes[start + 6] = sum >>> 8;
    bytes[start + 7] = sum;
    this.#interface.send(packet, path, IpProtocol.udp);
    return undefined;
  }

  /** The UDP payload of an IP packet. Throws `DecodeError`. */
  arrived(header: IpHeader, bytes: Bytes): void {
    const { dataStart: start, dataEnd } = header;
    if (dataEnd - start < UDP_HEADER) throw new DecodeError('UDP truncated');
    const length = u16(bytes, start + 4);
    if (length < UDP_HEADER || start + length > dataEnd) throw new DecodeError('UDP length');
    const pseudo = header.pseudoHeaderSum(IpProtocol.udp, length);
    // IPv6 has no checksum of its own, so there UDP's is not optional. @rfc 8200 §8.1
    const checked = header.version === 6 || u16(bytes, start + 6) !== 0;
    if (checked && checksumFinish(checksumAdd(pseudo, bytes, start, start + length)) !== 0) {
      throw new DecodeError('UDP checksum');
    }
    const handler = this.#handlers.get(u16(bytes, start + 2));
    if (handler === undefined) throw new DecodeError('UDP port closed');
    const data = bytes.slice(start + UDP_HEADER, start + length);
    handler.received(header.source, u16(bytes, start), data);
  }

  /** An ICMP error quotes a datagram of ours. */
  unreachable(quoted: IpHeader, bytes: Bytes, failure: Failure): void {
    const { dataStart: start } = quoted;
    if (quoted.dataEnd - start < UDP_HEADER) throw new DecodeError('ICMP quote truncated');
    const handler = this.#handlers.get(u16(bytes, start));
    handler?.unreachable(quoted.destination, u16(bytes, start + 2), failure);
  }
}

function u16(bytes: Bytes, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
