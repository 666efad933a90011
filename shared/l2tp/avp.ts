/**
 * Attribute-value pairs, the body of every control message. RFC 2661 §4.
 *
 * What is not recognized (another vendor's, an unassigned type, reserved bits set, hidden, or a value that does not
 * fit its type) is kept as `unknown`: whether that ends the tunnel is the machine's decision (§4.2, §7.1).
 * Left out: the outgoing-call, proxy and numbering AVPs are recognized, as bytes, and nothing reads them.
 */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';

/** `message` is UTF-8; without an `error` code there can be none. @rfc 2661 §4.4.2 */
export interface ResultCode {
  readonly result: number;
  readonly error?: number;
  readonly message?: Bytes;
}

/** The value of each AVP this implementation recognizes; Message Type is part of the message itself. */
interface AvpValues {
  readonly resultCode: ResultCode;
  readonly protocolVersion: { readonly version: number; readonly revision: number };
  readonly framingCapabilities: number;
  readonly bearerCapabilities: number;
  readonly tieBreaker: Bytes;
  readonly firmwareRevision: number;
  readonly hostName: Bytes;
  readonly vendorName: Bytes;
  readonly assignedTunnelId: number;
  readonly receiveWindowSize: number;
  readonly challenge: Bytes;
  readonly q931CauseCode: Bytes;
  readonly challengeResponse: Bytes;
  readonly assignedSessionId: number;
  readonly callSerialNumber: number;
  readonly minimumBps: number;
  readonly maximumBps: number;
  readonly bearerType: number;
  readonly framingType: number;
  readonly calledNumber: Bytes;
  readonly callingNumber: Bytes;
  readonly subAddress: Bytes;
  readonly txConnectSpeed: number;
  readonly physicalChannelId: number;
  readonly initialReceivedLcpConfReq: Bytes;
  readonly lastSentLcpConfReq: Bytes;
  readonly lastReceivedLcpConfReq: Bytes;
  readonly proxyAuthenType: number;
  readonly proxyAuthenName: Bytes;
  readonly proxyAuthenChallenge: Bytes;
  readonly proxyAuthenId: number;
  readonly proxyAuthenResponse: Bytes;
  readonly callErrors: Bytes;
  readonly accm: Bytes;
  readonly randomVector: Bytes;
  readonly privateGroupId: Bytes;
  readonly rxConnectSpeed: number;
  readonly sequencingRequired: true;
}
type AvpKind = keyof AvpValues;

type KnownAvp = {
  readonly [K in AvpKind]: { readonly kind: K; readonly value: AvpValues[K] };
}[AvpKind];

/** An AVP as it came: 4 `reserved` bits, `code` under `vendor`, `body` without the 6-byte header. */
export interface UnknownAvp {
  readonly kind: 'unknown';
  readonly mandatory: boolean;
  readonly hidden: boolean;
  readonly reserved: number;
  readonly vendor: number;
  readonly code: number;
  readonly body: Bytes;
}

export type Avp = KnownAvp | UnknownAvp;

/** Most AVPs a message may carry; the RFC's longest message has 15. */
export const MAX_AVPS = 64;

/** Octets in front of an AVP's value. */
export const AVP_HEADER = 6;

const MAX_AVP_LENGTH = 0x3ff;
const MANDATORY = 0x8000;
const HIDDEN = 0x4000;
const IETF = 0;

interface Spec<V> {
  readonly code: number;
  /** The M bit we send: what the RFC prescribes. */
  readonly mandatory: boolean;
  decode(reader: Reader): V;
  encode(writer: Writer, value: V): void;
}

const u16 = {
  decode: (reader: Reader): number => reader.u16(),
  encode: (writer: Writer, value: number): void => void writer.u16(value),
};
const u32 = {
  decode: (reader: Reader): number => reader.u32(),
  encode: (writer: Writer, value: number): void => void writer.u32(value),
};
/** Every octet that is left. */
const octets = {
  decode: (reader: Reader): Bytes => reader.rest(),
  encode: (writer: Writer, value: Bytes): void => void writer.bytes(value),
};
const someOctets = { ...octets, decode: decodeSomeOctets };
const exactly = (length: number): typeof octets => ({
  ...octets,
  decode: (reader) => reader.bytes(length),
});
/** An identifier, for which 0 is not a value. @rfc 2661 §5.3 */
const identifier = { ...u16, decode: decodeIdentifier };

