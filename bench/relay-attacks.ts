/** What a hostile client does to a relay, again and again: each attack, and what the relay must count for it. */
import { connect, type Socket } from 'node:net';
import { Channel, FRAME_BYTES_LIMIT } from '../shared/relay/channels.ts';
import { encodeControl } from '../shared/relay/control.ts';
import { frame, UPGRADE } from '../tests/support/raw-websocket.ts';

export interface Target {
  readonly port: number;
  /** Id of a gateway that takes everything and says nothing; and of one that sends without end. */
  readonly sink: string;
  readonly torrent: string;
}

/** Where the gateway is that takes everything. */
export const SINK_ADDRESS = '127.2.0.3';

export interface Attack {
  /** A code or the name of a counter in the relay's report. */
  readonly counted: string;
  /** Connections at a time. */
  readonly width: number;
  /** One connection's life, ended by the relay or by itself; never rejects. */
  strike(attacker: Attacker): Promise<void>;
}

/** One connection from the attack's own address, so that one attack does not use up another one's places. */
export class Attacker {
  readonly #socket: Socket;
  readonly target: Target;
  readonly closed: Promise<void>;
  #isClosed = false;

  constructor(target: Target, localAddress: string) {
    this.target = target;
    this.#socket = connect({ host: '127.0.0.1', port: target.port, localAddress });
    this.#socket.setNoDelay(true);
    this.#socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#isClosed = true;
        resolve();
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Takes what comes and forgets it. */
  listen(): void {
    this.#socket.resume();
  }

  /** Stops reading, for good. */
  turnAway(): void {
    this.#socket.pause();
  }

  /** Resolves when the system has taken the bytes, or the connection is gone. */
  async write(bytes: Uint8Array | string): Promise<void> {
    // A write to a destroyed socket fails at once: a loop of them would not let it close.
    if (this.#socket.destroyed) return this.closed;
    const taken = new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
    await Promise.race([taken, this.closed]);
  }

  /** A WebSocket with an open gateway. */
  async open(gateway: string): Promise<void> {
    await this.answered(UPGRADE);
    await this.answered(frame(0x81, Buffer.from(encodeControl({ type: 'open', gateway }))));
  }

  /** Writes, and waits for the next bytes that come. */
  async answered(bytes: Uint8Array | string): Promise<void> {
    const answer = new Promise<void>((resolve) => this.#socket.once('data', () => resolve()));
    await this.write(bytes);
    await Promise.race([answer, this.closed]);
  }

  /** Writes the same bytes until the connection ends. */
  async pour(bytes: Uint8Array): Promise<void> {
    this.listen();
    while (!this.#isClosed) {
      await this.write(bytes);
      // What the system takes at once must not keep the other attacks from their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  end(): void {
    this.#socket.destroy();
  }
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'connections that say nothing': {
    counted: 'RELAY_SLOW_REQUEST',
    width: 100,
    strike: async (attacker) => {
      attacker.listen();
      await attacker.closed;
    },
  },
  'headers that never end': {
    counted: 'RELAY_SLOW_REQUEST',
    width: 50,
    strike: async (attacker) => {
      attacker.listen();
      await attacker.write('GET / HTTP/1.1\r\nX: ');
      while (!attacker.isClosed) {
        await attacker.write('x');
        await pause(100);
      }
    },
  },
  'more connections than a client may have': {
    counted: 'connectionsRefused',
    width: 300,
    strike: async (attacker) => {
      attacker.listen();
      await Promise.race([attacker.closed, pause(2000)]);
      attacker.end();
    },
  },
  'headers without bound': refused(
    'RELAY_BIG_HEADERS',
    `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(50_000)}`,
  ),
  'noise instead of HTTP': refused('RELAY_BAD_REQUEST', Buffer.alloc(2000, 0x16)),
  'requests that wait for no answer': request(
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(1600),
  ),
  'a body in small pieces': request(
    `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(10_000)}`,
  ),
  'a foreign origin': refused(
    'RELAY_BAD_ORIGIN',
    UPGRADE.replace('Upgrade: w', 'Origin: https://evil.example\r\nUpgrade: w'),
  ),
  'sessions that never open': upgraded('RELAY_OPEN_TIMEOUT', []),
  'more sessions than an address may have': {
    counted: 'RELAY_FULL',
    width: 40,
    strike: async (attacker) => {
      await attacker.open(attacker.target.sink);
      attacker.listen();
      await Promise.race([attacker.closed, pause(1000)]);
      attacker.end();
    },
  },
  'an unknown gateway': upgraded('RELAY_UNKNOWN_GATEWAY', [control('elsewhere')]),
  'records before a gateway is open': upgraded('RELAY_OUT_OF_ORDER', [record(Channel.natt, 100)]),
  'text that is no message': upgraded('RELAY_BAD_MESSAGE', [frame(0x81, Buffer.alloc(5000, 0x20))]),
  'an unknown channel': opened('RELAY_BAD_FRAME', record(7, 100)),
  'frames that are too big': opened(
    'RELAY_FRAME_TOO_BIG',
    frame(0x82, Buffer.alloc(FRAME_BYTES_LIMIT + 1)),
  ),
  'broken frames': opened('RELAY_BAD_WEBSOCKET', Buffer.alloc(1000, 0xff)),
  'fragments without end': opened(
    'RELAY_TOO_MANY_PARTS',
    Buffer.concat([
      frame(0x02, Buffer.alloc(1)),
      ...Array.from({ length: 1000 }, () => frame(0x00, Buffer.alloc(1))),
    ]),
  ),
  'a frame byte by byte': {
    counted: 'opened',
    width: 4,
    strike: async (attacker) => {
      await attacker.open(attacker.target.sink);
      attacker.listen();
      await attacker.write(frame(0x82, Buffer.alloc(FRAME_BYTES_LIMIT)).subarray(0, 14));
      while (!attacker.isClosed) {
        await attacker.write(Buffer.of(0));
        await pause(0);
      }
    },
  },
  'datagrams without bound': poured('overRate', repeated(record(Channel.natt, 1200), 60)),
  'the smallest records': poured('overRate', repeated(record(Channel.natt, 16), 4000)),
  'IKE without bound': poured('overRateIke', repeated(ikeRecord(), 1000)),
  'records of no shape': poured('badShapeFromTab', repeated(record(Channel.ike, 40), 2000)),
  'pings without end': poured('pings', repeated(frame(0x89, Buffer.alloc(100)), 500)),
  'pongs without end': poured('opened', repeated(frame(0x8a, Buffer.alloc(100)), 500)),
  'moves without end': {
    counted: 'RELAY_OUT_OF_ORDER',
    width: 4,
    strike: async (attacker) => {
      const move = encodeControl({ type: 'move', address: SINK_ADDRESS });
      const load = repeated(record(Channel.natt, 16), 300);
      const bytes = Buffer.concat([load, frame(0x81, Buffer.from(move))]);
      await attacker.open(attacker.target.sink);
      while (!attacker.isClosed) await attacker.answered(bytes);
    },
  },
  'a torrent that nobody reads': {
    counted: 'queueToTab',
    width: 4,
    strike: async (attacker) => {
      await attacker.open(attacker.target.torrent);
      attacker.turnAway();
      await attacker.write(record(Channel.natt, 100));
      await Promise.race([attacker.closed, pause(20_000)]);
      attacker.end();
    },
  },
};

/** A request that is refused at once. */
function refused(counted: string, bytes: Uint8Array | string): Attack {
  return {
    counted,
    width: 4,
    strike: async (attacker) => {
      attacker.listen();
      await attacker.write(bytes);
      await attacker.closed;
    },
  };
}

/** On as many connections as a client may have. */
function request(text: string): Attack {
  return { ...refused('RELAY_BAD_REQUEST', text), width: 100 };
}

/** A WebSocket without a gateway that sends the frames. */
function upgraded(counted: string, frames: readonly Uint8Array[]): Attack {
  return {
    counted,
    width: 4,
    strike: async (attacker) => {
      await attacker.answered(UPGRADE);
      attacker.listen();
      for (const bytes of frames) await attacker.write(bytes);
      await Promise.race([attacker.closed, pause(4000)]);
      attacker.end();
    },
  };
}

/** A session that sends what ends it. */
function opened(counted: string, bytes: Uint8Array): Attack {
  return {
    counted,
    width: 4,
    strike: async (attacker) => {
      await attacker.open(attacker.target.sink);
      attacker.listen();
      await attacker.write(bytes);
      await Promise.race([attacker.closed, pause(2000)]);
      attacker.end();
    },
  };
}

/** A session that sends as much as it can. */
function poured(counted: string, bytes: Uint8Array): Attack {
  return {
    counted,
    width: 2,
    strike: async (attacker) => {
      await attacker.open(attacker.target.sink);
      await attacker.pour(bytes);
    },
  };
}

function control(gateway: string): Buffer {
  return frame(0x81, Buffer.from(encodeControl({ type: 'open', gateway })));
}

/** A frame of one record; on NAT-T it has the shape of ESP. */
function record(channel: number, length: number): Buffer {
  return frame(0x82, Buffer.from([channel, length >>> 8, length & 0xff, ...Array(length).fill(1)]));
}

function ikeRecord(): Buffer {
  const bytes = Buffer.alloc(3 + 28);
  bytes.writeUInt16BE(28, 1);
  bytes[3] = 1;
  bytes[3 + 17] = 0x10;
  bytes[3 + 27] = 28;
  return frame(0x82, bytes);
}

function repeated(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}

export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
