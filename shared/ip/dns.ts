/**
 * The stub resolver: asks one name server after the other, each question from a fresh random port under a
 * fresh random id, and remembers answers.
 * @rfc 1034 §5.3.1, 5452 §9
 */
import type { Failure } from '../errors.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import { addressNumber, type Ipv4Address, parseAddress } from './address.ts';
import { DnsCache } from './dns-cache.ts';
import {
  ALIAS_LIMIT,
  type DnsReply,
  decodeReply,
  encodeQuestion,
  normalizeName,
} from './dns-message.ts';
import type { DnsOutput } from './messages.ts';
import { randomU16 } from './ports.ts';
import type { UdpHandler, UdpLayer } from './udp.ts';

const DNS_PORT = 53;

/** How long each server is given, round by round. */
export const ROUNDS: readonly Millis[] = [1500, 3000, 5000];

/** Names asked for at a time, and callers waiting for one name. */
const LOOKUP_LIMIT = 64;
const WAITER_LIMIT = 64;

/** One name on its way, and everyone who wants it. */
interface Lookup {
  /** What the callers asked for. */
  readonly name: string;
  readonly queries: number[];
  /** What is asked for now: the name, or what it is an alias of. */
  target: string;
  aliases: number;
  /** Smallest TTL of the aliases so far, in seconds. */
  ttl: number;
  server: number;
  round: number;
  id: number;
  port: number;
  giveUpAt: Millis;
  /** Why a server could not tell. */
  refusal: string | undefined;
}

interface DnsSurroundings {
  readonly udp: UdpLayer;
  readonly random: Random;
  readonly nameServers: readonly Bytes[];
  emit(output: DnsOutput): void;
  trace(event: string, detail?: string): void;
  /** The time of the call in progress. */
  now(): Millis;
}

export class Resolver {
  readonly #surroundings: DnsSurroundings;
  readonly #servers: readonly Ipv4Address[];
  readonly #cache = new DnsCache();
  readonly #lookups = new Map<string, Lookup>();

  constructor(surroundings: DnsSurroundings) {
    this.#surroundings = surroundings;
    this.#servers = surroundings.nameServers.map(addressNumber);
  }

  get deadline(): Millis | undefined {
    let first: Millis | undefined;
    for (const { giveUpAt } of this.#lookups.values()) first = earliest(first, giveUpAt);
    return first;
  }

  resolve(query: number, text: string): void {
    const literal = parseAddress(text);
    if (literal !== undefined) {
      this.#surroundings.emit({ kind: 'resolved', query, addresses: [literal] });
      return;
    }
    const name = normalizeName(text);
    if (name === undefined) {
      this.#fail([query], { code: 'NAME_NOT_FOUND', detail: 'not a name' });
      return;
    }
    const cached = this.#cache.find(name, this.#surroundings.now());
    if (cached !== undefined) {
      this.#answer([query], cached);
      return;
    }
    if (this.#servers.length === 0) {
      this.#fail([query], { code: 'NAME_SERVER_SILENT', detail: 'none was assigned' });
      return;
    }
    const known = this.#lookups.get(name);
    if ((known?.queries.length ?? 0) >= WAITER_LIMIT || this.#lookups.size >= LOOKUP_LIMIT) {
      this.#fail([query], { code: 'NAME_SERVER_SILENT', detail: 'too many questions at once' });
    } else if (known !== undefined) {
      known.queries.push(query);
    } else {
      this.#begin(name, query);
    }
  }

  timeout(now: Millis): void {
    for (const lookup of [...this.#lookups.values()]) {
      if (lookup.giveUpAt <= now) this.#next(lookup);
    }
  }

  #begin(name: string, query: number): void {
    const lookup: Lookup = {
      name,
      queries: [query],
      target: name,
      aliases: 0,
      ttl: Number.POSITIVE_INFINITY,
      server: 0,
      round: 0,
      id: 0,
      port: 0,
      giveUpAt: 0,
      refusal: undefined,
    };
    this.#lookups.set(name, lookup);
    this.#ask(lookup);
  }

  /** Asks the present server. @rfc 5452 §9.2 */
  #ask(lookup: Lookup): void {
    const { udp, random, now } = this.#surroundings;
    const server = this.#servers[lookup.server]!;
    const handler: UdpHandler = {
      received: (source, port, bytes) => {
        if (source === server && port === DNS_PORT) this.#received(lookup, bytes);
        else this.#surroundings.trace('dropped', 'DNS answer from elsewhere');
      },
      unreachable: (destination) => {
        if (destination === server) this.#next(lookup);
      },
    };
    lookup.id = randomU16(random);
    lookup.port = udp.open(handler) ?? 0;
    lookup.giveUpAt = now() + ROUNDS[lookup.round]!;
    if (lookup.port !== 0) {
      udp.send(lookup.port, server, DNS_PORT, encodeQuestion(lookup.id, lookup.target));
    }
  }

