/**
 * The stub resolver: asks one name server after the other, each question under a fresh random id, completes short
 * names from the search list, follows aliases, and remembers answers.
 * Left out: DNSSEC, the mixed case of draft-vixie-dnsext-dns0x20 (whoever could guess inside the tunnel has its keys).
 * @rfc 1034 §5.3.1, 1123 §6.1, 5452 §9
 */
import type { Failure } from '../errors.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import type { IpAddress } from './address.ts';
import { DnsCache } from './dns-cache.ts';
import {
  ALIAS_LIMIT,
  type DnsQuestion,
  type DnsReply,
  decodeReply,
  encodeQuestion,
  normalizeName,
  type RecordType,
} from './dns-message.ts';
import {
  askByDatagram,
  type Exchange,
  StreamExchange,
  type StreamLayer,
  type Transport,
} from './dns-transport.ts';
import type { DnsOutput, IpInput, SocketOutput } from './messages.ts';
import { randomU16 } from './ports.ts';
import type { UdpLayer } from './udp.ts';

/** How long each server is given, round by round. */
export const ROUNDS: readonly Millis[] = [1500, 3000, 5000];

/** How long it is given over TCP: a connection has to be made first. */
const STREAM_WAIT: Millis = 5000;

/** Names asked for at a time, and callers waiting for one name. */
const LOOKUP_LIMIT = 64;
const WAITER_LIMIT = 64;

/** Servers asked, and domains tried. */
const SERVER_LIMIT = 8;
const SEARCH_LIMIT = 8;

/** Never asked: they mean this machine, or nothing. @rfc 6761 §6.3, 6761 §6.4 */
const NEVER_ASKED = /(^|\.)(localhost|invalid)$/;

/** One question on its way, and everyone who waits for its answer. */
interface Lookup {
  readonly key: string;
  readonly type: RecordType;
  readonly queries: number[];
  /** What the callers may have meant, the present one first. */
  readonly candidates: string[];
  /** What is asked for now: the first candidate, or what it is an alias of. */
  target: string;
  aliases: number;
  /** Smallest TTL of the aliases so far, in seconds. */
  ttl: number;
  /** Servers asked in this round. */
  asked: number;
  server: number;
  round: number;
  id: number;
  giveUpAt: Millis;
  transport: Transport | undefined;
  /** Why a server could not tell. */
  refusal: string | undefined;
}

interface DnsSurroundings {
  readonly udp: UdpLayer;
  readonly tcp: StreamLayer;
  readonly random: Random;
  emit(output: DnsOutput): void;
  trace(event: string, detail?: string): void;
  /** The time of the call in progress. */
  now(): Millis;
}

export class Resolver {
  readonly #surroundings: DnsSurroundings;
  #servers: readonly IpAddress[] = [];
  #searchList: readonly string[] = [];
  readonly #cache = new DnsCache();
  readonly #lookups = new Map<string, Lookup>();
  readonly #streams = new Map<number, StreamExchange>();
  /** The server that answered last is asked first. */
  #preferred = 0;

  constructor(surroundings: DnsSurroundings) {
    this.#surroundings = surroundings;
  }

  /** In the order they are asked; the first eight count. */
  set servers(servers: readonly IpAddress[]) {
    this.#servers = servers.slice(0, SERVER_LIMIT);
    this.#preferred = 0;
  }

  /** Domains in which a name without a dot is looked for; the first eight that are names count. */
  set searchList(domains: readonly string[]) {
    const names = domains.map(normalizeName).filter((each) => each !== undefined);
    this.#searchList = [...new Set(names)].slice(0, SEARCH_LIMIT);
  }

