import type { Primitives } from '../crypto/suite.ts';
import type { Failure } from '../errors.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import type { Machine, Trace } from '../wire/machine.ts';
import type { Packet } from '../wire/packet.ts';

export interface L2tpConfig {
  readonly role: 'lac' | 'lns';
  readonly random: Random;
  readonly hostName: string;
  readonly secret?: Bytes;
  readonly primitives?: Pick<Primitives, 'hash'>;
  readonly helloInterval?: Millis;
  readonly setupTimeout?: Millis;
  readonly stopTimeout?: Millis;
}

export type L2tpInput =
  | { readonly kind: 'open' }
  | { readonly kind: 'datagram'; readonly bytes: Bytes }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'close' };

export type L2tpOutput =
  | { readonly kind: 'transmit'; readonly bytes: Bytes }
  | { readonly kind: 'stage'; readonly stage: 'tunnel' | 'session' }
  | {
      readonly kind: 'session-established';
      readonly localTunnelId: number;
      readonly peerTunnelId: number;
      readonly localSessionId: number;
      readonly peerSessionId: number;
      readonly peerHostName: string;
    }
  | { readonly kind: 'closed'; readonly failure?: Failure }
  | Trace;

export class L2tp implements Machine<L2tpInput, L2tpOutput> {
  constructor(config: L2tpConfig) { void config; }
  get deadline(): Millis | undefined { return undefined; }
  handle(input: L2tpInput, now: Millis): readonly L2tpOutput[] { void input; void now; return []; }
  encapsulate(packet: Packet): void { void packet; }
  decapsulate(packet: Packet, now: Millis): boolean { void packet; void now; return false; }
}
export function isControl(packet: Packet): boolean {
  return packet.end > packet.start && (packet.bytes[packet.start]! & 0x80) !== 0;
}
