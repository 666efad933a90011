/** Distinguished names and alternative names, as people read them. RFC 5280 §4.1.2.4 and §4.2.1.6, RFC 4514. */
import type { Bytes } from '../wire/bytes.ts';
import { toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Decode } from '../wire/text.ts';
import { contextTag, type Der, DerReader, decodeOid, readSequence, Tag } from './der.ts';

/** What a certificate says that its subject is called. */
export type AlternativeName =
  | { readonly kind: 'dns' | 'email'; readonly text: string }
  | { readonly kind: 'ip'; readonly address: Bytes }
  /** A distinguished name in DER. */
  | { readonly kind: 'directory'; readonly name: Bytes };

/** Most attributes of a name, and alternative names of a certificate, that are read. */
const MAX_NAMES = 64;

/** @rfc 4514 §3 */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.5': 'serialNumber',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** `CN=gateway.example, O=Example`, in the order of the encoding; what it may hold is up to whoever shows it. */
export function describeName(name: Bytes): string {
  const parts: string[] = [];
  const sets = readSequence(name);
  while (!sets.done) {
    const set = sets.enter(Tag.set);
    while (!set.done) {
      if (parts.length === MAX_NAMES) throw new DecodeError('name: too many attributes');
      const attribute = set.enter();
      const oid = attribute.oid();
      const value = attribute.next();
      attribute.finish();
      parts.push(`${ATTRIBUTES[oid] ?? oid}=${decodeText(value)}`);
    }
  }
  return parts.join(', ');
}

/** Kinds that nothing here compares (URIs, registered numbers …) are passed over. @rfc 5280 §4.2.1.6 */
export function decodeAlternativeNames(bytes: Bytes): readonly AlternativeName[] {
  const names: AlternativeName[] = [];
  for (const { tag, content } of readSequence(bytes).all()) {
    if (names.length === MAX_NAMES) throw new DecodeError('too many alternative names');
    if (tag === contextTag(1, false)) names.push({ kind: 'email', text: ascii(content) });
    if (tag === contextTag(2, false)) names.push({ kind: 'dns', text: ascii(content) });
    if (tag === contextTag(4)) {
      names.push({ kind: 'directory', name: new DerReader(content).take(Tag.sequence).bytes });
    }
    if (tag === contextTag(7, false)) names.push({ kind: 'ip', address: content });
  }
  return names;
}

export function describeAlternativeName(name: AlternativeName): string {
  switch (name.kind) {
    case 'ip':
      return describeIp(name.address);
    case 'directory':
      return describeName(name.name);
    default:
      return name.text;
  }
}

function describeIp(address: Bytes): string {
  if (address.length === 4) return address.join('.');
  return (toHex(address).match(/.{1,4}/g) ?? []).join(':');
}

function decodeText({ tag, content }: Der): string {
  switch (tag) {
    case Tag.utf8String:
      return utf8Decode(content);
    case Tag.printableString:
    case Tag.ia5String:
    case Tag.teletexString:
      return String.fromCharCode(...content.slice(0, 1_000));
    case Tag.bmpString:
      return decodeBmp(content);
    case Tag.oid:
      return decodeOid(content);
    default:
      return `#${toHex(content.slice(0, 100))}`;
  }
}

function decodeBmp(content: Bytes): string {
  let text = '';
  for (let i = 0; i + 1 < content.length; i += 2) {
    text += String.fromCharCode((content[i]! << 8) | content[i + 1]!);
  }
  return text;
}

function ascii(content: Bytes): string {
  if (content.some((byte) => byte >= 0x80)) throw new DecodeError('name: not ASCII');
  return String.fromCharCode(...content);
}
