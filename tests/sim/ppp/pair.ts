import type { PppConfig } from '../../../shared/ppp/config.ts';
import { Ppp, type PppInput, type PppOutput } from '../../../shared/ppp/ppp.ts';
import { type Bytes, fromHex, type Millis, toHex } from '../../../shared/wire/bytes.ts';
import { earliest } from '../../../shared/wire/machine.ts';
import { Link, type LinkOptions } from '../../support/link.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

export function clientConfig(seed: number, rest: Partial<PppConfig> = {}): PppConfig {
  return {
    role: 'client',
    random: new SeededRandom(2 * seed + 1),
    primitives: nodePrimitives,
    mru: 1400,
    credentials: { userName: 'alice', password: 'alicepw' },
    methods: ['mschapv2', 'chap-md5', 'pap'],
    ...rest,
  };
}

export function serverConfig(seed: number, rest: Partial<PppConfig> = {}): PppConfig {
  const accounts = new Map([
    ['alice', 'alicepw'],
    ['CORP\\alice', 'alicepw'],
    ['alice@hub', 'alicepw'],
    ['Zoë', 'pässwörd 🔑'],
  ]);
  return {
    role: 'server',
    random: new SeededRandom(2 * seed + 2),
    primitives: nodePrimitives,
    mru: 1450,
    methods: ['mschapv2', 'chap-md5', 'pap'],
    server: {
      accounts: (userName) => accounts.get(userName),
      address: fromHex('0a1e00fe'),
      assign: fromHex('0a1e000a'),
      nameServers: [fromHex('0a1e0001'), fromHex('0a1e0002')],
      hostName: 'gateway',
    },
    ...rest,
  };
}

export type End = 'client' | 'server';

/** Two endpoints over a link in virtual time; every output is kept, with the frames as they were sent. */
export class Pair {
  readonly client: Ppp;
  readonly server: Ppp;
  readonly outputs: Record<End, PppOutput[]> = { client: [], server: [] };
  readonly log: string[] = [];
  now: Millis = 0;
  /** Nothing gets through any more. */
  cut = false;
  readonly #up: Link;
  readonly #down: Link;

  constructor(client: PppConfig, server: PppConfig, link: LinkOptions) {
    this.client = new Ppp(client);
    this.server = new Ppp(server);
    this.#up = new Link(link);
    this.#down = new Link({ ...link, seed: link.seed + 1000 });
  }

  start(): this {
    this.input('client', { kind: 'up' });
    this.input('server', { kind: 'up' });
    return this;
  }

  input(end: End, input: PppInput): void {
    for (const output of this[end].handle(input, this.now)) {
      this.outputs[end].push(output);
      if (output.kind === 'transmit') {
        this.log.push(`${this.now.toFixed(1)} ${end} ${toHex(output.bytes)}`);
        if (!this.cut) (end === 'client' ? this.#up : this.#down).send(output.bytes, this.now);
      }
    }
  }

  /** Runs until nothing is due, `done` says so, or the time is over. */
  run(until: Millis, done: () => boolean = () => false): this {
    while (!done()) {
      const ends = [this.client.deadline, this.server.deadline];
      const next = earliest(...ends, this.#up.deadline, this.#down.deadline);
      if (next === undefined || next > until) break;
      if (next < this.now) throw new Error(`a deadline in the past: ${next} < ${this.now}`);
      this.now = next;
      for (const bytes of this.#up.arrived(next)) this.input('server', { kind: 'frame', bytes });
      for (const bytes of this.#down.arrived(next)) this.input('client', { kind: 'frame', bytes });
      for (const end of ['client', 'server'] as const) {
        const { deadline } = this[end];
        if (deadline === undefined || deadline > next) continue;
        this.input(end, { kind: 'timeout' });
        if (this[end].deadline === deadline) throw new Error(`${end}: a time-out without effect`);
      }
    }
    return this;
  }

  of<K extends PppOutput['kind']>(end: End, kind: K): Extract<PppOutput, { kind: K }>[] {
    return this.outputs[end].filter(
      (output): output is Extract<PppOutput, { kind: K }> => output.kind === kind,
    );
  }

  isUp(end: End): boolean {
    const last = this.outputs[end].findLast(
      ({ kind }) => kind === 'network-up' || kind === 'stage',
    );
    return last?.kind === 'network-up' && this.of(end, 'closed').length === 0;
  }

  get bothUp(): boolean {
    return this.isUp('client') && this.isUp('server');
  }

  get bothClosed(): boolean {
    return this.of('client', 'closed').length > 0 && this.of('server', 'closed').length > 0;
  }

  /** The protocol and code of every control packet that an end sent. */
  sent(end: End): { protocol: number; code: number; body: Bytes }[] {
    return this.of(end, 'transmit').map(({ bytes }) => ({
      protocol: (bytes[2]! << 8) | bytes[3]!,
      code: bytes[4]!,
      body: bytes.slice(8),
    }));
  }
}
