/** The two addresses that every packet of a conversation is between. */
import type { IpAddress } from './address.ts';
import { IPV4_HEADER, IPV6_HEADER } from './header.ts';

export class Path {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  /** Bytes of the IP header in front of what is sent. */
  readonly headerLength: number;

  /** Throws `RangeError` for addresses of two families. */
  constructor(local: IpAddress, remote: IpAddress) {
    if (local.version !== remote.version) throw new RangeError('path: two families');
    this.local = local;
    this.remote = remote;
    this.headerLength = local.version === 4 ? IPV4_HEADER : IPV6_HEADER;
  }

  /** Sum of the pseudo-header that checksums of the protocols above begin with. @rfc 9293 §3.1, 8200 §8.1 */
  pseudoHeaderSum(protocol: number, length: number): number {
    return this.local.sum + this.remote.sum + protocol + length;
  }
}
