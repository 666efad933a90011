/**
 * The recorded packets, bounded: the oldest make room. What sets the tunnel up is kept apart from what passes through it, so
 * that a long download does not push out how it began.
 */
import { innerIp, type RecordedPacket } from './recorded.ts';

interface Limit {
  readonly packets: number;
  readonly bytes: number;
}

/** IKE, L2TP and PPP with the relay's messages; and what carries IP, or could not be opened. */
export const CONTROL_LIMIT: Limit = { packets: 4_000, bytes: 4 << 20 };
export const TRAFFIC_LIMIT: Limit = { packets: 24_000, bytes: 32 << 20 };

/** What a packet costs beside its bytes, about. */
const OVERHEAD = 128;

export class PacketStore {
  readonly control: Shelf = new Shelf(CONTROL_LIMIT);
  readonly traffic: Shelf = new Shelf(TRAFFIC_LIMIT);

  /** Keeps a packet; of ESP it is known later what it is about. */
  add(packet: RecordedPacket, isEsp: boolean): void {
    (isEsp ? this.traffic : this.control).add(packet);
  }

  /** An ESP packet was opened: it now counts for more, and may belong elsewhere. */
  opened(packet: RecordedPacket): void {
    const isTraffic = packet.kind === 'datagram' && packet.inner && innerIp(packet.inner);
    if (isTraffic) this.traffic.grown(packet);
    else if (this.traffic.remove(packet.id)) this.control.add(packet);
  }

  get(id: number): RecordedPacket | undefined {
    return this.control.get(id) ?? this.traffic.get(id);
  }

  get packets(): number {
    return this.control.size + this.traffic.size;
  }

  get bytes(): number {
    return this.control.bytes + this.traffic.bytes;
  }

  get dropped(): number {
    return this.control.dropped + this.traffic.dropped;
  }

  clear(): void {
    this.control.clear();
    this.traffic.clear();
  }

  /** Every packet in the order in which they passed. */
  inOrder(): RecordedPacket[] {
    return [...this.control.values(), ...this.traffic.values()].sort((a, b) => a.id - b.id);
  }
}

class Shelf {
  readonly #limit: Limit;
  readonly #packets = new Map<number, { packet: RecordedPacket; cost: number }>();
  /**
   * Ids in the order in which they were added, those from `#first` on; some may have been removed. A `Map` would know the
   * order as well, but finds its oldest entry the slower the more there were before.
   */
  #ids: number[] = [];
  #first = 0;
  bytes = 0;
  dropped = 0;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#packets.size;
  }

  add(packet: RecordedPacket): void {
    const cost = costOf(packet);
    this.#packets.set(packet.id, { packet, cost });
    this.#ids.push(packet.id);
    this.bytes += cost;
    this.#makeRoom();
  }

  /** A packet that is here costs more now. */
  grown({ id }: RecordedPacket): void {
    const entry = this.#packets.get(id);
    if (entry === undefined) return;
    const cost = costOf(entry.packet);
    this.bytes += cost - entry.cost;
    entry.cost = cost;
    this.#makeRoom();
  }

  #makeRoom(): void {
    while (this.size > this.#limit.packets || this.bytes > this.#limit.bytes) {
      if (this.remove(this.#ids[this.#first++]!)) this.dropped++;
    }
    if (this.#first <= this.#limit.packets) return;
    this.#ids = this.#ids.slice(this.#first);
    this.#first = 0;
  }

  remove(id: number): boolean {
    this.bytes -= this.#packets.get(id)?.cost ?? 0;
    return this.#packets.delete(id);
  }

  get(id: number): RecordedPacket | undefined {
    return this.#packets.get(id)?.packet;
  }

  clear(): void {
    this.#packets.clear();
    this.#ids = [];
    this.#first = 0;
    this.bytes = 0;
    this.dropped = 0;
  }

  /** In the order in which they were added: nearly that of their ids, since what is opened is added again. */
  *values(): Generator<RecordedPacket> {
    for (const { packet } of this.#packets.values()) yield packet;
  }
}

function costOf(packet: RecordedPacket): number {
  if (packet.kind === 'control') return OVERHEAD + 2 * packet.text.length;
  return OVERHEAD + packet.bytes.length + (packet.inner?.bytes.length ?? 0);
}
