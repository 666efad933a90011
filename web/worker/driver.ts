/**
 * Runs a tunnel machine over a WebSocket and a clock: inputs in, outputs out, one timer. The same in a
 * browser's worker and in Node.
 */
import { type Failure, plainText, type TunnelErrorCode } from '../../shared/errors.ts';
import type { IpInput } from '../../shared/ip/messages.ts';
import { REFUSALS } from '../../shared/relay/close-codes.ts';
import {
  Tunnel,
  type TunnelConfig,
  type TunnelInput,
  type TunnelOutput,
} from '../../shared/vpn/tunnel.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { earliest } from '../../shared/wire/machine.ts';

/** What the browser's `WebSocket` and `ws` have in common, as far as it is needed here. */
export interface RelaySocket {
  binaryType: string;
  readonly bufferedAmount: number;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { code: number; reason: string }) => void,
  ): void;
  /** Has made a copy of the data when it returns. */
  send(data: string | Bytes): void;
  close(): void;
}

export interface DriverConfig extends TunnelConfig {
  readonly socket: RelaySocket;
  /** A monotonic clock in milliseconds. */
  readonly now: () => Millis;
  /** Gets every output but the ones for the relay. After `closed` nothing follows. */
  readonly emit: (output: Exclude<TunnelOutput, { kind: 'control' | 'frame' }>) => void;
}

/** How long the WebSocket may take to open: a network that swallows packets never says no. */
const OPEN_MILLIS = 15_000;

/** Above this many bytes on their way to the relay, TCP inside the tunnel holds new data back … */
const HOLD_ABOVE = 1 << 20;

/** … until there are fewer than this. */
const RESUME_BELOW = 1 << 18;

/** How often `bufferedAmount` is looked at while held: the browser tells of no change. */
const HOLD_POLL_MILLIS = 4;

export class TunnelDriver {
  readonly #config: DriverConfig;
  readonly #tunnel: Tunnel;
  readonly #inputs: TunnelInput[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When `#timer` is due. */
  #timerAt: Millis = 0;
  #running = false;
  #opened = false;
  #held = false;
  #over = false;

  /** Starts when the socket opens. */
  constructor(config: DriverConfig) {
    this.#config = config;
    this.#tunnel = new Tunnel(config);
    const { socket } = config;
    socket.binaryType = 'arraybuffer';
    this.#timer = setTimeout(() => this.#lost(0, ''), OPEN_MILLIS);
    socket.addEventListener('open', () => {
      if (this.#over) return;
      this.#opened = true;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.run({ kind: 'start' });
    });
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.run({ kind: 'control', text: data });
      else if (data instanceof ArrayBuffer)
        this.run({ kind: 'frame', bytes: new Uint8Array(data) });
    });
    socket.addEventListener('error', () => this.#lost(0, ''));
    socket.addEventListener('close', ({ code, reason }) => this.#lost(code, reason));
  }

  network(input: IpInput): void {
    this.run({ kind: 'network', input });
  }

  /** Handles an input and, first come first served, those that its outputs cause. */
  run(input: TunnelInput): void {
    this.#inputs.push(input);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        for (const output of this.#tunnel.handle(next, this.#config.now())) this.#dispatch(output);
        this.#watchBuffer();
      }
    } catch (error) {
      // A defect of ours must not leave a page that waits for ever.
      this.#abandon({ code: 'INTERNAL', detail: String(error) });
    } finally {
      this.#running = false;
    }
    this.#arm();
  }

  #dispatch(output: TunnelOutput): void {
    const { socket, emit } = this.#config;
    if (output.kind === 'frame') {
      socket.send(output.bytes);
      this.#tunnel.recycle(output.bytes);
    } else if (output.kind === 'control') socket.send(output.text);
    else {
      if (this.#over) return;
      if (output.kind === 'closed') this.#end();
      emit(output);
    }
  }

  /** A timer that is due no later is kept: it finds nothing to do then, which is cheaper than a new one per frame. */
  #arm(): void {
    if (this.#over) return;
    const now = this.#config.now();
    const poll = this.#held ? now + HOLD_POLL_MILLIS : undefined;
    const next = earliest(this.#tunnel.deadline, poll);
    if (next === undefined || (this.#timer !== undefined && this.#timerAt <= next)) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.run({ kind: 'timeout' });
      },
      Math.max(0, Math.ceil(next - now)),
    );
  }

  #watchBuffer(): void {
    const queued = this.#config.socket.bufferedAmount;
    if (!this.#held && queued > HOLD_ABOVE) {
      this.#held = true;
      this.#inputs.push({ kind: 'network', input: { kind: 'hold' } });
    } else if (this.#held && queued < RESUME_BELOW) {
      this.#held = false;
      this.#inputs.push({ kind: 'network', input: { kind: 'resume' } });
    }
  }

  #lost(code: number, reason: string): void {
    if (this.#over) return;
    const failure: Failure = this.#opened
      ? { code: outcomeOf(code), ...closeDetail(code, reason) }
      : { code: 'RELAY_UNREACHABLE' };
    this.run({ kind: 'relay-closed', failure });
  }

  /** What is left after a defect: the keys go, as far as the machine still can, and the page is told. */
  #abandon(failure: Failure): void {
    this.#inputs.length = 0;
    try {
      this.#tunnel.handle({ kind: 'relay-closed', failure }, this.#config.now());
    } catch {
      // The first error is the one to report.
    }
    this.#dispatch({ kind: 'closed', failure });
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#config.socket.close();
  }
}

/** A relay that refuses says so first; where only its close code arrives, that tells the same. */
function outcomeOf(code: number): TunnelErrorCode {
  return Object.values(REFUSALS).find(({ close }) => close === code)?.outcome ?? 'RELAY_CLOSED';
}

function closeDetail(code: number, reason: string): Pick<Failure, 'detail'> {
  // Neither the ordinary end nor a connection that merely broke says anything.
  if (code <= 1000 || code === 1006) return {};
  return { detail: plainText(`close code ${code}${reason && `: ${reason}`}`) };
}
