/**
 * One tab and one gateway: the tab's frames become datagrams, the gateway's datagrams become frames. It holds
 * no key and looks no further than the headers the shape filter needs.
 */
import { isIPv4 } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import {
  CHANNEL_NAMES,
  type ChannelName,
  FRAME_BYTES_LIMIT,
  RECORD_BYTES_LIMIT,
  RELAY_MTU,
  UDP_CHANNEL_NAMES,
} from '../shared/relay/channels.ts';
import { REFUSALS, type RefusalCode } from '../shared/relay/close-codes.ts';
import { type ChannelPorts, decodeControlFromTab } from '../shared/relay/control.ts';
import { forEachRecord } from '../shared/relay/frames.ts';
import type { Bytes, Millis } from '../shared/wire/bytes.ts';
import { DecodeError } from '../shared/wire/errors.ts';
import type { GatewayConfig } from './config.ts';
import { type Counters, newCounters } from './counters.ts';
import { Datagrams, type EspPorts } from './datagrams.ts';
import { Outbox } from './outbox.ts';
import { PacketRate } from './packet-rate.ts';
import type { Resolve } from './resolver.ts';
import type { Sockets } from './sockets.ts';
import { TurnShare } from './turn-share.ts';
import { madeBuffers, takeFrame } from './young-buffers.ts';

/** How long a tab has to close its side; then the connection is cut. */
const CLOSE_TIMEOUT: Millis = 1000;
/** Least time between two `unreachable` messages about one channel. */
const UNREACHABLE_INTERVAL: Millis = 1000;
/** Moves of a session: each is answered whether or not the tab reads, and takes new sockets. A tab follows three. */
export const MOVES_LIMIT = 16;

interface SessionOptions {
  readonly gateways: readonly GatewayConfig[];
  /** Time for the tab's first message. */
  readonly openTimeout: Millis;
  /** Time without a frame from the tab after which the session ends. */
  readonly idleTimeout: Millis;
  /** What the tab may send toward the gateway. */
  readonly packetsPerSecond: number;
  readonly resolve: Resolve;
  readonly sockets: Sockets;
  /** Where the relay has raw ESP. */
  readonly espPorts: EspPorts | undefined;
  /** Called once, when the gateway is open. */
  readonly opened: (gateway: GatewayConfig) => void;
  /** Called once, when the relay ends the session. */
  readonly refused: (code: RefusalCode) => void;
}

type Timer = ReturnType<typeof setTimeout>;

interface Open {
  readonly kind: 'open';
  readonly gateway: GatewayConfig;
  /** Every address of the gateway's, IPv4 and dotted. */
  readonly addresses: readonly string[];
  readonly datagrams: Datagrams;
  timer: Timer;
  lastFrame: Millis;
}

type State =
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'opening' }
  | Open
  | { readonly kind: 'closed'; readonly timer: Timer };

export class Session {
  readonly counters: Counters = newCounters();
  readonly #socket: WebSocket;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #share: TurnShare<Bytes | string>;
  readonly #toldUnreachable = new Map<ChannelName, Millis>();
  /** One for all of its sockets: a move gives no new burst. */
  readonly #rate: PacketRate;
  #moves = 0;
  #state: State;

