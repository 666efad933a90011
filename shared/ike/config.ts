/** What one IKE machine is told when it is made. */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import type { Credentials } from './credentials.ts';
import type { Group } from './group.ts';
import type { Lifetime } from './lifetime.ts';
import { PHASE1_TRANSFORMS, type Phase1Transform } from './phase1-transforms.ts';
import { type GroupPolicy, PHASE2_TRANSFORMS, type Phase2Transform } from './phase2-transforms.ts';
import type { IkeTap, TapPoint } from './tap.ts';

interface IkePorts {
  readonly ike: number;
  readonly natt: number;
}

/**
 * `on` leaves it to NAT discovery whether ESP travels in UDP. `force` has it travel in UDP in any case: our source NAT-D
 * hash then covers `natAddress`. `off` neither offers nor accepts it: ESP is raw.
 */
export type NatTraversal = 'force' | 'on' | 'off';

export interface IkeConfig {
  readonly role: 'initiator' | 'responder';
  readonly primitives: Primitives;
  readonly random: Random;
  readonly credentials: Credentials;
  /** Our true address, 4 bytes: what NAT discovery is about, and our phase 2 identity with raw ESP. */
  readonly localAddress: Bytes;
  /**
   * Our identity otherwise, 4 bytes: made up and private where many share the true address, since a gateway may keep one
   * client for each identity. `localAddress` without it.
   */
  readonly identityAddress?: Bytes;
  /** With `force`: what our source NAT-D hash covers in place of our address, 4 bytes. `identityAddress` without it. */
  readonly natAddress?: Bytes;
  /** The peer's true address, 4 bytes. */
  readonly remoteAddress: Bytes;
  readonly localPorts: IkePorts;
  readonly remotePorts: IkePorts;
  readonly natTraversal: NatTraversal;
  /** Whether the SPI of raw ESP has to be claimed, by `claim-spi`, before Quick Mode names it. */
  readonly claimsSpis?: boolean;
  /** UDP ports inside ESP, for the phase 2 identities. */
  readonly innerLocalPort: number;
  readonly innerRemotePort: number;
  /** What is offered, best first, or as responder accepted. */
  readonly phase1?: readonly Phase1Transform[];
  readonly phase2?: readonly Phase2Transform[];
  /** How long an IKE SA and a child SA are offered to live, or as responder may live at most. */
  readonly ikeLifetime?: Lifetime;
  readonly childLifetime?: Lifetime;
  /** Groups with which Quick Mode is tried after the peer refused it as it was; in this order. Default: see `PFS_GROUPS`. */
  readonly pfsGroups?: readonly Group[];
  /** What we accept of a Quick Mode of the peer's; any group, and none, without this. */
  readonly acceptedPfs?: GroupPolicy;
  /** Largest IP packet that carries a piece of a larger IKE message, 552 to 1,280 bytes. Default 1,280. */
  readonly fragmentSize?: number;
  readonly timers?: Partial<IkeTimers>;
  /** Where somebody may record what is encrypted. */
  readonly taps?: TapPoint<IkeTap>;
}

export interface IkeTimers {
  /** Wait before the first retransmission; doubles up to `retransmitMost`. */
  readonly retransmitFirst: Millis;
  readonly retransmitMost: Millis;
  /** Transmissions of one request, the first included. */
  readonly tries: number;
  /** How long an unauthenticated sign of failure is given to prove wrong. */
  readonly suspicion: Millis;
  /** How long the claim of an SPI may take. */
  readonly claim: Millis;
  /** From `start` to the first child SA. */
  readonly establish: Millis;
  /** How long an IKE SA that was replaced answers what was still on its way. */
  readonly overlap: Millis;
  /** Wait after a renewal that came to nothing, and after the peer deleted the IKE SA: it may be about to begin another. */
  readonly renewalRetry: Millis;
  readonly reestablish: Millis;
  /** Silence after which the peer is asked whether it lives, the wait for its answer, and how often it is asked. */
  readonly dpdIdle: Millis;
  readonly dpdRetry: Millis;
  readonly dpdTries: number;
}

