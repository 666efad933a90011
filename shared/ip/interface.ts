/** Our end of the link: the addresses that are ours, and the way out for every protocol above. */
import type { Packet, PacketSink } from '../wire/packet.ts';
import { IpAddress, parseAddress } from './address.ts';
import type { IpHeader } from './header.ts';
import { prependIpv4 } from './ipv4.ts';
import { prependIpv6 } from './ipv6.ts';
import { Path } from './path.ts';

/** Of packets that are to get everywhere. @rfc 1700 "IP time to live parameter" */
const TTL = 64;

const ALL_NODES = new IpAddress(parseAddress('ff02::1')!);

/** @rfc 4862 §5.5.4 */
export interface Ipv6Addresses {
  /** Ours, link-local ones among them. */
  readonly valid: readonly IpAddress[];
  /** Those of them that new conversations may use. */
  readonly preferred: readonly IpAddress[];
}

export class NetworkInterface {
  readonly #ipv4: IpAddress;
  #ipv6: Ipv6Addresses = { valid: [], preferred: [] };
  readonly #sink: PacketSink;
  #identification: number;

  constructor(ipv4: IpAddress, sink: PacketSink, firstIdentification: number) {
    this.#ipv4 = ipv4;
    this.#sink = sink;
    this.#identification = firstIdentification;
  }

  /** Largest packet, in bytes. */
  get mtu(): number {
    return this.#sink.mtu;
  }

  set ipv6(addresses: Ipv6Addresses) {
    this.#ipv6 = addresses;
  }

  has(address: IpAddress): boolean {
    return address.equals(this.#ipv4) || this.#ipv6.valid.some((each) => each.equals(address));
  }

  /** Whether a packet is for us alone. */
  isDestination(header: IpHeader): boolean {
    if (header.version === 4) return header.isTo(this.#ipv4);
    return this.#ipv6.valid.some((each) => header.isTo(each));
  }

  /** Whether a packet is for a group of hosts that we belong to: all of them, or who may have an address. @rfc 4291 §2.8 */
  isMember(header: IpHeader): boolean {
    if (header.version === 4) return false;
    if (header.isTo(ALL_NODES)) return this.#ipv6.valid.length > 0;
    return this.#ipv6.valid.some((each) => header.isToSolicitedNode(each));
  }

  /** Whether a packet carries an address of ours as its source: what others send never does. */
  isSource(header: IpHeader): boolean {
    if (header.version === 4) return header.isFrom(this.#ipv4);
    return this.#ipv6.valid.some((each) => header.isFrom(each));
  }

  /**
   * The way to a host: there is one link, so all that is to be chosen is our address: of the destination's scope,
   * the one that is most like it. `undefined` when there is none, or the destination is no other host.
   * @rfc 6724 §5
   */
  pathTo(remote: IpAddress): Path | undefined {
    if (!remote.isUnicast) return undefined;
    const local = remote.version === 4 ? this.#ipv4 : this.#ipv6Source(remote);
    return local === undefined || local.equals(remote) ? undefined : new Path(local, remote);
  }

  /** The way back to whoever sent a packet, from the address it was sent to. */
  replyTo(header: IpHeader): Path | undefined {
    if (!this.isDestination(header)) return this.pathTo(header.source);
    return new Path(header.destination, header.source);
  }

  #ipv6Source(remote: IpAddress): IpAddress | undefined {
    let best: IpAddress | undefined;
    for (const each of this.#ipv6.preferred) {
      if (each.isLinkLocal !== remote.isLinkLocal) continue;
      if (best === undefined || each.commonPrefix(remote) > best.commonPrefix(remote)) best = each;
    }
    return best;
  }

  /** An empty packet with `mtu - path.headerLength` bytes of room, to be given to `send` next. */
  take(path: Path): Packet {
    const packet = this.#sink.take();
    packet.start += path.headerLength;
    packet.end = packet.start;
    return packet;
  }

  /** Prepends the IP header and sends the packet. */
  send(packet: Packet, path: Path, protocol: number, ttl: number = TTL, ecn = 0): void {
    if (path.local.version === 4) {
      this.#identification = (this.#identification + 1) & 0xffff;
      prependIpv4(packet, path, protocol, ttl, ecn, this.#identification);
    } else {
      prependIpv6(packet, path, protocol, ttl, ecn);
    }
    this.#sink.send(packet);
  }
}
