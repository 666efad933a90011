/** What goes into the IKE machine and what comes out. */
import type { Failure } from '../errors.ts';
import type { EspSaParameters } from '../esp/engine.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import type { Phase1Transform } from './phase1-transforms.ts';
import type { Phase2Transform } from './phase2-transforms.ts';

/** Which pair of UDP ports: 500, or 4500 after the float. */
export type IkeChannel = 'ike' | 'natt';

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
  /** Who is behind a NAT, by the NAT-D hashes; `local` is always true with forced encapsulation. */
  readonly nat: { readonly local: boolean; readonly remote: boolean };
  readonly lifetimeSeconds: number;
}

export interface ChildEstablished {
  readonly kind: 'child-established';
  readonly inbound: EspSaParameters;
  readonly outbound: EspSaParameters;
  readonly encapsulation: 'udp' | 'raw';
  readonly transform: Phase2Transform;
  /** The shorter of what both sides want. */
  readonly lifetimeSeconds: number;
  /** Who began the exchange. */
  readonly initiatedBy: 'us' | 'peer';
}
