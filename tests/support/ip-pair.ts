import { IpAddress, parseAddress } from '../../shared/ip/address.ts';
import { type IpInput, type IpOutput, IpStack } from '../../shared/ip/stack.ts';
import type { TcpLimits } from '../../shared/ip/tcp/environment.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';

import { earliest } from '../../shared/wire/machine.ts';
import type { Packet, PacketSink } from '../../shared/wire/packet.ts';
import { Link, type LinkOptions } from './link.ts';
import { wantedRecording } from './net/pcap-writer.ts';
import { nodePrimitives } from './node-primitives.ts';
import { SeededRandom } from './random.ts';

const HEADROOM = 64;

/** Hands each packet, copied, to a callback. */
export class CopyingSink implements PacketSink {
  readonly mtu: number;
  readonly #packet: Packet;
  readonly #sent: (bytes: Bytes) => void;

  constructor(mtu: number, sent: (bytes: Bytes) => void) {
    this.mtu = mtu;
    this.#sent = sent;
    this.#packet = { bytes: new Uint8Array(HEADROOM + mtu), start: 0, end: 0 };
  }

  take(): Packet {
    this.#packet.start = HEADROOM;
    this.#packet.end = HEADROOM;
    return this.#packet;
  }

  send(packet: Packet): void {
    if (packet.start !== HEADROOM || packet.end > HEADROOM + this.mtu)
      throw new Error('packet size');
    this.#sent(packet.bytes.slice(packet.start, packet.end));
  }
}

export function asPacket(bytes: Bytes): Packet {
  return { bytes, start: 0, end: bytes.length };
}

export interface PairOptions {
  readonly link: LinkOptions;
  /** Of the way back; like `link`, with a seed of its own, when missing. */
  readonly down?: LinkOptions;
  readonly mtu?: number;
  readonly limits?: TcpLimits;
  /** A busy thread: the client sees timers and packets only every so often. */
  readonly clientWakesEvery?: Millis;
}

export const CLIENT = ip('10.0.0.1');
export const SERVER = ip('10.0.0.2');

export function ip(text: string): IpAddress {
  return new IpAddress(parseAddress(text)!);
}

/** One end: a stack, what it says, and what its owner does about it. */
export class Host {
  readonly stack: IpStack;
  readonly outputs: IpOutput[] = [];
  react: (output: IpOutput) => void = () => undefined;
  readonly #clock: { now: Millis };

  constructor(
    address: IpAddress,
    options: PairOptions,
    clock: { now: Millis },
    link: Pick<Link, 'send'>,
  ) {
    this.#clock = clock;
    this.stack = new IpStack({
      address: address.bytes,
      nameServers: [SERVER.bytes],
      random: new SeededRandom(options.link.seed + address.sum),
      sink: new CopyingSink(options.mtu ?? 1400, (bytes) => link.send(bytes, clock.now)),
      primitives: nodePrimitives,
      ...(options.limits === undefined ? {} : { tcp: options.limits }),
    });
  }

  tell(input: IpInput): void {
    for (const output of this.stack.handle(input, this.#clock.now)) {
      if (output.kind !== 'tcp-data' && output.kind !== 'trace' && output.kind !== 'tcp-wrote') {
        this.outputs.push(output);
      }
      this.react(output);
    }
  }
}

/** Two stacks back to back over a link with a seed, in virtual time. */
export class Pair {
  readonly clock = { now: 0 };
  readonly up: Link;
  readonly down: Link;
  readonly client: Host;
  readonly server: Host;
  readonly #clientWakesEvery: Millis;
  steps = 0;
  /** What the client sends and gets. */
  readonly #recording = wantedRecording('pair');

  constructor(options: PairOptions) {
    this.#clientWakesEvery = options.clientWakesEvery ?? 0;
    this.up = new Link(options.link);
    this.down = new Link(options.down ?? { ...options.link, seed: options.link.seed + 1 });
    const send = (bytes: Bytes, now: Millis) => {
      this.#recording?.add(bytes, now);
      this.up.send(bytes, now);
    };
    this.client = new Host(CLIENT, options, this.clock, { send });
    this.server = new Host(SERVER, options, this.clock, this.down);
  }

  /** Runs until `done`; answers false when nothing is left to happen, or at `until`. */
  run(done: () => boolean, until: Millis): boolean {
    while (!done()) {
      const next = earliest(
        this.up.deadline,
        this.#whenAwake(this.down.deadline),
        this.#whenAwake(this.client.stack.deadline),
        this.server.stack.deadline,
      );
      if (next === undefined || next > until) return false;
      this.steps++;
      this.clock.now = Math.max(this.clock.now, next);
      const now = this.clock.now;
      this.#arrive(this.server, this.up.arrived(now));
      const isAwake = this.#whenAwake(now) === now;
      const down = isAwake ? this.down.arrived(now) : [];
      for (const bytes of down) this.#recording?.add(bytes, now);
      this.#arrive(this.client, down);
      for (const host of isAwake ? [this.client, this.server] : [this.server]) {
        if ((host.stack.deadline ?? Number.POSITIVE_INFINITY) <= now)
          host.tell({ kind: 'timeout' });
      }
    }
    return true;
  }

  #whenAwake(time: Millis | undefined): Millis | undefined {
    const every = this.#clientWakesEvery;
    return time === undefined || every === 0 ? time : Math.ceil(time / every) * every;
  }

  #arrive(host: Host, packets: readonly Bytes[]): void {
    if (packets.length > 0) host.tell({ kind: 'packets', packets: packets.map(asPacket) });
  }
}
