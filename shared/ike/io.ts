/** What goes into the IKE machine and what comes out. */
import type { Failure } from '../errors.ts';
import type { EspSaParameters } from '../esp/engine.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import type { Lifetime } from './lifetime.ts';
import type { Phase1Transform } from './phase1-transforms.ts';
import type { Phase2Transform } from './phase2-transforms.ts';

/** Which pair of UDP ports: 500, or 4500 after the float. */
export type IkeChannel = 'ike' | 'natt';

/** ESP in UDP 4500, or as an IP protocol of its own. */
export type Encapsulation = 'udp' | 'raw';

export type IkeInput =
  /** The initiator begins main mode, and quick mode by itself afterwards; ignored by a responder. */
  | { readonly kind: 'start' }
  /** An ISAKMP message; on `natt` the non-ESP marker is already removed. */
  | { readonly kind: 'datagram'; readonly channel: IkeChannel; readonly bytes: Bytes }
  /** An ICMP error came back for something sent. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'timeout' }
  /** Authentic ESP arrived: the peer lives. */
  | { readonly kind: 'alive' }
  /** The answer to `claim-spi`: ESP with this SPI reaches us from now on … */
  | { readonly kind: 'spi-claimed'; readonly spi: number }
  /** … or not: somebody else has it, or (`again` false) there is no more to be had. */
  | { readonly kind: 'spi-refused'; readonly spi: number; readonly again: boolean }
  /** Negotiates a fresh pair of child SAs before its time; ignored while such an exchange of ours is under way. */
  | { readonly kind: 'rekey-child' }
  /** What the child SAs protect has moved to another UDP port: those that we begin name it from now on. */
  | { readonly kind: 'port-moved'; readonly whose: 'ours' | 'peer'; readonly port: number }
  /**
   * How much the pair whose inbound SPI is `spi` has carried so far, in its busier direction: bytes of ESP packets, and
   * the highest sequence number.
   */
  | {
      readonly kind: 'used';
      readonly spi: number;
      readonly octets: number;
      readonly packets: number;
    }
  /** Deletes what stands at the peer and ends. */
  | { readonly kind: 'close' };

export type IkeOutput =
  /** On `natt` the sender adds the non-ESP marker. */
  | { readonly kind: 'transmit'; readonly channel: IkeChannel; readonly bytes: Bytes }
  | { readonly kind: 'stage'; readonly stage: 'phase-1' | 'phase-2' }
  | IkeEstablished
  | ChildInbound
  | ChildEstablished
  /** The peer says that the pair whose inbound SPI is `spi` stands on its side, too. */
  | { readonly kind: 'child-confirmed'; readonly spi: number }
  /** Raw ESP with this SPI is to reach us; answered by `spi-claimed` or `spi-refused`. */
  | { readonly kind: 'claim-spi'; readonly spi: number }
  /** A claim has served, or came to nothing. */
  | { readonly kind: 'release-spi'; readonly spi: number }
  /**
   * The child SA whose *inbound* SPI is `spi` is gone, in both directions: deleted by the peer, or expired. `isReplaced`: whether another
   * is on its way, which may come or be told to have failed.
   */
  | { readonly kind: 'child-deleted'; readonly spi: number; readonly isReplaced: boolean }
  /** A new pair of child SAs came to nothing; what stood before still stands. It is tried again, at once if `isReplaced`. */
  | { readonly kind: 'rekey-failed'; readonly failure: Failure; readonly isReplaced: boolean }
  /** The end: without a failure when `close` asked for it. Nothing follows. */
  | { readonly kind: 'closed'; readonly failure?: Failure }
  | Trace;

interface IkeEstablished {
  readonly kind: 'ike-established';
  readonly algorithms: Phase1Transform;
  /** e.g. `pre-shared key`, `RSA certificate`. */
  readonly authentication: string;
  /** What could not be found out about the peer, in words. */
  readonly caveat?: string;
  /** Who is behind a NAT, by the NAT-D hashes; `local` is always true with forced encapsulation. */
  readonly nat: { readonly local: boolean; readonly remote: boolean };
  /** How ESP will travel. */
  readonly encapsulation: Encapsulation;
  readonly lifetime: Lifetime;
}

/** The inbound half of a pair that the peer is making: packets may come before `child-established`, or `child-deleted`. */
export interface ChildInbound {
  readonly kind: 'child-inbound';
  readonly inbound: EspSaParameters;
  readonly encapsulation: Encapsulation;
}

/**
 * A pair stands. Where `initiatedBy` is the peer it knows that it does; where we are, our last message may still be
 * on its way, or lost.
 */
export interface ChildEstablished {
  readonly kind: 'child-established';
  readonly inbound: EspSaParameters;
  readonly outbound: EspSaParameters;
  readonly encapsulation: Encapsulation;
  readonly transform: Phase2Transform;
  /** The shorter of what both sides want. */
  readonly lifetime: Lifetime;
  /** Who began the exchange. */
  readonly initiatedBy: 'us' | 'peer';
  /** The peer's UDP port for which the pair is, by its identity; 0 is every port. */
  readonly peerPort: number;
}
