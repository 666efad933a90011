/**
 * The load on a relay, as a process of its own: clients on one side of it and, for the way down, what stands for the
 * gateway on the other. Everything it starts is over when its command is answered, unless that says otherwise.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
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

/** What came of sending. */
export interface Sent {
  /** Datagrams that came through. */
  readonly packets: number;
  /** How often the relay was made to pause. */
  readonly pauses: number;
}

export interface LoadCommands {
  /** Opens as many ports of an address for the way down, and answers them. */
  gateway(address: string, count: number): Promise<number[]>;
  open(options: OpenOptions): Promise<void>;
  /** Sends up for some time, the sessions in turn, with so many bursts under way in all; resolves when none is. */
  sendUp(millis: number, bursts: number): Promise<void>;
  /** Sends up for some time, with so many bursts of each session under way; resolves when none is. */
  floodUp(millis: number, bursts: number): Promise<void>;
  /** Sends down for some time, burst by burst, each while the relay pauses. */
  sendDown(millis: number): Promise<Sent>;
  /** Makes the relay pause as often, and sends nothing. */
  pauseOnly(times: number): Promise<void>;
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
/** Until it has looked again, and found nothing. */
const GATE_OPEN_MILLIS = 2;
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
  sendUp: (millis, bursts) => offer(millis, bursts, nextSession),
  floodUp: (millis, bursts) => offer(millis, bursts * sessions.length, (session) => session),
  async sendDown(millis) {
    const before = sum();
    let pauses = 0;
    for (const end = performance.now() + millis; performance.now() < end; pauses++) {
      await oneBurst();
    }
    return { packets: sum() - before, pauses };
  },
  async pauseOnly(times) {
    for (let i = 0; i < times; i++) {
      await pauseRelay();
      await pause(GATE_OPEN_MILLIS);
    }
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
  await pauseRelay();
  for (let sent = 0; sent < DOWN_BURST; sent += DOWN_RUN) run();
  const giveUp = performance.now() + LOST_MILLIS;
  while (sum() < expected && performance.now() < giveUp) await turn();
}

/** Resolves once the relay looks elsewhere. */
async function pauseRelay(): Promise<void> {
  gateSocket.send(GATE, gatePort, '127.0.0.1');
  const asleep = performance.now() + GATE_MILLIS;
  while (performance.now() < asleep) await turn();
}

/** Keeps so many bursts under way for some time: for each that is done the session that `heir` names sends another. */
async function offer(
  millis: number,
  bursts: number,
  heir: (session: Session) => Session,
): Promise<void> {
  const end = performance.now() + millis;
  let underWay = 0;
  const send = (session: Session): void => {
    if (performance.now() >= end) return;
    underWay++;
    session.send();
  };
  for (const session of sessions) {
    session.done = (count) => {
      underWay -= count;
      for (; count > 0; count--) send(heir(session));
    };
  }
  for (let i = 0; i < bursts; i++) send(nextSession());
  await until(() => performance.now() >= end && underWay === 0);
}

/** The sessions take turns. */
function nextSession(): Session {
  turnOf = (turnOf + 1) % sessions.length;
  return sessions[turnOf]!;
}

/** A run of datagrams for the session whose turn it is. */
function run(): void {
  turnOf = (turnOf + 1) % sockets.length;
  const socket = sockets[turnOf]!;
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
