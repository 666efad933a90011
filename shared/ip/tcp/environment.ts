/** What a connection sees of the stack around it. */
import type { TcpOutput } from '../messages.ts';
import type { Path } from '../path.ts';
import type { ByteRing } from './ring.ts';
import type { Segment } from './segment.ts';

/** Sizes of one connection's buffers, in bytes. */
export interface TcpLimits {
  readonly sendBuffer: number;
  /** Largest window offered, 4 MB at most. */
  readonly receiveBuffer: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = { sendBuffer: 1_048_576, receiveBuffer: 1_048_576 };

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
  emit(output: TcpOutput): void;
  trace(event: string, detail?: string): void;
  /** Sends `segment` with `length` bytes of `data` from `position` on behind it. */
  transmit(path: Path, segment: Segment, data?: ByteRing, position?: number, length?: number): void;
}
