/**
 * Tunnels of ours and the playground's gateway in virtual time: a relay that only forwards, links with one delay, and a
 * network whose hosts answer pings, and send everybody the same page on one port and on another what they are given.
 */

import { AddressPool } from '../../playground/gateway/address-pool.ts';
import {
  Gateway,
  type GatewayConfig,
  type GatewayOutput,
} from '../../playground/gateway/gateway.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import type { IpOutput } from '../../shared/ip/messages.ts';
import { IpStack } from '../../shared/ip/stack.ts';
import { Channel, RELAY_MTU, UDP_CHANNEL_NAMES } from '../../shared/relay/channels.ts';
import { encodeControl } from '../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../shared/relay/frames.ts';
import type { Session } from '../../shared/vpn/session.ts';
import { Tunnel, type TunnelConfig, type TunnelInput } from '../../shared/vpn/tunnel.ts';
import { type Bytes, concat, type Millis } from '../../shared/wire/bytes.ts';
import { earliest } from '../../shared/wire/machine.ts';
import { wasmSuiteOf } from '../../wasm/index.ts';
import { SeededRandom } from './random.ts';
import { wasmModule } from './wasm-suite.ts';

const PSK: Bytes = new TextEncoder().encode('playground');
export const INNER_GATEWAY: Bytes = Uint8Array.of(10, 99, 0, 1);
const WEB: Bytes = Uint8Array.of(10, 99, 0, 10);
const PAGE: Bytes = new SeededRandom(77).bytes(20_000);
const PAGE_PORT = 80;
const STREAM_PORT = 81;

/** Quick to compute. */
const QUICK: readonly Phase1Transform[] = [
  { cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 2 },
];

const GATEWAY: Bytes = Uint8Array.of(192, 0, 2, 1);
const PORTS = { ike: 10_500, natt: 14_500 };
const LATENCY: Millis = 5;

interface Flying {
  readonly at: Millis;
  readonly arrive: () => void;
}

export type WorldOptions = Partial<GatewayConfig> & { readonly poolSize?: number };

/** One tab, as far as a gateway can tell. */
export class Tab {
  readonly tunnel: Tunnel;
  readonly network: IpOutput[] = [];
  session: Session | undefined;
  closed: { readonly failure?: Failure } | undefined;
  /** Nothing of it arrives any more. */
  unplugged = false;
  readonly at: { readonly address: string; readonly ike: number; natt: number };

  constructor(tunnel: Tunnel, at: Tab['at']) {
    this.tunnel = tunnel;
    this.at = at;
  }
}

export class PlaygroundWorld {
  readonly gateway: Gateway;
  readonly tabs: Tab[] = [];
  readonly events: Exclude<GatewayOutput, { kind: 'transmit' }>[] = [];
  /** What tabs sent: the first message of an exchange, all of IKE, the last of ESP. */
  firstMessage: Bytes | undefined;
  readonly messages: Bytes[] = [];
  lastEsp: Bytes | undefined;
  /** IKE that the gateway sent. */
  readonly answers: Bytes[] = [];
  /** Which of a tab's IKE messages get lost. */
  loses: (message: Bytes) => boolean = () => false;
  /** What arrives in place of an ESP packet, in either direction. */
  meddle: (esp: Bytes, to: 'tab' | 'gateway') => readonly Bytes[] = (esp) => [esp];
  /** Datagrams of the gateway's to nobody's tab. */
  readonly strays: Extract<GatewayOutput, { kind: 'transmit' }>[] = [];
  now: Millis = 0;
  readonly #module: WebAssembly.Module;
  readonly #random: SeededRandom;
  readonly #network = new DirectNetwork();
  readonly #hosts: readonly IpStack[];
  readonly #streams: { readonly host: IpStack; readonly socket: number }[] = [];
  #flying: Flying[] = [];
  readonly #mute = new Set<Tab>();
  #pending = false;
  #ports = 30_000;

  static async make(options: WorldOptions = {}, seed = 1): Promise<PlaygroundWorld> {
    return new PlaygroundWorld(await wasmModule('strict'), options, seed);
  }

  private constructor(module: WebAssembly.Module, options: WorldOptions, seed: number) {
    this.#module = module;
    this.#random = new SeededRandom(seed);
    const random = this.#random;
    const suite = wasmSuiteOf(module, random);
    this.#hosts = [INNER_GATEWAY, WEB].map((address) => this.#host(address));
    this.gateway = new Gateway({
      primitives: suite,
      random,
      preSharedKey: PSK,
      localAddress: GATEWAY,
      localPorts: PORTS,
      phase1: QUICK,
      methods: ['mschapv2', 'chap-md5', 'pap'],
      accounts: (name) => (name.startsWith('visitor') ? `${name}'s password` : undefined),
      innerAddress: INNER_GATEWAY,
      nameServers: [Uint8Array.of(10, 99, 0, 2)],
      hostName: 'playground',
      network: this.#network,
      pool: new AddressPool(Uint8Array.of(10, 99, 1, 0), options.poolSize ?? 1000),
      engine: () => wasmSuiteOf(module, random).esp,
      pending: () => {
        this.#pending = true;
      },
      ...options,
    });
  }

