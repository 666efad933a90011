/**
 * ISAKMP payloads and their chain. RFC 2408 §3.2 to §3.16, RFC 2407 §4.6, RFC 3947 §3.2 and §5.2.
 * Everything unheard of stays `unknown`: refusing it is the machine's decision.
 */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { type Attribute, decodeAttributes, encodeAttributes } from './attribute.ts';
import { PayloadType } from './numbers.ts';
import { decodeSecurityAssociation, encodeSecurityAssociation, type Proposal } from './proposal.ts';

/** Most payloads of a message, and SPIs of a Delete, that are read. */
export const MAX_PAYLOADS = 64;
export const MAX_DELETED_SPIS = 64;

const GENERIC_HEADER_LENGTH = 4;

export type Payload =
  | { readonly kind: 'security-association'; readonly proposals: readonly Proposal[] }
  | { readonly kind: 'key-exchange'; readonly data: Bytes }
  | Identification
  | Certificate
  | { readonly kind: 'hash'; readonly data: Bytes }
  | { readonly kind: 'signature'; readonly data: Bytes }
  | { readonly kind: 'nonce'; readonly data: Bytes }
  | Notification
  | Delete
  | { readonly kind: 'vendor-id'; readonly data: Bytes }
  | { readonly kind: 'nat-discovery'; readonly draft: boolean; readonly hash: Bytes }
  | NatOriginalAddress
  | Attributes
  | { readonly kind: 'unknown'; readonly code: number; readonly body: Bytes };

/** @rfc 2407 §4.6.2 */
interface Identification {
  readonly kind: 'identification';
  readonly idType: number;
  readonly protocolId: number;
  readonly port: number;
  readonly data: Bytes;
}

/**
 * A certificate, or an authority whose certificates are asked for (its name in DER with X.509; anyone's when empty).
 * @rfc 2408 §3.9
 * @rfc 2408 §3.10
 */
interface Certificate {
  readonly kind: 'certificate' | 'certificate-request';
  readonly encoding: number;
  readonly data: Bytes;
}

/** @rfc 2408 §3.14 */
export interface Notification {
  readonly kind: 'notification';
  readonly doi: number;
  readonly protocolId: number;
  readonly notifyType: number;
  readonly spi: Bytes;
  readonly data: Bytes;
}

/** Every SPI has `spiSize` bytes. @rfc 2408 §3.15 */
export interface Delete {
  readonly kind: 'delete';
  readonly doi: number;
  readonly protocolId: number;
  readonly spiSize: number;
  readonly spis: readonly Bytes[];
}

/** `draft`: numbered as in drafts 02 and 03. @rfc 3947 §5.2 */
interface NatOriginalAddress {
  readonly kind: 'nat-original-address';
  readonly draft: boolean;
  readonly idType: number;
  readonly address: Bytes;
}

/** Of the transaction exchange; `identifier` ties a reply to its request. draft-ietf-ipsec-isakmp-mode-cfg-05 §3.2 */
export interface Attributes {
  readonly kind: 'attributes';
  readonly configType: number;
  readonly identifier: number;
  readonly attributes: readonly Attribute[];
}

/** A payload as it arrived: hashes cover `body`, or the bytes from one payload's `end` to another's. */
export interface ReceivedPayload {
  readonly payload: Payload;
  readonly body: Bytes;
  /** Offset just behind it, in the bytes the chain was read from. */
  readonly end: number;
}

/**
 * The chain that begins at `bytes[start]` with a payload of type `first`. What follows its end is left to
 * the caller: padding after decryption, an error otherwise. @rfc 2408 §3.2
 */
export function decodePayloads(first: number, bytes: Bytes, start = 0): readonly ReceivedPayload[] {
  const reader = new Reader(bytes, start);
  const payloads: ReceivedPayload[] = [];
  for (let code = first; code !== PayloadType.none; ) {
    if (payloads.length === MAX_PAYLOADS) throw new DecodeError('too many payloads');
    const next = reader.u8();
    reader.skip(1);
    const body = reader.bytes(reader.u16() - GENERIC_HEADER_LENGTH);
    payloads.push({ payload: decodePayload(code, body), body, end: reader.offset });
    code = next;
  }
  return payloads;
}

/** The payloads as a chain; `payloadType` of the first belongs into what precedes it. */
export function encodePayloads(payloads: readonly Payload[]): Bytes {
  const writer = new Writer();
  for (const [index, payload] of payloads.entries()) {
    writer.u8(payloadType(payloads[index + 1])).u8(0);
    writer.block(2, () => encodePayload(writer, payload), GENERIC_HEADER_LENGTH);
  }
  return writer.finish();
}

