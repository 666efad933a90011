/** ISAKMP messages by field: the header, and the payloads of those that are clear or were decrypted. RFC 2408 §3, RFC 2407 §4.6. */
import { ExchangeType, HeaderFlag, IdType, notifyName, PayloadType } from '../isakmp/numbers.ts';
import { type Bytes, toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Dissection, Place } from './dissection.ts';
import {
  bits,
  dottedAddress,
  type FieldReader,
  hex,
  hexText,
  named,
  quoted,
} from './field-reader.ts';
import {
  CERTIFICATE_NAMES,
  EXCHANGE_NAMES,
  ID_NAMES,
  PAYLOAD_NAMES,
  PROTOCOL_NAMES,
  VENDOR_NAMES,
} from './isakmp-names.ts';
import { readSecurityAssociation } from './isakmp-sa.ts';

const FLAGS = [
  [HeaderFlag.encryption, 'Encryption'],
  [HeaderFlag.commit, 'Commit'],
  [HeaderFlag.authenticationOnly, 'Authentication Only'],
] as const;

/** What the payloads of a message are about. */
interface Contents {
  readonly types: Set<number>;
  /** Notifications and deletions in words. */
  readonly notices: string[];
}

interface Header {
  readonly firstPayload: number;
  readonly exchangeType: number;
  readonly encrypted: boolean;
}

/** `plaintext` gives what an encrypted body holds, where the tunnel has told. */
export function dissectIsakmp(
  into: Dissection,
  place: Place,
  plaintext: (ciphertext: Bytes) => Bytes | undefined,
): void {
  let header: Header | undefined;
  let body: Bytes | undefined;
  const contents: Contents = { types: new Set(), notices: [] };
  into.layer('ISAKMP', place, (reader) => {
    header = readHeader(reader);
    const exchange = EXCHANGE_NAMES[header.exchangeType] ?? `exchange ${header.exchangeType}`;
    if (!header.encrypted) readPayloads(reader, header.firstPayload, contents);
    else body = reader.rest('Encrypted payloads');
    return header.encrypted ? `${exchange}, encrypted` : exchange;
  });
  if (header === undefined) return into.tell('IKE', 'Malformed message');
  const { firstPayload, exchangeType } = header;
  const clear = body && plaintext(body);
  if (clear !== undefined) {
    const buffer = into.addBuffer('Decrypted by this tab', clear);
    into.layer('ISAKMP payloads', { buffer, start: 0, end: clear.length }, (reader) => {
      readPayloads(reader, firstPayload, contents);
      if (reader.remaining > 0) reader.rest('Padding');
      return 'decrypted';
    });
  }
  const known = body === undefined || clear !== undefined;
  into.tell('IKE', meaning(into.direction, exchangeType, body !== undefined, known, contents));
}

function readHeader(reader: FieldReader): Header {
  reader.take('Initiator Cookie', 8);
  reader.take('Responder Cookie', 8);
  const firstPayload = reader.u8('Next Payload', named(PAYLOAD_NAMES));
  const version = (value: number) => `${value >>> 4}.${value & 0xf}`;
  reader.u8('Major Version, Minor Version', version);
  const exchangeType = reader.u8('Exchange Type', named(EXCHANGE_NAMES));
  const flags = reader.u8('Flags', bits(FLAGS, 2));
  reader.u32('Message ID', hex(8));
  reader.u32('Length', (value) => `${value} bytes`);
  return { firstPayload, exchangeType, encrypted: (flags & HeaderFlag.encryption) !== 0 };
}

function readPayloads(reader: FieldReader, first: number, contents: Contents): void {
  for (let type = first; type !== PayloadType.none; ) {
    const length = (reader.peek(2) << 8) | reader.peek(3);
    if (length < 4) throw new DecodeError('payload length below header');
    const next = reader.peek();
    const kind = type;
    contents.types.add(kind);
    reader.group(PAYLOAD_NAMES[kind] ?? `Payload ${kind}`, length, (payload) => {
      payload.u8('Next Payload', named(PAYLOAD_NAMES));
      payload.u8('RESERVED');
      payload.u16('Payload Length', (value) => `${value} bytes`);
      return readPayload(payload, kind, contents);
    });
    type = next;
  }
}

function readPayload(reader: FieldReader, type: number, contents: Contents): string {
  switch (type) {
    case PayloadType.securityAssociation:
      return readSecurityAssociation(reader);
    case PayloadType.identification:
      return readIdentification(reader);
    case PayloadType.notification:
      return readNotification(reader, contents);
    case PayloadType.delete:
      return readDelete(reader, contents);
    case PayloadType.vendorId:
      return readVendorId(reader);
    case PayloadType.keyExchange:
      return hexText(reader.rest('Key Exchange Data'));
    case PayloadType.certificate:
      reader.u8('Certificate Encoding', named(CERTIFICATE_NAMES));
      return hexText(reader.rest('Certificate Data'));
    case PayloadType.certificateRequest:
      reader.u8('Certificate Type', named(CERTIFICATE_NAMES));
      return hexText(reader.rest('Certificate Authority'));
    case PayloadType.signature:
      return hexText(reader.rest('Signature Data'));
    case PayloadType.nonce:
      return hexText(reader.rest('Nonce Data'));
    case PayloadType.hash:
    case PayloadType.natDiscovery:
    case PayloadType.natDiscoveryDraft:
      return hexText(reader.rest('Hash Data'));
    case PayloadType.natOriginalAddress:
    case PayloadType.natOriginalAddressDraft:
      return readOriginalAddress(reader);
    default:
      return hexText(reader.rest('Data'));
  }
}