  get deadline(): Millis | undefined {
    let first: Millis | undefined;
    for (const { giveUpAt } of this.#lookups.values()) first = earliest(first, giveUpAt);
    return first;
  }

  resolve({ query, name: text, type }: Extract<IpInput, { kind: 'resolve' }>): void {
    const name = normalizeName(text);
    if (name === undefined || NEVER_ASKED.test(name)) {
      this.#fail([query], { code: 'NAME_NOT_FOUND', detail: 'not a name to ask for' });
      return;
    }
    const candidates = this.#candidates(name, text.endsWith('.'));
    const key = `${type} ${candidates.join(' ')}`;
    const known = this.#lookups.get(key);
    const crowded = known === undefined && this.#lookups.size >= LOOKUP_LIMIT;
    if (crowded || (known?.queries.length ?? 0) >= WAITER_LIMIT) {
      this.#fail([query], { code: 'NAME_SERVER_SILENT', detail: 'too many questions at once' });
    } else if (known !== undefined) {
      known.queries.push(query);
    } else {
      this.#begin(key, type, query, candidates);
    }
  }

  /** Whether the TCP connection is one of the resolver's. */
  owns(socket: number): boolean {
    return this.#streams.has(socket);
  }

  dispatch(output: SocketOutput): void {
    this.#streams.get(output.socket)?.dispatch(output);
  }

  timeout(now: Millis): void {
    for (const lookup of [...this.#lookups.values()]) {
      if (lookup.giveUpAt <= now) this.#next(lookup);
    }
  }

  /** Only a name of one label is completed: what else goes to others than its owner may be anybody's. @rfc 1535 */
  #candidates(name: string, isComplete: boolean): string[] {
    if (isComplete || name.includes('.')) return [name];
    const completed = this.#searchList.map((domain) => `${name}.${domain}`);
    return [...completed.filter((each) => each.length <= 253), name];
  }

  #begin(key: string, type: RecordType, query: number, candidates: string[]): void {
    const lookup: Lookup = {
      key,
      type,
      queries: [query],
      candidates,
      target: '',
      aliases: 0,
      ttl: 0,
      asked: 0,
      server: 0,
      round: 0,
      id: 0,
      giveUpAt: 0,
      transport: undefined,
      refusal: undefined,
    };
    this.#lookups.set(key, lookup);
    this.#tryCandidate(lookup);
  }