/** The number of a payload's type; that of "none" for `undefined`. */
export function payloadType(payload: Payload | undefined): number {
  switch (payload?.kind) {
    case undefined:
      return PayloadType.none;
    case 'security-association':
      return PayloadType.securityAssociation;
    case 'key-exchange':
      return PayloadType.keyExchange;
    case 'identification':
      return PayloadType.identification;
    case 'certificate':
      return PayloadType.certificate;
    case 'certificate-request':
      return PayloadType.certificateRequest;
    case 'hash':
      return PayloadType.hash;
    case 'signature':
      return PayloadType.signature;
    case 'nonce':
      return PayloadType.nonce;
    case 'notification':
      return PayloadType.notification;
    case 'delete':
      return PayloadType.delete;
    case 'vendor-id':
      return PayloadType.vendorId;
    case 'nat-discovery':
      return payload.draft ? PayloadType.natDiscoveryDraft : PayloadType.natDiscovery;
    case 'nat-original-address':
      return payload.draft ? PayloadType.natOriginalAddressDraft : PayloadType.natOriginalAddress;
    case 'attributes':
      return PayloadType.attributes;
    case 'unknown':
      return payload.code;
  }
}

function decodePayload(code: number, body: Bytes): Payload {
  const reader = new Reader(body);
  const payload = decodeBody(code, reader);
  reader.finish();
  return payload;
}

function decodeBody(code: number, reader: Reader): Payload {
  switch (code) {
    case PayloadType.securityAssociation:
      return { kind: 'security-association', proposals: decodeSecurityAssociation(reader) };
    case PayloadType.keyExchange:
      return { kind: 'key-exchange', data: reader.rest() };
    case PayloadType.identification:
      return {
        kind: 'identification',
        idType: reader.u8(),
        protocolId: reader.u8(),
        port: reader.u16(),
        data: reader.rest(),
      };
    case PayloadType.certificate:
      return { kind: 'certificate', encoding: reader.u8(), data: reader.rest() };
    case PayloadType.certificateRequest:
      return { kind: 'certificate-request', encoding: reader.u8(), data: reader.rest() };
    case PayloadType.hash:
      return { kind: 'hash', data: reader.rest() };
    case PayloadType.signature:
      return { kind: 'signature', data: reader.rest() };
    case PayloadType.nonce:
      return { kind: 'nonce', data: reader.rest() };
    case PayloadType.notification:
      return decodeNotification(reader);
    case PayloadType.delete:
      return decodeDelete(reader);
    case PayloadType.vendorId:
      return { kind: 'vendor-id', data: reader.rest() };
    case PayloadType.natDiscovery:
    case PayloadType.natDiscoveryDraft:
      return {
        kind: 'nat-discovery',
        draft: code === PayloadType.natDiscoveryDraft,
        hash: reader.rest(),
      };
    case PayloadType.natOriginalAddress:
    case PayloadType.natOriginalAddressDraft:
      return decodeNatOriginalAddress(code === PayloadType.natOriginalAddressDraft, reader);
    case PayloadType.attributes:
      return decodeAttributesPayload(reader);
    default:
      return { kind: 'unknown', code, body: reader.rest() };
  }
}

function decodeNotification(reader: Reader): Notification {
  const doi = reader.u32();
  const protocolId = reader.u8();
  const spiSize = reader.u8();
  const notifyType = reader.u16();
  const spi = reader.bytes(spiSize);
  return { kind: 'notification', doi, protocolId, notifyType, spi, data: reader.rest() };
}

function decodeDelete(reader: Reader): Delete {
  const doi = reader.u32();
  const protocolId = reader.u8();
  const spiSize = reader.u8();
  const count = reader.u16();
  if (count > MAX_DELETED_SPIS) throw new DecodeError('too many SPIs');
  const spis = Array.from({ length: count }, () => reader.bytes(spiSize));
  return { kind: 'delete', doi, protocolId, spiSize, spis };
}

function decodeAttributesPayload(reader: Reader): Attributes {
  const configType = reader.u8();
  reader.skip(1);
  const identifier = reader.u16();
  return { kind: 'attributes', configType, identifier, attributes: decodeAttributes(reader) };
}

function decodeNatOriginalAddress(draft: boolean, reader: Reader): NatOriginalAddress {
  const idType = reader.u8();
  reader.skip(3);
  return { kind: 'nat-original-address', draft, idType, address: reader.rest() };
}

function encodePayload(writer: Writer, payload: Payload): void {
  switch (payload.kind) {
    case 'security-association':
      encodeSecurityAssociation(writer, payload.proposals);
      break;
    case 'identification':
      writer.u8(payload.idType).u8(payload.protocolId).u16(payload.port).bytes(payload.data);
      break;
    case 'certificate':
    case 'certificate-request':
      writer.u8(payload.encoding).bytes(payload.data);
      break;
    case 'notification':
      writer.u32(payload.doi).u8(payload.protocolId).u8(payload.spi.length);
      writer.u16(payload.notifyType).bytes(payload.spi).bytes(payload.data);
      break;
    case 'delete':
      writer.u32(payload.doi).u8(payload.protocolId).u8(payload.spiSize);
      writer.u16(payload.spis.length);
      for (const spi of payload.spis) writer.bytes(spi);
      break;
    case 'nat-discovery':
      writer.bytes(payload.hash);
      break;
    case 'nat-original-address':
      writer.u8(payload.idType).zeros(3).bytes(payload.address);
      break;
    case 'attributes':
      writer.u8(payload.configType).u8(0).u16(payload.identifier);
      encodeAttributes(writer, payload.attributes);
      break;
    case 'unknown':
      writer.bytes(payload.body);
      break;
    default:
      writer.bytes(payload.data);
  }
}
