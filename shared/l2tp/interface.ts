/** What goes into an L2TP machine and comes out of it, and its limits. */
import type { Primitives } from '../crypto/suite.ts';
import type { Failure } from '../errors.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';

/** Silence after which a Hello asks whether the peer is still there. @rfc 2661 §6.5 */
export const HELLO_INTERVAL: Millis = 60_000;

/** Longest that tunnel and session together may take: more than the 31 s in which an unanswered message gives up. */
export const SETUP_TIMEOUT: Millis = 40_000;

/**
 * Longest wait for the acknowledgment of our StopCCN. Deviation: §5.8 wants a full retransmission cycle, 31 s; a
 * person waits for this.
 */
export const STOP_TIMEOUT: Millis = 3000;

/**
 * Longest wait for the peer's own StopCCN once it has acknowledged ours. Deviation: the RFC has nothing to wait for,
 * but SoftEther sends CDN and StopCCN as well, and hangs when nobody acknowledges them.
 */
export const LINGER: Millis = 500;

/** Longest host name of ours, in octets. */
export const MAX_HOST_NAME = 255;

export interface L2tpConfig {
  readonly role: 'lac' | 'lns';
  readonly random: Random;
  /** 1 to 255 octets of UTF-8. */
  readonly hostName: string;
  /** Tunnel authentication, both ways: with it the peer must prove that it knows the secret. Needs `primitives`. */
  readonly secret?: Bytes;
  readonly primitives?: Pick<Primitives, 'hash'>;
  /** Default `HELLO_INTERVAL`. */
  readonly helloInterval?: Millis;
  /** Default `SETUP_TIMEOUT`. */
  readonly setupTimeout?: Millis;
  /** Default `STOP_TIMEOUT`. */
  readonly stopTimeout?: Millis;
}

/** `open` is the LAC's; a LNS listens from the start. A `datagram` is a UDP payload for which `isControl` holds. */
export type L2tpInput =
  | { readonly kind: 'open' }
  | { readonly kind: 'datagram'; readonly bytes: Bytes }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'close' };

/**
 * In the order to act on them: what is transmitted comes first, so that the ICCN leaves before the first PPP
 * frame does. After `closed` the machine only acknowledges what the peer repeats, for as long as it is fed.
 */
export type L2tpOutput =
  /** A UDP payload. */
  | { readonly kind: 'transmit'; readonly bytes: Bytes }
  /** What is being set up now. */
  | { readonly kind: 'stage'; readonly stage: 'tunnel' | 'session' }
  | {
      readonly kind: 'session-established';
      readonly localTunnelId: number;
      readonly peerTunnelId: number;
      readonly localSessionId: number;
      readonly peerSessionId: number;
      /** Fit for a screen. */
      readonly peerHostName: string;
    }
  /**
   * The last event; without `failure` after `close`. `elsewhere` is where the peer wants to be called instead, said before it
   * answered: IPv4, dotted.
   */
  | { readonly kind: 'closed'; readonly failure?: Failure; readonly elsewhere?: string }
  | Trace;
