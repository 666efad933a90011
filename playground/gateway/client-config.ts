/** What a client of the gateway is told when it is made, and what it tells. */
import type { Primitives } from '../../shared/crypto/suite.ts';
import type { EspEngine } from '../../shared/esp/engine.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import type { Phase2Transform } from '../../shared/ike/phase2-transforms.ts';
import type { AuthMethod } from '../../shared/ppp/ppp.ts';
import type { ChannelNumber } from '../../shared/relay/channels.ts';
import type { Bytes, Random } from '../../shared/wire/bytes.ts';
import type { Trace } from '../../shared/wire/machine.ts';

/** What all clients of a gateway have in common. */
export interface ClientSettings {
  readonly primitives: Primitives;
  readonly random: Random;
  readonly preSharedKey: Bytes;
  /** The gateway's address as clients dial it, 4 bytes. */
  readonly localAddress: Bytes;
  readonly localPorts: { readonly ike: number; readonly natt: number };
  readonly phase1?: readonly Phase1Transform[];
  readonly phase2?: readonly Phase2Transform[];
  /** Ways to sign in, best first. */
  readonly methods: readonly AuthMethod[];
  /** The password of an account; `undefined` when there is none. */
  readonly accounts: (userName: string) => string | undefined;
  /** Behind the tunnel: the gateway's own address, and the name servers that it tells, 4 bytes each. */
  readonly innerAddress: Bytes;
  readonly nameServers: readonly Bytes[];
  /** In the CHAP challenge and in L2TP. */
  readonly hostName: string;
}

export interface ClientEvents {
  /** A datagram for the client, the non-ESP marker included. */
  transmit(channel: ChannelNumber, bytes: Bytes): void;
  /** The engine for its ESP, which is its own until `released`: asked for with its first child SA. */
  engine(): EspEngine;
  released(engine: EspEngine): void;
  /** An address for a call that stands; `undefined` where none is free. */
  lease(): Bytes | undefined;
  /** IKE has the client's proof. */
  proven(): void;
  /** Whether ESP with this SPI, from now on the client's, can be told from everybody else's. */
  opened(spi: number): boolean;
  /** ESP with this SPI is nobody's any more. */
  forgotten(spi: number): void;
  /** The call carries IP packets of up to `mtu` bytes. Coming again, it was negotiated anew. */
  networkUp(userName: string, mtu: number): void;
  /** It does no longer, and its address is free. */
  networkDown(): void;
  /** An IP packet of the client's, valid during the call only. */
  packet(packet: Bytes): void;
  /** Everything has ended. */
  closed(): void;
  trace(trace: Trace): void;
}
