/** The SA payload with its proposals and their transforms. RFC 2408 §3.4 to §3.6, RFC 2407 §4.6.1. */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { type Attribute, decodeAttributes, encodeAttributes } from './attribute.ts';
import { IPSEC_DOI, PayloadType, SIT_IDENTITY_ONLY } from './numbers.ts';

/** Most proposals of an SA, and transforms of a proposal, that are read. */
const MAX_PROPOSALS = 16;
export const MAX_TRANSFORMS = 128;

export interface Transform {
  readonly number: number;
  readonly id: number;
  readonly attributes: readonly Attribute[];
}

/** Proposals with the same number belong together (RFC 2408 §4.2). */
export interface Proposal {
  readonly number: number;
  readonly protocolId: number;
  readonly spi: Bytes;
  readonly transforms: readonly Transform[];
}

/** Body of an SA payload; other DOIs and situations are refused. */
export function decodeSecurityAssociation(reader: Reader): readonly Proposal[] {
  if (reader.u32() !== IPSEC_DOI) throw new DecodeError('unknown DOI');
  if (reader.u32() !== SIT_IDENTITY_ONLY) throw new DecodeError('unsupported situation');
  return decodeChain(reader, PayloadType.proposal, MAX_PROPOSALS, decodeProposal);
}

export function encodeSecurityAssociation(writer: Writer, proposals: readonly Proposal[]): void {
  writer.u32(IPSEC_DOI).u32(SIT_IDENTITY_ONLY);
  encodeChain(writer, PayloadType.proposal, proposals, encodeProposal);
}

function decodeProposal(reader: Reader): Proposal {
  const number = reader.u8();
  const protocolId = reader.u8();
  const spiSize = reader.u8();
  const count = reader.u8();
  const spi = reader.bytes(spiSize);
  const transforms = decodeChain(reader, PayloadType.transform, MAX_TRANSFORMS, decodeTransform);
  if (transforms.length !== count) throw new DecodeError('wrong number of transforms');
  return { number, protocolId, spi, transforms };
}

function encodeProposal(writer: Writer, { number, protocolId, spi, transforms }: Proposal): void {
  writer.u8(number).u8(protocolId).u8(spi.length).u8(transforms.length).bytes(spi);
  encodeChain(writer, PayloadType.transform, transforms, encodeTransform);
}

function decodeTransform(reader: Reader): Transform {
  const number = reader.u8();
  const id = reader.u8();
  reader.skip(2);
  return { number, id, attributes: decodeAttributes(reader) };
}

function encodeTransform(writer: Writer, { number, id, attributes }: Transform): void {
  writer.u8(number).u8(id).zeros(2);
  encodeAttributes(writer, attributes);
}

/**
 * Substructures of one kind to the reader's end, each behind a generic header whose first byte repeats the
 * kind while more follow. @rfc 2408 §3.5
 */
function decodeChain<T>(
  reader: Reader,
  kind: number,
  most: number,
  decode: (reader: Reader) => T,
): readonly T[] {
  const items: T[] = [];
  for (let next = kind; next !== PayloadType.none; ) {
    if (next !== kind) throw new DecodeError('unexpected substructure');
    if (items.length === most) throw new DecodeError('too many substructures');
    next = reader.u8();
    reader.skip(1);
    items.push(reader.block(reader.u16() - 4, decode));
  }
  return items;
}

function encodeChain<T>(
  writer: Writer,
  kind: number,
  items: readonly T[],
  encode: (writer: Writer, item: T) => void,
): void {
  for (const [index, item] of items.entries()) {
    writer.u8(index < items.length - 1 ? kind : PayloadType.none).u8(0);
    writer.block(2, () => encode(writer, item), 4);
  }
}
