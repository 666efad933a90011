/** Scripts of peers, of strangers who guess, and of a program that stands still: what must not end or bend a connection. */
import { describe, expect, it } from 'vitest';
import type { IpOutput } from '../../../shared/ip/stack.ts';
import { CONNECT_TIMEOUT, TIME_WAIT } from '../../../shared/ip/tcp/state.ts';
import { SERVER } from '../../support/ip-pair.ts';
import { Script } from '../../support/segments.ts';

/** `count` segments of 1000 bytes. */
function data(count: number): string {
  return 'x'.repeat(1000 * count);
}

function kinds(outputs: readonly IpOutput[]): string[] {
  return outputs.map(({ kind }) => kind);
}

describe('the peer’s window', () => {
  it('is not left behind by what acknowledges more, wherever its data lie (RFC 9293 §3.10.7.4)', () => {
    const script = new Script();
    script.connect({ window: 2000 });
    script.receive({ flags: 'A', seq: 11, ack: 1, data: 'later', window: 2000 });
    script.write(data(4));
    script.sent();
    // What fills the gap comes second, acknowledges both segments, and says that no more fits.
    script.receive({ flags: 'A', seq: 1, ack: 2001, data: '0123456789', window: 0 });
    expect(script.sender.peerWindow).toBe(0);
    expect(script.brief()).toEqual(['A 2001:2001 ack 16']);
  });
});

describe('a FIN', () => {
  it('where data were taken is not the end (RFC 9293 §3.10.7.4)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'hello' });
    script.take();
    script.receive({ flags: 'FA', seq: 5, ack: 1 });
    expect(script.take()).toEqual([]);
    expect(script.brief().at(-1)).toBe('A 1:1 ack 6');
    script.receive({ flags: 'FA', seq: 6, ack: 1, data: 'more' });
    expect(kinds(script.take())).toEqual(['tcp-data', 'tcp-end']);
  });

  it('that is not the one the connection ended with does not lengthen TIME-WAIT (RFC 9293 §3.10.7.4)', () => {
    const script = new Script();
    script.connect();
    script.tell({ kind: 'tcp-shutdown', socket: 1 });
    script.receive({ flags: 'FA', seq: 1, ack: 2 });
    const end = script.stack.deadline!;
    script.wait(TIME_WAIT / 2);
    script.receive({ flags: 'FA', seq: 5000, ack: 2 });
    expect(script.stack.deadline).toBe(end);
    script.receive({ flags: 'FA', seq: 1, ack: 2 });
    expect(script.stack.deadline).toBe(script.now + TIME_WAIT);
  });
});

describe('timestamps', () => {
  it('of who does not know what is on the way do not make the peer’s own old (RFC 7323 §4.3, 5961 §5.2)', () => {
    const script = new Script();
    script.connect({ timestamp: [1000, 0] });
    script.receive({ flags: 'A', seq: 1, ack: 900_000, data: 'forged', timestamp: [5e8, 0] });
    expect(script.take()).toEqual([]);
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'true', timestamp: [1001, 0] });
    expect(kinds(script.take())).toEqual(['tcp-data']);
  });
});

describe('SACK', () => {
  it('of half a segment, then of the whole: it has arrived (RFC 2018 §5)', () => {
    const script = new Script();
    script.connect();
    script.write(data(6));
    script.sent();
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 1501]] });
    expect(script.sender.inFlight).toBe(6000);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 2001]] });
    expect(script.sender.inFlight).toBe(5000);
  });

  it('of what was never sent is not remembered for when it is (RFC 2018 §5)', () => {
    const script = new Script();
    script.connect({ window: 3000 });
    script.write(data(6));
    script.receive({ flags: 'A', seq: 1, ack: 1, window: 6000, sack: [[1001, 5001]] });
    script.wait(5);
    script.receive({ flags: 'A', seq: 1, ack: 1, window: 6000, sack: [[1001, 6001]] });
    expect(script.sender.inFlight).toBeLessThanOrEqual(1000);
  });
});

describe('a program that stood still', () => {
  /** Nothing runs for a while, and then a timer that was due long ago. */
  function freeze(script: Script, millis: number): void {
    script.now += millis;
    script.tell({ kind: 'timeout' });
  }

  it.each([
    ['before the tail probe', 0],
    ['before the time-out', 250],
  ])('%s asks before it gives a peer up', (_, millis) => {
    const script = new Script();
    script.connect();
    script.write(data(5));
    script.wait(millis);
    script.sent();
    freeze(script, 600_000);
    expect(script.brief()).not.toEqual([]);
    script.wait(1000);
    expect(kinds(script.take())).not.toContain('tcp-closed');
    script.receive({ flags: 'A', seq: 1, ack: 5001 });
    expect(script.sender.inFlight).toBe(0);
    // The peer’s own silence counts as ever.
    script.write(data(1));
    script.wait(250_000);
    expect(kinds(script.take())).toContain('tcp-closed');
  });

  it.each([
    ['once', 0],
    ['again', 300],
  ])('takes its own sleep for no round trip of what was sent %s', (_, millis) => {
    const script = new Script();
    script.connect({ timestamp: [500, 0] });
    script.write('x'.repeat(988));
    const stamp = script.sent()[0]!.timestamp![0];
    script.wait(millis);
    script.now += 30_000;
    script.receive({ flags: 'A', seq: 1, ack: 989, timestamp: [600, stamp] });
    expect(script.sender).toMatchObject({ smoothedRtt: 20, retransmissionTimeout: 200 });
    // The next one is one again.
    script.write('x'.repeat(988));
    script.wait(40);
    script.receive({ flags: 'A', seq: 1, ack: 1977 });
    expect(script.sender.smoothedRtt).toBeGreaterThan(20);
  });

  it('asks the peer’s closed window on', () => {
    const script = new Script();
    script.connect({ window: 0 });
    script.write(data(1));
    script.wait(300);
    script.receive({ flags: 'A', seq: 1, ack: 1, window: 0 });
    script.sent();
    freeze(script, 600_000);
    expect(script.brief()).toEqual(['A 1:2 ack 1']);
    expect(kinds(script.take())).not.toContain('tcp-closed');
  });

  it('sends its SYN once more', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: 80 });
    script.sent();
    freeze(script, 2 * CONNECT_TIMEOUT);
    expect(script.brief()).toEqual(['S 0:0']);
    script.receive({ flags: 'SA', ack: 1 });
    expect(kinds(script.take())).toEqual(['tcp-opened']);
  });

  it('and finds the answer to its SYN when it wakes up knows nothing of the way', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: 80 });
    script.sent();
    script.now += 60_000;
    script.receive({ flags: 'SA', ack: 1, mss: 1000, sackOk: true });
    expect(script.sender).toMatchObject({ smoothedRtt: 0, retransmissionTimeout: 1000 });
    script.write(data(20));
    expect(script.sent().length).toBeGreaterThanOrEqual(10);
  });

  it('that was told to hold back did not ask, so nobody was silent', () => {
    const script = new Script();
    script.connect();
    script.write(data(3));
    script.tell({ kind: 'hold' });
    script.wait(600_000);
    script.sent();
    script.tell({ kind: 'resume' });
    script.wait(1000);
    expect(script.brief()).not.toEqual([]);
    expect(kinds(script.take())).not.toContain('tcp-closed');
  });
});
