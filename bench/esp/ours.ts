/** Our engine as a contestant: copied into slots, one call per batch, copied out. */
import {
  type EspEngine,
  type EspSaParameters,
  OpenResult,
  SLOT_HEADROOM,
} from '../../shared/esp/engine.ts';
import { Channel } from '../../shared/relay/channels.ts';
import { type EspContestant, Layout } from './contestant.ts';
import { NEXT_HEADER, PAYLOAD } from './suites.ts';

/** To us a packet that comes again is a replay: who measures says when the supply begins anew. */
export interface OurContestant extends EspContestant {
  /** Forgets what was received. */
  renew(): void;
  close(): void;
}

export function ours(engine: EspEngine, parameters: EspSaParameters): OurContestant {
  const { slots, results } = engine;
  const { stride } = new Layout(parameters);
  const sealer = engine.sealer(parameters);
  let inbound = engine.inbound(parameters);
  return {
    seal(payloads, frame) {
      const count = payloads.length;
      for (let i = 0; i < count; i++) {
        const slot = slots[i]!;
        slot.bytes.set(payloads[i]!, SLOT_HEADROOM);
        slot.start = SLOT_HEADROOM;
        slot.end = SLOT_HEADROOM + PAYLOAD;
      }
      sealer.seal(0, count, NEXT_HEADER, Channel.natt);
      for (let i = 0; i < count; i++) {
        const { bytes, start, end } = slots[i]!;
        frame.set(bytes.subarray(start, end), i * stride);
      }
    },
    open(packets, out) {
      const count = packets.length;
      for (let i = 0; i < count; i++) {
        const slot = slots[i]!;
        const packet = packets[i]!;
        slot.bytes.set(packet, SLOT_HEADROOM);
        slot.start = SLOT_HEADROOM;
        slot.end = SLOT_HEADROOM + packet.length;
      }
      engine.open(0, count);
      for (let i = 0; i < count; i++) {
        if (results[i] !== OpenResult.ok) throw new Error(`a packet was not opened: ${results[i]}`);
        const { bytes, start, end } = slots[i]!;
        out.set(bytes.subarray(start, end), i * PAYLOAD);
      }
    },
    renew() {
      inbound.close();
      inbound = engine.inbound(parameters);
    },
    close() {
      sealer.close();
      inbound.close();
    },
  };
}