  /** One more tab, which begins to dial. Those of one `address` share it as behind one relay. */
  dial(userName = 'visitor', config: Partial<TunnelConfig> = {}, address = '198.51.100.1'): Tab {
    const tunnel = new Tunnel({
      suite: wasmSuiteOf(this.#module, this.#random),
      random: this.#random,
      gateway: 'playground',
      credentials: { kind: 'pre-shared-key', key: PSK },
      userName,
      password: `${userName}'s password`,
      authMethods: ['mschapv2', 'chap-md5'],
      ...config,
    });
    const [ike, natt, l2tp] = [this.#ports++, this.#ports++, this.#ports++] as const;
    const tab = new Tab(tunnel, { address, ike, natt });
    this.tabs.push(tab);
    this.tell(tab, { kind: 'start' });
    const opened = encodeControl({
      type: 'opened',
      gateway: { id: 'playground', name: 'Playground', address: GATEWAY.join('.') },
      local: { address, ike, natt, l2tp },
      remote: { ...PORTS, l2tp: 1701 },
      channels: UDP_CHANNEL_NAMES,
      nat: 'possible',
      mtu: RELAY_MTU,
      limits: { frameBytes: 131_072, recordBytes: 65_507 },
    });
    this.tell(tab, { kind: 'control', text: opened });
    return tab;
  }

  /** It negotiates keys and is never heard of again. */
  stopBeforeEsp(tab: Tab): void {
    this.#mute.add(tab);
  }

  tell(tab: Tab, input: TunnelInput): void {
    for (const output of tab.tunnel.handle(input, this.now)) {
      if (output.kind === 'frame') {
        forEachRecord(output.bytes, (channel, start, end) => {
          const bytes = output.bytes.slice(start, end);
          const name = channel === Channel.ike ? 'ike' : 'natt';
          const isEsp = name === 'natt' && bytes.subarray(0, 4).some((byte) => byte !== 0);
          if (tab.unplugged || (isEsp && this.#mute.has(tab))) return;
          if (isEsp) this.lastEsp = bytes;
          else {
            const message = name === 'ike' ? bytes : bytes.slice(4);
            this.messages.push(message);
            if (this.loses(message)) return;
          }
          this.firstMessage ??= bytes;
          for (const each of isEsp ? this.meddle(bytes, 'gateway') : [bytes]) {
            this.send(name, { address: tab.at.address, port: tab.at[name] }, each);
          }
        });
      } else if (output.kind === 'connected') tab.session = output.session;
      else if (output.kind === 'network') tab.network.push(output.output);
      else if (output.kind === 'closed') tab.closed = output;
    }
  }

  /** Puts a datagram for the gateway on its way. */
  send(channel: 'ike' | 'natt', from: { address: string; port: number }, bytes: Bytes): void {
    this.#fly(() => this.input({ kind: 'datagram', channel, from, bytes }));
  }

  input(input: Parameters<Gateway['handle']>[0]): void {
    for (const output of this.gateway.handle(input, this.now)) {
      if (output.kind === 'transmit') this.#fly(() => this.#toTab(output));
      else this.events.push(output);
    }
  }

  /** Lets time pass until `done`, or for `atMost` more milliseconds. */
  run(done: () => boolean, atMost: Millis): void {
    const end = this.now + atMost;
    while (!done()) {
      const next = earliest(
        this.#flying[0]?.at,
        this.gateway.deadline,
        ...this.#hosts.map(({ deadline }) => deadline),
        ...this.tabs.map(({ tunnel }) => tunnel.deadline),
      );
      if (next === undefined || next > end) {
        this.now = end;
        return;
      }
      this.now = Math.max(this.now, next);
      while ((this.#flying[0]?.at ?? Infinity) <= this.now) this.#flying.shift()!.arrive();
      for (const tab of this.tabs) {
        if ((tab.tunnel.deadline ?? Infinity) <= this.now) this.tell(tab, { kind: 'timeout' });
      }
      for (const host of this.#hosts) {
        if ((host.deadline ?? Infinity) <= this.now) this.#toHost(host, { kind: 'timeout' });
      }
      if ((this.gateway.deadline ?? Infinity) <= this.now) this.input({ kind: 'timeout' });
      this.#flush();
    }
  }

  #flush(): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.input({ kind: 'flush' });
  }

  /** Whether the page comes whole through a tab's tunnel. */
  fetches(tab: Tab, atMost: Millis = 60_000, socket = 1): boolean {
    this.#connect(tab, socket, PAGE_PORT);
    let length = 0;
    const isWhole = () => {
      length += this.read(tab, socket).length;
      return length >= PAGE.length;
    };
    this.run(() => isWhole() || tab.closed !== undefined, atMost);
    return length === PAGE.length;
  }

  /** Begins a download of what `feed` will give. */
  stream(tab: Tab, socket: number): void {
    const { length } = this.#streams;
    this.#connect(tab, socket, STREAM_PORT);
    this.run(() => this.#streams.length > length, 1_000);
  }

  /** The next of all downloads that `stream` began. */
  feed(bytes: Bytes): void {
    for (const { host, socket } of this.#streams) {
      this.#toHost(host, { kind: 'tcp-write', socket, bytes });
    }
    this.#flush();
  }

  /** What has come through a connection of a tab's since it was last asked. */
  read(tab: Tab, socket: number): Bytes {
    const pieces: Bytes[] = [];
    const others: IpOutput[] = [];
    for (const output of tab.network) {
      if (output.kind === 'tcp-data' && output.socket === socket) pieces.push(output.bytes);
      else others.push(output);
    }
    tab.network.splice(0, Infinity, ...others);
    const bytes = concat(...pieces);
    const input = { kind: 'tcp-consumed', socket, length: bytes.length } as const;
    if (bytes.length > 0) this.tell(tab, { kind: 'network', input });
    return bytes;
  }

  #connect(tab: Tab, socket: number, port: number): void {
    const input = { kind: 'tcp-connect', socket, address: WEB, port } as const;
    this.tell(tab, { kind: 'network', input });
  }

  #fly(arrive: () => void): void {
    this.#flying.push({ at: this.now + LATENCY, arrive });
  }

  #toTab(output: Extract<GatewayOutput, { kind: 'transmit' }>): void {
    const { channel, to, bytes } = output;
    const isMarked = bytes.subarray(0, 4).every((byte) => byte === 0);
    if (channel === 'ike' || isMarked) this.answers.push(bytes.slice(channel === 'ike' ? 0 : 4));
    const tab = this.tabs.find(({ at }) => at[channel] === to.port && at.address === to.address);
    if (tab === undefined) this.strays.push(output);
    if (tab === undefined || tab.unplugged) return;
    const isEsp = channel === 'natt' && !isMarked;
    for (const each of isEsp ? this.meddle(bytes, 'tab') : [bytes]) {
      // The relay passes on nothing that is empty.
      if (each.length === 0) continue;
      const frame = new FrameWriter();
      frame.append(channel === 'ike' ? Channel.ike : Channel.natt, each, 0, each.length);
      this.tell(tab, { kind: 'frame', bytes: frame.take()! });
    }
  }

  #host(address: Bytes): IpStack {
    const packet = { bytes: new Uint8Array(2048), start: 0, end: 0 };
    const attachment = this.#network.attach(address, 'host', {
      deliver: (bytes) =>
        this.#toHost(host, { kind: 'packets', packets: [{ bytes, start: 0, end: bytes.length }] }),
    });
    const host = new IpStack({
      address,
      nameServers: [],
      random: this.#random,
      primitives: wasmSuiteOf(this.#module, this.#random),
      sink: {
        mtu: 1400,
        take: () => Object.assign(packet, { start: 100, end: 100 }),
        send: ({ bytes, start, end }) => attachment.send(bytes.subarray(start, end)),
      },
    });
    for (const port of [PAGE_PORT, STREAM_PORT]) {
      this.#toHost(host, { kind: 'tcp-listen', listener: port, port });
    }
    return host;
  }

  #toHost(host: IpStack, input: Parameters<IpStack['handle']>[0]): void {
    for (const output of host.handle(input, this.now)) {
      if (output.kind !== 'tcp-accepted') continue;
      const { socket, listener } = output;
      if (listener === STREAM_PORT) {
        this.#streams.push({ host, socket });
        continue;
      }
      this.#toHost(host, { kind: 'tcp-write', socket, bytes: PAGE });
      this.#toHost(host, { kind: 'tcp-shutdown', socket });
    }
  }
}

/** As the playground's network, but it delivers within the call. */
class DirectNetwork {
  readonly #ends = new Map<
    string,
    { readonly kind: string; readonly deliver: (p: Bytes) => void }
  >();

  attach(address: Bytes, kind: 'host' | 'client', link: { deliver(packet: Bytes): void }) {
    const own = address.join('.');
    if (this.#ends.has(own)) throw new RangeError('address: taken');
    this.#ends.set(own, { kind, deliver: (packet) => link.deliver(packet) });
    return {
      send: (packet: Bytes) => {
        const to = this.#ends.get(packet.subarray(16, 20).join('.'));
        if (packet.subarray(12, 16).join('.') !== own) return;
        if (to !== undefined && (kind === 'host' || to.kind === 'host')) to.deliver(packet);
      },
      detach: () => {
        this.#ends.delete(own);
      },
    };
  }
}
