/**
 * The load on a relay, as a process of its own: clients on one side of it and, for the way down, what stands for the
 * gateway on the other. Everything it starts is over when its command is answered, unless that says otherwise.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { obey } from '../harness/child.ts';
import { PACKET, PROTOCOLS, type ProtocolName } from './protocols.ts';
import { Session, until } from './session.ts';

export interface OpenOptions {
  readonly protocol: ProtocolName;
  /** The relay's ports. */
  readonly port: number;
  readonly gate: number;
  /** A session for each port of the gateway. */
  readonly gateway: string;
  readonly gatewayPorts: readonly number[];
}

export interface LoadCommands {
  /** Opens as many ports of an address for the way down, and answers them. */
  gateway(address: string, count: number): Promise<number[]>;
  open(options: OpenOptions): Promise<void>;
  /** Sends up for some time, never more than `window` bursts of a session under way; resolves when none is. */
  sendUp(millis: number, window: number): Promise<void>;
  /** Sends down for some time, burst by burst, and resolves with the datagrams that came through. */
  sendDown(millis: number): Promise<number>;
  /** Sends down more than a relay can take, and does not wait for the end of it. */
  floodDown(millis: number): void;
  /** Datagrams that came down, per session. */
  received(): number[];
}

/** Sessions that are opened at once: at a pace at which a relay takes connections in. */
const OPEN_AT_ONCE = 32;

/** Datagrams that are in the relay's sockets when it gets to see them: no more than any socket holds. */
const DOWN_BURST = 64;
/** Of these, the ones to one session, where there are more. */
const DOWN_RUN = 32;
/** What the relay needs to get to the gate. */
const GATE_MILLIS = 0.2;
/** How long a burst may take to come through before the rest counts as lost. */
const LOST_MILLIS = 100;

const GATE = Buffer.of(1);
const packet = Buffer.alloc(PACKET, 0xa5);
let sessions: readonly Session[] = [];
let sockets: readonly Socket[] = [];
const gateSocket = createSocket('udp4');
let gatePort = 0;
let turnOf = 0;

obey<LoadCommands>({
  async gateway(address, count) {
    sockets = await Promise.all(Array.from({ length: count }, () => gatewaySocket(address)));
    return sockets.map((socket) => socket.address().port);
  },
  async open({ protocol, port, gate, gateway, gatewayPorts }) {
    gatePort = gate;
    const opened: Session[] = [];
    for (let at = 0; at < gatewayPorts.length; at += OPEN_AT_ONCE) {
      const some = gatewayPorts.slice(at, at + OPEN_AT_ONCE);
      const one = (to: number) => Session.open(PROTOCOLS[protocol], port, gateway, to);
      opened.push(...(await Promise.all(some.map(one))));
    }
    sessions = opened;
    await until(() => sockets.every(isConnected));
  },
  async sendUp(millis, window) {
    const end = performance.now() + millis;
    const fill = (session: Session): void => {
      while (session.underWay < window && performance.now() < end) session.send();
    };
    for (const session of sessions) {
      session.progress = () => fill(session);
      fill(session);
    }
    await until(() => performance.now() >= end);
    await until(() => sessions.every(({ underWay }) => underWay === 0));
  },
  async sendDown(millis) {
    const before = sum();
    for (const end = performance.now() + millis; performance.now() < end; ) await oneBurst();
    return sum() - before;
  },
  floodDown(millis) {
    const end = performance.now() + millis;
    const flood = (): void => {
      run();
      if (performance.now() < end) setImmediate(flood);
    };
    flood();
  },
  received: () => sessions.map(({ received }) => received),
});

/**
 * The relay looks elsewhere while a burst is put into its sockets: so it meets packets as it does under load, when they
 * come faster than it reads, whatever the speed of whoever sends them here.
 */
async function oneBurst(): Promise<void> {
  const expected = sum() + DOWN_BURST;
  gateSocket.send(GATE, gatePort, '127.0.0.1');
  const asleep = performance.now() + GATE_MILLIS;
  while (performance.now() < asleep) await turn();
  for (let sent = 0; sent < DOWN_BURST; sent += DOWN_RUN) run();
  const giveUp = performance.now() + LOST_MILLIS;
  while (sum() < expected && performance.now() < giveUp) await turn();
}

/** A run of datagrams for the session whose turn it is. */
function run(): void {
  const socket = sockets[turnOf]!;
  turnOf = (turnOf + 1) % sockets.length;
  for (let i = 0; i < DOWN_RUN; i++) socket.send(packet);
}

function sum(): number {
  let datagrams = 0;
  for (const { received } of sessions) datagrams += received;
  return datagrams;
}

/** Sends to whoever has sent it something. */
async function gatewaySocket(address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', sendBufferSize: 4 * 1024 * 1024 });
  socket.on('error', () => {});
  socket.once('message', (_bytes, from) => socket.connect(from.port, from.address));
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

function isConnected(socket: Socket): boolean {
  try {
    return socket.remoteAddress().port > 0;
  } catch {
    return false;
  }
}
