/**
 * The playground's gateway: an L2TP/IPsec responder for many clients, also behind one address, in front of the demo
 * intranet. It tells datagrams apart, keeps the bounds, lends addresses and passes packets between clients and network.
 * ESP travels in UDP alone, since a program without privileges has no IP protocol 50.
 */
import type { EspEngine } from '../../shared/esp/engine.ts';
import { COOKIE_LENGTH, HEADER_LENGTH } from '../../shared/isakmp/message.ts';
import { ExchangeType } from '../../shared/isakmp/numbers.ts';
import { Channel, type ChannelNumber } from '../../shared/relay/channels.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { earliest, type Machine, type Trace } from '../../shared/wire/machine.ts';
import type { Attachment, Network } from '../network/network.ts';
import type { AddressPool } from './address-pool.ts';
import { Client } from './client.ts';
import type { ClientEvents, ClientSettings } from './client-config.ts';
import { type ClientLimits, Clients, type Endpoint, type Entry, keyOf } from './clients.ts';

export type { Endpoint } from './clients.ts';

export interface GatewayConfig extends ClientSettings {
  readonly network: Pick<Network, 'attach'>;
  readonly pool: AddressPool;
  /** An ESP engine for one client, empty; it comes back by `released`. */
  readonly engine: () => EspEngine;
  readonly released?: (engine: EspEngine) => void;
  /** Those that are not given are `GATEWAY_LIMITS`'. */
  readonly limits?: Partial<GatewayLimits>;
  /** Something is to be sent that no input brought about: `flush` fetches it. */
  readonly pending: () => void;
}

export interface GatewayLimits extends ClientLimits {
  /** Most calls at a time of one user name. */
  readonly calls: number;
  /** A call in which the client sends no IP packet for this long is hung up. */
  readonly idleMillis: Millis;
  /** Bytes of IP packets, both ways, after which a call is hung up. */
  readonly octets: number;
}

const GATEWAY_LIMITS: GatewayLimits = {
  halfOpen: 2048,
  unfinished: 320,
  calls: 8,
  idleMillis: 30 * 60 * 1000,
  octets: 20e9,
};

export type GatewayInput =
  | {
      readonly kind: 'datagram';
      readonly channel: 'ike' | 'natt';
      readonly from: Endpoint;
      readonly bytes: Bytes;
    }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'flush' }
  /** Hangs up all calls in order. */
  | { readonly kind: 'close' };

export type GatewayOutput =
  | {
      readonly kind: 'transmit';
      readonly channel: 'ike' | 'natt';
      readonly to: Endpoint;
      readonly bytes: Bytes;
    }
  | { readonly kind: 'client-up'; readonly userName: string; readonly address: Bytes }
  | { readonly kind: 'client-down'; readonly userName: string; readonly address: Bytes }
  | Trace;

/** Where the message that a client is handling came from; `answered` once it was. */
interface Arrival {
  readonly entry: Entry;
  readonly channel: 'ike' | 'natt';
  readonly at: Endpoint;
  answered: boolean;
}

/** What a client that has an address holds of the network. */
interface Place {
  readonly address: Bytes;
  attachment: Attachment | undefined;
  userName: string;
}

export class Gateway implements Machine<GatewayInput, GatewayOutput> {
  readonly #config: GatewayConfig;
  readonly #limits: GatewayLimits;
  readonly #clients: Clients;
  readonly #places = new Map<Entry, Place>();
  /** May have packets to be sealed, and another deadline than before. */
  readonly #touched = new Set<Entry>();
  /** Answers go back to where the message came from. */
  #from: Arrival | undefined;
  #handling = false;
  #now: Millis = 0;
  #out: GatewayOutput[] = [];

  constructor(config: GatewayConfig) {
    this.#config = config;
    this.#limits = { ...GATEWAY_LIMITS, ...config.limits };
    this.#clients = new Clients(this.#limits);
  }

