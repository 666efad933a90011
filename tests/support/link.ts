import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { SeededRandom } from './random.ts';

export interface LinkOptions {
  readonly seed: number;
  /** One-way delay. */
  readonly latency: Millis;
  /** Extra delay, uniform in [0, jitter): what reorders packets. */
  readonly jitter?: Millis;
  /** Probability of each, 0 to 1. */
  readonly loss?: number;
  readonly duplication?: number;
  readonly corruption?: number;
  /** How long a loss lasts: what comes in that time is lost too. */
  readonly burst?: Millis;
  /** Larger packets are dropped. */
  readonly mtu?: number;
  /** A bottleneck before the delay: bytes per millisecond, and bytes that may wait for it; more are dropped. */
  readonly rate?: number;
  readonly buffer?: number;
  /** Capable packets that waited longer than this are marked instead of passing as they are (ECN). */
  readonly mark?: Millis;
}

interface Flying {
  readonly at: Millis;
  readonly order: number;
  readonly bytes: Bytes;
}

/** One direction of a network in virtual time: what goes in comes out later, or twice, or not at all. */
export class Link {
  readonly #options: LinkOptions;
  readonly #random: SeededRandom;
  /** A heap: the next to arrive first. */
  readonly #flying: Flying[] = [];
  #order = 0;
  #lostUntil: Millis = 0;
  /** When the bottleneck will have passed on what waits. */
  #busyUntil: Millis = 0;
  /** While set, everything waits: a relay that stalls. */
  stalledUntil: Millis = 0;
  dropped = 0;
  delivered = 0;
  /** Time that packets waited at the bottleneck, summed, and how many they were. */
  waited: Millis = 0;
  passed = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  send(bytes: Bytes, now: Millis): void {
    const { loss = 0, duplication = 0, corruption = 0, mtu = 65_535 } = this.#options;
    if (bytes.length > mtu || this.#isLost(loss, now)) {
      this.dropped++;
      return;
    }
    const copies = this.#random.next() < duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const leaves = this.#pass(bytes.length, now);
      if (leaves === undefined) {
        this.dropped++;
        continue;
      }
      const copy = bytes.slice();
      if (leaves - now > (this.#options.mark ?? Number.POSITIVE_INFINITY)) mark(copy);
      if (copy.length > 0 && this.#random.next() < corruption) {
        const at = Math.floor(this.#random.next() * copy.length);
        copy[at] = copy[at]! ^ (1 << Math.floor(this.#random.next() * 8));
      }
      const at = Math.max(leaves + this.#delay(), this.stalledUntil);
      this.#push({ at, order: this.#order++, bytes: copy });
    }
  }

  /** When the next packet arrives. */
  get deadline(): Millis | undefined {
    return this.#flying[0]?.at;
  }

  /** The packets that have arrived by `now`, in order of arrival. */
  arrived(now: Millis): Bytes[] {
    const out: Bytes[] = [];
    while (this.#flying.length > 0 && this.#flying[0]!.at <= now) {
      out.push(this.#pop().bytes);
      this.delivered++;
    }
    return out;
  }

  #isLost(loss: number, now: Millis): boolean {
    const falls = this.#random.next() < loss;
    if (now < this.#lostUntil) return true;
    if (!falls) return false;
    this.#lostUntil = now + (this.#options.burst ?? 0);
    return true;
  }

  /** When a packet has passed the bottleneck; `undefined` when its buffer is full. */
  #pass(length: number, now: Millis): Millis | undefined {
    const { rate, buffer = Number.POSITIVE_INFINITY } = this.#options;
    if (rate === undefined) return now;
    const wait = Math.max(0, this.#busyUntil - now);
    if (wait * rate + length > buffer) return undefined;
    this.#busyUntil = now + wait + length / rate;
    this.waited += wait;
    this.passed++;
    return this.#busyUntil;
  }

  #delay(): Millis {
    const { latency, jitter = 0 } = this.#options;
    return latency + this.#random.next() * jitter;
  }

  #push(packet: Flying): void {
    const heap = this.#flying;
    let at = heap.push(packet) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(packet, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = packet;
  }

  #pop(): Flying {
    const heap = this.#flying;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Flying, b: Flying): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Sets "congestion experienced" in an IPv4 header that allows it, and mends its checksum. */
function mark(packet: Bytes): void {
  if (packet[0]! >> 4 !== 4 || (packet[1]! & 3) === 0 || (packet[1]! & 3) === 3) return;
  packet[1] = packet[1]! | 3;
  packet[10] = 0;
  packet[11] = 0;
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += (packet[i]! << 8) | packet[i + 1]!;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  packet[10] = sum >>> 8;
  packet[11] = sum;
}
