/** What goes into a PPP machine and comes out of it. */
import type { Failure } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import type { AuthMethod } from './config.ts';

export type PppInput =
  /** The session below stands. */
  | { readonly kind: 'up' }
  /** A frame that `decapsulate` answered with anything but `ipv4`, `ipv6` or 0: address and control field, protocol, information. */
  | { readonly kind: 'frame'; readonly bytes: Bytes }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'close' };

export type PppOutput =
  /** A whole frame. */
  | { readonly kind: 'transmit'; readonly bytes: Bytes }
  /** What is being negotiated. Coming again, it says that the peer started over and the network is down. */
  | { readonly kind: 'stage'; readonly stage: 'link' | 'authentication' | 'network' }
  /** The client is who it says; `message` is the gateway's text, fit for a screen. */
  | { readonly kind: 'authenticated'; readonly method: AuthMethod; readonly message?: string }
  | {
      readonly kind: 'network-up';
      /** Own IPv4 address, 4 bytes. */
      readonly address: Bytes;
      /** The peer's IPv4 address, all zero when it does not tell. */
      readonly peerAddress: Bytes;
      /** At most two IPv4 addresses, the preferred one first. */
      readonly nameServers: readonly Bytes[];
      /** Largest IP packet, in bytes. */
      readonly mtu: number;
    }
  /** IPv6 too: `interfaceId` is the second half of our link-local address, 8 bytes. May precede `network-up`. */
  | { readonly kind: 'ipv6-up'; readonly interfaceId: Bytes }
  | { readonly kind: 'ipv6-down' }
  /** The last output; without a failure it was our own wish. */
  | { readonly kind: 'closed'; readonly failure?: Failure }
  | Trace;
