/**
 * Configuration options as they stand on the wire: type, length, data. What the types mean is for
 * `lcp-option.ts` and `ipcp-option.ts`.
 * @rfc 1661 §6
 */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';

export interface ConfigOption {
  readonly type: number;
  readonly data: Bytes;
}

const HEADER_LENGTH = 2;

/** Most options of a packet that are read: none may be there twice, and a Nak can be longer than what it answers. */
export const MAX_OPTIONS = 32;

export function decodeConfigOptions(bytes: Bytes): ConfigOption[] {
  const reader = new Reader(bytes);
  const options: ConfigOption[] = [];
  while (reader.remaining > 0) {
    if (options.length === MAX_OPTIONS) throw new DecodeError('too many options');
    const type = reader.u8();
    const length = reader.u8();
    if (length < HEADER_LENGTH) throw new DecodeError('option length below header');
    options.push({ type, data: reader.bytes(length - HEADER_LENGTH) });
  }
  return options;
}

export function encodeConfigOptions(options: readonly ConfigOption[]): Bytes {
  const writer = new Writer();
  for (const { type, data } of options)
    writer
      .u8(type)
      .u8(HEADER_LENGTH + data.length)
      .bytes(data);
  return writer.finish();
}

/** Same type, same data. */
export function sameOption(a: ConfigOption, b: ConfigOption): boolean {
  return a.type === b.type && sameBytes(a.data, b.data);
}

/** For what is public anyway; secrets are compared with `constantTimeEqual`. */
export function sameBytes(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
