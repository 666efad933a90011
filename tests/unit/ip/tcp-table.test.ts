/** What keeps connections apart and bounded: their numbers, their ports, the table, and what lingers in TIME-WAIT. */
import { describe, expect, it } from 'vitest';
import { IpAddress } from '../../../shared/ip/address.ts';
import { Path } from '../../../shared/ip/path.ts';
import { ephemeralPort } from '../../../shared/ip/ports.ts';
import { InitialNumbers } from '../../../shared/ip/tcp/isn.ts';
import { TIME_WAIT } from '../../../shared/ip/tcp/state.ts';
import { CLIENT, SERVER } from '../../support/ip-pair.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';
import { Script } from '../../support/segments.ts';

const CONNECTIONS = 1024;
const LINGERING = 256;

describe('initial sequence numbers (RFC 6528 §3)', () => {
  const path = new Path(CLIENT, SERVER);
  const numbers = (seed: number) => new InitialNumbers(new SeededRandom(seed), nodePrimitives);

  it('tick every 4 µs for one pair of ends', () => {
    const own = numbers(1);
    const first = own.next(path, 50_000, 80, 1000);
    const second = own.next(path, 50_000, 80, 1010);
    expect((second.sequence - first.sequence) >>> 0).toBe(2500);
    expect(second.timestampOffset).toBe(first.timestampOffset);
  });

  it('hang on a secret and on every part of the pair', () => {
    const other = new Path(CLIENT, new IpAddress(Uint8Array.of(10, 0, 0, 3)));
    const all = [
      numbers(1).next(path, 50_000, 80, 1000),
      numbers(2).next(path, 50_000, 80, 1000),
      numbers(1).next(path, 50_001, 80, 1000),
      numbers(1).next(path, 50_000, 81, 1000),
      numbers(1).next(other, 50_000, 80, 1000),
    ];
    expect(new Set(all.map(({ sequence }) => sequence)).size).toBe(all.length);
    expect(new Set(all.map(({ timestampOffset }) => timestampOffset)).size).toBe(all.length);
  });
});

describe('ports (RFC 6056 §3.3.1)', () => {
  it('are drawn from the dynamic range, not counted', () => {
    const random = new SeededRandom(1);
    const ports = Array.from({ length: 200 }, () => ephemeralPort(random, () => false)!);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(49_152);
    expect(Math.max(...ports)).toBeLessThanOrEqual(65_535);
    const neighbours = ports.filter((port, i) => Math.abs(port - (ports[i - 1] ?? 0)) < 16);
    expect(neighbours.length).toBeLessThan(10);
  });

  it('the last free one is found, wherever the search begins; then there is none', () => {
    for (let seed = 1; seed <= 20; seed++) {
      expect(ephemeralPort(new SeededRandom(seed), (port) => port !== 49_152)).toBe(49_152);
    }
    expect(ephemeralPort(new SeededRandom(1), () => true)).toBeUndefined();
  });
});

describe('the table', () => {
  /** Answers the port it is from. */
  const connect = (script: Script, socket: number): number => {
    script.tell({ kind: 'tcp-connect', socket, address: SERVER.bytes, port: 80 });
    script.sent();
    return script.localPort;
  };

  /** Closes socket 1 from here, then from there. */
  const close = (script: Script): void => {
    script.tell({ kind: 'tcp-shutdown', socket: 1 });
    script.receive({ flags: 'FA', seq: 1, ack: 2 });
    script.sent();
  };

  it(`takes ${CONNECTIONS} connections, each from a port of its own`, () => {
    const script = new Script();
    const ports = new Set<number>();
    for (let socket = 1; socket <= CONNECTIONS; socket++) ports.add(connect(script, socket));
    expect(ports.size).toBe(CONNECTIONS);
    expect(script.take()).toEqual([]);
    connect(script, CONNECTIONS + 1);
    const failure = { code: 'UNREACHABLE', detail: 'too many connections' };
    expect(script.take()).toEqual([{ kind: 'tcp-closed', socket: CONNECTIONS + 1, failure }]);
    expect(() => connect(script, 1)).toThrow(RangeError);
  });

  it(`keeps ${LINGERING} in TIME-WAIT: the oldest makes room`, () => {
    const script = new Script();
    const ports: number[] = [];
    for (let i = 0; i <= LINGERING; i++) {
      script.connect();
      ports.push(script.localPort);
      close(script);
      expect(script.take()).toContainEqual({ kind: 'tcp-closed', socket: 1 });
    }
    const answers = (port: number) => {
      script.receive({ flags: 'FA', ports: [80, port], seq: 1, ack: 2 });
      return script.sent().map(({ flags }) => flags);
    };
    expect(answers(ports[0]!)).toEqual(['R']);
    expect(answers(ports[1]!)).toEqual(['A']);
    expect(answers(ports.at(-1)!)).toEqual(['A']);
    script.wait(TIME_WAIT);
    expect(answers(ports[1]!)).toEqual(['R']);
  });

  it('a reset does not end TIME-WAIT early (RFC 1337 §3)', () => {
    const script = new Script();
    script.connect();
    close(script);
    script.receive({ flags: 'R', seq: 2 });
    script.receive({ flags: 'FA', seq: 1, ack: 2 });
    expect(script.brief()).toEqual(['A 2:2 ack 2']);
  });
});
