/** Control messages: the header, and the AVPs behind it. RFC 2661 §3.1, §4.1. Data messages are in `data.ts`. */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { AVP_HEADER, type Avp, decodeAvp, encodeAvp, MAX_AVPS } from './avp.ts';

/** `tunnelId` and `sessionId` are the recipient's; 0 while it has not told its own. */
interface ControlHeader {
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly ns: number;
  readonly nr: number;
}

/** A bare acknowledgment: it takes no sequence number. @rfc 2661 §5.8 */
interface Zlb extends ControlHeader {
  readonly kind: 'zlb';
}

/** `mandatory` is the M bit of the Message Type AVP: an unknown `type` with it clears the tunnel. */
export interface Message extends ControlHeader {
  readonly kind: 'message';
  readonly type: number;
  readonly mandatory: boolean;
  readonly avps: readonly Avp[];
}

export type ControlMessage = Zlb | Message;

/** Longest control message taken, in octets: what a gateway sends has a few hundred. */
export const MAX_CONTROL_LENGTH = 4096;

/** T, L, S; no O, no P; version 2. */
const CONTROL_FLAGS = 0xc802;
const REQUIRED_BITS = 0xc800;
const FORBIDDEN_BITS = 0x0200;
const VERSION_MASK = 0x000f;
const VERSION = 2;
const HEADER_LENGTH = 12;

/**
 * Throws `DecodeError`. Octets behind the length the header tells are padding, and ignored.
 * @rfc 2661 §3.1
 */
export function decodeControl(bytes: Bytes): ControlMessage {
  const reader = new Reader(bytes);
  const flags = reader.u16();
  if ((flags & VERSION_MASK) !== VERSION) throw new DecodeError('version is not 2');
  if ((flags & REQUIRED_BITS) !== REQUIRED_BITS) throw new DecodeError('not a control message');
  if ((flags & FORBIDDEN_BITS) !== 0) throw new DecodeError('offset in a control message');
  const length = reader.u16();
  if (length < HEADER_LENGTH) throw new DecodeError('length below the header');
  if (length > MAX_CONTROL_LENGTH) throw new DecodeError('message too long');
  return reader.block(length - 4, (body): ControlMessage => {
    const header = {
      tunnelId: body.u16(),
      sessionId: body.u16(),
      ns: body.u16(),
      nr: body.u16(),
    };
    if (body.remaining === 0) return { kind: 'zlb', ...header };
    const { type, mandatory } = decodeMessageType(body);
    const avps: Avp[] = [];
    while (body.remaining > 0) {
      if (avps.length === MAX_AVPS) throw new DecodeError('too many AVPs');
      avps.push(decodeAvp(body));
    }
    return { kind: 'message', ...header, type, mandatory, avps };
  });
}

/** @rfc 2661 §3.1 */
export function encodeControl(message: ControlMessage): Bytes {
  const writer = new Writer().u16(CONTROL_FLAGS);
  writer.block(
    2,
    () => {
      writer.u16(message.tunnelId).u16(message.sessionId).u16(message.ns).u16(message.nr);
      if (message.kind === 'zlb') return;
      const flags = message.mandatory ? 0x8000 : 0;
      writer.u16(flags | (AVP_HEADER + 2));
      writer.u16(0).u16(0).u16(message.type);
      for (const avp of message.avps) encodeAvp(writer, avp);
    },
    4,
  );
  return writer.finish();
}

/** Message Type must be the first AVP, 8 octets, clear, with its reserved bits 0. @rfc 2661 §4.4.1 */
function decodeMessageType(reader: Reader): { type: number; mandatory: boolean } {
  const flags = reader.u16();
  const vendor = reader.u16();
  const code = reader.u16();
  if ((flags & 0x7fff) !== AVP_HEADER + 2 || vendor !== 0 || code !== 0) {
    throw new DecodeError('message type is not first');
  }
  return { type: reader.u16(), mandatory: (flags & 0x8000) !== 0 };
}
