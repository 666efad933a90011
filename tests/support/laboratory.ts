/** A tunnel machine, a relay that only forwards, and the test gateway, over two seeded links in virtual time. */
import type { Failure } from '../../shared/errors.ts';
import type { IpInput, IpOutput } from '../../shared/ip/messages.ts';
import { RELAY_MTU } from '../../shared/relay/channels.ts';
import { type ControlFromRelay, encodeControl } from '../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../shared/relay/frames.ts';
import type { Session } from '../../shared/vpn/session.ts';
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
  /** In place of a gateway: what comes back for a datagram. */
  readonly stranger?: (datagram: Datagram) => readonly (Datagram | ControlFromRelay)[];
}

export class Laboratory {
  readonly tunnel: Tunnel;
  readonly gateway: Gateway | undefined;
  readonly stages: string[] = [];
  readonly network: IpOutput[] = [];
  /** Everything that left the tab. */
  readonly sent: Bytes[] = [];
  session: Session | undefined;
  closed: { readonly failure?: Failure } | undefined;
  now: Millis = 0;
  /** Nothing passes between relay and gateway any more. */
  unplugged = false;
  readonly #options: LaboratoryOptions;
  readonly #up: Link;
  readonly #down: Link;

  constructor(options: LaboratoryOptions) {
    this.#options = options;
    this.tunnel = new Tunnel(options.tunnel);
    this.gateway = options.gateway && new Gateway(options.gateway);
    this.#up = new Link(options.link);
    this.#down = new Link({ ...options.link, seed: options.link.seed + 1 });
    this.input({ kind: 'start' });
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
      );
      if (next === undefined || next > end) return;
      this.now = Math.max(this.now, next);
      for (const [channel, ...bytes] of this.#up.arrived(this.now)) {
        if (!this.unplugged)
          this.#toGateway({ channel: channel as 0, bytes: Uint8Array.from(bytes) });
      }
      const arrived = this.#down.arrived(this.now);
      this.#deliver(this.unplugged ? [] : arrived);
      if ((this.tunnel.deadline ?? Infinity) <= this.now) this.input({ kind: 'timeout' });
      if (this.gateway && (this.gateway.deadline ?? Infinity) <= this.now) {
        this.fromGateway(this.gateway.timeout(this.now));
      }
    }
  }

  #toGateway(datagram: Datagram): void {
    const { gateway } = this;
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
    const { gateway } = JSON.parse(text) as { gateway: string };
    const opened = encodeControl({
      type: 'opened',
      gateway: { id: gateway, name: 'Test', address: GATEWAY_ADDRESS.join('.') },
      local: { address: '198.51.100.1', ike: 40_500, natt: 44_500, l2tp: 41_701 },
      remote: { ike: 500, natt: 4500, l2tp: 1701 },
      channels: ['ike', 'natt', 'l2tp'],
      nat: 'possible',
      mtu: RELAY_MTU,
      limits: { frameBytes: 131_072, recordBytes: 65_507 },
    });
    const { answer = () => opened } = this.#options;
    const told = answer(text);
    if (told !== undefined) queueMicrotask(() => this.input({ kind: 'control', text: told }));
  }
}
