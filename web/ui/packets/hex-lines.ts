/** Bytes as lines of hexadecimal digits and characters, cut where what is highlighted begins and ends. */
import type { PacketBuffer, PacketRange } from '../../../shared/inspect/view.ts';

/** Bytes that are spelt out: the largest packets are longer than anybody reads. */
export const HEX_BYTES_LIMIT = 4_096;

/** A stretch of a line. */
export interface HexPart {
  readonly hex: string;
  readonly text: string;
  readonly isMarked: boolean;
}

export interface HexLine {
  /** Of its first byte: `0040`. */
  readonly offset: string;
  readonly parts: readonly HexPart[];
}

export function hexLines(
  { bytes, masked }: PacketBuffer,
  width: number,
  marked: PacketRange,
): readonly HexLine[] {
  const lines: HexLine[] = [];
  const end = Math.min(bytes.length, HEX_BYTES_LIMIT);
  for (let at = 0; at < end; at += width) {
    const lineEnd = Math.min(at + width, end);
    const cuts = [at, clamp(marked.start, at, lineEnd), clamp(marked.end, at, lineEnd), lineEnd];
    const parts = [0, 1, 2].flatMap((index) => {
      const from = cuts[index]!;
      const to = cuts[index + 1]!;
      return from < to ? [part(bytes, masked, from, to, index === 1)] : [];
    });
    lines.push({ offset: at.toString(16).padStart(4, '0'), parts });
  }
  return lines;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function part(
  bytes: Uint8Array,
  masked: readonly PacketRange[],
  from: number,
  to: number,
  isMarked: boolean,
): HexPart {
  const digits: string[] = [];
  let text = '';
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    const isSecret = masked.some(({ start, end }) => start <= at && at < end);
    digits.push(isSecret ? '••' : byte.toString(16).padStart(2, '0'));
    text += isSecret ? '•' : byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
  }
  return { hex: digits.join(' '), text, isMarked };
}
