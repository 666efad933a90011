/**
 * The fragment payload: pieces of a whole IKEv1 message, each a message of its own, so that IP need not fragment.
 * No RFC; as Windows and Cisco, where it comes from, and racoon, Libreswan and strongSwan have it:
 * `id u16 · number u8, from 1 · flags u8 · data`, the data being a slice of the message with its header.
 */
import { type Bytes, concat } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { decodeMessage, encodeMessage, HEADER_LENGTH, type Message } from './message.ts';
import { HeaderFlag, PayloadType } from './numbers.ts';

const LAST = 0x01;
const FRAGMENT_HEADER = 8;

/** Windows never uses another. */
const FRAGMENT_ID = 1;

/** A number has 8 bits. */
const MAX_FRAGMENTS = 255;

export interface Fragment {
  readonly id: number;
  /** From 1. */
  readonly number: number;
  readonly isLast: boolean;
  readonly data: Bytes;
}

export function isFragment({ firstPayload }: Message): boolean {
  return firstPayload === PayloadType.fragment;
}

/** The one payload of a message for which `isFragment` holds. */
export function decodeFragment({ body }: Message): Fragment {
  const reader = new Reader(body);
  if (reader.u8() !== PayloadType.none) throw new DecodeError('a payload behind a fragment');
  reader.skip(1);
  if (reader.u16() !== body.length) throw new DecodeError('fragment length');
  const id = reader.u16();
  const number = reader.u8();
  const isLast = (reader.u8() & LAST) !== 0;
  const data = reader.rest();
  if (number === 0 || data.length === 0) throw new DecodeError('empty fragment');
  return { id, number, isLast, data };
}

/**
 * A message in messages of at most `size` bytes. Throws `RangeError` where that takes too many. The pieces say that they are not
 * encrypted, and as pieces they are not.
 */
export function fragmentMessage(bytes: Bytes, size: number): readonly Bytes[] {
  const room = size - HEADER_LENGTH - FRAGMENT_HEADER;
  const count = Math.ceil(bytes.length / room);
  if (room <= 0 || count > MAX_FRAGMENTS) throw new RangeError(`size: ${size}`);
  const { header } = decodeMessage(bytes);
  const flags = header.flags & ~HeaderFlag.encryption;
  return Array.from({ length: count }, (_, index) => {
    const data = bytes.slice(index * room, (index + 1) * room);
    const length = FRAGMENT_HEADER + data.length;
    const last = index === count - 1 ? LAST : 0;
    const front = [0, 0, length >>> 8, length, 0, FRAGMENT_ID, index + 1, last];
    const body = concat(Uint8Array.from(front), data);
    return encodeMessage({
      header: { ...header, flags },
      firstPayload: PayloadType.fragment,
      body,
    });
  });
}
