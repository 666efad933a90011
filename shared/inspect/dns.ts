/** DNS messages by field. RFC 1035 §4, RFC 2782, RFC 3596. */
import { plainText } from '../errors.ts';
import { formatAddress } from '../ip/address.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Decode } from '../wire/text.ts';
import type { Dissection, Place } from './dissection.ts';
import { bits, type FieldReader, hex, hexText, named, quoted } from './field-reader.ts';

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  41: 'OPT',
};
const CLASSES = { 1: 'IN' } as const;
const RCODES: Readonly<Record<number, string>> = {
  0: 'no error',
  1: 'format error',
  2: 'server failure',
  3: 'no such name',
  4: 'not implemented',
  5: 'refused',
};
const FLAGS = [
  [0x8000, 'QR'],
  [0x0400, 'AA'],
  [0x0200, 'TC'],
  [0x0100, 'RD'],
  [0x0080, 'RA'],
] as const;
const RESPONSE = 0x8000;
const SECTIONS = ['Answer', 'Authority', 'Additional'] as const;

/** Labels of a name, compression pointers included, and its characters: no name has more. @rfc 1035 §2.3.4 */
const LABEL_LIMIT = 128;
const NAME_LIMIT = 255;

export function dissectDns(into: Dissection, place: Place): void {
  let words = 'Malformed DNS message';
  into.layer('DNS', place, (reader) => {
    const start = reader.offset;
    reader.u16('ID', hex(4));
    const flags = reader.u16('QR, Opcode, AA, TC, RD, RA, Z, RCODE', bits(FLAGS, 4));
    const counts = ['QDCOUNT', 'ANCOUNT', 'NSCOUNT', 'ARCOUNT'].map((name) => reader.u16(name));
    const questions: string[] = [];
    for (let i = 0; i < counts[0]!; i++) questions.push(readQuestion(reader, start));
    const asked = questions.join(', ') || 'nothing';
    const isResponse = (flags & RESPONSE) !== 0;
    words = `Asks for ${asked}`;
    if (isResponse) words = `Answers ${asked}: ${RCODES[flags & 0xf] ?? `RCODE ${flags & 0xf}`}`;
    const answers = SECTIONS.flatMap((section, index) => {
      const records: string[] = [];
      for (let i = 0; i < counts[index + 1]!; i++) records.push(readRecord(reader, start, section));
      return index === 0 ? records : [];
    });
    if (answers.length > 0) words = `Answers ${asked}: ${answers.join(', ')}`;
    return isResponse ? 'response' : 'query';
  });
  into.tell('DNS', plainText(words, 300));
}

function readQuestion(reader: FieldReader, start: number): string {
  const { text, length } = nameAt(reader, start);
  let type = '';
  reader.group('Question', length + 4, (question) => {
    question.take('QNAME', length, () => text);
    type = typeName(question.u16('QTYPE', named(TYPES)));
    question.u16('QCLASS', named(CLASSES));
    return `${text} ${type}`;
  });
  return `${text} (${type})`;
}

function readRecord(reader: FieldReader, start: number, section: string): string {
  const { text, length } = nameAt(reader, start);
  const size = (reader.peek(length + 8) << 8) | reader.peek(length + 9);
  let data = '';
  reader.group(`${section} record`, length + 10 + size, (record) => {
    record.take('NAME', length, () => text || '. (root)');
    const type = record.u16('TYPE', named(TYPES));
    record.u16('CLASS', named(CLASSES));
    record.u32('TTL');
    record.u16('RDLENGTH');
    data = readData(record, start, type);
    return `${text} ${typeName(type)} ${data}`;
  });
  return data;
}

function readData(record: FieldReader, start: number, type: number): string {
  if ((type === 1 && record.remaining === 4) || (type === 28 && record.remaining === 16)) {
    return formatAddress(record.rest('ADDRESS', formatAddress));
  }
  if (type === 33) {
    record.u16('Priority');
    record.u16('Weight');
    const port = record.u16('Port');
    const { text, length } = nameAt(record, start);
    record.take('Target', length, () => text);
    return `${text}:${port}`;
  }
  if (type === 2 || type === 5 || type === 12) {
    const { text, length } = nameAt(record, start);
    record.take('RDATA', length, () => text);
    return text;
  }
  if (type === 16) return quoted(record.rest('TXT-DATA', quoted));
  return hexText(record.rest('RDATA'));
}

function typeName(type: number): string {
  return TYPES[type] ?? `type ${type}`;
}

/** The name at the cursor, and the bytes it takes there. A pointer leads backwards, never into a circle. @rfc 1035 §4.1.4 */
function nameAt(
  reader: FieldReader,
  start: number,
): { readonly text: string; readonly length: number } {
  const { bytes, offset, end } = reader;
  const labels: string[] = [];
  let length: number | undefined;
  let characters = 0;
  let at = offset;
  for (let i = 0; i < LABEL_LIMIT; i++) {
    if (at >= end) throw new DecodeError('name truncated');
    const size = bytes[at]!;
    if (size === 0) {
      return { text: plainText(labels.join('.')), length: length ?? at + 1 - offset };
    }
    if (size >= 0xc0) {
      if (at + 1 >= end) throw new DecodeError('name truncated');
      length ??= at + 2 - offset;
      const target = start + (((size & 0x3f) << 8) | bytes[at + 1]!);
      if (target >= at) throw new DecodeError('name pointer');
      at = target;
      continue;
    }
    if (size > 63 || at + 1 + size > end) throw new DecodeError('label length');
    characters += size + 1;
    if (characters > NAME_LIMIT) throw new DecodeError('name too long');
    labels.push(utf8Decode(bytes.slice(at + 1, at + 1 + size)));
    at += 1 + size;
  }
  throw new DecodeError('too many labels');
}