  /** Takes over a WebSocket that stands, and the connection under it. */
  constructor(socket: WebSocket, stream: Duplex, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#outbox = new Outbox(socket, stream, this.counters);
    this.#share = new TurnShare(socket, (frame) => this.#frame(frame));
    this.#rate = new PacketRate(options.packetsPerSecond, performance.now());
    this.#state = {
      kind: 'waiting',
      timer: setTimeout(() => this.refuse('RELAY_OPEN_TIMEOUT'), options.openTimeout),
    };
    socket.binaryType = 'fragments'; // for `takeFrame`
    socket.on('message', (data, isBinary) => {
      this.#share.take(isBinary ? takeFrame(data as Buffer<ArrayBuffer>[]) : data.toString());
    });
    socket.on('ping', (data) => {
      this.#share.spend();
      this.#outbox.pong(data);
    });
    socket.on('pong', () => this.#share.spend());
    // The library has sent its close frame already, with the code of the refusal.
    socket.on('error', (error) => {
      const code = brokenFraming(error);
      if (code !== undefined && this.#state.kind !== 'closed') options.refused(code);
      this.#end();
    });
    socket.on('close', () => {
      this.#end();
      if (this.#state.kind === 'closed') clearTimeout(this.#state.timer);
    });
  }

  /** Ends the session with a reason the tab can show; `message` replaces the table's words. */
  refuse(code: RefusalCode, message: string = REFUSALS[code].text): void {
    if (this.#state.kind === 'closed') return;
    this.#outbox.control({ type: 'refused', code, message });
    this.#socket.close(REFUSALS[code].close, code);
    this.#options.refused(code);
    this.#end();
  }

  #frame(frame: Bytes | string): void {
    this.#share.spend();
    // A refused tab may have frames under way.
    if (this.#state.kind === 'closed') return;
    const isText = typeof frame === 'string';
    try {
      if (isText) this.#control(frame);
      else this.#records(frame);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const code = isText ? 'RELAY_BAD_MESSAGE' : 'RELAY_BAD_FRAME';
      this.refuse(code, `${REFUSALS[code].text} (${error.reason})`);
    }
  }

  #records(frame: Bytes): void {
    const state = this.#state;
    if (state.kind !== 'open') {
      this.refuse('RELAY_OUT_OF_ORDER');
      return;
    }
    const now = performance.now();
    const { datagrams } = state;
    state.lastFrame = now;
    // What was read, and the frame put together from it.
    madeBuffers(2 * frame.length);
    forEachRecord(
      frame,
      (channel, start, end) => {
        this.#share.spend();
        datagrams.send(channel, frame, start, end, now);
      },
      datagrams.hasEsp,
    );
    datagrams.flush();
  }

  #control(text: string): void {
    const message = decodeControlFromTab(text);
    const state = this.#state;
    if (message.type === 'open') this.#openById(message.gateway);
    else if (state.kind !== 'open') this.refuse('RELAY_OUT_OF_ORDER');
    else if (message.type === 'move') this.#move(state, message.address);
    else if (!state.datagrams.hasEsp) this.refuse('RELAY_OUT_OF_ORDER');
    else if (message.type === 'claim') this.#claim(state.datagrams, message.spi);
    else state.datagrams.release(message.spi);
  }

  #claim(datagrams: Datagrams, spi: number): void {
    const code = datagrams.claim(spi);
    this.#outbox.control(
      code === undefined ? { type: 'claimed', spi } : { type: 'claim-refused', spi, code },
    );
  }

  #openById(id: string): void {
    if (this.#state.kind !== 'waiting') {
      this.refuse('RELAY_OUT_OF_ORDER');
      return;
    }
    const gateway = this.#options.gateways.find((known) => known.id === id);
    if (gateway === undefined) {
      this.refuse('RELAY_UNKNOWN_GATEWAY');
      return;
    }
    clearTimeout(this.#state.timer);
    this.#state = { kind: 'opening' };
    this.#begin(async () => {
      const { address: given, addresses = [] } = gateway;
      const address = isIPv4(given) ? given : await this.#options.resolve(given);
      if (await this.#open(gateway, address, [address, ...addresses]))
        this.#options.opened(gateway);
    });
  }

  /** Whatever the gateway says: to an address of its entry, and to no other. */
  #move({ gateway, addresses, datagrams, timer }: Open, address: string): void {
    if (!addresses.includes(address)) {
      this.refuse('RELAY_FOREIGN_ADDRESS');
      return;
    }
    if (++this.#moves > MOVES_LIMIT) {
      this.refuse('RELAY_OUT_OF_ORDER');
      return;
    }
    clearTimeout(timer);
    datagrams.close();
    this.#state = { kind: 'opening' };
    this.#begin(() => this.#open(gateway, address, addresses));
  }

  #begin(opening: () => Promise<unknown>): void {
    opening().catch((error: unknown) => {
      this.refuse(isExhausted(error) ? 'RELAY_FULL' : 'RELAY_UNREACHABLE_GATEWAY');
    });
  }

  /** Answers whether the session was still there for it. */
  async #open(
    gateway: GatewayConfig,
    address: string,
    addresses: readonly string[],
  ): Promise<boolean> {
    const ports: ChannelPorts = { ike: 500, natt: 4500, l2tp: 1701, ...gateway.ports };
    const { esp = 'auto' } = gateway;
    const datagrams = new Datagrams(
      { address, addresses, ports },
      this.#options.sockets,
      esp === 'udp' ? undefined : this.#options.espPorts,
      this.#rate,
      this.counters,
      {
        received: (channel, bytes, start, end) => {
          this.#outbox.record(channel, bytes, start, end);
        },
        unreachable: (channel, reason) => this.#unreachable(channel, reason),
      },
    );
    const local = await datagrams.open();
    if (this.#state.kind !== 'opening') {
      datagrams.close();
      return false;
    }
    this.#state = {
      kind: 'open',
      gateway,
      addresses,
      datagrams,
      lastFrame: performance.now(),
      timer: setTimeout(() => this.#checkIdle(), this.#options.idleTimeout),
    };
    this.#outbox.control({
      type: 'opened',
      gateway: { id: gateway.id, name: gateway.name, address },
      local,
      remote: ports,
      channels: datagrams.hasEsp ? CHANNEL_NAMES : UDP_CHANNEL_NAMES,
      nat: esp === 'raw' ? 'none' : 'possible',
      mtu: RELAY_MTU,
      limits: { frameBytes: FRAME_BYTES_LIMIT, recordBytes: RECORD_BYTES_LIMIT },
    });
    return true;
  }

  /** Frames from the tab alone count: those toward it show nothing about whether it is still there. */
  #checkIdle(): void {
    const state = this.#state;
    if (state.kind !== 'open') return;
    const rest = state.lastFrame + this.#options.idleTimeout - performance.now();
    if (rest <= 0) this.refuse('RELAY_IDLE');
    else state.timer = setTimeout(() => this.#checkIdle(), rest);
  }

  #unreachable(channel: ChannelName, reason: string): void {
    const now = performance.now();
    const told = this.#toldUnreachable.get(channel);
    if (told !== undefined && now - told < UNREACHABLE_INTERVAL) return;
    this.#toldUnreachable.set(channel, now);
    this.#outbox.control({ type: 'unreachable', channel, reason });
  }

  /** Lets go of everything but the WebSocket, which gets a moment to close. */
  #end(): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    if (state.kind !== 'opening') clearTimeout(state.timer);
    if (state.kind === 'open') state.datagrams.close();
    this.#share.clear();
    this.#state = {
      kind: 'closed',
      timer: setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT),
    };
  }
}

/** Whether the relay, not the gateway, is the reason why no socket could be had. */
function isExhausted(error: unknown): boolean {
  return EXHAUSTED.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** No descriptors, no memory, no ports (the second name is `connect`'s), and nothing more for epoll to watch. */
const EXHAUSTED = [
  ...['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'],
  ...['EADDRINUSE', 'EAGAIN', 'ENOSPC'],
];

/** What the WebSocket library found wrong, if the error is about the tab's bytes. */
function brokenFraming(error: Error): RefusalCode | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return 'RELAY_FRAME_TOO_BIG';
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 'RELAY_TOO_MANY_PARTS';
    default:
      return code.startsWith('WS_ERR_') ? 'RELAY_BAD_WEBSOCKET' : undefined;
  }
}
