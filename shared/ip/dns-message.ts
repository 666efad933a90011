/**
 * DNS messages as the resolver needs them, over the dns-packet codec: a question for addresses, and what an
 * answer means. Another record type is one more case here.
 * Left out: EDNS, so answers are at most 512 bytes; DNS over TCP.
 * @rfc 1035 §4, 2308 §2
 */
import { decode, encode, RECURSION_DESIRED } from '@leichtgewicht/dns-packet';
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { parseAddress } from './address.ts';

/** Larger messages are not looked at. */
const MESSAGE_LIMIT = 1500;

/** Addresses kept of one answer, and aliases followed in it. */
const ADDRESS_LIMIT = 16;
export const ALIAS_LIMIT = 8;

/** For a negative answer that does not say how long it is good for. */
const DEFAULT_NEGATIVE_TTL = 30;

export type DnsReply =
  | { readonly kind: 'addresses'; readonly addresses: readonly Bytes[]; readonly ttl: number }
  /** The name stands for another one, whose addresses the answer does not have. */
  | { readonly kind: 'alias'; readonly name: string; readonly ttl: number }
  /** No such name, or no address for it. */
  | { readonly kind: 'none'; readonly ttl: number }
  /** This server cannot tell. */
  | { readonly kind: 'refused'; readonly reason: string };

/** A name as it is compared: lower case, no dot at the end; `undefined` when it is not a name. @rfc 1035 §2.3 */
export function normalizeName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  const valid = labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return valid && name.length <= 253 ? name : undefined;
}

export function encodeQuestion(id: number, name: string): Bytes {
  const message = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type: 'A', class: 'IN', name }],
  });
  return new Uint8Array(message);
}

/** What `bytes` says about `name`. Throws `DecodeError`, also for an answer to another question. */
export function decodeReply(bytes: Bytes, id: number, name: string): DnsReply {
  if (bytes.length > MESSAGE_LIMIT) throw new DecodeError('DNS message too large');
  const message = decodeMessage(bytes);
  const [question] = message.questions ?? [];
  const asked =
    message.type === 'response' &&
    message.id === id &&
    message.questions?.length === 1 &&
    question?.type === 'A' &&
    question.name.toLowerCase() === name;
  if (!asked) throw new DecodeError('DNS answer to another question');
  if (message.rcode === 'NXDOMAIN') return { kind: 'none', ttl: negativeTtl(message) };
  if (message.rcode !== 'NOERROR') return { kind: 'refused', reason: String(message.rcode) };
  let owner = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let hops = 0; hops <= ALIAS_LIMIT; hops++) {
    const records = (message.answers ?? []).filter(
      (each) => each.name.toLowerCase() === owner && each.class === 'IN',
    );
    const addresses: Bytes[] = [];
    let alias: string | undefined;
    for (const record of records) {
      if (record.type !== 'A' && record.type !== 'CNAME') continue;
      ttl = Math.min(ttl, ttlOf(record.ttl));
      const data = String(record.data);
      const address = record.type === 'A' ? parseAddress(data) : undefined;
      if (address !== undefined && addresses.length < ADDRESS_LIMIT) addresses.push(address);
      if (record.type === 'CNAME') alias = normalizeName(data);
    }
    if (addresses.length > 0) return { kind: 'addresses', addresses, ttl };
    if (alias === undefined) break;
    owner = alias;
  }
  if (owner !== name) return { kind: 'alias', name: owner, ttl };
  if (message.flag_tc === true) return { kind: 'refused', reason: 'truncated' };
  return { kind: 'none', ttl: negativeTtl(message) };
}

function decodeMessage(bytes: Bytes): ReturnType<typeof decode> {
  try {
    return decode(bytes);
  } catch {
    throw new DecodeError('DNS message');
  }
}

/** The smaller of the SOA record's TTL and its last field. @rfc 2308 §5 */
function negativeTtl(message: ReturnType<typeof decode>): number {
  for (const record of message.authorities ?? []) {
    if (record.type === 'SOA' && typeof record.data === 'object' && 'minimum' in record.data) {
      return Math.min(ttlOf(record.ttl), ttlOf(record.data.minimum));
    }
  }
  return DEFAULT_NEGATIVE_TTL;
}

/** Values with the top bit set count as 0. @rfc 2181 §8 */
function ttlOf(ttl: number | undefined): number {
  return ttl !== undefined && ttl >= 0 && ttl <= 0x7fffffff ? ttl : 0;
}