  #received(lookup: Lookup, bytes: Bytes): void {
    let reply: DnsReply;
    try {
      reply = decodeReply(bytes, lookup.id, lookup.target);
    } catch (error) {
      // A forged answer must not end the wait for the true one. @rfc 5452 §9.1
      if (!(error instanceof DecodeError)) throw error;
      this.#surroundings.trace('dropped', error.reason);
      return;
    }
    switch (reply.kind) {
      case 'addresses':
        this.#finish(lookup, reply.addresses, Math.min(lookup.ttl, reply.ttl));
        return;
      case 'none':
        this.#finish(lookup, [], Math.min(lookup.ttl, reply.ttl));
        return;
      case 'refused':
        lookup.refusal = reply.reason;
        this.#next(lookup);
        return;
      case 'alias':
        this.#follow(lookup, reply.name, reply.ttl);
        return;
    }
  }

  #follow(lookup: Lookup, target: string, ttl: number): void {
    this.#close(lookup);
    lookup.ttl = Math.min(lookup.ttl, ttl);
    lookup.target = target;
    if (++lookup.aliases > ALIAS_LIMIT) {
      this.#end(lookup, { code: 'NAME_NOT_FOUND', detail: 'too many aliases' });
    } else {
      this.#ask(lookup);
    }
  }

  /** The present server does not help: the next one, and after the last one another round. */
  #next(lookup: Lookup): void {
    this.#close(lookup);
    lookup.server++;
    if (lookup.server === this.#servers.length) {
      lookup.server = 0;
      lookup.round++;
      // A server that says it cannot tell will not know better a second later.
      if (lookup.refusal !== undefined) lookup.round = ROUNDS.length;
    }
    if (lookup.round < ROUNDS.length) this.#ask(lookup);
    else if (lookup.refusal === undefined) this.#end(lookup, { code: 'NAME_SERVER_SILENT' });
    else this.#end(lookup, { code: 'NAME_NOT_FOUND', detail: lookup.refusal });
  }

  #finish(lookup: Lookup, addresses: readonly Bytes[], ttl: number): void {
    this.#close(lookup);
    this.#lookups.delete(lookup.name);
    this.#cache.add(lookup.name, addresses, ttl, this.#surroundings.now());
    this.#answer(lookup.queries, addresses);
  }

  #end(lookup: Lookup, failure: Failure): void {
    this.#lookups.delete(lookup.name);
    this.#fail(lookup.queries, failure);
  }

  #close(lookup: Lookup): void {
    this.#surroundings.udp.close(lookup.port);
  }

  #answer(queries: readonly number[], addresses: readonly Bytes[]): void {
    if (addresses.length === 0) {
      this.#fail(queries, { code: 'NAME_NOT_FOUND' });
      return;
    }
    for (const query of queries) this.#surroundings.emit({ kind: 'resolved', query, addresses });
  }

  #fail(queries: readonly number[], failure: Failure): void {
    for (const query of queries) {
      this.#surroundings.emit({ kind: 'resolve-failed', query, failure });
    }
  }
}
