/** The ISAKMP message: fixed header and body, the body still encrypted where the header says so. RFC 2408 §3.1. */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { ISAKMP_VERSION } from './numbers.ts';
import {
  decodePayloads,
  encodePayloads,
  type Payload,
  payloadType,
  type ReceivedPayload,
} from './payload.ts';

export const HEADER_LENGTH = 28;
export const COOKIE_LENGTH = 8;

/** Longest message that is read, in bytes: without certificates a few hundred are usual. */
export const MAX_MESSAGE_LENGTH = 16_384;

/** Without version and length, which follow. */
export interface Header {
  readonly initiatorCookie: Bytes;
  readonly responderCookie: Bytes;
  readonly exchangeType: number;
  readonly flags: number;
  readonly messageId: number;
}

export interface Message {
  readonly header: Header;
  /** Type of the body's first payload. */
  readonly firstPayload: number;
  readonly body: Bytes;
}

/** Refuses another major version and a length that is not the datagram's. @rfc 2408 §3.1 */
export function decodeMessage(bytes: Bytes): Message {
  if (bytes.length > MAX_MESSAGE_LENGTH) throw new DecodeError('message too long');
  const reader = new Reader(bytes);
  const initiatorCookie = reader.bytes(COOKIE_LENGTH);
  const responderCookie = reader.bytes(COOKIE_LENGTH);
  const firstPayload = reader.u8();
  if (reader.u8() >>> 4 !== ISAKMP_VERSION >>> 4) throw new DecodeError('unknown version');
  const exchangeType = reader.u8();
  const flags = reader.u8();
  const messageId = reader.u32();
  if (reader.u32() !== bytes.length) throw new DecodeError('wrong message length');
  const header = { initiatorCookie, responderCookie, exchangeType, flags, messageId };
  return { header, firstPayload, body: reader.rest() };
}

export function encodeMessage({ header, firstPayload, body }: Message): Bytes {
  const writer = new Writer();
  writer.bytes(header.initiatorCookie).bytes(header.responderCookie);
  writer.u8(firstPayload).u8(ISAKMP_VERSION).u8(header.exchangeType).u8(header.flags);
  writer.u32(header.messageId).u32(HEADER_LENGTH + body.length);
  return writer.bytes(body).finish();
}

/** The payloads of a message that is not encrypted; bytes behind the last are refused. */
export function decodeClearBody({ firstPayload, body }: Message): readonly ReceivedPayload[] {
  const payloads = decodePayloads(firstPayload, body);
  if ((payloads.at(-1)?.end ?? 0) !== body.length) throw new DecodeError('trailing bytes');
  return payloads;
}

/** A message that is not encrypted. */
export function encodeClearMessage(header: Header, payloads: readonly Payload[]): Bytes {
  return encodeMessage({
    header,
    firstPayload: payloadType(payloads[0]),
    body: encodePayloads(payloads),
  });
}
