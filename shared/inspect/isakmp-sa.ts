/** The SA payload by field: proposals, transforms, attributes. RFC 2408 §3.3 to §3.6, RFC 2407 §4.6.1. */
import { ProtocolId } from '../isakmp/numbers.ts';
import { DecodeError } from '../wire/errors.ts';
import { type FieldReader, hexText, named } from './field-reader.ts';
import {
  ESP_TRANSFORM_NAMES,
  IKE_TRANSFORM_NAMES,
  PAYLOAD_NAMES,
  PHASE1_ATTRIBUTES,
  PHASE2_ATTRIBUTES,
  PROTOCOL_NAMES,
} from './isakmp-names.ts';

/** The top bit of an attribute's type: the value follows at once, in 2 bytes. */
const BASIC = 0x8000;

/** Reads the body of an SA payload and answers what is offered or chosen. */
export function readSecurityAssociation(reader: FieldReader): string {
  reader.u32('Domain of Interpretation', named({ 0: 'ISAKMP', 1: 'IPSEC' }));
  reader.u32('Situation', named({ 1: 'SIT_IDENTITY_ONLY' }));
  const proposals: string[] = [];
  while (reader.remaining > 0) {
    structure(reader, 'Proposal', (proposal) => {
      const text = readProposal(proposal);
      proposals.push(text);
      return text;
    });
  }
  return proposals.length === 1 ? proposals[0]! : `${proposals.length} proposals`;
}

function readProposal(reader: FieldReader): string {
  reader.u8('Proposal #');
  const protocol = reader.u8('Protocol-ID', named(PROTOCOL_NAMES));
  const spiSize = reader.u8('SPI Size');
  const count = reader.u8('# of Transforms');
  reader.take('SPI', spiSize);
  let first = '';
  while (reader.remaining > 0) {
    structure(reader, 'Transform', (transform) => {
      const text = readTransform(transform, protocol === ProtocolId.isakmp);
      first ||= text;
      return text;
    });
  }
  return count === 1 ? first : `${count} transforms, first ${first}`;
}

function readTransform(reader: FieldReader, isIke: boolean): string {
  reader.u8('Transform #');
  const names = isIke ? IKE_TRANSFORM_NAMES : ESP_TRANSFORM_NAMES;
  const id = reader.u8('Transform-ID', named(names));
  reader.u16('RESERVED2');
  const values = isIke ? [] : [names[id] ?? `transform ${id}`];
  while (reader.remaining > 0) {
    const text = readAttribute(reader, isIke);
    if (text !== undefined) values.push(text);
  }
  return values.join(', ');
}

/** Answers what the attribute says where that has a name, or is a length of keys. */
function readAttribute(reader: FieldReader, isIke: boolean): string | undefined {
  const type = (reader.peek() << 8) | reader.peek(1);
  const isBasic = (type & BASIC) !== 0;
  const length = isBasic ? 4 : 4 + ((reader.peek(2) << 8) | reader.peek(3));
  const known = (isIke ? PHASE1_ATTRIBUTES : PHASE2_ATTRIBUTES)[type & ~BASIC];
  const name = known?.name ?? `Attribute ${type & ~BASIC}`;
  let said: string | undefined;
  reader.group(name, length, (attribute) => {
    attribute.u16('Attribute Type', (value) => `${value & ~BASIC} (${name})`);
    if (!isBasic) {
      attribute.u16('Attribute Length');
      return attributeNumber(attribute);
    }
    const value = attribute.u16('Attribute Value', named(known?.values ?? {}));
    const word = known?.values?.[value];
    said = name.endsWith('Life Type') ? undefined : word;
    if (name === 'Key Length') said = `${value} bits`;
    return word ?? String(value);
  });
  return said;
}

/** A value with a length of its own: a number as long as it fits. */
function attributeNumber(reader: FieldReader): string {
  let text = '';
  reader.rest('Attribute Value', (bytes) => {
    text =
      bytes.length <= 6 ? String(bytes.reduce((sum, byte) => sum * 256 + byte, 0)) : hexText(bytes);
    return text;
  });
  return text;
}

/** Something behind a generic payload header. @rfc 2408 §3.2 */
function structure(reader: FieldReader, name: string, read: (inner: FieldReader) => string): void {
  const length = (reader.peek(2) << 8) | reader.peek(3);
  if (length < 4) throw new DecodeError(`${name.toLowerCase()} length below header`);
  reader.group(name, length, (inner) => {
    inner.u8('Next Payload', named(PAYLOAD_NAMES));
    inner.u8('RESERVED');
    inner.u16('Payload Length', (value) => `${value} bytes`);
    return read(inner);
  });
}
