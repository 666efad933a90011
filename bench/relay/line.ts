/**
 * A relay under load: the relay has a processor to itself, what loads it shares another, each a process of its own.
 */
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type Child, startChild } from '../harness/child.ts';
import { cpuMillis } from '../harness/cpu.ts';
import { pin } from '../harness/part.ts';
import { packetsDropped, packetsSent } from './arrivals.ts';
import type { ServerCommands } from './culvert-server.ts';
import type { LoadCommands, Sent } from './load.ts';
import type { ProtocolName } from './protocols.ts';
import type { SinkCommands } from './sink.ts';

/** A relay under test: its program, what it speaks, and what it is told by its environment. */
export interface Contender {
  readonly name: string;
  readonly program: string;
  readonly protocol: ProtocolName;
  readonly env?: NodeJS.ProcessEnv;
}

/** Up is from the client to the gateway. */
export type Direction = 'up' | 'down';

/** Where a line is. */
export interface Place {
  /** The gateway's address. */
  readonly gateway: string;
  /** What puts a program to where relay and clients are. */
  readonly within: readonly string[];
  /** The device on the way to a gateway that does not exist: what leaves by it has come through. */
  readonly device?: string;
}

const LOOPBACK: Place = { gateway: '127.0.0.2', within: [] };

/** A port of the gateway that does not exist. */
const NO_PORT = 4500;

const RELAY_CPU = cpus().length - 1;
const LOAD_CPU = 0;

/** How long the relay is loaded for its cost. */
const LOAD_MILLIS = 400;

/** How long it is flooded for the shares, and after what time they are looked at. */
const FLOOD_MILLIS = 1000;
const SETTLE_MILLIS = 200;

/** Bursts under way on the way up, over all sessions: always more than the relay reads at once. */
const BURSTS = 16;
/** The same of each session where they fight for the relay. */
const GREEDY_BURSTS = 32;

const IDLE_SHARE = 0.05;
const IDLE_POLL_MILLIS = 50;
const IDLE_POLLS = 100;

export class Line {
  readonly #direction: Direction;
  readonly #place: Place;
  readonly #ports: readonly number[];
  readonly #sink: Child<SinkCommands> | undefined;
  readonly #relay: Child<ServerCommands>;
  readonly #load: Child<LoadCommands>;

  private constructor(
    direction: Direction,
    place: Place,
    ports: readonly number[],
    sink: Child<SinkCommands> | undefined,
    relay: Child<ServerCommands>,
    load: Child<LoadCommands>,
  ) {
    this.#direction = direction;
    this.#place = place;
    this.#ports = ports;
    this.#sink = sink;
    this.#relay = relay;
    this.#load = load;
  }

  static async start(
    contender: Contender,
    direction: Direction,
    sessions: number,
    place: Place = LOOPBACK,
  ): Promise<Line> {
    const { program, protocol, env } = contender;
    const { gateway, within, device } = place;
    const onLoadCpu = [...within, ...pin(LOAD_CPU)];
    const [relay, load, sink] = await Promise.all([
      startChild<ServerCommands>(program, [...within, ...pin(RELAY_CPU)], env),
      startChild<LoadCommands>('bench/relay/load.ts', onLoadCpu),
      direction === 'up' && device === undefined
        ? startChild<SinkCommands>('bench/relay/sink.ts', onLoadCpu)
        : undefined,
    ]);
    const ports =
      device === undefined
        ? await (sink ?? load).ask.gateway(gateway, sessions)
        : Array.from({ length: sessions }, () => NO_PORT);
    const line = new Line(direction, place, ports, sink, relay, load);
    try {
      const relayPorts = await relay.ask.listen(gateway, ports);
      await load.ask.open({ ...relayPorts, protocol, gateway, gatewayPorts: ports });
      sink?.signal('SIGSTOP');
      await line.#idle();
      return line;
    } catch (error) {
      await line.stop();
      throw error;
    }
  }

  /** Microseconds of the relay's processor time for each packet that came through. */
  async cpuPerPacket(): Promise<number> {
    const sending = await this.#cpuOf(() => this.#send());
    const { packets, pauses } = sending.outcome;
    if (packets === 0) throw new Error('nothing came through');
    const pausing =
      pauses > 0 ? await this.#cpuOf(() => this.#load.ask.pauseOnly(pauses)) : { millis: 0 };
    return (1000 * (sending.millis - pausing.millis)) / packets;
  }

  /** What the slowest session gets of the fastest one's share, all wanting more than there is. */
  async fairness(): Promise<number> {
    const flood = this.#flood();
    await pause(SETTLE_MILLIS);
    const before = await this.#packetsOfEach();
    await pause(FLOOD_MILLIS - SETTLE_MILLIS);
    const after = await this.#packetsOfEach();
    await flood;
    await this.#idle();
    const packets = after.map((count, i) => count - before[i]!);
    if (sum(packets) === 0) throw new Error('nothing came through');
    return Math.min(...packets) / Math.max(...packets);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#sink?.stop(), this.#relay.stop(), this.#load.stop()]);
  }

  async #send(): Promise<Sent> {
    if (this.#direction === 'down') return await this.#load.ask.sendDown(LOAD_MILLIS);
    const before = sum(this.#arrived());
    await this.#load.ask.sendUp(LOAD_MILLIS, BURSTS);
    return { packets: sum(this.#arrived()) - before, pauses: 0 };
  }

  /** The relay's processor time, in milliseconds, for some work and until it has nothing of it in hand any more. */
  async #cpuOf<T>(work: () => Promise<T>): Promise<{ outcome: T; millis: number }> {
    const before = cpuMillis([this.#relay.pid]);
    const outcome = await work();
    await this.#idle();
    return { outcome, millis: cpuMillis([this.#relay.pid]) - before };
  }

  async #flood(): Promise<void> {
    if (this.#direction === 'up') await this.#load.ask.floodUp(FLOOD_MILLIS, GREEDY_BURSTS);
    else await this.#load.ask.floodDown(FLOOD_MILLIS);
  }

  async #packetsOfEach(): Promise<readonly number[]> {
    return this.#direction === 'up' ? this.#arrived() : await this.#load.ask.received();
  }

  /** On the way up, per port; by a device, over all of them. */
  #arrived(): readonly number[] {
    const { gateway, device } = this.#place;
    if (device !== undefined) return [packetsSent(this.#relay.pid, device)];
    return packetsDropped(this.#sink!.pid, gateway, this.#ports);
  }

  /** What the relay still has in hand is neither lost nor the next one's time. */
  async #idle(): Promise<void> {
    for (let i = 0; i < IDLE_POLLS; i++) {
      const before = cpuMillis([this.#relay.pid]);
      await pause(IDLE_POLL_MILLIS);
      if (cpuMillis([this.#relay.pid]) - before < IDLE_SHARE * IDLE_POLL_MILLIS) return;
    }
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}
