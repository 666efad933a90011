/** L2TP by field: the header both kinds of messages have, and the AVPs of control messages. RFC 2661 §3.1, §4. */
import { messageName } from '../l2tp/numbers.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Dissection, Place } from './dissection.ts';
import { bits, type FieldReader, hexText, quoted } from './field-reader.ts';
import { ATTRIBUTE_NAMES, MESSAGE_WORDS } from './l2tp-names.ts';
import { dissectPpp } from './ppp.ts';

const FLAGS = [
  [0x8000, 'T'],
  [0x4000, 'L'],
  [0x0800, 'S'],
  [0x0200, 'O'],
  [0x0100, 'P'],
] as const;
const AVP_FLAGS = [
  [0x8000, 'M'],
  [0x4000, 'H'],
] as const;
const CONTROL = 0x8000;
const LENGTH = 0x4000;
const SEQUENCE = 0x0800;
const OFFSET = 0x0200;
const HIDDEN = 0x4000;

const MESSAGE_TYPE = 0;
const HOST_NAME = 7;
const VENDOR_NAME = 8;
/** What a proxy hands on may be a password. @rfc 2661 §4.4.5 */
const PROXY_AUTHEN_RESPONSE = 33;
/** Attributes with these types are text. */
const TEXTS: ReadonlySet<number> = new Set([HOST_NAME, VENDOR_NAME, 21, 22, 23, 30]);

export function dissectL2tp(into: Dissection, place: Place): void {
  let frame: Place | undefined;
  let words = 'Malformed message';
  into.layer('L2TP', place, (reader) => {
    const flags = reader.u16('T, L, S, O, P, Ver', (value) => {
      return `${bits(FLAGS, 4)(value)}, version ${value & 0xf}`;
    });
    const isControl = (flags & CONTROL) !== 0;
    const length = (flags & LENGTH) !== 0 ? reader.u16('Length') : undefined;
    const tunnel = reader.u16('Tunnel ID');
    const session = reader.u16('Session ID');
    if ((flags & SEQUENCE) !== 0) {
      reader.u16('Ns');
      reader.u16('Nr');
    }
    if ((flags & OFFSET) !== 0) reader.take('Offset pad', reader.u16('Offset Size'));
    const ids = `tunnel ${tunnel}, session ${session}`;
    if (length !== undefined) reader.cutTo(place.start + length - reader.offset);
    if (!isControl) {
      frame = { ...place, ...reader.handOver() };
      return ids;
    }
    if (reader.remaining === 0) {
      words = 'Acknowledgment';
      return `acknowledgment, ${ids}`;
    }
    const name = readAvps(reader);
    words = name.words;
    return `${name.text}, ${ids}`;
  });
  into.tell('L2TP', words);
  if (frame !== undefined) dissectPpp(into, frame);
}

/** Reads the AVPs and answers what the message is. */
function readAvps(reader: FieldReader): { readonly text: string; readonly words: string } {
  let text = 'control message';
  let words = 'Control message';
  while (reader.remaining > 0) {
    const length = ((reader.peek() & 0x3) << 8) | reader.peek(1);
    if (length < 6) throw new DecodeError('AVP length below 6');
    const vendor = (reader.peek(2) << 8) | reader.peek(3);
    const type = (reader.peek(4) << 8) | reader.peek(5);
    const known = vendor === 0 ? ATTRIBUTE_NAMES[type] : undefined;
    reader.group(known ?? `Attribute ${type} of vendor ${vendor}`, length, (avp) => {
      const flags = avp.u16('M, H, rsvd, Length', (value) => {
        return `${bits(AVP_FLAGS, 4)(value & ~0x3ff)}, ${value & 0x3ff} bytes`;
      });
      avp.u16('Vendor ID');
      avp.u16('Attribute Type');
      if ((flags & HIDDEN) !== 0) return hexText(avp.rest('Hidden Attribute Value'));
      if (vendor !== 0 || type !== MESSAGE_TYPE) return readValue(avp, vendor, type);
      const number = avp.u16('Attribute Value');
      const name = messageName(number);
      text = name ?? `message ${number}`;
      words = name === undefined ? `Message ${number}` : `${name}: ${MESSAGE_WORDS[name]}`;
      return text;
    });
  }
  return { text, words };
}

function readValue(reader: FieldReader, vendor: number, type: number): string {
  const length = reader.remaining;
  if (vendor === 0 && type === PROXY_AUTHEN_RESPONSE) {
    reader.secret('Attribute Value', length);
    return 'not shown';
  }
  if (vendor === 0 && TEXTS.has(type)) return quoted(reader.rest('Attribute Value', quoted));
  if (length === 2) return String(reader.u16('Attribute Value'));
  if (length === 4) return String(reader.u32('Attribute Value'));
  return hexText(reader.rest('Attribute Value'));
}
