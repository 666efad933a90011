/**
 * DNS messages as the resolver needs them, over the dns-packet codec: a question, and what an answer means.
 * Left out: EDNS, so that an answer of more than 512 bytes comes over TCP.
 * @rfc 1035 §4, 2308 §2, 2782, 3596
 */
import { decode, encode, RECURSION_DESIRED } from '@leichtgewicht/dns-packet';
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { parseAddress } from './address.ts';

/** Larger messages are not looked at; over TCP they could be four times as large. */
export const MESSAGE_LIMIT = 16_384;

/** Records kept of one answer, and aliases followed in it. */
const RECORD_LIMIT = 32;
export const ALIAS_LIMIT = 8;

/** For a negative answer that does not say how long it is good for, in seconds. */
const DEFAULT_NEGATIVE_TTL = 30;

/** What can be asked for. */
export const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

export type DnsRecord =
  /** 4 or 16 bytes. */
  | { readonly type: 'A' | 'AAAA'; readonly address: Bytes }
  | { readonly type: 'CNAME' | 'PTR'; readonly name: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: 'TXT'; readonly strings: readonly Bytes[] };

export interface DnsQuestion {
  readonly name: string;
  readonly type: RecordType;
}

export type DnsReply =
  /** TTLs are in seconds. */
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[]; readonly ttl: number }
  /** The name stands for another one, of which the answer has no records. */
  | { readonly kind: 'alias'; readonly name: string; readonly ttl: number }
  /** There is no such name (`wholly`), or it has no records of that type. */
  | { readonly kind: 'none'; readonly wholly: boolean; readonly ttl: number }
  /** The answer did not fit. */
  | { readonly kind: 'truncated' }
  /** This server cannot tell. */
  | { readonly kind: 'refused'; readonly reason: string };

type Message = ReturnType<typeof decode>;
type Answer = NonNullable<Message['answers']>[number];

/** A name as it is compared: lower case, no dot at the end; `undefined` when it is not a name. @rfc 1035 §2.3 */
export function normalizeName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  const valid = labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return valid && name.length <= 253 ? name : undefined;
}

/** The name under which an address's own name is found. @rfc 1035 §3.5, 3596 §2.5 */
export function reverseName(address: Bytes): string {
  if (address.length === 4) return `${[...address].reverse().join('.')}.in-addr.arpa`;
  const nibbles = [...address].flatMap((byte) => [byte >>> 4, byte & 0xf]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}

export function encodeQuestion(id: number, { name, type }: DnsQuestion): Bytes {
  const message = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type, class: 'IN', name }],
  });
  return new Uint8Array(message);
}

/** What `bytes` says about the question. Throws `DecodeError`, also for an answer to another question. */
export function decodeReply(bytes: Bytes, id: number, { name, type }: DnsQuestion): DnsReply {
  if (bytes.length > MESSAGE_LIMIT) throw new DecodeError('DNS message too large');
  const message = decodeMessage(bytes);
  const [question] = message.questions ?? [];
  const asked =
    message.type === 'response' &&
    message.id === id &&
    message.questions?.length === 1 &&
    question?.type === type &&
    question.name.toLowerCase() === name;
  if (!asked) throw new DecodeError('DNS answer to another question');
  if (message.flag_tc === true) return { kind: 'truncated' };
  const wholly = message.rcode === 'NXDOMAIN';
  if (!wholly && message.rcode !== 'NOERROR') {
    return { kind: 'refused', reason: String(message.rcode) };
  }
  let owner = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let hops = 0; hops <= ALIAS_LIMIT; hops++) {
    const { records, alias, smallestTtl } = recordsOf(message, owner, type);
    ttl = Math.min(ttl, smallestTtl);
    if (records.length > 0) return { kind: 'records', records, ttl };
    if (alias === undefined) break;
    owner = alias;
  }
  // With an alias, "no such name" is said of the last one. @rfc 2308 §2.1
  if (owner !== name && !wholly) return { kind: 'alias', name: owner, ttl };
  return { kind: 'none', wholly, ttl: Math.min(ttl, negativeTtl(message)) };
}

/** What an answer has about one name. */
function recordsOf(message: Message, owner: string, type: RecordType) {
  const records: DnsRecord[] = [];
  let alias: string | undefined;
  let smallestTtl = Number.POSITIVE_INFINITY;
  for (const answer of message.answers ?? []) {
    if (answer.name.toLowerCase() !== owner || answer.class !== 'IN') continue;
    if (answer.type !== type && answer.type !== 'CNAME') continue;
    smallestTtl = Math.min(smallestTtl, ttlOf(answer.ttl));
    const record = recordOf(answer);
    if (record === undefined) continue;
    if (record.type === 'CNAME') alias = record.name;
    if (record.type === type && records.length < RECORD_LIMIT) records.push(record);
  }
  return { records, alias, smallestTtl };
}

/** `undefined` where what the codec read does not fit the type. */
function recordOf(answer: Answer): DnsRecord | undefined {
  switch (answer.type) {
    case 'A':
    case 'AAAA': {
      const address = parseAddress(answer.data);
      const length = answer.type === 'A' ? 4 : 16;
      return address?.length === length ? { type: answer.type, address } : undefined;
    }
    case 'CNAME':
    case 'PTR': {
      const name = normalizeName(answer.data);
      return name === undefined ? undefined : { type: answer.type, name };
    }
    case 'SRV': {
      const { priority = 0, weight = 0, port = 0 } = answer.data;
      // A dot alone says that there is no such service. @rfc 2782
      const target = normalizeName(answer.data.target);
      return target === undefined ? undefined : { type: 'SRV', priority, weight, port, target };
    }
    case 'TXT': {
      const strings = (Array.isArray(answer.data) ? answer.data : [answer.data]).flatMap((each) =>
        typeof each === 'string' ? [] : [new Uint8Array(each)],
      );
      return { type: 'TXT', strings };
    }
    default:
      return undefined;
  }
}

function decodeMessage(bytes: Bytes): Message {
  try {
    return decode(bytes);
  } catch {
    throw new DecodeError('DNS message');
  }
}

/** The smaller of the SOA record's TTL and its last field. @rfc 2308 §5 */
function negativeTtl(message: Message): number {
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