/** @rfc 2407 §4.6.2 */
function readIdentification(reader: FieldReader): string {
  const type = reader.u8('Identification Type', named(ID_NAMES));
  reader.u8('Protocol ID');
  reader.u16('Port');
  return readIdentity(reader, 'Identification Data', type);
}

/** @rfc 3947 §5.2 */
function readOriginalAddress(reader: FieldReader): string {
  const type = reader.u8('ID Type', named(ID_NAMES));
  reader.take('RESERVED', 3);
  return readIdentity(reader, 'Address', type);
}

function readIdentity(reader: FieldReader, name: string, type: number): string {
  let text = '';
  reader.rest(name, (data) => {
    if (type === IdType.ipv4Addr && data.length === 4) text = dottedAddress(data);
    else if (type === IdType.fqdn || type === IdType.userFqdn) text = quoted(data);
    else text = hexText(data);
    return text;
  });
  return text;
}

/** @rfc 2408 §3.14 */
function readNotification(reader: FieldReader, { notices }: Contents): string {
  reader.u32('Domain of Interpretation');
  reader.u8('Protocol-ID', named(PROTOCOL_NAMES));
  const spiSize = reader.u8('SPI Size');
  const withNumber = (value: number) => `${value} (${notifyName(value)})`;
  const name = notifyName(reader.u16('Notify Message Type', withNumber));
  reader.take('SPI', spiSize);
  reader.rest('Notification Data');
  notices.push(NOTICE_WORDS[name] ?? `notifies: ${name}`);
  return name;
}

/** @rfc 2408 §3.15 */
function readDelete(reader: FieldReader, { notices }: Contents): string {
  reader.u32('Domain of Interpretation');
  const protocol = reader.u8('Protocol-ID', named(PROTOCOL_NAMES));
  const spiSize = reader.u8('SPI Size');
  const count = reader.u16('# of SPIs');
  for (let i = 0; i < count; i++) reader.take('Security Parameter Index', spiSize);
  const what = protocol === 1 ? 'the IKE SA' : `${count} ESP SA${count === 1 ? '' : 's'}`;
  notices.push(`deletes ${what}`);
  return `deletes ${what}`;
}

function readVendorId(reader: FieldReader): string {
  let text = '';
  reader.rest('Vendor ID', (data) => {
    const digits = toHex(data);
    text = VENDOR_NAMES.find(([start]) => digits.startsWith(start))?.[1] ?? hexText(data);
    return hexText(data);
  });
  return text;
}

const NOTICE_WORDS: Readonly<Record<string, string>> = {
  'R-U-THERE': 'asks whether the other side lives',
  'R-U-THERE-ACK': 'answers that it lives',
  'NO-PROPOSAL-CHOSEN': 'refuses: none of the offered algorithms will do',
  'INITIAL-CONTACT': 'says that it has no earlier SAs',
};

/** Main mode of a tab that begins: its messages are the odd ones. @rfc 2409 §5.4 */
const MAIN_MODE = {
  out: [
    'Main mode 1: offers algorithms for IKE',
    'Main mode 3: sends its Diffie-Hellman value',
    'Main mode 5',
  ],
  in: [
    'Main mode 2: chooses the algorithms for IKE',
    'Main mode 4: sends its Diffie-Hellman value',
    'Main mode 6',
  ],
} as const;

function meaning(
  direction: 'out' | 'in',
  exchangeType: number,
  encrypted: boolean,
  known: boolean,
  { types, notices }: Contents,
): string {
  const said = notices.join('; ');
  if (exchangeType === ExchangeType.identityProtection) {
    if (encrypted) return `${MAIN_MODE[direction][2]}: proves ${proof(types)}`;
    if (types.has(PayloadType.securityAssociation)) return MAIN_MODE[direction][0];
    return types.has(PayloadType.keyExchange) ? MAIN_MODE[direction][1] : 'Main mode';
  }
  if (exchangeType === ExchangeType.aggressive) {
    if (!types.has(PayloadType.keyExchange)) return 'Aggressive mode 3: proves the pre-shared key';
    return direction === 'out'
      ? 'Aggressive mode 1: offers algorithms and says who it is'
      : 'Aggressive mode 2: chooses, and proves the pre-shared key';
  }
  if (exchangeType === ExchangeType.transaction) return 'XAUTH: user name and password';
  if (exchangeType === ExchangeType.quickMode) {
    if (!known) return 'Quick mode (encrypted)';
    const offer = types.has(PayloadType.securityAssociation);
    return `Quick mode: ${offer ? 'agrees on keys for ESP' : 'confirms the keys for ESP'}`;
  }
  if (exchangeType === ExchangeType.informational) {
    const trust = encrypted ? '' : ' (not authenticated)';
    return known ? `${capital(said || 'information')}${trust}` : 'Information (encrypted)';
  }
  return EXCHANGE_NAMES[exchangeType] ?? `ISAKMP exchange ${exchangeType}`;
}

/** Nothing is known of the types in a message that was not decrypted. */
function proof(types: ReadonlySet<number>): string {
  if (types.has(PayloadType.signature)) return 'who it is with a signature';
  return types.has(PayloadType.hash) ? 'that it knows the pre-shared key' : 'who it is';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
