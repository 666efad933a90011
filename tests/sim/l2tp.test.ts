import { describe, expect, it } from 'vitest';
import { isControl, L2tp, type L2tpConfig, type L2tpOutput } from '../../shared/l2tp/l2tp.ts';
import type { Millis } from '../../shared/wire/bytes.ts';
import { earliest } from '../../shared/wire/machine.ts';
import { Link, type LinkOptions } from '../support/link.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';

type Conditions = Omit<LinkOptions, 'seed'>;

interface Side {
  readonly machine: L2tp;
  readonly outputs: L2tpOutput[];
  readonly out: Link;
  /** First octets of the PPP frames that came. */
  readonly frames: number[];
}

/** A LAC and a LNS, and the network between them, in virtual time. */
class World {
  readonly lac: Side;
  readonly lns: Side;
  now: Millis = 0;

  constructor(seed: number, conditions: Conditions, config: Partial<L2tpConfig> = {}) {
    const side = (role: 'lac' | 'lns', salt: number): Side => ({
      machine: new L2tp({ role, random: new SeededRandom(seed + salt), hostName: role, ...config }),
      outputs: [],
      out: new Link({ seed: seed * 7 + salt, ...conditions }),
      frames: [],
    });
    this.lac = side('lac', 1);
    this.lns = side('lns', 2);
    this.#take(this.lac, this.lac.machine.handle({ kind: 'open' }, 0));
  }

  /** Runs until nothing is due, or `until`. */
  run(until: Millis = Number.POSITIVE_INFINITY): this {
    for (;;) {
      const next = earliest(
        this.lac.out.deadline,
        this.lns.out.deadline,
        this.lac.machine.deadline,
        this.lns.machine.deadline,
      );
      if (next === undefined || next > until) return this;
      this.now = Math.max(this.now, next);
      this.#arrive(this.lac, this.lns);
      this.#arrive(this.lns, this.lac);
      for (const side of [this.lac, this.lns]) {
        if ((side.machine.deadline ?? Infinity) <= this.now) {
          this.#take(side, side.machine.handle({ kind: 'timeout' }, this.now));
        }
      }
    }
  }

  close(side: Side): this {
    this.#take(side, side.machine.handle({ kind: 'close' }, this.now));
    return this;
  }

  send(side: Side, octet: number): void {
    const bytes = new Uint8Array(32).fill(octet);
    const packet = { bytes, start: 16, end: 32 };
    side.machine.encapsulate(packet);
    side.out.send(bytes.slice(packet.start, packet.end), this.now);
  }

  #arrive(from: Side, to: Side): void {
    for (const bytes of from.out.arrived(this.now)) {
      const packet = { bytes, start: 0, end: bytes.length };
      if (isControl(packet)) {
        this.#take(to, to.machine.handle({ kind: 'datagram', bytes }, this.now));
      } else if (to.machine.decapsulate(packet, this.now)) {
        to.frames.push(bytes[packet.start]!);
      }
    }
  }

  #take(side: Side, outputs: readonly L2tpOutput[]): void {
    for (const output of outputs) {
      side.outputs.push(output);
      if (output.kind === 'transmit') side.out.send(output.bytes, this.now);
    }
  }
}

function kinds(side: Side): string[] {
  return side.outputs.flatMap(({ kind }) =>
    kind === 'transmit' || kind === 'trace' ? [] : [kind],
  );
}

function failure(side: Side) {
  return side.outputs.find((output) => output.kind === 'closed')?.failure?.code;
}

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);

const CONDITIONS: Readonly<Record<string, Conditions>> = {
  'a good network': { latency: 20 },
  'a slow one': { latency: 900 },
  '20 % loss': { latency: 30, loss: 0.2 },
  reordering: { latency: 5, jitter: 400 },
  duplication: { latency: 30, jitter: 30, duplication: 0.5 },
  'all of it': { latency: 30, jitter: 300, loss: 0.15, duplication: 0.2 },
};

