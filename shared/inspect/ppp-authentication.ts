/** PAP and CHAP by field; PAP's password is not shown. RFC 1334 §2.2, RFC 1994 §4, RFC 2759 §4 to §6. */
import { ChapCode } from '../ppp/chap-packet.ts';
import { PapCode } from '../ppp/pap-packet.ts';
import type { Dissection, Place } from './dissection.ts';
import { type FieldReader, hexText, named, quoted } from './field-reader.ts';

const PAP_CODES = {
  [PapCode.authenticateRequest]: 'Authenticate-Request',
  [PapCode.authenticateAck]: 'Authenticate-Ack',
  [PapCode.authenticateNak]: 'Authenticate-Nak',
} as const;
const CHAP_CODES = {
  [ChapCode.challenge]: 'Challenge',
  [ChapCode.response]: 'Response',
  [ChapCode.success]: 'Success',
  [ChapCode.failure]: 'Failure',
} as const;

/** Bytes of the value of an MS-CHAPv2 Response. */
const MS_RESPONSE_LENGTH = 49;

export function dissectPap(into: Dissection, place: Place): void {
  let words = 'Malformed PAP packet';
  into.layer('PAP', place, (reader) => {
    const code = readHeader(reader, PAP_CODES);
    if (code.value === PapCode.authenticateRequest) {
      const peerId = reader.take('Peer-ID', reader.u8('Peer-ID Length'), quoted);
      reader.secret('Password', reader.u8('Passwd-Length'));
      words = `PAP: signs in as ${quoted(peerId)}, with the password itself`;
    } else {
      const message = readReply(reader);
      const said = code.value === PapCode.authenticateAck ? 'accepts the password' : 'refuses';
      words = `PAP: ${said}${message}`;
    }
    readPadding(reader);
    return code.name;
  });
  into.tell('PPP', words);
}

export function dissectChap(into: Dissection, place: Place): void {
  let words = 'Malformed CHAP packet';
  into.layer('CHAP', place, (reader) => {
    const code = readHeader(reader, CHAP_CODES);
    if (code.value === ChapCode.challenge || code.value === ChapCode.response) {
      readValue(reader, code.value === ChapCode.response);
      const name = quoted(reader.take('Name', code.end - reader.offset, quoted));
      words =
        code.value === ChapCode.challenge
          ? `CHAP Challenge: ${name} wants proof of the password`
          : `CHAP Response: proves the password of ${name}`;
    } else {
      reader.take('Message', code.end - reader.offset, quoted);
      words = `CHAP ${code.name}${code.value === ChapCode.success ? ': the password is right' : ''}`;
    }
    readPadding(reader);
    return code.name;
  });
  into.tell('PPP', words);
}

interface Code {
  readonly value: number;
  readonly name: string;
  /** Where the packet ends by its own length. */
  readonly end: number;
}

function readHeader(reader: FieldReader, names: Readonly<Record<number, string>>): Code {
  const start = reader.offset;
  const value = reader.u8('Code', named(names));
  reader.u8('Identifier');
  const length = reader.u16('Length', (bytes) => `${bytes} bytes`);
  return { value, name: names[value] ?? `code ${value}`, end: start + length };
}

function readValue(reader: FieldReader, isResponse: boolean): void {
  const size = reader.u8('Value-Size');
  reader.group('Value', size, (value) => {
    if (!isResponse || size !== MS_RESPONSE_LENGTH) return hexText(value.rest('Value'));
    value.take('Peer-Challenge', 16);
    value.take('Reserved', 8);
    value.take('NT-Response', 24);
    value.u8('Flags');
    return 'MS-CHAPv2';
  });
}

/** Answers the message of an Ack or a Nak where there is one; gateways leave out even its length. */
function readReply(reader: FieldReader): string {
  if (reader.remaining === 0) return '';
  const length = Math.min(reader.u8('Msg-Length'), reader.remaining);
  return `: ${quoted(reader.take('Message', length, quoted))}`;
}

function readPadding(reader: FieldReader): void {
  if (reader.remaining > 0) reader.rest('Padding');
}
