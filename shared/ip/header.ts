/** What the protocols above need to know of a packet's IP header, whichever family it is of. */
import { type Bytes, EMPTY } from '../wire/bytes.ts';
import { checksumAdd } from '../wire/checksum.ts';
import { ADDRESS_LENGTH, addressKey, IpAddress, type IpVersion, isUnicast } from './address.ts';

/** IANA "Assigned Internet Protocol Numbers": those that are spoken here. */
export const IpProtocol = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

/** Bytes of a header without options and extensions. */
export const IPV4_HEADER = 20;
export const IPV6_HEADER = 40;

/** ff02::1:ff00:0/104 */
const SOLICITED_NODE = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff];

/** One object is filled again for every packet; the addresses stay in the array they were read from. */
export class IpHeader {
  version: IpVersion = 4;
  /** What the header was read from. */
  bytes: Bytes = EMPTY;
  /** Where the source address lies in it, the destination right behind. */
  addressesAt = 0;
  /** Of what follows the header and its extensions. */
  protocol = 0;
  /** Time to live, or hop limit. */
  ttl = 0;
  /** ECN code point. @rfc 3168 §5 */
  ecn = 0;
  /** First byte of the payload in the array the header was read from. */
  dataStart = 0;
  dataEnd = 0;
  identification = 0;
  /** Bytes of the datagram in front of this fragment's payload. */
  fragmentOffset = 0;
  moreFragments = false;

  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset !== 0;
  }

  get source(): IpAddress {
    return new IpAddress(this.bytes.slice(this.addressesAt, this.#destinationAt));
  }

  get destination(): IpAddress {
    const at = this.#destinationAt;
    return new IpAddress(this.bytes.slice(at, at + ADDRESS_LENGTH[this.version]));
  }

  get isSourceUnicast(): boolean {
    return isUnicast(this.bytes, this.addressesAt, this.version);
  }

  /** For looking up who sent it. */
  get sourceKey(): number {
    return addressKey(this.bytes, this.addressesAt, this.version);
  }

  get destinationKey(): number {
    return addressKey(this.bytes, this.#destinationAt, this.version);
  }

  isFrom(address: IpAddress): boolean {
    return address.version === this.version && address.isAt(this.bytes, this.addressesAt);
  }

  isTo(address: IpAddress): boolean {
    return address.version === this.version && address.isAt(this.bytes, this.#destinationAt);
  }

  /** Whether it goes to the group that is asked who has `address`. @rfc 4291 §2.7.1 */
  isToSolicitedNode(address: IpAddress): boolean {
    const at = this.#destinationAt;
    const { bytes } = this;
    for (let i = 0; i < SOLICITED_NODE.length; i++) {
      if (bytes[at + i] !== SOLICITED_NODE[i]) return false;
    }
    return [13, 14, 15].every((i) => bytes[at + i] === address.bytes[i]);
  }

  /** Sum of the pseudo-header that checksums of the protocols above begin with. @rfc 9293 §3.1, 8200 §8.1 */
  pseudoHeaderSum(protocol: number, length: number): number {
    const end = this.#destinationAt + ADDRESS_LENGTH[this.version];
    return checksumAdd(protocol + length, this.bytes, this.addressesAt, end);
  }

  get #destinationAt(): number {
    return this.addressesAt + ADDRESS_LENGTH[this.version];
  }
}
