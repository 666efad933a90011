/** What a PPP endpoint is told at its birth, with the defaults of the RFCs. */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';

/** How the peer proves who it is, weakest first: RFC 1334, RFC 1994, RFC 2759. */
export type AuthMethod = 'pap' | 'chap-md5' | 'mschapv2';

export interface PppConfig {
  readonly role: 'client' | 'server';
  readonly random: Random;
  readonly primitives: Pick<Primitives, 'hash'>;
  /** Largest information field, in bytes, that we ask for and can receive. */
  readonly mru: number;
  /** Client: what it signs in with; each at most `CREDENTIAL_LIMIT` bytes of UTF-8. */
  readonly credentials?: Credentials;
  /**
   * Methods that may be used, best first. A client with none that leaves the peer unproven (that is, with
   * `mschapv2` alone) refuses a peer that asks for no proof at all. A server with none asks for none.
   */
  readonly methods: readonly AuthMethod[];
  /**
   * Client: asks once for the best method where the peer begins with a lesser one that is allowed too. A peer
   * that has nothing better may then give up (`PPP_NO_AUTH_PROTOCOL`), and has to be called again without this.
   */
  readonly insist?: boolean;
  /** Whether IPv6 is negotiated beside IPv4, on a link that is large enough. */
  readonly ipv6?: boolean;
  /** Server: what it knows and hands out; required in that role. */
  readonly server?: ServerConfig;
  /** Those that are not given are `PPP_TIMING`'s. */
  readonly timing?: Partial<PppTiming>;
}

export interface Credentials {
  readonly userName: string;
  readonly password: string;
}

export interface ServerConfig {
  /** The password of an account; `undefined` when there is no such account. */
  readonly accounts: (userName: string) => string | undefined;
  /** Own IPv4 address, 4 bytes. */
  readonly address: Bytes;
  /** IPv4 address for the client, 4 bytes. */
  readonly assign: Bytes;
  /** Up to two IPv4 addresses. */
  readonly nameServers: readonly Bytes[];
  /** Name in a CHAP challenge. */
  readonly hostName: string;
}

export interface PppTiming {
  /** What the Restart timer of a negotiation begins with; it doubles up to `restart`. @rfc 1661 §4.6 */
  readonly restartFirst: Millis;
  /** The Restart timer. @rfc 1661 §4.6 */
  readonly restart: Millis;
  /** @rfc 1661 §4.6 */
  readonly maxConfigure: number;
  /** @rfc 1661 §4.6 */
  readonly maxTerminate: number;
  /** @rfc 1661 §4.6 */
  readonly maxFailure: number;
  /** Longest wait for the next step of authentication: a second factor takes its time. */
  readonly authentication: Millis;
  /** Silence after which an Echo-Request is sent. */
  readonly echoInterval: Millis;
  /** Echo-Requests without any answer after which the peer counts as dead. */
  readonly echoLimit: number;
}

export const PPP_TIMING: PppTiming = {
  // pppd is started by the call itself, and what is sent before it runs is lost.
  restartFirst: 500,
  restart: 3000,
  maxConfigure: 10,
  maxTerminate: 2,
  maxFailure: 5,
  authentication: 120_000,
  echoInterval: 30_000,
  echoLimit: 4,
};

/** Bytes that PAP's one-byte lengths leave for a user name or a password. @rfc 1334 §2.2.1 */
export const CREDENTIAL_LIMIT = 255;
