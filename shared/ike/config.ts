/** What one IKE machine is told when it is made. */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { PHASE1_TRANSFORMS, type Phase1Transform } from './phase1-transforms.ts';
import { PHASE2_TRANSFORMS, type Phase2Transform } from './phase2-transforms.ts';

interface IkePorts {
  readonly ike: number;
  readonly natt: number;
}

export interface IkeConfig {
  readonly role: 'initiator' | 'responder';
  readonly primitives: Primitives;
  readonly random: Random;
  readonly preSharedKey: Bytes;
  /** Our address as the peer is told it, 4 bytes: random and private with `forceEncapsulation`, else the true one. */
  readonly localAddress: Bytes;
  /** The peer's true address, 4 bytes. */
  readonly remoteAddress: Bytes;
  readonly localPorts: IkePorts;
  readonly remotePorts: IkePorts;
  /** ESP must travel in UDP, whatever NAT discovery says: our source NAT-D hash covers `localAddress`, which is made up. */
  readonly forceEncapsulation: boolean;
  /** UDP ports inside ESP, for the phase 2 identities. */
  readonly innerLocalPort: number;
  readonly innerRemotePort: number;
  /** What is offered, best first, or as responder accepted. */
  readonly phase1?: readonly Phase1Transform[];
  readonly phase2?: readonly Phase2Transform[];
  readonly timers?: Partial<IkeTimers>;
}

export interface IkeTimers {
  /** Wait before the first retransmission; doubles up to `retransmitMost`. */
  readonly retransmitFirst: Millis;
  readonly retransmitMost: Millis;
  /** Transmissions of one request, the first included. */
  readonly tries: number;
  /** How long an unauthenticated sign of failure is given to prove wrong. */
  readonly suspicion: Millis;
  /** From `start` to the first child SA. */
  readonly establish: Millis;
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
  establish: 60_000,
  dpdIdle: 20_000,
  dpdRetry: 4_000,
  dpdTries: 5,
};

/** The configuration with every default in its place. */
export interface SettledConfig extends IkeConfig {
  readonly phase1: readonly Phase1Transform[];
  readonly phase2: readonly Phase2Transform[];
  readonly timers: IkeTimers;
}

/** Throws `RangeError` for what cannot be used. */
export function settleConfig(config: IkeConfig): SettledConfig {
  if (config.localAddress.length !== 4) throw new RangeError('localAddress: not 4 bytes');
  if (config.remoteAddress.length !== 4) throw new RangeError('remoteAddress: not 4 bytes');
  if (config.preSharedKey.length === 0) throw new RangeError('preSharedKey: empty');
  const phase1 = config.phase1 ?? PHASE1_TRANSFORMS;
  const phase2 = config.phase2 ?? PHASE2_TRANSFORMS;
  if (phase1.length === 0 || phase1.length > MAX_OFFERED) throw new RangeError('phase1: length');
  if (phase2.length === 0 || phase2.length > MAX_OFFERED) throw new RangeError('phase2: length');
  return { ...config, phase1, phase2, timers: { ...DEFAULT_TIMERS, ...config.timers } };
}

/** Most transforms of an offer: message 1 cannot be fragmented, and gateways refuse long lists. */
const MAX_OFFERED = 24;
