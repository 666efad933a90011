/** A tunnel machine, a relay that only forwards, and the test gateway, over two seeded links in virtual time. */
import type { Failure } from '../../shared/errors.ts';
import { spiNumber } from '../../shared/ike/quick-mode.ts';
import type { IpInput, IpOutput } from '../../shared/ip/messages.ts';
import {
  CHANNEL_NAMES,
  Channel,
  RELAY_MTU,
  UDP_CHANNEL_NAMES,
} from '../../shared/relay/channels.ts';
import {
  type ControlFromRelay,
  type ControlFromTab,
  decodeControlFromTab,
  encodeControl,
  type OpenedMessage,
} from '../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../shared/relay/frames.ts';
import type { Session } from '../../shared/vpn/session.ts';
import type { Tap } from '../../shared/vpn/tap.ts';
import { Tunnel, type TunnelConfig, type TunnelInput } from '../../shared/vpn/tunnel.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { earliest } from '../../shared/wire/machine.ts';
import { type Datagram, GATEWAY_ADDRESS, Gateway, type GatewayConfig } from './gateway.ts';
import { Link, type LinkOptions } from './link.ts';

export interface LaboratoryOptions {
  readonly tunnel: TunnelConfig;
  /** None: the gateway is silent. */
  readonly gateway?: GatewayConfig;
  readonly link: LinkOptions;
  /** The relay's answer to `open`; `undefined` lets it stay silent. */
  readonly answer?: (open: string) => string | undefined;
  /** The same to `move`; it is as willing without this. */
  readonly moved?: (address: string) => string | undefined;
  /** The relay has raw ESP. */
  readonly esp?: EspRelay;
  /** Who records, from the beginning. */
  readonly tap?: Tap;
  /** In place of a gateway: what comes back for a datagram. */
  readonly stranger?: (datagram: Datagram) => readonly (Datagram | ControlFromRelay)[];
}

/** What a relay with raw ESP does; without anything else it grants every claim. */
export interface EspRelay {
  readonly nat?: OpenedMessage['nat'];
  /** The answer to a claim; `undefined` lets it stay silent. */
  readonly claim?: (spi: number) => ControlFromRelay | undefined;
  /** Whether protocol 50 gets no further than the relay. */
  readonly blocked?: boolean;
}

export class Laboratory {
  readonly tunnel: Tunnel;
  readonly gateway: Gateway | undefined;
  readonly stages: string[] = [];
  readonly network: IpOutput[] = [];
  /** Everything that left the tab. */
  readonly sent: Bytes[] = [];
  /** What the tab claimed at the relay and gave back. */
  readonly claims: Extract<ControlFromTab, { spi: number }>[] = [];
  /** Where the tab had the relay turn to. */
  readonly moves: string[] = [];
  session: Session | undefined;
  closed: { readonly failure?: Failure } | undefined;
  now: Millis = 0;
  /** Nothing passes between relay and gateway any more. */
  unplugged = false;
  readonly #options: LaboratoryOptions;
  readonly #up: Link;
  readonly #down: Link;
  /** SPIs that the tab holds at the relay. */
  readonly #claimed = new Set<number>();
  /** The relay's messages on their way to the tab, in order. */
  readonly #told: { readonly at: Millis; readonly text: string }[] = [];

  constructor(options: LaboratoryOptions) {
    this.#options = options;
    this.tunnel = new Tunnel(options.tunnel);
    this.gateway = options.gateway && new Gateway(options.gateway);
    this.#up = new Link(options.link);
    this.#down = new Link({ ...options.link, seed: options.link.seed + 1 });
    if (options.tap) this.input({ kind: 'tap', tap: options.tap });
    this.input({ kind: 'start' });
  }

  /** How many SPIs the tab holds at the relay. */
  get claimed(): number {
    return this.#claimed.size;
  }

  input(input: TunnelInput): void {
    for (const output of this.tunnel.handle(input, this.now)) {
      if (output.kind === 'control') this.#control(output.text);
      else if (output.kind === 'frame') {
        this.sent.push(output.bytes);
        forEachRecord(output.bytes, (channel, start, end) => {
          this.#up.send(Uint8Array.of(channel, ...output.bytes.subarray(start, end)), this.now);
        });
      } else if (output.kind === 'stage') this.stages.push(output.stage);
      else if (output.kind === 'connected') this.session = output.session;
      else if (output.kind === 'network') this.network.push(output.output);
      else if (output.kind === 'closed') this.closed = output;
    }
  }

