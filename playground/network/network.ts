/**
 * The playground's network: one switch between the hosts of the intranet and the clients that dialled in. Clients reach
 * hosts and hosts reach clients; a client reaches no other client, and nobody sends in another's name.
 * Left out: IPv6, broadcast, a router's ICMP messages. What has nowhere to go is dropped and counted.
 * @rfc 791 §3.1, 2827 §3
 */
import { addressKey, formatAddress } from '../../shared/ip/address.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';

/** One end of the network, as the network sees it. */
export interface Link {
  /** An IP packet to this end; valid during the call only. Never called while `send` of any end runs. */
  deliver(packet: Bytes): void;
}

/** The network, as one end sees it. */
export interface Attachment {
  /**
   * From this end; the bytes are copied. Dropped unless the source is this end's address, and where a client writes
   * to a client.
   */
  send(packet: Bytes): void;
  /** The address is free again. What is on its way to this end is dropped. */
  detach(): void;
}

export type EndKind = 'host' | 'client';

/** Why a packet went no further. */
export type DropReason = 'malformed' | 'forged' | 'to another client' | 'no such address' | 'queue';

/** Bytes that one end may have on their way at a time. */
const QUEUE_LIMIT: number = 4 << 20;

const IPV4_HEADER = 20;

interface End {
  readonly address: Bytes;
  readonly key: number;
  readonly kind: EndKind;
  readonly link: Link;
  attached: boolean;
  /** Bytes it sent that are not yet delivered. */
  queued: number;
}

interface Transit {
  readonly from: End;
  readonly to: End;
  readonly packet: Bytes;
}

export class Network {
  readonly dropped: Record<DropReason, number> = {
    malformed: 0,
    forged: 0,
    'to another client': 0,
    'no such address': 0,
    queue: 0,
  };
  /** Bytes of whole packets since the start, by the kind of end they were delivered to. */
  readonly delivered: Record<EndKind, number> = { host: 0, client: 0 };
  readonly #ends = new Map<number, End>();
  readonly #leaving = new Set<(address: Bytes) => void>();
  #clients = 0;
  #queue: Transit[] = [];
  #scheduled = false;

  /** Clients attached now. */
  get clients(): number {
    return this.#clients;
  }

  /** A host of the intranet or a client, at an address of 4 bytes. Throws `RangeError` where the address is taken or none. */
  attach(address: Bytes, kind: EndKind, link: Link): Attachment {
    if (address.length !== 4) throw new RangeError('address: not 4 bytes');
    const key = addressKey(address, 0, 4);
    if (this.#ends.has(key)) throw new RangeError(`address: ${formatAddress(address)} is taken`);
    const end: End = { address: address.slice(), key, kind, link, attached: true, queued: 0 };
    this.#ends.set(key, end);
    if (kind === 'client') this.#clients++;
    return {
      send: (packet) => this.#send(end, packet),
      detach: () => this.#detach(end),
    };
  }

  /**
   * Calls back with the address of every client that leaves, before another can have it: who remembers anything of a
   * client by its address forgets it then.
   */
  onLeave(callback: (address: Bytes) => void): void {
    this.#leaving.add(callback);
  }

  #detach(end: End): void {
    if (!end.attached) return;
    end.attached = false;
    this.#ends.delete(end.key);
    if (end.kind === 'host') return;
    this.#clients--;
    for (const callback of this.#leaving) callback(end.address);
  }

  #send(from: End, packet: Bytes): void {
    const to = this.#route(from, packet);
    if (typeof to === 'string') {
      this.dropped[to]++;
      return;
    }
    from.queued += packet.length;
    this.#queue.push({ from, to, packet: packet.slice() });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  /** Where a packet goes, or why it goes nowhere. */
  #route(from: End, packet: Bytes): End | DropReason {
    if (packet.length < IPV4_HEADER || packet[0]! >>> 4 !== 4) return 'malformed';
    if (!from.attached || addressKey(packet, 12, 4) !== from.key) return 'forged';
    const to = this.#ends.get(addressKey(packet, 16, 4));
    if (to === undefined) return 'no such address';
    if (from.kind === 'client' && to.kind === 'client') return 'to another client';
    return from.queued + packet.length > QUEUE_LIMIT ? 'queue' : to;
  }

  /**
   * What was sent since the last turn of the event loop, in order. Answers wait for the next turn: so no end is called
   * while it is busy, and two ends that talk without pause leave room for everybody else's sockets and timers.
   */
  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#scheduled = false;
    for (const { from, to, packet } of queue) {
      from.queued -= packet.length;
      if (!to.attached) continue;
      this.delivered[to.kind] += packet.length;
      to.link.deliver(packet);
    }
  }
}
