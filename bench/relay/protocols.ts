/** The two protocols between client and relay, as much of them as it takes to load both alike: bytes, no sockets. */
import {
  Channel,
  type ChannelNumber,
  RECORD_HEADER,
  RELAY_PATH,
  RELAY_SUBPROTOCOL,
} from '../../shared/relay/channels.ts';
import { encodeControl } from '../../shared/relay/control.ts';
import { FrameWriter } from '../../shared/relay/frames.ts';

/** Bytes of a datagram: an ESP packet of a full segment. */
export const PACKET = 1400;

/** Datagrams that a client sends at once. Culvert's tab makes one frame of them: what its flush size holds. */
export const BURST = 24;

/** Packets of a frame where sizes of frames are compared, and of the bursts that are sent in all of these sizes. */
export const FRAME_SIZES = [1, 6, BURST, 48] as const;
const FRAMED_BURST = 48;

/**
 * `raw` is Culvert with ESP as IP protocol 50; `unequal` has packets of which no two have one length, so that GSO finds no
 * run; `frames-N` sends N packets in a frame.
 */
export type ProtocolName =
  | 'culvert'
  | 'raw'
  | 'unequal'
  | 'wisp'
  | `frames-${(typeof FRAME_SIZES)[number]}`;

export interface Protocol {
  readonly path: string;
  readonly subprotocol: string | undefined;
  /** What opens a session toward a port of the gateway, as a text or binary frame. */
  opening(gateway: string, port: number): Buffer;
  /** What asks for the gateway's packets, once it is open, and is answered. */
  readonly claim?: Buffer;
  /** One datagram to the gateway, as a frame. */
  readonly single: Buffer;
  /** What is sent at once, as frames: `BURST` datagrams, unless sizes of frames are compared. */
  readonly burst: Buffer;
  /** How many datagrams a binary frame of `length` bytes carries; 0 for others. */
  datagramsIn(length: number): number;
}

const TEXT = 0x81;
const BINARY = 0x82;
const PING = 0x89;
const MASKED = 0x80;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

const WISP_HEADER = 5;
const WISP_DATA = Buffer.from([2, 1, 0, 0, 0]);

/** The first bytes are an SPI, the rest noise: neither relay looks at it. */
const packet = Buffer.alloc(PACKET, 0xa5);

export const PROTOCOLS: Readonly<Record<ProtocolName, Protocol>> = {
  culvert: culvert(Channel.natt, () => PACKET),
  raw: {
    ...culvert(Channel.esp as ChannelNumber, () => PACKET),
    claim: frame(TEXT, Buffer.from(JSON.stringify({ type: 'claim', spi: 0xa5a5_a5a5 }))),
  },
  unequal: culvert(Channel.natt, (i) => PACKET - BURST + i),
  ...(Object.fromEntries(
    FRAME_SIZES.map((size) => [
      `frames-${size}`,
      culvert(Channel.natt, () => PACKET, size, FRAMED_BURST / size),
    ]),
  ) as Record<`frames-${(typeof FRAME_SIZES)[number]}`, Protocol>),
  // Version 1: `type u8 · stream u32 · …`, little endian; one packet per frame is all it has.
  wisp: {
    path: '/wisp/',
    subprotocol: undefined,
    opening(gateway, port) {
      const connect = Buffer.from([1, 1, 0, 0, 0, 2, port & 0xff, port >>> 8]);
      return frame(BINARY, Buffer.concat([connect, Buffer.from(gateway)]));
    },
    single: wispFrame(),
    burst: Buffer.concat(Array.from({ length: BURST }, wispFrame)),
    datagramsIn: (length) => (length === WISP_HEADER + PACKET ? 1 : 0),
  },
};

function wispFrame(): Buffer {
  return frame(BINARY, Buffer.concat([WISP_DATA, packet]));
}

/** Records of a channel; the packet at `i` of a frame has `lengthOf(i)` bytes. A burst is `frames` of `records`. */
function culvert(
  channel: ChannelNumber,
  lengthOf: (i: number) => number,
  records = BURST,
  frames = 1,
): Protocol {
  const frameOf = (count: number): Buffer => {
    const writer = new FrameWriter();
    for (let i = 0; i < count; i++) writer.append(channel, packet, 0, lengthOf(i));
    return frame(BINARY, writer.take()!);
  };
  return {
    path: RELAY_PATH,
    subprotocol: RELAY_SUBPROTOCOL,
    opening: (gateway, port) =>
      frame(TEXT, Buffer.from(encodeControl({ type: 'open', gateway: gatewayId(gateway, port) }))),
    single: frameOf(1),
    burst: Buffer.concat(Array.from({ length: frames }, () => frameOf(records))),
    datagramsIn: (length) => length / (RECORD_HEADER + PACKET),
  };
}

/** The id under which a relay of ours knows a port of the gateway. */
export function gatewayId(address: string, port: number): string {
  return `${address}-${port}`;
}

/** A ping that carries a number. */
export function ping(number: number): Buffer {
  return frame(PING, Buffer.from(u32(number)));
}

/** A masked frame, as a client has to send it. @rfc 6455 §5.2 */
function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? [opcode, MASKED | length]
      : length < 65_536
        ? [opcode, MASKED | 126, length >>> 8, length & 0xff]
        : [opcode, MASKED | 127, 0, 0, 0, 0, ...u32(length)];
  const masked = payload.map((byte, i) => byte ^ MASK[i & 3]!);
  return Buffer.concat([Buffer.from(head), MASK, masked]);
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}
