/**
 * What a tunnel shows to whoever records it for its own user: every message to and from the relay, what the encrypted ones
 * hold, and the keys. Whatever is passed is valid during the call only. Without a tap each place costs one comparison.
 */
import type { EspSaParameters } from '../esp/engine.ts';
import type { IkeTap } from '../ike/tap.ts';
import type { OpenedMessage } from '../relay/control.ts';
import type { Bytes } from '../wire/bytes.ts';

/** As the tab sees it. */
export type Direction = 'out' | 'in';

export interface Tap extends IkeTap {
  /** A control message, JSON. */
  control(direction: Direction, text: string): void;
  /** Between which addresses and ports the datagrams that follow travel. */
  opened(message: OpenedMessage): void;
  /** A datagram, `bytes[start, end)`, as the relay sends or has received it. */
  datagram(direction: Direction, channel: number, bytes: Bytes, start: number, end: number): void;
  /**
   * What an ESP packet holds that was shown before as a datagram: sent, or found authentic. `header` is its SPI and sequence
   * number, 8 bytes; `plaintext` what follows the IP header in transport mode, a packet of protocol `nextHeader`.
   */
  espPlaintext(direction: Direction, header: Bytes, nextHeader: number, plaintext: Bytes): void;
  /** An SA is used from now on. */
  espSa(direction: Direction, parameters: EspSaParameters): void;
}