export const DEFAULT_TIMERS: IkeTimers = {
  retransmitFirst: 1_000,
  retransmitMost: 8_000,
  tries: 6,
  suspicion: 5_000,
  claim: 5_000,
  establish: 60_000,
  overlap: 10_000,
  renewalRetry: 15_000,
  reestablish: 2_000,
  dpdIdle: 20_000,
  dpdRetry: 4_000,
  dpdTries: 5,
};

/** The configuration with every default in its place. */
export interface SettledConfig extends IkeConfig {
  readonly identityAddress: Bytes;
  readonly natAddress: Bytes;
  readonly phase1: readonly Phase1Transform[];
  readonly phase2: readonly Phase2Transform[];
  readonly ikeLifetime: Lifetime;
  readonly childLifetime: Lifetime;
  readonly pfsGroups: readonly Group[];
  readonly fragmentSize: number;
  readonly timers: IkeTimers;
  readonly taps: TapPoint<IkeTap>;
}

/** Throws `RangeError` for what cannot be used. */
export function settleConfig(config: IkeConfig): SettledConfig {
  if (config.localAddress.length !== 4) throw new RangeError('localAddress: not 4 bytes');
  const { identityAddress = config.localAddress } = config;
  if (identityAddress.length !== 4) throw new RangeError('identityAddress: not 4 bytes');
  const { natAddress = identityAddress } = config;
  if (natAddress.length !== 4) throw new RangeError('natAddress: not 4 bytes');
  if (config.remoteAddress.length !== 4) throw new RangeError('remoteAddress: not 4 bytes');
  const { credentials } = config;
  if (credentials.kind === 'pre-shared-key' && credentials.key.length === 0) {
    throw new RangeError('credentials: empty key');
  }
  const phase1 = settlePhase1(config);
  const phase2 = config.phase2 ?? PHASE2_TRANSFORMS;
  const most = config.role === 'initiator' ? MAX_OFFERED : Infinity;
  if (phase1.length === 0 || phase1.length > most) throw new RangeError('phase1: length');
  if (phase2.length === 0 || phase2.length > MAX_OFFERED) throw new RangeError('phase2: length');
  const { fragmentSize = LARGEST_FRAGMENT } = config;
  if (!(fragmentSize >= SMALLEST_FRAGMENT && fragmentSize <= LARGEST_FRAGMENT)) {
    throw new RangeError(`fragmentSize: ${fragmentSize}`);
  }
  return {
    ...config,
    identityAddress,
    natAddress,
    phase1,
    phase2,
    ikeLifetime: config.ikeLifetime ?? { seconds: ikeLifetimeSeconds(credentials) },
    childLifetime: config.childLifetime ?? { seconds: CHILD_LIFETIME_SECONDS },
    pfsGroups: config.pfsGroups ?? PFS_GROUPS,
    fragmentSize,
    timers: { ...DEFAULT_TIMERS, ...config.timers },
    taps: config.taps ?? { tap: undefined },
  };
}

/** In aggressive mode only what has its one group. */
function settlePhase1({ phase1 = PHASE1_TRANSFORMS, credentials }: IkeConfig) {
  const only = credentials.kind === 'pre-shared-key' ? credentials.aggressive?.group : undefined;
  return only === undefined ? phase1 : phase1.filter(({ group }) => group === only);
}

/**
 * With XAUTH less than the three hours that are strongSwan's own idea of a lifetime, which it does not tell: it leaves the renewal to
 * whom it has to ask, and ends everything when its time is over.
 */
function ikeLifetimeSeconds({ xauth }: Credentials): number {
  return xauth === undefined ? IKE_LIFETIME_SECONDS : 7_200;
}

/** How long an IKE SA and a child SA are offered to live. */
export const IKE_LIFETIME_SECONDS = 28_800;
export const CHILD_LIFETIME_SECONDS = 3_600;

/** What gateways that insist on perfect forward secrecy are known to insist on, and nothing else. */
const PFS_GROUPS: readonly Group[] = [14, 5, 2];

/** What every IPv4 host takes in one piece, and what nearly every path does. */
const SMALLEST_FRAGMENT = 552;
const LARGEST_FRAGMENT = 1_280;

/** Most transforms of an offer: message 1 cannot be fragmented, and gateways refuse long lists. */
const MAX_OFFERED = 24;
