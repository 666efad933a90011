/**
 * A tunnel and a gateway with 10 ms between them, in virtual time, and doors for an attacker: into each direction of
 * each channel, and, for a gateway that lies, into what it is about to seal.
 */
import type { CipherSuite } from '../../../shared/crypto/suite.ts';
import type { Failure } from '../../../shared/errors.ts';
import { type EspSealer, SEALED_HEADER } from '../../../shared/esp/engine.ts';
import type { IpInput, IpOutput } from '../../../shared/ip/messages.ts';
import {
  CHANNEL_NAMES,
  Channel,
  type ChannelNumber,
  RELAY_MTU,
} from '../../../shared/relay/channels.ts';
import {
  decodeControlFromTab,
  encodeControl,
  type OpenedMessage,
} from '../../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../../shared/relay/frames.ts';
import { Tunnel, type TunnelInput, type TunnelOutput } from '../../../shared/vpn/tunnel.ts';
import type { Bytes, Millis } from '../../../shared/wire/bytes.ts';
import { earliest } from '../../../shared/wire/machine.ts';
import {
  type Datagram,
  GATEWAY_ADDRESS,
  GATEWAY_INNER,
  Gateway,
  type GatewayConfig,
} from '../../support/gateway.ts';
import { nodeSuite } from '../../support/node-suite.ts';
import { SeededRandom } from '../../support/random.ts';
import { insist } from './insist.ts';
import { Watched } from './watch.ts';

const DELAY: Millis = 10;

/** Things that happen without a moment passing, at most: more is a loop. */
const MOST_AT_ONCE = 2_000;

/** Outputs of one frame: each of its records may have a few. */
const MOST_OUTPUTS = 512;

/** A slot of the gateway's engine that nothing else reaches. */
const LIE_SLOT = 255;

const PSK = 'a key that nobody guesses';
const PASSWORD = 'wonderland';
const SECRETS = [
  PSK,
  PASSWORD,
  ...[PSK, PASSWORD].map((each) => Buffer.from(each).toString('hex')),
];

export const CONTENT: Bytes = new SeededRandom(99).bytes(6_000);

export const OPENED: OpenedMessage = {
  type: 'opened',
  gateway: { id: 'test', name: 'Test', address: GATEWAY_ADDRESS.join('.') },
  local: { address: '198.51.100.1', ike: 40_500, natt: 44_500, l2tp: 41_701 },
  remote: { ike: 500, natt: 4500, l2tp: 1701 },
  channels: ['ike', 'natt', 'l2tp'],
  nat: 'possible',
  mtu: RELAY_MTU,
  limits: { frameBytes: 131_072, recordBytes: 65_507 },
};

/** The same of a relay with raw ESP. */
export const OPENED_ESP: OpenedMessage = { ...OPENED, channels: CHANNEL_NAMES };

type Direction = 'up' | 'down';

interface Flying extends Datagram {
  readonly at: Millis;
}

export class TunnelWorld {
  readonly tunnel: Tunnel;
  readonly tab: Watched<TunnelInput, TunnelOutput>;
  readonly network: IpOutput[] = [];
  /** What has arrived, by direction. */
  readonly arrived: Record<Direction, Datagram[]> = { up: [], down: [] };
  /** What the gateway sealed last, in clear. */
  readonly sealed: Bytes[] = [];
  /** Changes what the gateway is about to seal; `undefined` leaves it. */
  lie: (clear: Bytes) => Bytes | undefined = () => undefined;
  /** SPIs that the tab asked for; the relay grants every one. */
  readonly claims: number[] = [];
  /** Called behind each datagram that arrives. */
  onArrival: (direction: Direction) => void = () => undefined;
  connected = 0;
  failure: Failure | undefined;
  now: Millis = 0;
  readonly #gateway: Gateway;
  readonly #suite: CipherSuite;
  readonly #flying: Record<Direction, Flying[]> = { up: [], down: [] };
  #sealer: EspSealer | undefined;

  constructor(
    seed: number,
    opened: string = encodeControl(OPENED),
    gateway: Pick<GatewayConfig, 'mru' | 'assign'> = {},
  ) {
    this.#suite = nodeSuite(seed + 10);
    this.#gateway = new Gateway({
      suite: this.#lyingSuite(),
      random: new SeededRandom(seed + 11),
      preSharedKey: new TextEncoder().encode(PSK),
      clientAddress: Uint8Array.of(198, 51, 100, 1),
      clientPorts: { ike: 40_500, natt: 44_500 },
      innerPort: 50_000,
      accounts: { alice: PASSWORD },
      methods: seed % 2 === 0 ? ['mschapv2'] : ['chap-md5', 'mschapv2'],
      port: 80,
      content: CONTENT,
      // Quick to compute, and what the client offers last but one: the order is the client's.
      phase1: [{ cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 2 }],
      phase2: [{ cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' }],
      ...gateway,
    });
    this.tunnel = new Tunnel({
      suite: nodeSuite(seed + 20),
      random: new SeededRandom(seed + 21),
      gateway: 'test',
      credentials: { kind: 'pre-shared-key', key: new TextEncoder().encode(PSK) },
      userName: 'alice',
      password: PASSWORD,
      authMethods: ['mschapv2', 'chap-md5'],
      innerPort: 50_000,
    });
    this.tab = new Watched(this.tunnel, 0, { outputs: MOST_OUTPUTS, secrets: SECRETS });
    this.tell({ kind: 'start' });
    this.tell({ kind: 'control', text: opened });
  }