describe.each(Object.entries(CONDITIONS))('LAC and LNS over %s', (_name, conditions) => {
  it('set up a session, use it and close it', () => {
    for (const seed of SEEDS) {
      const world = new World(seed, conditions).run(39_000);
      const { lac, lns } = world;
      expect(kinds(lac)).toEqual(['stage', 'stage', 'session-established']);
      expect(kinds(lns)).toEqual(['stage', 'stage', 'session-established']);
      for (let octet = 1; octet <= 20; octet++) {
        world.send(lac, octet);
        world.send(lns, octet);
      }
      world.run(45_000).close(lac).run();
      if (conditions.loss === undefined) expect(new Set(lns.frames).size).toBe(20);
      expect(lns.frames.length).toBeGreaterThan(5);
      expect(lac.frames.length).toBeGreaterThan(5);
      expect(kinds(lac).at(-1)).toBe('closed');
      expect(failure(lac)).toBeUndefined();
      expect(kinds(lns).at(-1)).toBe('closed');
      // Where the farewell itself is lost, silence tells.
      const told = failure(lns);
      if (conditions.loss === undefined) expect(told).toBe('L2TP_CLOSED_BY_PEER');
      else expect(['L2TP_CLOSED_BY_PEER', 'L2TP_DEAD_PEER']).toContain(told);
    }
  });
});

describe('also', () => {
  it('the LNS closes', () => {
    for (const seed of SEEDS) {
      const world = new World(seed, { latency: 30, jitter: 60 }).run(39_000);
      world.close(world.lns).run();
      expect(failure(world.lac)).toBe('L2TP_CLOSED_BY_PEER');
      expect(kinds(world.lns).at(-1)).toBe('closed');
    }
  });

  it('both close at once', () => {
    for (const seed of SEEDS) {
      const world = new World(seed, { latency: 30, jitter: 60 }).run(39_000);
      world.close(world.lns).close(world.lac).run();
      expect([failure(world.lac), failure(world.lns)]).toEqual([undefined, undefined]);
      expect(world.now).toBeLessThan(43_000);
    }
  });

  it('with a secret on both sides', () => {
    const secret = new Uint8Array([1, 2, 3]);
    const conditions = { latency: 30, jitter: 100, loss: 0.1 };
    const world = new World(3, conditions, { secret, primitives: nodePrimitives }).run(39_000);
    expect(kinds(world.lac)).toContain('session-established');
    expect(kinds(world.lns)).toContain('session-established');
  });

  it('stay together for an hour of Hellos', () => {
    for (const seed of SEEDS.slice(0, 5)) {
      const world = new World(seed, { latency: 30, jitter: 100, loss: 0.1 }).run(3_600_000);
      expect(kinds(world.lac).at(-1)).toBe('session-established');
      expect(kinds(world.lns).at(-1)).toBe('session-established');
    }
  });

  it('notice that the network is gone', () => {
    const world = new World(1, { latency: 30, loss: 1 }).run();
    expect(failure(world.lac)).toBe('L2TP_NO_RESPONSE');
    expect(kinds(world.lns)).toEqual([]);
  });

  it('do the same again with the same seed', () => {
    for (const seed of SEEDS.slice(0, 10)) {
      const once = new World(seed, CONDITIONS['all of it']!).run(39_000);
      const again = new World(seed, CONDITIONS['all of it']!).run(39_000);
      expect(again.lac.outputs).toEqual(once.lac.outputs);
      expect(again.lns.outputs).toEqual(once.lns.outputs);
    }
  });

  it('end once at most, whichever bits flip', () => {
    for (const seed of SEEDS) {
      const { lac, lns } = new World(seed, { latency: 30, corruption: 0.3 }).run(300_000);
      for (const side of [lac, lns]) {
        expect(kinds(side).filter((kind) => kind === 'closed').length).toBeLessThan(2);
        expect(side.machine.deadline === undefined).toBe(kinds(side).at(-1) === 'closed');
      }
    }
  });
});
