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

  it('a number that is used again is the new connection’s when the old one leaves TIME-WAIT', () => {
    const script = new Script();
    script.connect();
    close(script);
    script.wait(TIME_WAIT / 2);
    script.connect();
    script.wait(TIME_WAIT / 2);
    script.write('hello');
    expect(script.brief()).toEqual(['PA 1:6 ack 1']);
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

describe('a SYN to TIME-WAIT (RFC 6191 §2, 9293 §3.6.1)', () => {
  const ports = [5000, 22] as const;
  const STAMP = 700;

  /** A connection that came to port 22 and that we closed first; the peer's FIN was number 1. */
  const lingering = (stamps: boolean): Script => {
    const timestamp = stamps ? { timestamp: [STAMP, 0] as const } : {};
    const script = new Script();
    script.tell({ kind: 'tcp-listen', listener: 4, port: 22 });
    script.receive({ flags: 'S', ports, ...timestamp });
    script.sent();
    script.receive({ flags: 'A', ports, seq: 1, ack: 1, ...timestamp });
    script.tell({ kind: 'tcp-shutdown', socket: -1 });
    script.receive({ flags: 'FA', ports, seq: 1, ack: 2, ...timestamp });
    script.sent();
    script.take();
    return script;
  };

  /** First flags that answer a SYN with this number and, if there is one, timestamp. */
  const answer = (script: Script, seq: number, stamp?: number): string | undefined => {
    const timestamp = stamp === undefined ? {} : { timestamp: [stamp, 0] as const };
    script.receive({ flags: 'S', ports, seq, ...timestamp });
    return script.sent()[0]?.flags;
  };

  it.each([
    ['a later timestamp', true, 0, STAMP + 1, 'SA'],
    ['the same one and a later number', true, 2, STAMP, 'SA'],
    ['the same of both', true, 1, STAMP, 'A'],
    ['an earlier one', true, 2, STAMP - 1, 'A'],
    ['none, where there was one, and a later number', true, 2, undefined, 'SA'],
    ['none, and a number that was used', true, 1, undefined, 'A'],
    ['one, where there was none', false, 0, STAMP, 'SA'],
    ['none at all, and a later number', false, 2, undefined, 'SA'],
    ['none at all, and a number that was used', false, 1, undefined, 'A'],
  ])('with %s', (_, before, seq, stamp, flags) => {
    expect(answer(lingering(before), seq, stamp)).toBe(flags);
  });

  it('begins behind what the old connection sent, and stands like any other', () => {
    const script = lingering(true);
    const first = script.initial;
    // Without time passing, the clock of initial numbers shows what it did.
    expect(answer(script, 0, STAMP + 1)).toBe('SA');
    expect((script.initial - first) >>> 0).toBe(2);
    script.receive({ flags: 'A', ports, seq: 1, ack: 1, timestamp: [STAMP + 2, 0] });
    expect(script.take()).toMatchObject([{ kind: 'tcp-accepted', listener: 4, port: 5000 }]);
  });

  it('needs somebody who listens', () => {
    const script = lingering(true);
    script.tell({ kind: 'tcp-unlisten', listener: 4 });
    expect(answer(script, 2, STAMP + 1)).toBe('A');
  });
});
