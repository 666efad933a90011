/** PPP frames by field, and what LCP, IPCP, IPV6CP and CCP negotiate. RFC 1661 §2 and §5, RFC 1332, RFC 5072. */
import { headerLength, PppProtocol, protocolNumber } from '../ppp/protocol.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Dissection, Place } from './dissection.ts';
import { type FieldReader, hex, hexText, named } from './field-reader.ts';
import { dissectIp } from './ip.ts';
import { dissectChap, dissectPap } from './ppp-authentication.ts';
import { OPTIONS, type OptionNames } from './ppp-options.ts';

const NAMES: Readonly<Record<number, string>> = {
  [PppProtocol.ipv4]: 'Internet Protocol',
  [PppProtocol.ipv6]: 'Internet Protocol version 6',
  [PppProtocol.ipcp]: 'IPCP',
  [PppProtocol.ipv6cp]: 'IPV6CP',
  [PppProtocol.ccp]: 'CCP',
  [PppProtocol.lcp]: 'LCP',
  [PppProtocol.pap]: 'PAP',
  [PppProtocol.chap]: 'CHAP',
  [PppProtocol.eap]: 'EAP',
};

/** @rfc 1661 §5, RFC 1570 §2 for the last two */
const CODES: Readonly<Record<number, string>> = {
  1: 'Configure-Request',
  2: 'Configure-Ack',
  3: 'Configure-Nak',
  4: 'Configure-Reject',
  5: 'Terminate-Request',
  6: 'Terminate-Ack',
  7: 'Code-Reject',
  8: 'Protocol-Reject',
  9: 'Echo-Request',
  10: 'Echo-Reply',
  11: 'Discard-Request',
  12: 'Identification',
  13: 'Time-Remaining',
};

const WORDS: Readonly<Record<number, string>> = {
  1: 'proposes',
  2: 'agrees to',
  3: 'wants instead',
  4: 'refuses',
  5: 'ends the link',
  6: 'agrees to the end of the link',
  7: 'does not know the code',
  8: 'does not know the protocol',
  9: 'asks whether the other side lives',
  10: 'answers that it lives',
  12: 'names itself',
};

const CONFIGURE_REJECT = 4;
const PROTOCOL_REJECT = 8;
const ECHO = [9, 10, 11, 12, 13];

export function dissectPpp(into: Dissection, place: Place): void {
  const bytes = into.bytes(place);
  const length = headerLength(bytes, 0, bytes.length);
  const protocol = length === 0 ? 0 : protocolNumber(bytes, 0, length);
  let information: Place | undefined;
  const fits = into.layer('PPP', place, (reader) => {
    if (length === 0) throw new DecodeError('no protocol number');
    if (length > 2) {
      reader.u8('Address', hex(2));
      reader.u8('Control', hex(2));
    }
    const show = named(NAMES);
    if (length % 2 === 1) reader.u8('Protocol', show);
    else reader.u16('Protocol', (value) => `${hex(4)(value)} (${NAMES[value] ?? 'unknown'})`);
    information = { ...place, ...reader.handOver() };
    return NAMES[protocol] ?? `protocol ${hex(4)(protocol)}`;
  });
  if (!fits || information === undefined) return into.tell('PPP', 'Malformed frame');
  into.tell('PPP', `Frame of protocol ${NAMES[protocol] ?? hex(4)(protocol)}`);
  if (protocol === PppProtocol.ipv4 || protocol === PppProtocol.ipv6) dissectIp(into, information);
  else if (protocol === PppProtocol.pap) dissectPap(into, information);
  else if (protocol === PppProtocol.chap) dissectChap(into, information);
  else if (OPTIONS[protocol] !== undefined) {
    dissectControl(into, information, NAMES[protocol]!, OPTIONS[protocol]);
  }
}

function dissectControl(into: Dissection, place: Place, name: string, options: OptionNames): void {
  let words = `Malformed ${name} packet`;
  into.layer(name, place, (reader) => {
    const code = reader.u8('Code', named(CODES));
    reader.u8('Identifier');
    const length = reader.u16('Length', (value) => `${value} bytes`);
    const title = CODES[code] ?? `code ${code}`;
    const said: string[] = [];
    reader.group('Data', length - 4, (data) => {
      if (code <= CONFIGURE_REJECT) while (data.remaining > 0) said.push(readOption(data, options));
      else readOther(data, code, name);
      return said.join(', ');
    });
    if (reader.remaining > 0) reader.rest('Padding');
    const what = [WORDS[code], said.join(', ')].filter(Boolean).join(' ');
    words = `${name} ${title}${what === '' ? '' : `: ${what}`}`;
    return title;
  });
  into.tell('PPP', words);
}

function readOption(reader: FieldReader, options: OptionNames): string {
  const type = reader.peek();
  const length = reader.peek(1);
  if (length < 2) throw new DecodeError('option length below header');
  const { name, short, read } = options[type] ?? {
    name: `Option ${type}`,
    short: `option ${type}`,
  };
  let value = '';
  reader.group(name, length, (option) => {
    option.u8('Type');
    option.u8('Length');
    if (read !== undefined) value = read(option);
    else if (option.remaining > 0) value = hexText(option.rest('Data'));
    return value;
  });
  return value === '' ? short : `${short} ${value}`;
}

function readOther(reader: FieldReader, code: number, name: string): void {
  if (name === 'LCP' && ECHO.includes(code)) reader.u32('Magic-Number', hex(8));
  else if (name === 'LCP' && code === PROTOCOL_REJECT) {
    reader.u16('Rejected-Protocol', (value) => `${hex(4)(value)} (${NAMES[value] ?? 'unknown'})`);
  }
  if (reader.remaining > 0) reader.rest('Data');
}
