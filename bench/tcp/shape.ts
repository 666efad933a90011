/** What all of this part's benchmarks have in common. */
import type { Bytes } from '../../shared/wire/bytes.ts';

/** What a tunnel over Ethernet leaves: the IP packets of most tunnels are about that long. */
export const MTU = 1400;

export const CLIENT: Bytes = Uint8Array.of(10, 78, 0, 1);
export const SERVER: Bytes = Uint8Array.of(10, 78, 0, 2);

/** 50 ms there and back. */
export const LATENCY = 25;
