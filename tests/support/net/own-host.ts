import { createHash, type Hash } from 'node:crypto';
import type { Failure } from '../../../shared/errors.ts';
import { parseAddress } from '../../../shared/ip/address.ts';
import { type IpInput, type IpOutput, IpStack } from '../../../shared/ip/stack.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from '../../../shared/ip/tcp/environment.ts';
import type { Bytes, Millis } from '../../../shared/wire/bytes.ts';
import { asPacket, CopyingSink } from '../ip-pair.ts';
import { nodePrimitives } from '../node-primitives.ts';
import { SeededRandom } from '../random.ts';
import type { Clock } from './clock.ts';
import { patternAt } from './pattern.ts';
import type { Port } from './wire.ts';
import { Meter, type Outcome, type TcpHost, type Work } from './work.ts';

const INTERFACE_ID: Bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);

export interface OwnHostOptions {
  readonly clock: Clock;
  /** Dotted quad. */
  readonly address: string;
  readonly mtu: number;
  readonly seed: number;
  readonly limits?: Partial<TcpLimits>;
}

/** Our stack at work, in virtual or real time. */
export class OwnHost implements TcpHost, Port {
  send: (packet: Bytes) => void = () => undefined;
  readonly port: Port = this;
  readonly address: string;
  /** Its address in IPv6: of no more than this link. */
  readonly linkLocal: string = 'fe80::1';
  readonly #clock: Clock;
  readonly #stack: IpStack;
  readonly #jobs = new Map<number, Job>();
  readonly #listeners = new Map<number, { work: Work; over: (outcome: Outcome) => void }>();
  #serial = 0;
  #timedFor: Millis | undefined;
  #cancel: () => void = () => undefined;

  constructor({ clock, address, mtu, seed, limits = {} }: OwnHostOptions) {
    this.#clock = clock;
    this.address = address;
    this.#stack = new IpStack({
      address: parseAddress(address)!,
      nameServers: [],
      random: new SeededRandom(seed),
      sink: new CopyingSink(mtu, (packet) => this.send(packet)),
      primitives: nodePrimitives,
      tcp: { ...DEFAULT_TCP_LIMITS, ...limits },
    });
    this.#stack.handle({ kind: 'ipv6-up', interfaceId: INTERFACE_ID }, clock.now());
  }

  connect(address: string, port: number, work: Work): Promise<Outcome> {
    const socket = ++this.#serial;
    return new Promise((over) => {
      this.#jobs.set(socket, new Job(this, this.#clock, socket, work, over));
      this.tell({ kind: 'tcp-connect', socket, address: parseAddress(address)!, port });
    });
  }

  listen(port: number, work: Work, over: (outcome: Outcome) => void): Promise<void> {
    const listener = ++this.#serial;
    this.#listeners.set(listener, { work, over });
    this.tell({ kind: 'tcp-listen', listener, port });
    return Promise.resolve();
  }

  close(): void {
    this.#cancel();
  }

  tell(input: IpInput): void {
    this.#handle(input);
    this.#arm();
  }

  deliver(packets: readonly Bytes[]): void {
    this.#handle({ kind: 'packets', packets: packets.map(asPacket) });
    this.#arm();
  }

  #handle(input: IpInput): void {
    for (const output of this.#stack.handle(input, this.#clock.now())) {
      if (output.kind === 'tcp-accepted') {
        const { work, over } = this.#listeners.get(output.listener)!;
        const { socket } = output;
        this.#jobs.set(socket, new Job(this, this.#clock, socket, work, over));
      }
      if (!('socket' in output)) continue;
      this.#jobs.get(output.socket)?.react(output);
      if (output.kind === 'tcp-closed') this.#jobs.delete(output.socket);
    }
  }

  #arm(): void {
    const { deadline } = this.#stack;
    if (deadline === this.#timedFor) return;
    this.#cancel();
    this.#timedFor = deadline;
    if (deadline === undefined) return;
    this.#cancel = this.#clock.at(deadline, () => {
      this.#timedFor = undefined;
      this.tell({ kind: 'timeout' });
    });
  }
}