  ip(input: IpInput): void {
    this.input({ kind: 'network', input });
  }

  /** Puts the gateway's datagrams on their way. */
  fromGateway(datagrams: readonly Datagram[]): void {
    for (const { channel, bytes } of datagrams)
      this.#down.send(Uint8Array.of(channel, ...bytes), this.now);
  }

  /** Lets time pass until `done`, or for `atMost` more milliseconds. */
  run(done: () => boolean, atMost: Millis): void {
    const end = this.now + atMost;
    while (!done()) {
      const next = earliest(
        this.tunnel.deadline,
        this.gateway?.deadline,
        this.#up.deadline,
        this.#down.deadline,
        this.#told[0]?.at,
      );
      if (next === undefined || next > end) return;
      this.now = Math.max(this.now, next);
      for (const [channel, ...bytes] of this.#up.arrived(this.now)) {
        if (!this.unplugged)
          this.#toGateway({ channel: channel as 0, bytes: Uint8Array.from(bytes) });
      }
      while ((this.#told[0]?.at ?? Infinity) <= this.now) {
        this.input({ kind: 'control', text: this.#told.shift()!.text });
      }
      const arrived = this.#down.arrived(this.now);
      this.#deliver(this.unplugged ? [] : arrived.filter((bytes) => this.#isClaimed(bytes)));
      if ((this.tunnel.deadline ?? Infinity) <= this.now) this.input({ kind: 'timeout' });
      if (this.gateway && (this.gateway.deadline ?? Infinity) <= this.now) {
        this.fromGateway(this.gateway.timeout(this.now));
      }
    }
  }

  /** As a relay passes it: raw ESP alone has to be claimed. */
  #isClaimed([channel, a, b, c, d]: Bytes): boolean {
    return channel !== Channel.esp || this.#claimed.has(spiNumber(Uint8Array.of(a!, b!, c!, d!)));
  }

  #toGateway(datagram: Datagram): void {
    const { gateway } = this;
    if (datagram.channel === Channel.esp && this.#options.esp?.blocked) return;
    if (gateway !== undefined) {
      this.fromGateway(gateway.receive(datagram.channel, datagram.bytes, this.now));
      return;
    }
    for (const answer of this.#options.stranger?.(datagram) ?? []) {
      if ('type' in answer) this.input({ kind: 'control', text: encodeControl(answer) });
      else this.fromGateway([answer]);
    }
  }

  #deliver(arrived: readonly Bytes[]): void {
    if (arrived.length === 0) return;
    const frame = new FrameWriter();
    for (const bytes of arrived) frame.append(bytes[0] as 0, bytes, 1, bytes.length);
    this.input({ kind: 'frame', bytes: frame.take()! });
  }

  #control(text: string): void {
    const message = decodeControlFromTab(text);
    const { answer, moved } = this.#options;
    if (message.type === 'open') {
      const opened = this.#opened(message.gateway, GATEWAY_ADDRESS.join('.'));
      return this.#answer(answer ? answer(text) : opened);
    }
    if (message.type === 'move') {
      const { address } = message;
      this.moves.push(address);
      return this.#answer(moved ? moved(address) : this.#opened('test', address));
    }
    this.claims.push(message);
    const { spi } = message;
    if (message.type === 'release') {
      this.#claimed.delete(spi);
      return;
    }
    const { claim = () => ({ type: 'claimed', spi }) } = this.#options.esp ?? {};
    const granted = claim(spi);
    if (granted?.type === 'claimed' && granted.spi === spi) this.#claimed.add(spi);
    if (granted !== undefined) {
      this.#told.push({ at: this.now + this.#options.link.latency, text: encodeControl(granted) });
    }
  }

  #opened(gateway: string, address: string): string {
    const { esp } = this.#options;
    return encodeControl({
      type: 'opened',
      gateway: { id: gateway, name: 'Test', address },
      local: { address: '198.51.100.1', ike: 40_500, natt: 44_500, l2tp: 41_701 },
      remote: { ike: 500, natt: 4500, l2tp: 1701 },
      channels: esp === undefined ? UDP_CHANNEL_NAMES : CHANNEL_NAMES,
      nat: esp?.nat ?? 'possible',
      mtu: RELAY_MTU,
      limits: { frameBytes: 131_072, recordBytes: 65_507 },
    });
  }

  #answer(told: string | undefined): void {
    if (told !== undefined) queueMicrotask(() => this.input({ kind: 'control', text: told }));
  }
}
