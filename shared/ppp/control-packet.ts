/**
 * The packet that LCP, IPCP, PAP and CHAP have in common: code, identifier, length, body.
 * RFC 1661 §5, RFC 1332 §2, RFC 1334 §2.2, RFC 1994 §4, RFC 1570 §2.
 */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';

/** Codes of LCP; IPCP has the first seven. */
export const ControlCode = {
  configureRequest: 1,
  configureAck: 2,
  configureNak: 3,
  configureReject: 4,
  terminateRequest: 5,
  terminateAck: 6,
  codeReject: 7,
  protocolReject: 8,
  echoRequest: 9,
  echoReply: 10,
  discardRequest: 11,
  identification: 12,
  timeRemaining: 13,
} as const;

export interface ControlPacket {
  readonly code: number;
  /** Matches requests and replies, 0 to 255. */
  readonly id: number;
  readonly body: Bytes;
}

const HEADER_LENGTH = 4;

/** Decodes the information field of a frame; what follows the packet's length is padding. */
export function decodeControlPacket(bytes: Bytes): ControlPacket {
  const reader = new Reader(bytes);
  const code = reader.u8();
  const id = reader.u8();
  const length = reader.u16();
  if (length < HEADER_LENGTH) throw new DecodeError('packet length below header');
  return { code, id, body: reader.bytes(length - HEADER_LENGTH) };
}

export function encodeControlPacket(packet: ControlPacket): Bytes {
  return new Writer()
    .u8(packet.code)
    .u8(packet.id)
    .u16(HEADER_LENGTH + packet.body.length)
    .bytes(packet.body)
    .finish();
}
