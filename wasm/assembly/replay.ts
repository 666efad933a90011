/**
 * The anti-replay window in a context; shared/esp/replay-window.ts says how it works.
 * @rfc 4303 §3.4.3
 */
import { SEQUENCE, WINDOW } from './context';

/** Width in packets: a power of two. */
const REPLAY_WINDOW: u32 = 1024;

/** Whether `sequence` is new; the caller knows the packet to be authentic. If so, it is remembered. */
export function admit(context: usize, sequence: u32): bool {
  const newest = load<u32>(context, SEQUENCE);
  if (sequence > newest) {
    if (sequence - newest >= REPLAY_WINDOW) memory.fill(context + WINDOW, 0, REPLAY_WINDOW >> 3);
    else for (let s = newest + 1; s != sequence; s++) setBit(context, s, 0);
    store<u32>(context, sequence, SEQUENCE);
  } else if (newest - sequence >= REPLAY_WINDOW || sequence == 0 || bit(context, sequence)) {
    return false;
  }
  setBit(context, sequence, 1);
  return true;
}

function bit(context: usize, sequence: u32): bool {
  const at = sequence & (REPLAY_WINDOW - 1);
  return ((load<u8>(context + WINDOW + (at >> 3)) >> <u8>(at & 7)) & 1) != 0;
}

function setBit(context: usize, sequence: u32, value: u8): void {
  const at = sequence & (REPLAY_WINDOW - 1);
  const to = context + WINDOW + (at >> 3);
  const shift = <u8>(at & 7);
  store<u8>(to, (load<u8>(to) & ~((<u8>1) << shift)) | (value << shift));
}
