/**
 * Sequence numbers as positions: plain numbers counted from the initial sequence number, which never wrap, so that
 * the rest of TCP compares with `<`. Position 0 is the SYN, 1 the first byte.
 * @rfc 9293 §3.4
 */

/** The 32-bit number on the wire for a position. */
export function toWire(initial: number, position: number): number {
  return (initial + position) >>> 0;
}

/** The position nearest to `near` that a number on the wire can mean. May be negative for old duplicates. */
export function toPosition(initial: number, near: number, wire: number): number {
  return near + ((wire - toWire(initial, near)) | 0);
}
