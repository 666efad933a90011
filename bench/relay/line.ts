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

/** Where a line is: the gateway's address, and what puts a program to its place. */
export interface Place {
  readonly gateway: string;
  /** The relay's own, where ESP is to go between them as IP protocol 50. */
  readonly relay?: string;
  readonly relaySide: readonly string[];
  readonly gatewaySide: readonly string[];
}

const LOOPBACK: Place = { gateway: '127.0.0.2', relaySide: [], gatewaySide: [] };

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
  readonly #gateway: string;
  readonly #ports: readonly number[];
  readonly #sink: Child<SinkCommands> | undefined;
  readonly #relay: Child<ServerCommands>;
  readonly #load: Child<LoadCommands>;

  private constructor(
    direction: Direction,
    gateway: string,
    ports: readonly number[],
    sink: Child<SinkCommands> | undefined,
    relay: Child<ServerCommands>,
    load: Child<LoadCommands>,
  ) {
    this.#direction = direction;
    this.#gateway = gateway;
    this.#ports = ports;
    this.#sink = sink;
    this.#relay = relay;
    this.#load = load;
  }

  static async start(
    contender: Contender,
    direction: Direction,
    sessions: number,
    { gateway, relay: relayAddress, relaySide, gatewaySide }: Place = LOOPBACK,
  ): Promise<Line> {
    const { program, protocol, env } = contender;
    const onLoadCpu = pin(LOAD_CPU);
    const [relay, load, sink] = await Promise.all([
      startChild<ServerCommands>(program, [...relaySide, ...pin(RELAY_CPU)], env),
      startChild<LoadCommands>('bench/relay/load.ts', [...relaySide, ...onLoadCpu]),
      direction === 'up'
        ? startChild<SinkCommands>('bench/relay/sink.ts', [...gatewaySide, ...onLoadCpu])
        : undefined,
    ]);
    const ports =
      (await sink?.ask.listen(gateway, sessions)) ?? (await load.ask.gateway(gateway, sessions));
    if (relayAddress !== undefined) await sink?.ask.takeEsp(gateway, relayAddress);
    const line = new Line(direction, gateway, ports, sink, relay, load);
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
    const before = sum(this.#arrived());
    const window = Math.ceil(WINDOW / this.#ports.length);
    await this.#load.ask.sendUp(LOAD_MILLIS, window);
    return sum(this.#arrived()) - before;
  }

  async #flood(): Promise<void> {
    if (this.#direction === 'up') await this.#load.ask.sendUp(FLOOD_MILLIS, GREEDY_WINDOW);
    else await this.#load.ask.floodDown(FLOOD_MILLIS);
  }

  async #packetsOfEach(): Promise<readonly number[]> {
    return this.#direction === 'up' ? this.#arrived() : await this.#load.ask.received();
  }

  /** On the way up, per port; what came without one counts as the first one's. */
  #arrived(): readonly number[] {
    const [first, ...others] = dropsAt(this.#sink!.pid, this.#gateway, this.#ports);
    return [first! + espDrops(this.#sink!.pid), ...others];
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

/** Datagrams that the system has dropped at each of the ports of an address, as the process sees it: `/proc/net/udp`. */
function dropsAt(pid: number, address: string, ports: readonly number[]): readonly number[] {
  const drops = dropsIn(pid, 'udp');
  return ports.map((port) => {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    return drops.get(`${hexAddress(address)}:${hex}`) ?? 0;
  });
}

/** ESP that the system has dropped at the raw socket, which is bound to no address. */
function espDrops(pid: number): number {
  return dropsIn(pid, 'raw').get('00000000:0032') ?? 0;
}

/** By local address and port, or protocol, as proc(5) has them. */
function dropsIn(pid: number, table: 'udp' | 'raw'): ReadonlyMap<string, number> {
  const lines = readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1);
  return new Map(
    lines.map((line) => {
      const fields = line.trim().split(/\s+/);
      return [fields[1] ?? '', Number(fields.at(-1))];
    }),
  );
}

/** As /proc has it: in the processor's byte order. */
function hexAddress(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return bytes.reverse().join('').toUpperCase();
}

function sum(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}