  /** Clients there are, whatever they have come to, and calls that stand. */
  get counts(): { readonly clients: number; readonly halfOpen: number; readonly calls: number } {
    const { size, halfOpen } = this.#clients;
    return { clients: size, halfOpen, calls: this.#places.size };
  }

  get deadline(): Millis | undefined {
    let first: Millis | undefined;
    for (const { deadline } of this.#clients) first = earliest(first, deadline);
    return first;
  }

  handle(input: GatewayInput, now: Millis): readonly GatewayOutput[] {
    this.#now = now;
    this.#handling = true;
    switch (input.kind) {
      case 'datagram':
        this.#receive(input);
        break;
      case 'timeout':
        this.#timeout();
        break;
      case 'close':
        for (const entry of [...this.#clients]) this.#with(entry, () => entry.client.close(now));
        break;
      case 'flush':
        break;
    }
    for (const entry of this.#touched) {
      entry.client.flush();
      entry.deadline = earliest(entry.client.deadline, this.#idleAt(entry));
    }
    this.#touched.clear();
    this.#handling = false;
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #timeout(): void {
    const now = this.#now;
    for (const entry of [...this.#clients]) {
      if ((entry.deadline ?? Infinity) > now) continue;
      this.#with(entry, () => entry.client.timeout(now));
      if ((this.#idleAt(entry) ?? Infinity) <= now) this.#hangUp(entry, 'idle');
    }
  }

  #idleAt(entry: Entry): Millis | undefined {
    const isUp = entry.stage === 'up' && !entry.client.closing;
    return isUp ? entry.client.heardAt + this.#limits.idleMillis : undefined;
  }

  #hangUp(entry: Entry, reason: string): void {
    this.#trace('hung-up', reason);
    this.#with(entry, () => entry.client.close(this.#now));
  }

  // Arrivals.

  #receive({ channel, from, bytes }: Extract<GatewayInput, { kind: 'datagram' }>): void {
    if (channel === 'ike') return this.#receiveIke('ike', from, bytes);
    // A keepalive is one byte (RFC 3948 §2.3), and says nothing.
    if (bytes.length < 8) return;
    const spi = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
    if (spi === 0) return this.#receiveIke('natt', from, bytes.slice(4));
    const entry = this.#clients.bySpi(spi);
    if (entry === undefined) return this.#trace('unknown-spi');
    this.#with(entry, () => {
      // A NAT may have moved it. (RFC 3947 §7)
      if (entry.client.receiveEsp(bytes, this.#now)) entry.natt = from;
    });
  }

  #receiveIke(channel: 'ike' | 'natt', from: Endpoint, bytes: Bytes): void {
    if (bytes.length < HEADER_LENGTH) return this.#trace('malformed');
    const cookie = bytes.slice(0, COOKIE_LENGTH);
    const isFirst = bytes.subarray(COOKIE_LENGTH, 2 * COOKIE_LENGTH).every((byte) => byte === 0);
    const known = this.#clients.byCookie(from.address, cookie) ?? this.#renewing(channel, from);
    if (known === undefined) {
      if (!isFirst || bytes[EXCHANGE_TYPE_AT] !== ExchangeType.identityProtection) {
        return this.#trace('unknown-cookie');
      }
      return this.#meet(channel, from, cookie, bytes);
    }
    if (!isFirst && known.stage === 'half-open' && !this.#mayGoOn(known)) return;
    const answered = this.#toIke(known, channel, from, bytes);
    if (!isFirst && answered && known.stage === 'half-open')
      this.#clients.move(known, 'unfinished');
  }

  /** Whose tunnel stands where a main mode of its own, or the answer to one of ours, comes from: they stay on port 4500. */
  #renewing(channel: 'ike' | 'natt', from: Endpoint): Entry | undefined {
    return channel === 'natt' ? this.#clients.standingAt(from) : undefined;
  }

  /** A first message, from whoever. */
  #meet(channel: 'ike' | 'natt', from: Endpoint, cookie: Bytes, bytes: Bytes): void {
    const address = Uint8Array.from(from.address.split('.'), Number);
    const place = { address, port: from.port };
    const entry: Entry = {
      key: keyOf(from.address, cookie),
      client: new Client(
        this.#config,
        place,
        this.#eventsOf(() => entry),
        this.#now,
      ),
      address: from.address,
      ike: from,
      natt: from,
      stage: 'half-open',
      deadline: undefined,
      spis: new Set(),
    };
    const oldest = this.#clients.add(entry);
    if (oldest !== undefined) this.#drop(oldest, 'half-open');
    this.#toIke(entry, channel, from, bytes);
    // Refused, or not even a message: there is nothing to remember.
    if (!entry.client.begun) this.#drop(entry, 'refused');
  }

  /** A third message costs two exponentiations and shows that the client is where it says. */
  #mayGoOn(entry: Entry): boolean {
    const { ok, instead } = this.#clients.admit(entry);
    if (!ok) this.#trace('too-many-unfinished');
    if (instead !== undefined) this.#drop(instead, 'unfinished');
    return ok;
  }

  /** Answers whether the client was answered. */
  #toIke(entry: Entry, channel: 'ike' | 'natt', at: Endpoint, bytes: Bytes): boolean {
    const from: Arrival = { entry, channel, at, answered: false };
    this.#from = from;
    this.#with(entry, () => entry.client.receiveIke(channel, bytes, this.#now));
    this.#from = undefined;
    return from.answered;
  }

  #with(entry: Entry, action: () => void): void {
    this.#touched.add(entry);
    action();
  }

