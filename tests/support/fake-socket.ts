/** A WebSocket that a test plays the other side of, and one that leads to a relay and the test gateway. */
import { RELAY_MTU } from '../../shared/relay/channels.ts';
import { encodeControl } from '../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../shared/relay/frames.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import type { RelaySocket } from '../../web/worker/driver.ts';
import { type Datagram, GATEWAY_ADDRESS, Gateway, type GatewayConfig } from './gateway.ts';

interface Events {
  readonly open: () => void;
  readonly error: () => void;
  readonly message: (event: { data: unknown }) => void;
  readonly close: (event: { code: number; reason: string }) => void;
}

export class FakeSocket implements RelaySocket {
  binaryType = 'blob';
  bufferedAmount = 0;
  closed = false;
  readonly sent: (string | Bytes)[] = [];
  readonly #listeners: { [K in keyof Events]: Events[K][] } = {
    open: [],
    error: [],
    message: [],
    close: [],
  };

  addEventListener<K extends keyof Events>(type: K, listener: Events[K]): void {
    this.#listeners[type].push(listener);
  }

  /** A copy, as a browser makes it: whoever sent the data may use their memory again. */
  send(data: string | Bytes): void {
    this.sent.push(typeof data === 'string' ? data : data.slice());
  }

  close(): void {
    this.closed = true;
  }

  // What the test makes happen.

  opens(): void {
    for (const listener of this.#listeners.open) listener();
  }

  says(data: string | ArrayBuffer): void {
    for (const listener of this.#listeners.message) listener({ data });
  }

  /** As browsers do it where a connection breaks: an error without words, then a close. */
  breaks(code = 1006, reason = ''): void {
    if (code === 1006) for (const listener of this.#listeners.error) listener();
    for (const listener of this.#listeners.close) listener({ code, reason });
  }
}

/** Opens by itself; what is sent reaches the gateway a moment later, and the gateway's answers come back. */
export class GatewaySocket extends FakeSocket {
  readonly gateway: Gateway;
  /** What is sent goes nowhere and nothing comes: a network that swallows. */
  stalled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(config: GatewayConfig) {
    super();
    this.gateway = new Gateway(config);
    setTimeout(() => {
      if (!this.closed) this.opens();
    }, 1);
  }

  override send(data: string | Bytes): void {
    super.send(data);
    const sent = this.sent.at(-1)!;
    setTimeout(() => this.#arrive(sent), 1);
  }

  override close(): void {
    super.close();
    clearTimeout(this.#timer);
  }

  #arrive(data: string | Bytes): void {
    if (this.closed || this.stalled) return;
    if (typeof data === 'string') return this.says(opened(data));
    forEachRecord(data, (channel, start, end) => {
      this.#deliver(this.gateway.receive(channel, data.slice(start, end), performance.now()));
    });
  }

  #deliver(datagrams: readonly Datagram[]): void {
    const frame = new FrameWriter();
    for (const { channel, bytes } of datagrams) frame.append(channel, bytes, 0, bytes.length);
    const bytes = frame.take();
    if (bytes !== undefined && !this.stalled) this.says(bytes.slice().buffer);
    clearTimeout(this.#timer);
    const { deadline } = this.gateway;
    if (deadline === undefined || this.closed) return;
    const wait = Math.max(0, Math.ceil(deadline - performance.now()));
    this.#timer = setTimeout(() => this.#deliver(this.gateway.timeout(performance.now())), wait);
  }
}

function opened(open: string): string {
  const { gateway } = JSON.parse(open) as { gateway: string };
  return encodeControl({
    type: 'opened',
    gateway: { id: gateway, name: 'Test', address: GATEWAY_ADDRESS.join('.') },
    local: { address: '198.51.100.1', ike: 40_500, natt: 44_500, l2tp: 41_701 },
    remote: { ike: 500, natt: 4500, l2tp: 1701 },
    channels: ['ike', 'natt', 'l2tp'],
    nat: 'possible',
    mtu: RELAY_MTU,
    limits: { frameBytes: 131_072, recordBytes: 65_507 },
  });
}
