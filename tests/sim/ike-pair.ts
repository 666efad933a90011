/** An initiator and a responder over two links in virtual time. */
import type { IkeConfig } from '../../shared/ike/config.ts';
import { Ike } from '../../shared/ike/ike.ts';
import type { ChildEstablished, IkeChannel, IkeInput, IkeOutput } from '../../shared/ike/io.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import type { Phase2Transform } from '../../shared/ike/phase2-transforms.ts';
import { type Bytes, concat, type Millis } from '../../shared/wire/bytes.ts';
import { Link, type LinkOptions } from '../support/link.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';

/** Cheap to compute; what it protects here is nothing. */
export const QUICK_PHASE1: Phase1Transform = {
  cipher: 'aes-cbc',
  keyBits: 128,
  hash: 'sha256',
  group: 2,
};
export const QUICK_PHASE2: Phase2Transform = {
  cipher: 'aes-cbc',
  keyBits: 128,
  integrity: 'hmac-sha1-96',
};

export const CLIENT_PUBLIC: Bytes = Uint8Array.of(198, 51, 100, 1);
const SERVER: Bytes = Uint8Array.of(203, 0, 113, 5);

export function ikeConfig(role: IkeConfig['role'], seed: number): IkeConfig {
  const client = role === 'initiator';
  return {
    role,
    primitives: nodePrimitives,
    random: new SeededRandom(seed),
    credentials: { kind: 'pre-shared-key', key: new TextEncoder().encode('a shared secret') },
    localAddress: client ? Uint8Array.of(192, 168, 77, 3) : SERVER,
    remoteAddress: client ? SERVER : CLIENT_PUBLIC,
    localPorts: client ? { ike: 40_000, natt: 40_001 } : { ike: 500, natt: 4500 },
    remotePorts: client ? { ike: 500, natt: 4500 } : { ike: 40_000, natt: 40_001 },
    natTraversal: client ? 'force' : 'on',
    innerLocalPort: client ? 50_000 : 1701,
    innerRemotePort: client ? 1701 : 50_000,
    phase1: [QUICK_PHASE1],
    phase2: [QUICK_PHASE2],
  };
}

export type Side = 'client' | 'server';
type Kind = IkeOutput['kind'];
type OutputOf<K extends Kind> = Extract<IkeOutput, { kind: K }>;

export interface PairOptions {
  readonly seed?: number;
  readonly client?: Partial<IkeConfig>;
  readonly server?: Partial<IkeConfig>;
  readonly link?: Partial<LinkOptions>;
  /** A look at each message, and the chance to replace it by others. */
  readonly tap?: (from: Side, bytes: Bytes) => readonly Bytes[];
  /** A look at each message that arrives, before it is handled. */
  readonly arriving?: (to: Side, channel: IkeChannel, bytes: Bytes) => void;
}

export class IkePair {
  readonly machines: Readonly<Record<Side, Ike>>;
  readonly outputs: Record<Side, IkeOutput[]> = { client: [], server: [] };
  /** Every message as sent, before the link. */
  readonly sent: Record<Side, Bytes[]> = { client: [], server: [] };
  readonly #links: Readonly<Record<Side, Link>>;
  readonly #tap: PairOptions['tap'];
  readonly #arriving: PairOptions['arriving'];
  now: Millis = 1000;

  constructor(options: PairOptions = {}) {
    const { seed = 1, client = {}, server = {}, link = {} } = options;
    this.machines = {
      client: new Ike({ ...ikeConfig('initiator', seed), ...client }),
      server: new Ike({ ...ikeConfig('responder', seed + 100), ...server }),
    };
    // Named by who sends into them.
    this.#links = {
      client: new Link({ latency: 20, ...link, seed: seed + 200 }),
      server: new Link({ latency: 20, ...link, seed: seed + 300 }),
    };
    this.#tap = options.tap;
    this.#arriving = options.arriving;
  }

  give(side: Side, input: IkeInput): readonly IkeOutput[] {
    const outputs = this.machines[side].handle(input, this.now);
    for (const output of outputs) {
      this.outputs[side].push(output);
      if (output.kind !== 'transmit') continue;
      this.sent[side].push(output.bytes);
      const replaced = this.#tap?.(side, output.bytes) ?? [output.bytes];
      for (const bytes of replaced) this.#links[side].send(packed(output.channel, bytes), this.now);
    }
    return outputs;
  }

  /** Runs until `done`, or until nothing is due, or for `limit` milliseconds. Answers whether `done`. */
  run(done: () => boolean, limit: Millis = 120_000): boolean {
    const end = this.now + limit;
    while (!done()) {
      const next = this.#next();
      if (next === undefined || next > end) {
        this.now = end;
        return false;
      }
      this.now = Math.max(this.now, next);
      this.#step();
    }
    return true;
  }

  /** Starts and runs until both ends have a child SA. */
  connect(limit?: Millis): boolean {
    this.give('client', { kind: 'start' });
    return this.run(() => this.children('client') > 0 && this.children('server') > 0, limit);
  }

  all<K extends Kind>(side: Side, kind: K): readonly OutputOf<K>[] {
    return this.outputs[side].filter((output): output is OutputOf<K> => output.kind === kind);
  }

  children(side: Side): number {
    return this.all(side, 'child-established').length;
  }

  lastChild(side: Side): ChildEstablished {
    return this.all(side, 'child-established').at(-1)!;
  }

  closed(side: Side): OutputOf<'closed'> | undefined {
    return this.all(side, 'closed').at(-1);
  }

  traces(side: Side, event: string): readonly (string | undefined)[] {
    return this.all(side, 'trace')
      .filter((trace) => trace.event === event)
      .map(({ detail }) => detail);
  }

  #next(): Millis | undefined {
    const times = [
      this.machines.client.deadline,
      this.machines.server.deadline,
      this.#links.client.deadline,
      this.#links.server.deadline,
    ].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #step(): void {
    for (const side of ['client', 'server'] as const) {
      const other = side === 'client' ? 'server' : 'client';
      for (const bytes of this.#links[other].arrived(this.now)) {
        const channel = bytes[0] === 1 ? 'natt' : 'ike';
        const message = bytes.slice(1);
        this.#arriving?.(side, channel, message);
        this.give(side, { kind: 'datagram', channel, bytes: message });
      }
      const { deadline } = this.machines[side];
      if (deadline !== undefined && deadline <= this.now) this.give(side, { kind: 'timeout' });
    }
  }
}

function packed(channel: IkeChannel, bytes: Bytes): Bytes {
  return concat(Uint8Array.of(channel === 'natt' ? 1 : 0), bytes);
}