  /** Looks for the first candidate, in the cache and then outside. */
  #tryCandidate(lookup: Lookup): void {
    const [name] = lookup.candidates;
    if (name === undefined) return this.#end(lookup, { code: 'NAME_NOT_FOUND' });
    const cached = this.#cache.find({ name, type: lookup.type }, this.#surroundings.now());
    if (cached !== undefined) return this.#found(lookup, cached);
    if (this.#servers.length === 0) {
      return this.#end(lookup, { code: 'NAME_SERVER_SILENT', detail: 'none was assigned' });
    }
    lookup.target = name;
    lookup.aliases = 0;
    lookup.ttl = Number.POSITIVE_INFINITY;
    this.#askAnew(lookup);
  }

  #askAnew(lookup: Lookup): void {
    lookup.asked = 0;
    lookup.round = 0;
    lookup.refusal = undefined;
    lookup.server = this.#preferred;
    this.#ask(lookup);
  }

  /** Asks the present server. @rfc 5452 §9.2 */
  #ask(lookup: Lookup, byStream = false): void {
    const { udp, tcp, random, now } = this.#surroundings;
    const server = this.#servers[lookup.server % this.#servers.length];
    if (server === undefined) return this.#next(lookup);
    lookup.id = randomU16(random);
    const question = encodeQuestion(lookup.id, { name: lookup.target, type: lookup.type });
    const exchange: Exchange = {
      received: (message) => this.#received(lookup, message, byStream),
      failed: () => this.#next(lookup),
      dropped: (reason) => this.#surroundings.trace('dropped', reason),
    };
    lookup.giveUpAt = now() + (byStream ? STREAM_WAIT : ROUNDS[lookup.round]!);
    if (byStream) {
      const stream = new StreamExchange(tcp, server, question, exchange);
      this.#streams.set(stream.socket, stream);
      lookup.transport = stream;
      stream.open();
    } else {
      lookup.transport = askByDatagram(udp, server, question, exchange);
      if (lookup.transport === undefined) this.#next(lookup);
    }
  }

  #received(lookup: Lookup, message: Bytes, byStream: boolean): void {
    const question: DnsQuestion = { name: lookup.target, type: lookup.type };
    let reply: DnsReply;
    try {
      reply = decodeReply(message, lookup.id, question);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#surroundings.trace('dropped', error.reason);
      // Nobody can forge a part of a TCP connection, and this one has no more to say.
      if (byStream) this.#next(lookup);
      return;
    }
    if (reply.kind !== 'refused') this.#preferred = lookup.server % this.#servers.length;
    switch (reply.kind) {
      case 'records': {
        const ttl = Math.min(lookup.ttl, reply.ttl);
        this.#cache.add(this.#candidate(lookup), reply.records, ttl, this.#surroundings.now());
        return this.#found(lookup, reply.records);
      }
      case 'none':
        this.#missing(lookup, reply.wholly, Math.min(lookup.ttl, reply.ttl));
        return this.#found(lookup, []);
      case 'truncated':
        this.#close(lookup);
        if (!byStream) return this.#ask(lookup, true);
        lookup.refusal = 'truncated';
        return this.#next(lookup);
      case 'refused':
        lookup.refusal = reply.reason;
        return this.#next(lookup);
      case 'alias':
        return this.#follow(lookup, reply.name, reply.ttl);
    }
  }

  #candidate(lookup: Lookup): DnsQuestion {
    return { name: lookup.candidates[0]!, type: lookup.type };
  }

  #missing(lookup: Lookup, wholly: boolean, ttl: number): void {
    const now = this.#surroundings.now();
    // An alias of nothing is itself there: what else it may be is not known.
    const itself = wholly && lookup.aliases === 0;
    if (itself) this.#cache.addMissing(this.#candidate(lookup), ttl, now);
    else this.#cache.add(this.#candidate(lookup), [], ttl, now);
  }

  #follow(lookup: Lookup, target: string, ttl: number): void {
    this.#close(lookup);
    lookup.ttl = Math.min(lookup.ttl, ttl);
    lookup.target = target;
    if (++lookup.aliases > ALIAS_LIMIT) {
      this.#end(lookup, { code: 'NAME_NOT_FOUND', detail: 'too many aliases' });
    } else {
      this.#askAnew(lookup);
    }
  }

  /** The present server does not help: the next one, and after the last one another round. */
  #next(lookup: Lookup): void {
    this.#close(lookup);
    lookup.server++;
    if (++lookup.asked >= this.#servers.length) {
      lookup.asked = 0;
      lookup.round++;
      // A server that says it cannot tell will not know better a second later.
      if (lookup.refusal !== undefined) lookup.round = ROUNDS.length;
    }
    if (lookup.round < ROUNDS.length) this.#ask(lookup);
    else if (lookup.refusal === undefined) this.#end(lookup, { code: 'NAME_SERVER_SILENT' });
    else this.#end(lookup, { code: 'NAME_NOT_FOUND', detail: lookup.refusal });
  }

  /** What there is about the first candidate; with nothing, the next one's turn comes. */
  #found(lookup: Lookup, records: Extract<DnsReply, { kind: 'records' }>['records']): void {
    this.#close(lookup);
    if (records.length === 0) {
      lookup.candidates.shift();
      this.#tryCandidate(lookup);
      return;
    }
    this.#lookups.delete(lookup.key);
    for (const query of lookup.queries) {
      this.#surroundings.emit({ kind: 'resolved', query, records });
    }
  }

  #end(lookup: Lookup, failure: Failure): void {
    this.#lookups.delete(lookup.key);
    this.#fail(lookup.queries, failure);
  }

  #close(lookup: Lookup): void {
    const { transport } = lookup;
    lookup.transport = undefined;
    transport?.close();
    if (transport instanceof StreamExchange) this.#streams.delete(transport.socket);
  }

  #fail(queries: readonly number[], failure: Failure): void {
    for (const query of queries) {
      this.#surroundings.emit({ kind: 'resolve-failed', query, failure });
    }
  }
}