/** @rfc 2661 §4.4 */
const SPECS: { readonly [K in AvpKind]: Spec<AvpValues[K]> } = {
  resultCode: { code: 1, mandatory: true, decode: decodeResultCode, encode: encodeResultCode },
  protocolVersion: {
    code: 2,
    mandatory: true,
    decode: (reader) => ({ version: reader.u8(), revision: reader.u8() }),
    encode: (writer, value) => void writer.u8(value.version).u8(value.revision),
  },
  framingCapabilities: { code: 3, mandatory: true, ...u32 },
  bearerCapabilities: { code: 4, mandatory: true, ...u32 },
  tieBreaker: { code: 5, mandatory: false, ...exactly(8) },
  firmwareRevision: { code: 6, mandatory: false, ...u16 },
  hostName: { code: 7, mandatory: true, ...someOctets },
  vendorName: { code: 8, mandatory: false, ...octets },
  assignedTunnelId: { code: 9, mandatory: true, ...identifier },
  receiveWindowSize: { code: 10, mandatory: true, ...u16 },
  challenge: { code: 11, mandatory: true, ...someOctets },
  q931CauseCode: { code: 12, mandatory: true, ...octets },
  challengeResponse: { code: 13, mandatory: true, ...exactly(16) },
  assignedSessionId: { code: 14, mandatory: true, ...identifier },
  callSerialNumber: { code: 15, mandatory: true, ...u32 },
  minimumBps: { code: 16, mandatory: true, ...u32 },
  maximumBps: { code: 17, mandatory: true, ...u32 },
  bearerType: { code: 18, mandatory: true, ...u32 },
  framingType: { code: 19, mandatory: true, ...u32 },
  calledNumber: { code: 21, mandatory: true, ...octets },
  callingNumber: { code: 22, mandatory: true, ...octets },
  subAddress: { code: 23, mandatory: true, ...octets },
  txConnectSpeed: { code: 24, mandatory: true, ...u32 },
  physicalChannelId: { code: 25, mandatory: false, ...u32 },
  initialReceivedLcpConfReq: { code: 26, mandatory: false, ...octets },
  lastSentLcpConfReq: { code: 27, mandatory: false, ...octets },
  lastReceivedLcpConfReq: { code: 28, mandatory: false, ...octets },
  proxyAuthenType: { code: 29, mandatory: false, ...u16 },
  proxyAuthenName: { code: 30, mandatory: false, ...octets },
  proxyAuthenChallenge: { code: 31, mandatory: false, ...octets },
  proxyAuthenId: { code: 32, mandatory: false, ...u16 },
  proxyAuthenResponse: { code: 33, mandatory: false, ...octets },
  callErrors: { code: 34, mandatory: true, ...octets },
  accm: { code: 35, mandatory: true, ...octets },
  randomVector: { code: 36, mandatory: true, ...octets },
  privateGroupId: { code: 37, mandatory: false, ...octets },
  rxConnectSpeed: { code: 38, mandatory: false, ...u32 },
  sequencingRequired: { code: 39, mandatory: true, decode: () => true, encode: () => {} },
};

const KINDS: ReadonlyMap<number, AvpKind> = new Map(
  Object.entries(SPECS).map(([kind, spec]) => [spec.code, kind as AvpKind]),
);

/**
 * The next AVP. Throws `DecodeError` only where its length contradicts the message; anything else that is wrong
 * with it makes it `unknown`.
 * @rfc 2661 §4.1
 */
export function decodeAvp(reader: Reader): Avp {
  const flags = reader.u16();
  const length = flags & MAX_AVP_LENGTH;
  if (length < AVP_HEADER) throw new DecodeError('AVP length below 6');
  return reader.block(length - 2, (avp): Avp => {
    const unknown: UnknownAvp = {
      kind: 'unknown',
      mandatory: (flags & MANDATORY) !== 0,
      hidden: (flags & HIDDEN) !== 0,
      reserved: (flags >>> 10) & 0xf,
      vendor: avp.u16(),
      code: avp.u16(),
      body: avp.rest(),
    };
    // The vendor comes first: another vendor's type 9 is not an Assigned Tunnel ID.
    if (unknown.vendor !== IETF || unknown.reserved !== 0 || unknown.hidden) return unknown;
    return decodeValue(unknown.code, unknown.body) ?? unknown;
  });
}

/** The AVP that IETF type `code` with the clear value `body` is; `undefined` when there is none such. */
export function decodeValue(code: number, body: Bytes): KnownAvp | undefined {
  const kind = KINDS.get(code);
  if (kind === undefined) return undefined;
  try {
    const reader = new Reader(body);
    const value = SPECS[kind].decode(reader);
    reader.finish();
    // The compiler cannot see that `kind` and `value` come from the same row.
    return { kind, value } as KnownAvp;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Throws `RangeError` for a value longer than the 10-bit length allows. @rfc 2661 §4.1 */
export function encodeAvp(writer: Writer, avp: Avp): void {
  if (avp.kind === 'unknown') {
    const flags =
      (avp.mandatory ? MANDATORY : 0) | (avp.hidden ? HIDDEN : 0) | (avp.reserved << 10);
    writeAvp(writer, flags, avp.vendor, avp.code, avp.body);
    return;
  }
  const spec: Spec<AvpValues[AvpKind]> = SPECS[avp.kind];
  const body = new Writer();
  spec.encode(body, avp.value);
  writeAvp(writer, spec.mandatory ? MANDATORY : 0, IETF, spec.code, body.finish());
}

/** The value of the first AVP of a kind. */
export function findAvp<K extends AvpKind>(
  avps: readonly Avp[],
  kind: K,
): AvpValues[K] | undefined {
  for (const avp of avps) if (avp.kind === kind) return avp.value as AvpValues[K];
  return undefined;
}

function writeAvp(writer: Writer, flags: number, vendor: number, code: number, body: Bytes): void {
  const length = AVP_HEADER + body.length;
  if (length > MAX_AVP_LENGTH) throw new RangeError('avp: value too long');
  writer
    .u16(flags | length)
    .u16(vendor)
    .u16(code)
    .bytes(body);
}

/** 8 octets, without an error code, are legal, and what many gateways send. @rfc 2661 §4.4.2 */
function decodeResultCode(reader: Reader): ResultCode {
  const result = reader.u16();
  if (reader.remaining === 0) return { result };
  const error = reader.u16();
  return reader.remaining === 0 ? { result, error } : { result, error, message: reader.rest() };
}

function encodeResultCode(writer: Writer, { result, error, message }: ResultCode): void {
  writer.u16(result);
  if (error === undefined) return;
  writer.u16(error);
  if (message !== undefined) writer.bytes(message);
}

function decodeIdentifier(reader: Reader): number {
  const value = reader.u16();
  if (value === 0) throw new DecodeError('identifier 0');
  return value;
}

function decodeSomeOctets(reader: Reader): Bytes {
  if (reader.remaining === 0) throw new DecodeError('empty value');
  return reader.rest();
}
