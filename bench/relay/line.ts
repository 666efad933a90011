/**
 * A relay under load: the relay has a processor to itself, what loads it shares another, each a process of its own.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type Child, startChild } from '../harness/child.ts';
import { cpuMillis } from '../harness/cpu.ts';
import { pin } from '../harness/part.ts';
import type { ServerCommands } from './culvert-server.ts';
import type { LoadCommands } from './load.ts';
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

const GATEWAY = '127.0.0.2';
/** The same as /proc has it: in the processor's byte order. */
const GATEWAY_HEX = '0200007F';
const RELAY_CPU = cpus().length - 1;
const LOAD_CPU = 0;

/** How long the relay is loaded for its cost. */
const LOAD_MILLIS = 400;

/** How long it is flooded for the shares, and after what time they are looked at. */
const FLOOD_MILLIS = 1000;
const SETTLE_MILLIS = 200;

/** Bursts under way on the way up, over all sessions: always more than the relay reads at once. */
const WINDOW = 16;
/** The same of each session where they fight for the relay. */
const GREEDY_WINDOW = 32;

const IDLE_SHARE = 0.05;
const IDLE_POLL_MILLIS = 50;
const IDLE_POLLS = 100;

export class Line {
  readonly #direction: Direction;
  readonly #ports: readonly number[];
  readonly #sink: Child<SinkCommands> | undefined;
  readonly #relay: Child<ServerCommands>;
  readonly #load: Child<LoadCommands>;

  private constructor(
    direction: Direction,
    ports: readonly number[],
    sink: Child<SinkCommands> | undefined,
    relay: Child<ServerCommands>,
    load: Child<LoadCommands>,
  ) {
    this.#direction = direction;
    this.#ports = ports;
    this.#sink = sink;
    this.#relay = relay;
    this.#load = load;
  }

  static async start(contender: Contender, direction: Direction, sessions: number): Promise<Line> {
    const { program, protocol, env } = contender;
    const [relay, load, sink] = await Promise.all([
      startChild<ServerCommands>(program, pin(RELAY_CPU), env),
      startChild<LoadCommands>('bench/relay/load.ts', pin(LOAD_CPU)),
      direction === 'up'
        ? startChild<SinkCommands>('bench/relay/sink.ts', pin(LOAD_CPU))
        : undefined,
    ]);
    const ports =
      (await sink?.ask.listen(GATEWAY, sessions)) ?? (await load.ask.gateway(GATEWAY, sessions));
    const line = new Line(direction, ports, sink, relay, load);
    try {
      const relayPorts = await relay.ask.listen(GATEWAY, ports);
      await load.ask.open({ ...relayPorts, protocol, gateway: GATEWAY, gatewayPorts: ports });
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
    const before = cpuMillis([this.#relay.pid]);
    const packets = await this.#packetsThrough();
    await this.#idle();
    if (packets === 0) throw new Error('nothing came through');
    return (1000 * (cpuMillis([this.#relay.pid]) - before)) / packets;
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

  async #packetsThrough(): Promise<number> {
    if (this.#direction === 'down') return await this.#load.ask.sendDown(LOAD_MILLIS);
    const before = sum(dropsAt(this.#ports));
    const window = Math.ceil(WINDOW / this.#ports.length);
    await this.#load.ask.sendUp(LOAD_MILLIS, window);
    return sum(dropsAt(this.#ports)) - before;
  }

  async #flood(): Promise<void> {
    if (this.#direction === 'up') await this.#load.ask.sendUp(FLOOD_MILLIS, GREEDY_WINDOW);
    else await this.#load.ask.floodDown(FLOOD_MILLIS);
  }

  async #packetsOfEach(): Promise<readonly number[]> {
    return this.#direction === 'up' ? dropsAt(this.#ports) : await this.#load.ask.received();
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

/** Datagrams that the system has dropped at UDP ports of the gateway: proc(5), `/proc/net/udp`. */
function dropsAt(ports: readonly number[]): readonly number[] {
  const drops = new Map<number, number>();
  for (const line of readFileSync('/proc/net/udp', 'utf8').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [address, port] = fields[1]?.split(':') ?? [];
    if (address === GATEWAY_HEX) drops.set(Number.parseInt(port!, 16), Number(fields.at(-1)));
  }
  return ports.map((port) => drops.get(port) ?? 0);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}