/** Does the work of one connection. */
class Job {
  readonly #host: OwnHost;
  readonly #clock: Clock;
  readonly #socket: number;
  readonly #work: Work;
  readonly #over: (outcome: Outcome) => void;
  readonly #hash: Hash | undefined;
  #meter: Meter;
  #until: Millis = Number.POSITIVE_INFINITY;
  #sent = 0;
  /** What the last write was taken of. */
  #wrote = 0;
  #reads = true;
  /** Bytes that arrived before reading began. */
  #unread = 0;
  #echoes: Bytes[] = [];
  #ended = false;

  constructor(
    host: OwnHost,
    clock: Clock,
    socket: number,
    work: Work,
    over: (outcome: Outcome) => void,
  ) {
    this.#host = host;
    this.#clock = clock;
    this.#socket = socket;
    this.#work = work;
    this.#over = over;
    this.#hash = work.seconds === undefined ? createHash('sha256') : undefined;
    this.#meter = new Meter(clock.now());
  }

  react(output: IpOutput): void {
    switch (output.kind) {
      case 'tcp-opened':
      case 'tcp-accepted':
        this.#begin();
        return;
      case 'tcp-wrote':
        this.#wrote = output.length;
        return;
      case 'tcp-writable':
        this.#write();
        return;
      case 'tcp-data':
        this.#arrived(output.bytes);
        return;
      case 'tcp-end':
        this.#ended = true;
        if (this.#work.echo) this.#write();
        return;
      case 'tcp-closed':
        this.#close(output.failure);
        return;
    }
  }

  #begin(): void {
    const { seconds, readAfter } = this.#work;
    const now = this.#clock.now();
    this.#meter = new Meter(now);
    if (seconds !== undefined) this.#until = now + 1000 * seconds;
    if (readAfter !== undefined) {
      this.#reads = false;
      this.#clock.at(now + readAfter, () => {
        this.#reads = true;
        this.#consume(this.#unread);
      });
    }
    if (!this.#work.echo) this.#write();
  }

  #write(): void {
    for (let piece = this.#next(); piece.length > 0; piece = this.#next()) {
      this.#host.tell({ kind: 'tcp-write', socket: this.#socket, bytes: piece });
      this.#sent += this.#wrote;
      if (this.#work.echo) this.#echoed(this.#wrote);
      if (this.#wrote < piece.length) return;
    }
    if (!this.#work.echo || this.#ended) {
      this.#host.tell({ kind: 'tcp-shutdown', socket: this.#socket });
    }
  }

  /** What is to be written next; empty when there is nothing. */
  #next(): Bytes {
    if (this.#work.echo) return this.#echoes[0] ?? new Uint8Array(0);
    const { bytes = this.#work.seconds === undefined ? 0 : Number.POSITIVE_INFINITY } = this.#work;
    const isOver = this.#clock.now() >= this.#until;
    return patternAt(this.#sent, isOver ? 0 : bytes - this.#sent);
  }

  #echoed(length: number): void {
    const rest = this.#echoes[0]!.subarray(length);
    if (rest.length > 0) this.#echoes[0] = rest;
    else this.#echoes.shift();
    this.#consume(length);
  }

  #arrived(bytes: Bytes): void {
    this.#meter.add(bytes.length, this.#clock.now());
    this.#hash?.update(bytes);
    if (this.#work.reset) {
      this.#host.tell({ kind: 'tcp-abort', socket: this.#socket });
    } else if (this.#work.echo) {
      this.#echoes.push(bytes);
      if (this.#echoes.length === 1) this.#write();
    } else if (this.#reads) {
      this.#consume(bytes.length);
    } else {
      this.#unread += bytes.length;
    }
  }

  #consume(length: number): void {
    this.#host.tell({ kind: 'tcp-consumed', socket: this.#socket, length });
  }

  #close(failure: Failure | undefined): void {
    this.#meter.finish(this.#clock.now());
    const error = failure === undefined ? undefined : (ERRORS[failure.code] ?? failure.code);
    this.#over({
      received: this.#meter.received,
      sent: this.#sent,
      progress: this.#meter.progress,
      ...(this.#hash === undefined ? {} : { hash: this.#hash.digest('hex') }),
      ...(error === undefined ? {} : { error }),
    });
  }
}

/** Our codes by the names that Node has for the same. */
const ERRORS: Readonly<Partial<Record<Failure['code'], string>>> = {
  CONNECTION_REFUSED: 'ECONNREFUSED',
  CONNECTION_RESET: 'ECONNRESET',
  TIMED_OUT: 'ETIMEDOUT',
};