  tell(input: TunnelInput): void {
    this.tab.now = this.now;
    for (const output of this.tab.handle(input)) {
      if (output.kind === 'frame') this.#frame(output.bytes);
      else if (output.kind === 'control') this.#control(output.text);
      else if (output.kind === 'connected') this.connected++;
      else if (output.kind === 'network') this.network.push(output.output);
      else if (output.kind === 'closed') this.failure = output.failure;
    }
  }

  ip(input: IpInput): void {
    this.tell({ kind: 'network', input });
  }

  download(): void {
    this.ip({ kind: 'tcp-connect', socket: 1, address: GATEWAY_INNER, port: 80 });
  }

  /** Bytes that somebody puts into a direction; they arrive now. */
  inject(direction: Direction, channel: ChannelNumber, bytes: Bytes): void {
    if (bytes.length === 0) return;
    if (direction === 'up') this.#fromGateway(this.#gateway.receive(channel, bytes, this.now));
    else this.#toTab([{ channel, bytes }]);
  }

  /** An ESP packet of the gateway's around these bytes: what is inside the UDP header, and the header. */
  injectSealed(clear: Bytes): void {
    const sealer = this.#sealer;
    const slot = this.#suite.esp.slots[LIE_SLOT]!;
    if (sealer === undefined || clear.length > 1_600) return;
    slot.start = 256;
    slot.end = 256 + clear.length;
    slot.bytes.set(clear, slot.start);
    if (sealer.seal(LIE_SLOT, 1, 17, Channel.natt) !== 1) return;
    const packet = slot.bytes.slice(slot.start + SEALED_HEADER, slot.end);
    this.inject('down', Channel.natt, packet);
  }

  /** Lets time pass until `done`, or for `atMost` more milliseconds. */
  run(done: () => boolean, atMost: Millis): void {
    const end = this.now + atMost;
    for (let atOnce = 0; !done(); ) {
      const next = earliest(
        this.tunnel.deadline,
        this.#gateway.deadline,
        this.#flying.up[0]?.at,
        this.#flying.down[0]?.at,
      );
      if (next === undefined || next > end) break;
      atOnce = next > this.now ? 0 : atOnce + 1;
      insist(atOnce < MOST_AT_ONCE, `no end at ${this.now}`);
      this.now = Math.max(this.now, next);
      this.#step();
    }
    if (!done()) this.now = end;
  }

  #step(): void {
    const { up, down } = this.#flying;
    for (let next = up[0]; next !== undefined && next.at <= this.now; next = up[0]) {
      up.shift();
      this.arrived.up.push(next);
      this.inject('up', next.channel, next.bytes);
      this.onArrival('up');
    }
    for (let next = down[0]; next !== undefined && next.at <= this.now; next = down[0]) {
      down.shift();
      this.arrived.down.push(next);
      this.#toTab([next]);
      this.onArrival('down');
    }
    if ((this.tunnel.deadline ?? Infinity) <= this.now) this.tell({ kind: 'timeout' });
    if ((this.#gateway.deadline ?? Infinity) <= this.now) {
      this.#fromGateway(this.#gateway.timeout(this.now));
    }
  }

  #control(text: string): void {
    const message = decodeControlFromTab(text);
    if (message.type !== 'claim') return;
    this.claims.push(message.spi);
    this.tell({ kind: 'control', text: encodeControl({ type: 'claimed', spi: message.spi }) });
  }

  #frame(bytes: Bytes): void {
    forEachRecord(bytes, (channel, start, end) => {
      this.#flying.up.push({ channel, bytes: bytes.slice(start, end), at: this.now + DELAY });
    });
  }

  #fromGateway(datagrams: readonly Datagram[]): void {
    for (const each of datagrams) this.#flying.down.push({ ...each, at: this.now + DELAY });
  }

  #toTab(datagrams: readonly Datagram[]): void {
    const writer = new FrameWriter();
    for (const { channel, bytes } of datagrams) writer.append(channel, bytes, 0, bytes.length);
    this.tell({ kind: 'frame', bytes: writer.take()! });
  }

  /** The gateway's suite; what it seals goes by `lie` first. */
  #lyingSuite(): CipherSuite {
    const { esp, ...primitives } = this.#suite;
    return {
      ...primitives,
      esp: {
        ...esp,
        sealer: (parameters) => {
          const sealer = esp.sealer(parameters);
          this.#sealer = sealer;
          return {
            spi: sealer.spi,
            get sequence() {
              return sealer.sequence;
            },
            get octets() {
              return sealer.octets;
            },
            overhead: sealer.overhead,
            payloadRoom: (size) => sealer.payloadRoom(size),
            close: () => {
              if (this.#sealer === sealer) this.#sealer = undefined;
              sealer.close();
            },
            seal: (first, count, nextHeader, channel) => {
              for (let i = first; i < first + count; i++) this.#falsify(i);
              return sealer.seal(first, count, nextHeader, channel);
            },
          };
        },
      },
    };
  }

  #falsify(index: number): void {
    const slot = this.#suite.esp.slots[index]!;
    const clear = slot.bytes.slice(slot.start, slot.end);
    if (this.sealed.length >= 32) this.sealed.shift();
    this.sealed.push(clear);
    const lie = this.lie(clear)?.slice(0, 1_600);
    if (lie === undefined) return;
    slot.start = 256 - 64;
    slot.end = slot.start + lie.length;
    slot.bytes.set(lie, slot.start);
  }
}