  #drop(entry: Entry, reason: string): void {
    this.#trace('dropped', reason);
    entry.client.discard();
    this.#forget(entry);
  }

  #forget(entry: Entry): void {
    this.#clients.remove(entry);
    this.#touched.delete(entry);
  }

  // What a client does.

  #eventsOf(entryOf: () => Entry): ClientEvents {
    return {
      transmit: (channel, bytes) => this.#transmit(entryOf(), channel, bytes),
      engine: () => this.#config.engine(),
      released: (engine) => this.#config.released?.(engine),
      proven: () => this.#proven(entryOf()),
      opened: (spi) => this.#clients.claim(entryOf(), spi),
      forgotten: (spi) => this.#clients.release(entryOf(), spi),
      lease: () => this.#lease(entryOf()),
      networkUp: (userName) => this.#networkUp(entryOf(), userName),
      networkDown: () => this.#networkDown(entryOf()),
      packet: (packet) => this.#fromClient(entryOf(), packet),
      closed: () => this.#forget(entryOf()),
      trace: (trace) => this.#out.push(trace),
    };
  }

  #transmit(entry: Entry, number: ChannelNumber, bytes: Bytes): void {
    const channel = number === Channel.ike ? 'ike' : 'natt';
    const from = this.#from;
    const isAnswer = from?.entry === entry && isIke(channel, bytes);
    if (isAnswer) from.answered = true;
    const to = isAnswer && from.channel === channel ? from.at : entry[channel];
    this.#out.push({ kind: 'transmit', channel, to, bytes });
  }

  /** Message 5 came from where the client floated to. */
  #proven(entry: Entry): void {
    if (this.#from?.channel === 'natt') entry.natt = this.#from.at;
  }

  #lease(entry: Entry): Bytes | undefined {
    const address = this.#config.pool.lease();
    if (address === undefined) this.#trace('no-address');
    else this.#places.set(entry, { address, attachment: undefined, userName: '' });
    return address;
  }

  #networkUp(entry: Entry, userName: string): void {
    const place = this.#places.get(entry);
    if (place === undefined || place.attachment !== undefined) return;
    if (this.#callsOf(userName) >= this.#limits.calls) return this.#hangUp(entry, 'too many calls');
    place.userName = userName;
    place.attachment = this.#config.network.attach(place.address, 'client', {
      deliver: (packet) => this.#toClient(entry, packet),
    });
    this.#clients.move(entry, 'up');
    this.#out.push({ kind: 'client-up', userName, address: place.address });
  }

  #networkDown(entry: Entry): void {
    const place = this.#places.get(entry);
    if (place === undefined) return;
    this.#places.delete(entry);
    this.#config.pool.release(place.address);
    if (place.attachment === undefined) return;
    place.attachment.detach();
    this.#clients.move(entry, 'unfinished');
    const { userName, address } = place;
    this.#out.push({ kind: 'client-down', userName, address });
  }

  #callsOf(userName: string): number {
    let calls = 0;
    for (const place of this.#places.values()) if (place.userName === userName) calls++;
    return calls;
  }

  // Packets.

  #fromClient(entry: Entry, packet: Bytes): void {
    this.#places.get(entry)?.attachment?.send(packet);
    this.#count(entry);
  }

  #toClient(entry: Entry, packet: Bytes): void {
    if (entry.client.send(packet)) this.#touched.add(entry);
    else this.#trace('unsent');
    if (!this.#handling) this.#config.pending();
  }

  #count(entry: Entry): void {
    if (entry.client.octets > this.#limits.octets && !entry.client.closing)
      this.#hangUp(entry, 'quota');
  }

  #trace(event: string, detail?: string): void {
    const trace = { kind: 'trace', layer: 'gateway', event } as const;
    this.#out.push(detail === undefined ? trace : { ...trace, detail });
  }
}

/** Where the exchange type is in an ISAKMP message. @rfc 2408 §3.1 */
const EXCHANGE_TYPE_AT = 18;

/** Whether a datagram is an ISAKMP message: on `natt` behind the non-ESP marker. */
function isIke(channel: 'ike' | 'natt', bytes: Bytes): boolean {
  return channel === 'ike' || bytes.subarray(0, 4).every((byte) => byte === 0);
}
