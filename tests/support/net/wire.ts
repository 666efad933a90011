import type { Bytes, Millis } from '../../../shared/wire/bytes.ts';
import { earliest } from '../../../shared/wire/machine.ts';
import { Link, type LinkOptions } from '../link.ts';
import type { Clock } from './clock.ts';
import type { PcapWriter } from './pcap-writer.ts';

/** Where packets come from and go to: a stack of ours, or a kernel behind its TUN device. */
export interface Port {
  /** Takes packets that arrived, in order. They are its own now. */
  deliver(packets: readonly Bytes[]): void;
  /** Called with each packet it sends; the wire sets it. */
  send: (packet: Bytes) => void;
}

export interface WireOptions {
  readonly clock: Clock;
  readonly ends: readonly [Port, Port];
  /** From the first end to the second, and back. */
  readonly there: LinkOptions;
  readonly back: LinkOptions;
  /** Shows what the first end sends and gets. */
  readonly recording?: PcapWriter | undefined;
}

/** A network between two ends. */
export class Wire {
  readonly there: Link;
  readonly back: Link;
  readonly #options: WireOptions;
  #timedFor: Millis | undefined;
  #cancel: () => void = () => undefined;

  constructor(options: WireOptions) {
    this.#options = options;
    const { clock, ends, recording } = options;
    const [first, second] = ends;
    this.there = new Link(options.there);
    this.back = new Link(options.back);
    first.send = (packet) => {
      const now = clock.now();
      recording?.add(packet, now);
      this.there.send(packet, now);
      this.#arm();
    };
    second.send = (packet) => {
      this.back.send(packet, clock.now());
      this.#arm();
    };
  }

  /** Drops what is on its way, and everything after. */
  cut(): void {
    this.#cancel();
    for (const end of this.#options.ends) end.send = () => undefined;
  }

  #arm(): void {
    const next = earliest(this.there.deadline, this.back.deadline);
    if (next === undefined || (this.#timedFor !== undefined && this.#timedFor <= next)) return;
    this.#cancel();
    this.#timedFor = next;
    this.#cancel = this.#options.clock.at(next, () => this.#arrive());
  }

  #arrive(): void {
    this.#timedFor = undefined;
    const { clock, ends, recording } = this.#options;
    const now = clock.now();
    const [first, second] = ends;
    const forward = this.there.arrived(now);
    if (forward.length > 0) second.deliver(forward);
    const backward = this.back.arrived(now);
    for (const packet of backward) recording?.add(packet, now);
    if (backward.length > 0) first.deliver(backward);
    this.#arm();
  }
}
