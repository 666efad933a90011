/** TCP by field, with its options, and the first line of HTTP inside. RFC 9293 §3.1, RFC 7323, RFC 2018. */
import { plainText } from '../errors.ts';
import { TcpFlag } from '../ip/tcp/segment.ts';
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Decode } from '../wire/text.ts';
import type { Dissection, Place } from './dissection.ts';
import { bits, type FieldReader, hex } from './field-reader.ts';
import type { IpRead } from './ip-header.ts';

const FLAGS = [
  [TcpFlag.cwr, 'CWR'],
  [TcpFlag.ece, 'ECE'],
  [0x20, 'URG'],
  [TcpFlag.ack, 'ACK'],
  [TcpFlag.psh, 'PSH'],
  [TcpFlag.rst, 'RST'],
  [TcpFlag.syn, 'SYN'],
  [TcpFlag.fin, 'FIN'],
] as const;

/** A request's or an answer's first line. @rfc 9112 §3, §4 */
const HTTP_START = /^(?:[A-Z]{3,7} \S+ HTTP\/1\.[01]|HTTP\/1\.[01] \d{3}[^\r\n]*)/;
const HTTP_LINE_LIMIT = 160;

export function dissectTcp(into: Dissection, place: Place, { source, destination }: IpRead): void {
  let words = `Malformed segment ${source} → ${destination}`;
  let data: Place | undefined;
  into.layer('TCP', place, (reader) => {
    const start = reader.offset;
    const from = reader.u16('Source Port');
    const to = reader.u16('Destination Port');
    reader.u32('Sequence Number');
    const acknowledgment = reader.u32('Acknowledgment Number');
    const header = 4 * (reader.u8('Data Offset', (value) => `${4 * (value >>> 4)} bytes`) >>> 4);
    const flags = reader.u8('Control bits', bits(FLAGS, 2));
    reader.u16('Window');
    reader.u16('Checksum', hex(4));
    reader.u16('Urgent Pointer');
    const options = start + header - reader.offset;
    if (options > 0) reader.group('Options', options, readOptions);
    else if (options < 0) throw new DecodeError('data offset');
    data = { ...place, ...reader.handOver() };
    const length = data.end - data.start;
    words = describe(flags, acknowledgment, length, `${at(source, from)} → ${at(destination, to)}`);
    return `${from} → ${to}, ${bits(FLAGS, 2)(flags)}, ${length} bytes of data`;
  });
  into.tell('TCP', words);
  if (data !== undefined && data.end > data.start) dissectData(into, data, words);
}

function at(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function describe(flags: number, acknowledgment: number, length: number, path: string): string {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (has(TcpFlag.rst)) return `${path} resets the connection`;
  if (has(TcpFlag.syn)) {
    return `${path} ${has(TcpFlag.ack) ? 'accepts the connection' : 'opens a connection'}`;
  }
  const end = has(TcpFlag.fin) ? 'ends its direction' : '';
  if (length > 0) return `${path} ${length} bytes${end && `, ${end}`}`;
  return `${path} ${end || `acknowledges up to ${acknowledgment}`}`;
}

function dissectData(into: Dissection, place: Place, words: string): void {
  const bytes = into.bytes(place);
  const line = httpLine(bytes);
  into.layer(line === undefined ? 'Data' : 'HTTP', place, (reader) => {
    if (line !== undefined) {
      const end = bytes.indexOf(0x0a);
      reader.take('Start line', end < 0 ? reader.remaining : end + 1, () => line);
    }
    if (reader.remaining > 0) reader.rest('Data', (data) => `${data.length} bytes`);
    return line ?? `${bytes.length} bytes`;
  });
  if (line === undefined) return into.tell('TCP', words);
  into.tell('TCP', `HTTP ${line.startsWith('HTTP/') ? 'answer' : 'request'}: ${line}`);
}

function httpLine(bytes: Bytes): string | undefined {
  // Every method begins with a capital letter, as does `HTTP/`.
  if (bytes[0]! < 0x41 || bytes[0]! > 0x5a) return undefined;
  const line = HTTP_START.exec(utf8Decode(bytes.subarray(0, 2 * HTTP_LINE_LIMIT)))?.[0];
  return line && plainText(line, HTTP_LINE_LIMIT);
}

/** @rfc 9293 §3.2 */
function readOptions(reader: FieldReader): string {
  const names: string[] = [];
  while (reader.remaining > 0) {
    const kind = reader.peek();
    if (kind === 0) {
      reader.rest('End of Option List');
      break;
    }
    if (kind === 1) reader.u8('No-Operation', () => '');
    else names.push(readOption(reader, kind));
  }
  return names.join(', ');
}

const OPTION_NAMES: Readonly<Record<number, string>> = {
  2: 'Maximum Segment Size',
  3: 'Window Scale',
  4: 'SACK-Permitted',
  5: 'SACK',
  8: 'Timestamps',
};

function readOption(reader: FieldReader, kind: number): string {
  const length = reader.peek(1);
  if (length < 2) throw new DecodeError('option length');
  const name = OPTION_NAMES[kind] ?? `Option ${kind}`;
  reader.group(name, length, (option) => {
    option.u8('Kind');
    option.u8('Length');
    if (kind === 2) return String(option.u16('Maximum Segment Size'));
    if (kind === 3) return `2^${option.u8('shift.cnt')}`;
    if (kind === 8) {
      return `TSval ${option.u32('TS Value')}, TSecr ${option.u32('TS Echo Reply')}`;
    }
    const blocks: string[] = [];
    while (kind === 5 && option.remaining > 0) {
      blocks.push(`${option.u32('Left Edge of Block')}–${option.u32('Right Edge of Block')}`);
    }
    return blocks.join(', ');
  });
  return name;
}
