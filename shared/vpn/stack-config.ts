/** What the stack of layers is told when it is made, and what it tells. */
import type { CipherSuite } from '../crypto/suite.ts';
import type { Failure } from '../errors.ts';
import type { NatTraversal } from '../ike/config.ts';
import type { Credentials } from '../ike/credentials.ts';
import type { Lifetime } from '../ike/lifetime.ts';
import type { Phase1Transform } from '../ike/phase1-transforms.ts';
import type { EspSettings } from '../ike/phase2-transforms.ts';
import type { TapPoint } from '../ike/tap.ts';
import type { IpOutput } from '../ip/messages.ts';
import type { AuthMethod } from '../ppp/ppp.ts';
import type { ChannelNumber } from '../relay/channels.ts';
import type { ControlFromTab } from '../relay/control.ts';
import type { Bytes, Random } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import type { SpareMemory } from '../wire/spare-memory.ts';
import type { SendSealed } from './esp-path.ts';
import type { Session } from './session.ts';
import type { Tap } from './tap.ts';

/** What a person waits for, in the order in which it happens. */
export type Stage =
  | 'relay'
  | 'ike-phase-1'
  | 'ike-phase-2'
  | 'l2tp'
  | 'ppp-link'
  | 'ppp-authentication'
  | 'ppp-address';

export type StackOutput =
  | { readonly kind: 'stage'; readonly stage: Stage }
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'network'; readonly output: IpOutput }
  /** Every layer has ended; `failure` is the first cause. */
  | { readonly kind: 'closed'; readonly failure?: Failure }
  /** Every layer has ended because nothing authentic came by raw ESP: another stack may do better with ESP in UDP. */
  | { readonly kind: 'raw-esp-failed'; readonly reason: string }
  /** Every layer has ended because the gateway wants to be called at another address: IPv4, dotted. */
  | { readonly kind: 'try-another'; readonly address: string }
  | Trace;

export interface Ports {
  readonly ike: number;
  readonly natt: number;
  readonly l2tp: number;
}

export interface StackConfig {
  readonly suite: CipherSuite;
  readonly random: Random;
  /** Queues one record, `bytes[start, end)`, for the relay, copied before it returns. */
  readonly send: (channel: ChannelNumber, bytes: Bytes, start: number, end: number) => void;
  readonly sendSealed: SendSealed;
  /** Queues a control message for the relay. */
  readonly control: (message: ControlFromTab) => void;
  readonly emit: (output: StackOutput) => void;
  readonly gateway: { readonly id: string; readonly name: string; readonly address: string };
  /** IPv4 address of the relay toward the gateway, 4 bytes. */
  readonly localAddress: Bytes;
  /** IPv4 address of the gateway, 4 bytes. */
  readonly remoteAddress: Bytes;
  readonly localPorts: Ports;
  readonly remotePorts: Ports;
  /** Whether ESP travels in UDP; anything but `force` needs the relay's ESP channel. */
  readonly natTraversal: NatTraversal;
  readonly ikeLifetime?: Lifetime;
  readonly childLifetime?: Lifetime;
  readonly phase1?: readonly Phase1Transform[];
  readonly esp?: EspSettings;
  readonly outerMtu: number;
  readonly credentials: Credentials;
  readonly userName: string;
  readonly password: string;
  readonly authMethods: readonly AuthMethod[];
  readonly searchList: readonly string[];
  /** Source port of L2TP inside ESP. */
  readonly innerPort: number;
  readonly taps: TapPoint<Tap>;
  /** The frame whose records have been received. */
  readonly spare: SpareMemory;
}
