/**
 * What the TCP/IP stack is told and what it answers. Sockets, listeners, pings, queries are numbers of
 * the caller's choosing, greater than 0 and never used twice; only accepted connections get theirs (negative) from the stack.
 * Addresses are 4 or 16 bytes.
 */
import type { Failure } from '../errors.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import type { Packet } from '../wire/packet.ts';
import type { DnsRecord, RecordType } from './dns-message.ts';
import type { ConnectionSnapshot } from './tcp/snapshot.ts';

export type TcpInput =
  | {
      readonly kind: 'tcp-connect';
      readonly socket: number;
      readonly address: Bytes;
      readonly port: number;
    }
  | { readonly kind: 'tcp-listen'; readonly listener: number; readonly port: number }
  | { readonly kind: 'tcp-unlisten'; readonly listener: number }
  /** Copies as much as there is room for; `tcp-wrote` tells how much that was. */
  | { readonly kind: 'tcp-write'; readonly socket: number; readonly bytes: Bytes }
  /** The reader took `length` bytes of `tcp-data`: opens the receive window. */
  | { readonly kind: 'tcp-consumed'; readonly socket: number; readonly length: number }
  /** No more will be written: FIN goes out after what was. Reading goes on. */
  | { readonly kind: 'tcp-shutdown'; readonly socket: number }
  /**
   * `noDelay`: small segments do not wait for acknowledgments. `keepAlive`: silence after which the peer is asked for a
   * sign of life; infinite, as at first: never. What is missing stays.
   */
  | {
      readonly kind: 'tcp-tune';
      readonly socket: number;
      readonly noDelay?: boolean;
      readonly keepAlive?: Millis;
    }
  /** Ends the connection at once, with RST where there is one to end. */
  | { readonly kind: 'tcp-abort'; readonly socket: number };

export type UdpInput =
  /** Without `port`, a random one. */
  | { readonly kind: 'udp-open'; readonly socket: number; readonly port?: number }
  | {
      readonly kind: 'udp-send';
      readonly socket: number;
      readonly address: Bytes;
      readonly port: number;
      readonly bytes: Bytes;
    }
  | { readonly kind: 'udp-close'; readonly socket: number };

export type IpInput =
  /**
   * IP packets arrived together: each one's cursor spans it, and they are read during the call only. TCP delivers and acknowledges
   * once for all of them.
   */
  | { readonly kind: 'packets'; readonly packets: readonly Packet[] }
  | { readonly kind: 'timeout' }
  /** The link carries IPv6; `interfaceId`: the second half of our link-local address, 8 bytes. */
  | { readonly kind: 'ipv6-up'; readonly interfaceId: Bytes }
  | { readonly kind: 'ipv6-down' }
  /** The way out is congested: TCP sends no data until `resume`; acknowledgments still go. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'resume' }
  | TcpInput
  | UdpInput
  /** `length`: bytes of payload in the echo request; `ttl`: routers it may pass, 64 when missing. */
  | {
      readonly kind: 'ping';
      readonly ping: number;
      readonly address: Bytes;
      readonly length: number;
      readonly timeout: Millis;
      readonly ttl?: number;
    }
  /** Asks the name servers for what `name` has of that type. One label is completed from the search list. */
  | {
      readonly kind: 'resolve';
      readonly query: number;
      readonly name: string;
      readonly type: RecordType;
    }
  /** Asks for `connections`. */
  | { readonly kind: 'inspect' };

export type TcpOutput =
  | {
      readonly kind: 'tcp-opened';
      readonly socket: number;
      readonly address: Bytes;
      readonly port: number;
      readonly localPort: number;
    }
  /** A connection to `listener` stands; `socket` is its number, below 0. */
  | {
      readonly kind: 'tcp-accepted';
      readonly listener: number;
      readonly socket: number;
      readonly address: Bytes;
      readonly port: number;
    }
  /** The listener could not be made, or is no more. */
  | { readonly kind: 'tcp-unlistened'; readonly listener: number; readonly failure?: Failure }
  | { readonly kind: 'tcp-data'; readonly socket: number; readonly bytes: Bytes }
  /** Answer to `tcp-write`: the first `length` bytes were copied. If that was not all, `tcp-writable` follows. */
  | { readonly kind: 'tcp-wrote'; readonly socket: number; readonly length: number }
  /** There is room again after a write that was not taken whole. */
  | { readonly kind: 'tcp-writable'; readonly socket: number; readonly room: number }
  /** The peer will send no more. */
  | { readonly kind: 'tcp-end'; readonly socket: number }
  /** The last word about a socket, once each; without `failure`, both directions ended in order or the caller aborted. */
  | { readonly kind: 'tcp-closed'; readonly socket: number; readonly failure?: Failure };

/** About one connection. */
export type SocketOutput = Extract<TcpOutput, { socket: number }>;

export type UdpOutput =
  | { readonly kind: 'udp-opened'; readonly socket: number; readonly port: number }
  | {
      readonly kind: 'udp-data';
      readonly socket: number;
      readonly address: Bytes;
      readonly port: number;
      readonly bytes: Bytes;
    }
  /** A datagram to that address was not `sent`, or did not arrive as somebody on the way says. */
  | {
      readonly kind: 'udp-undelivered';
      readonly socket: number;
      readonly sent: boolean;
      readonly address: Bytes;
      readonly port: number;
      readonly failure: Failure;
    }
  /** The socket could not be opened. */
  | { readonly kind: 'udp-failed'; readonly socket: number; readonly failure: Failure };

export type PingOutput =
  | {
      readonly kind: 'ping-reply';
      readonly ping: number;
      readonly address: Bytes;
      readonly roundTrip: Millis;
      /** Bytes of payload that came back. */
      readonly length: number;
      readonly ttl: number;
    }
  /** The echo request was forwarded as often as its TTL allowed; `address` is the router's that says so. */
  | {
      readonly kind: 'ping-expired';
      readonly ping: number;
      readonly address: Bytes;
      readonly roundTrip: Millis;
    }
  /** With `address` where a host or router on the way said so. */
  | {
      readonly kind: 'ping-failed';
      readonly ping: number;
      readonly failure: Failure;
      readonly address?: Bytes;
      readonly roundTrip?: Millis;
    };

export type DnsOutput =
  /** At least one record, all of the type asked for, in the name server's order. */
  | { readonly kind: 'resolved'; readonly query: number; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'resolve-failed'; readonly query: number; readonly failure: Failure };

/** Every TCP connection there is, those in TIME-WAIT left out. */
export type InspectOutput = {
  readonly kind: 'connections';
  readonly connections: readonly ConnectionSnapshot[];
};

export type IpOutput =
  | TcpOutput
  | UdpOutput
  | PingOutput
  | DnsOutput
  | InspectOutput
  /** The IPv6 addresses, 16 bytes each, that new conversations with hosts beyond the link can use: perhaps none. */
  | { readonly kind: 'ipv6-addresses'; readonly addresses: readonly Bytes[] }
  | Trace;
