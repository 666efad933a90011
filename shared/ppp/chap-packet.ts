/** CHAP on the wire, and the value of an MS-CHAPv2 Response. RFC 1994 §4, RFC 2759 §3–4. */
import { type Bytes, concat } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import type { ControlPacket } from './control-packet.ts';

export const ChapCode = {
  challenge: 1,
  response: 2,
  success: 3,
  failure: 4,
} as const;

/** Body of a Challenge or a Response; a Success or a Failure is all message. @rfc 1994 §4.1 */
interface ChapValue {
  /** 1 to 255 bytes. */
  readonly value: Bytes;
  readonly name: Bytes;
}

export function decodeChapValue(packet: ControlPacket): ChapValue {
  const reader = new Reader(packet.body);
  const length = reader.u8();
  if (length === 0) throw new DecodeError('empty value');
  return { value: reader.bytes(length), name: reader.rest() };
}

export function encodeChapValue(
  code: typeof ChapCode.challenge | typeof ChapCode.response,
  id: number,
  { value, name }: ChapValue,
): ControlPacket {
  const body = new Writer()
    .block(1, (writer) => writer.bytes(value))
    .bytes(name)
    .finish();
  return { code, id, body };
}

/** @rfc 2759 §4 */
interface MsChapResponse {
  /** 16 bytes. */
  readonly peerChallenge: Bytes;
  /** 24 bytes. */
  readonly ntResponse: Bytes;
}

const RESERVED_LENGTH = 8;

/** Takes a value of 49 bytes; the reserved bytes and the flags are not looked at. */
export function decodeMsChapResponse(value: Bytes): MsChapResponse {
  const reader = new Reader(value);
  const peerChallenge = reader.bytes(16);
  reader.skip(RESERVED_LENGTH);
  const ntResponse = reader.bytes(24);
  reader.skip(1);
  reader.finish();
  return { peerChallenge, ntResponse };
}

export function encodeMsChapResponse({ peerChallenge, ntResponse }: MsChapResponse): Bytes {
  return concat(peerChallenge, new Uint8Array(RESERVED_LENGTH), ntResponse, Uint8Array.of(0));
}
