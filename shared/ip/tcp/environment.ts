/** What a connection sees of the stack around it. */
import type { Random } from '../../wire/bytes.ts';
import type { SpareMemory } from '../../wire/spare-memory.ts';
import type { TcpOutput } from '../messages.ts';
import type { Path } from '../path.ts';
import type { Algorithm } from './congestion/control.ts';
import type { ByteRing } from './ring.ts';
import type { Segment } from './segment.ts';

/** Sizes of one connection's buffers, in bytes, and how its sender behaves. */
export interface TcpLimits {
  /** Grown into, with the congestion window. */
  readonly sendBuffer: number;
  /** Largest window offered, 4 MB at most; grown into, with the rate the reader takes. */
  readonly receiveBuffer: number;
  readonly congestion?: Algorithm;
  /** Asks for ECN in our SYNs; a peer's wish is granted either way. */
  readonly ecn?: boolean;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = { sendBuffer: 8_388_608, receiveBuffer: 4_194_304 };

export const DEFAULT_ALGORITHM: Algorithm = 'bbr';

export interface ConnectionIdentity {
  readonly socket: number;
  /** Set for connections that came to a listener. */
  readonly listener: number | undefined;
  readonly path: Path;
  readonly remotePort: number;
  readonly localPort: number;
}

export interface TcpEnvironment {
  /** Largest IP packet, in bytes. */
  readonly mtu: number;
  readonly held: boolean;
  readonly limits: TcpLimits;
  readonly random: Random;
  /** What is delivered may be put there. */
  readonly spare: SpareMemory;
  emit(output: TcpOutput): void;
  trace(event: string, detail?: string): void;
  /** Sends `segment` with `length` bytes of `data` from `position` on behind it. */
  transmit(path: Path, segment: Segment, data?: ByteRing, position?: number, length?: number): void;
}
