/** Fragments of IKE messages, gathered until a message is whole. Nobody has authenticated them, so little is held. */
import { decodeFragment, type Fragment } from '../isakmp/fragment.ts';
import { MAX_MESSAGE_LENGTH, type Message } from '../isakmp/message.ts';
import { type Bytes, concat, constantTimeEqual, type Millis, toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';

/** Most messages that are incomplete at a time; one more drops the oldest. */
export const MAX_INCOMPLETE = 3;

/** How long the rest of a message is waited for: its sender has repeated it by then. */
const PATIENCE: Millis = 15_000;

interface Incomplete {
  readonly since: Millis;
  readonly pieces: Map<number, Bytes>;
  /** How many there are, once the last has come. */
  count: number | undefined;
  length: number;
}

export class Reassembly {
  /** By cookies, message id and fragment id; the oldest first. */
  readonly #incomplete = new Map<string, Incomplete>();

  /** Takes a fragment; answers the message that it completes. Throws `DecodeError`. */
  add(message: Message, now: Millis): Bytes | undefined {
    const fragment = decodeFragment(message);
    const { initiatorCookie, responderCookie, messageId } = message.header;
    const key = `${toHex(initiatorCookie)} ${toHex(responderCookie)} ${messageId} ${fragment.id}`;
    for (const [each, { since }] of this.#incomplete) {
      if (now - since > PATIENCE) this.#incomplete.delete(each);
    }
    const entry = this.#entryFor(key, fragment, now);
    if (!entry.pieces.has(fragment.number)) {
      entry.length += fragment.data.length;
      if (entry.length > MAX_MESSAGE_LENGTH) {
        this.#incomplete.delete(key);
        throw new DecodeError('message too long');
      }
      entry.pieces.set(fragment.number, fragment.data);
    }
    if (fragment.isLast) entry.count = fragment.number;
    if (entry.count === undefined || entry.pieces.size < entry.count) return undefined;
    this.#incomplete.delete(key);
    return whole(entry.pieces, entry.count);
  }

  /** What was gathered so far; nothing, where the fragment belongs to another message of the same number. */
  #entryFor(key: string, { number, isLast, data }: Fragment, now: Millis): Incomplete {
    const known = this.#incomplete.get(key);
    if (known !== undefined) {
      const piece = known.pieces.get(number);
      const isOther = piece !== undefined && !constantTimeEqual(piece, data);
      const { count } = known;
      const isBehind = count !== undefined && (number > count || (isLast && number !== count));
      if (!isOther && !isBehind) return known;
      this.#incomplete.delete(key);
    }
    if (this.#incomplete.size >= MAX_INCOMPLETE) {
      const [oldest] = this.#incomplete.keys();
      this.#incomplete.delete(oldest!);
    }
    const fresh: Incomplete = { since: now, pieces: new Map(), count: undefined, length: 0 };
    this.#incomplete.set(key, fresh);
    return fresh;
  }
}

/** The pieces in order. Throws `DecodeError` where one beyond the last had come first. */
function whole(pieces: ReadonlyMap<number, Bytes>, count: number): Bytes {
  return concat(
    ...Array.from({ length: count }, (_, index) => {
      const piece = pieces.get(index + 1);
      if (piece === undefined) throw new DecodeError('fragment numbers');
      return piece;
    }),
  );
}
