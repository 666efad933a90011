/**
 * The anti-replay window in a context; shared/esp/replay-window.ts says how it works.
 * @rfc 4303 §3.4.3
 */
import { SEQUENCE, WINDOW } from './context';

/** Width in packets: a power of two. */
const REPLAY_WINDOW: u64 = 1024;

/**
 * The whole of an extended number of which a packet carries the lower 32 bits, while `newest` is at the window's top.
 * @rfc 4303 appendix A2.2
 */
export function extendSequence(newest: u64, lower: u32): u64 {
  // Below 0 it wraps, and no number so high is admitted.
  const bottom = newest - REPLAY_WINDOW + 1;
  const sequence = (bottom & 0xffffffff00000000) | <u64>lower;
  return sequence >= bottom ? sequence : sequence + 0x100000000;
}

/**
 * Whether `sequence` is new and no higher than `last`; the caller knows the packet to be authentic. If so, it is remembered.
 */
export function admit(context: usize, sequence: u64, last: u64): bool {
  const newest = load<u64>(context, SEQUENCE);
  if (sequence > last) return false;
  if (sequence > newest) {
    if (sequence - newest >= REPLAY_WINDOW) memory.fill(context + WINDOW, 0, <usize>REPLAY_WINDOW >> 3);
    else for (let s = newest + 1; s != sequence; s++) setBit(context, s, 0);
    store<u64>(context, sequence, SEQUENCE);
  } else if (newest - sequence >= REPLAY_WINDOW || sequence == 0 || bit(context, sequence)) {
    return false;
  }
  setBit(context, sequence, 1);
  return true;
}

function bit(context: usize, sequence: u64): bool {
  const at = <u32>(sequence & (REPLAY_WINDOW - 1));
  return ((load<u8>(context + WINDOW + (at >> 3)) >> <u8>(at & 7)) & 1) != 0;
}

function setBit(context: usize, sequence: u64, value: u8): void {
  const at = <u32>(sequence & (REPLAY_WINDOW - 1));
  const to = context + WINDOW + (at >> 3);
  const shift = <u8>(at & 7);
  store<u8>(to, (load<u8>(to) & ~((<u8>1) << shift)) | (value << shift));
}
