/** What goes into the IKE machine and what comes out. */
import type { Failure } from '../errors.ts';
import type { EspSaParameters } from '../esp/engine.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
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
  /** Negotiates a fresh pair of child SAs; ignored while such an exchange of ours is under way. */
  | { readonly kind: 'rekey-child' }
  /** Deletes what stands at the peer and ends. */
  | { readonly kind: 'close' };

export type IkeOutput =
  /** On `natt` the sender adds the non-ESP marker. */
  | { readonly kind: 'transmit'; readonly channel: IkeChannel; readonly bytes: Bytes }
  | { readonly kind: 'stage'; readonly stage: 'main-mode' | 'quick-mode' }
  | IkeEstablished
  | ChildEstablished
  /** Raw ESP with this SPI is to reach us; answered by `spi-claimed` or `spi-refused`. */
  | { readonly kind: 'claim-spi'; readonly spi: number }
  /** A claim has served, or came to nothing. */
  | { readonly kind: 'release-spi'; readonly spi: number }
  /** The child SA whose *inbound* SPI is `spi` is gone, in both directions: deleted by the peer, or expired. */
  | { readonly kind: 'child-deleted'; readonly spi: number }
  /** A `rekey-child` came to nothing; what stood before still stands. */
  | { readonly kind: 'rekey-failed'; readonly failure: Failure }
  /** The end: without a failure when `close` asked for it. Nothing follows. */
  | { readonly kind: 'closed'; readonly failure?: Failure }
  | Trace;

interface IkeEstablished {
  readonly kind: 'ike-established';
  readonly algorithms: Phase1Transform;
  /** e.g. `pre-shared key`, `RSA certificate`. */
  readonly authentication: string;
  /** Who is behind a NAT, by the NAT-D hashes; `local` is always true with forced encapsulation. */
  readonly nat: { readonly local: boolean; readonly remote: boolean };
  /** How ESP will travel. */
  readonly encapsulation: Encapsulation;
  readonly lifetimeSeconds: number;
}

export interface ChildEstablished {
  readonly kind: 'child-established';
  readonly inbound: EspSaParameters;
  readonly outbound: EspSaParameters;
  readonly encapsulation: Encapsulation;
  readonly transform: Phase2Transform;
  /** The shorter of what both sides want. */
  readonly lifetimeSeconds: number;
  /** Who began the exchange. */
  readonly initiatedBy: 'us' | 'peer';
}
