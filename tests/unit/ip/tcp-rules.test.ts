/** Scripts beyond the ordinary course: loss and its mistakes, ECN, keepalive, and corners of RFC 9293. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_TCP_LIMITS } from '../../../shared/ip/tcp/environment.ts';
import { SERVER } from '../../support/ip-pair.ts';
import { Script } from '../../support/segments.ts';

const CONNECT = {
  kind: 'tcp-connect',
  socket: 1,
  address: SERVER.bytes,
  port: 80,
} as const;

const cubic = { limits: { ...DEFAULT_TCP_LIMITS, congestion: 'cubic' } } as const;
const withEcn = { limits: { ...cubic.limits, ecn: true } };

/** `count` segments of 1000 bytes. */
function data(count: number): string {
  return 'x'.repeat(1000 * count);
}

function text(outputs: readonly { kind: string }[]): string {
  return outputs
    .map((each) => ('bytes' in each ? Buffer.from(each.bytes as Uint8Array).toString() : ''))
    .join('');
}

describe('time-outs that were mistakes', () => {
  it('the answer to the original after a time-out gives the window back (RFC 3522 §3.2, 4015 §3.1)', () => {
    const script = new Script();
    script.connect({ timestamp: [500, 0] });
    script.write(data(10));
    const [first] = script.sent();
    const stamp = first!.timestamp![0];
    const { window } = script.sender;
    script.wait(400);
    expect(script.sent().length).toBeGreaterThan(0);
    expect(script.sender.window).toBeLessThan(window);
    script.receive({ flags: 'A', seq: 1, ack: 989, timestamp: [900, stamp] });
    expect(script.sender.window).toBeGreaterThanOrEqual(window);
    // Nothing but what was doubted goes again.
    expect(script.brief()).toEqual([]);
  });

  it('the answer to the repetition does not (RFC 3522 §3.2)', () => {
    const script = new Script();
    script.connect({ timestamp: [500, 0], sackOk: false });
    script.write(data(10));
    script.sent();
    script.wait(300);
    const again = script.sent().at(-1)!;
    script.receive({ flags: 'A', seq: 1, ack: 989, timestamp: [900, again.timestamp![0]] });
    expect(script.sender.window).toBeLessThan(5000);
  });

  it('without timestamps, originals that are SACKed after it tell the same (RFC 5682 §3)', () => {
    const script = new Script();
    script.connect();
    script.write(data(10));
    script.sent();
    const { window } = script.sender;
    script.wait(400);
    script.sent();
    expect(script.sender.window).toBeLessThan(window);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[2001, 3001]] });
    expect(script.sender.window).toBeGreaterThanOrEqual(window);
  });
});

describe('recovery', () => {
  it('sends seven for ten that arrived, not a burst at its end (RFC 6937 §3)', () => {
    const script = new Script(cubic);
    script.connect();
    script.write(data(40));
    // Ten, and as they are acknowledged, twenty.
    script.wait(20);
    for (let ack = 1; ack <= 10; ack++) {
      script.receive({ flags: 'A', seq: 1, ack: 1 + 1000 * ack });
      script.wait(2);
    }
    script.wait(10);
    script.sent();
    const { inFlight } = script.sender;
    expect(inFlight).toBe(20_000);
    let sent = 0;
    for (let right = 12; right < 30; right++) {
      script.receive({ flags: 'A', seq: 1, ack: 10_001, sack: [[11_001, 1 + 1000 * right]] });
      script.wait(1);
      sent += script.sent().length;
    }
    expect(script.sender.inFlight).toBeLessThanOrEqual(14_000);
    expect(sent).toBeGreaterThanOrEqual(11);
    expect(sent).toBeLessThanOrEqual(14);
    expect(script.sender.phase).toBe('recovery');
    script.receive({ flags: 'A', seq: 1, ack: 40_001 });
    expect(script.sender.phase).toBe('congestion-avoidance');
    expect(Math.abs(script.sender.window - 15_000)).toBeLessThan(1000);
  });

  it('finds the loss of a repetition by what was sent after it (RFC 8985 §6.2)', () => {
    const script = new Script();
    script.connect();
    script.write(data(20));
    script.sent();
    script.wait(20);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 6001]] });
    expect(script.brief()[0]).toBe('A 1:1001 ack 1');
    script.wait(22);
    script.sent();
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 12_001]] });
    script.wait(6);
    expect(script.brief()).toContain('A 1:1001 ack 1');
  });

  it('a peer that takes its SACK back gets everything again (RFC 2018 §8)', () => {
    const script = new Script();
    script.connect();
    script.write(data(3));
    script.sent();
    script.wait(20);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 3001]] });
    script.wait(10);
    script.receive({ flags: 'A', seq: 1, ack: 1001 });
    script.sent();
    script.wait(400);
    script.receive({ flags: 'A', seq: 1, ack: 2001 });
    script.wait(1);
    expect(script.brief()).toContain('PA 2001:3001 ack 1');
  });

  it('what comes twice at the peer widens the time that reordering is given (RFC 8985 §6.2 step 4)', () => {
    const script = new Script();
    script.connect();
    script.write(data(6));
    script.sent();
    script.wait(20);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 2001]] });
    script.wait(10);
    expect(script.brief()).toEqual(['A 1:1001 ack 1']);
    // The original came late: the repetition is the duplicate.
    script.receive({ flags: 'A', seq: 1, ack: 6001, sack: [[1, 1001]] });
    script.write(data(6));
    script.sent();
    script.wait(20);
    script.receive({ flags: 'A', seq: 1, ack: 6001, sack: [[7001, 8001]] });
    script.wait(6);
    expect(script.brief()).not.toContain('A 6001:7001 ack 1');
    script.wait(10);
    expect(script.brief()).toContain('A 6001:7001 ack 1');
  });

  it('the third time-out of a full segment tries smaller ones, and a large one again later (RFC 4821 §7.7, 8899 §4.3)', () => {
    const script = new Script(cubic);
    script.connect({ mss: 1460, sackOk: false });
    script.write('x'.repeat(1460));
    expect(script.sent()[0]?.data?.length).toBe(1460);
    script.wait(1500);
    const lengths = script.sent().map((line) => line.data?.length);
    expect(lengths).toEqual([1460, 1460, 1024, 436]);
    script.receive({ flags: 'A', seq: 1, ack: 1461 });
    script.wait(10_000);
    script.write('y'.repeat(3000));
    expect(script.sent().map((line) => line.data?.length)).toEqual([1460]);
    script.receive({ flags: 'A', seq: 1, ack: 2921 });
    expect(script.sent()[0]?.data?.length).toBe(1460);
  });

  it('a large one that does not arrive leaves the smaller size (RFC 8899 §4.3)', () => {
    const script = new Script(cubic);
    script.connect({ mss: 1460, sackOk: false });
    script.write('x'.repeat(1460));
    script.wait(1500);
    script.receive({ flags: 'A', seq: 1, ack: 1461 });
    script.wait(10_000);
    script.sent();
    script.write('y'.repeat(3000));
    expect(script.sent().map((line) => line.data?.length)).toEqual([1460]);
    script.wait(1000);
    expect(
      script
        .sent()
        .map((line) => line.data?.length)
        .slice(0, 2),
    ).toEqual([1024, 436]);
    script.receive({ flags: 'A', seq: 1, ack: 2921 });
    expect(script.sent()[0]?.data?.length).toBe(1024);
  });
});

describe('the send buffer', () => {
  it('what arrived behind a gap makes room: a loss in every round trip does not starve the sender', () => {
    const script = new Script();
    script.connect();
    const wrote = (bytes: number) => {
      script.write('x'.repeat(bytes));
      return script.take().flatMap((each) => (each.kind === 'tcp-wrote' ? [each.length] : []));
    };
    expect(wrote(300_000)).toEqual([262_144]);
    expect(wrote(1)).toEqual([0]);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 9001]] });
    expect(wrote(10_000)).toEqual([8000]);
    // Once acknowledged, it is room in the other way.
    script.receive({ flags: 'A', seq: 1, ack: 9001 });
    expect(wrote(10_000)).toEqual([1000]);
  });
});

describe('pacing and Nagle', () => {
  it('what follows the initial window is spread over the round trip', () => {
    const script = new Script();
    script.connect();
    script.write(data(40));
    script.sent();
    script.wait(20);
    for (let ack = 1; ack <= 10; ack++) script.receive({ flags: 'A', seq: 1, ack: 1 + 1000 * ack });
    // 20 segments in 10 ms: 2 a millisecond, and 4 ms made up for.
    expect(script.sent().length).toBeLessThanOrEqual(11);
    let sent = 0;
    let wakes = 0;
    for (let i = 0; i < 20; i++) {
      const due = script.stack.deadline;
      if (due !== undefined && due <= script.now + 1) wakes++;
      script.wait(1);
      sent += script.sent().length;
    }
    expect(sent).toBeGreaterThanOrEqual(9);
    expect(wakes).toBeLessThanOrEqual(12);
  });

  it('Nagle off: small segments go at once (RFC 9293 §3.7.4)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.tell({ kind: 'tcp-tune', socket: 1, noDelay: true });
    script.sent();
    script.receive({ flags: 'SA', ack: 1, mss: 1000 });
    script.sent();
    script.write('a');
    script.write('b');
    expect(script.brief()).toEqual(['PA 1:2 ack 1', 'PA 2:3 ack 1']);
    script.tell({ kind: 'tcp-tune', socket: 1, noDelay: false });
    script.write('c');
    expect(script.brief()).toEqual([]);
  });
});

describe('explicit congestion notification', () => {
  it('is asked for with both bits, and used when the answer has one (RFC 3168 §6.1.1)', () => {
    const script = new Script(withEcn);
    script.tell(CONNECT);
    expect(script.brief()).toEqual(['SEW 0:0']);
    script.receive({ flags: 'SAE', ack: 1, mss: 1000, sackOk: true });
    expect(script.sent()[0]).toMatchObject({ flags: 'A' });
    script.write('hello');
    expect(script.sent()[0]).toMatchObject({ flags: 'PA', ecn: 2 });
  });

  it('both bits in the answer are a reflection, none is a no (RFC 3168 §6.1.1)', () => {
    for (const flags of ['SAEW', 'SA']) {
      const script = new Script(withEcn);
      script.tell(CONNECT);
      script.sent();
      script.receive({ flags, ack: 1 });
      script.sent();
      script.write('hello');
      expect(script.sent()[0]?.ecn).toBeUndefined();
    }
  });

  it('the SYN that is sent again does not ask (RFC 3168 §6.1.1.1)', () => {
    const script = new Script(withEcn);
    script.tell(CONNECT);
    script.wait(1000);
    expect(script.brief()).toEqual(['SEW 0:0', 'S 0:0']);
  });

  it('a peer that asks gets it, whatever we would ask (RFC 3168 §6.1.1)', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-listen', listener: 4, port: 22 });
    script.receive({ flags: 'SEW', ports: [5000, 22], mss: 1000 });
    expect(script.brief()).toEqual(['SAE 0:0 ack 1']);
  });

  it('a mark is echoed until the peer has slowed down (RFC 3168 §6.1.3)', () => {
    const script = new Script(withEcn);
    script.connect({ flags: 'SAE' });
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'a', ecn: 3 });
    script.receive({ flags: 'A', seq: 2, ack: 1, data: 'b', ecn: 2 });
    script.receive({ flags: 'A', seq: 3, ack: 1, data: 'c', ecn: 2 });
    script.receive({ flags: 'AW', seq: 4, ack: 1, data: 'd', ecn: 2 });
    script.receive({ flags: 'A', seq: 5, ack: 1, data: 'e', ecn: 2 });
    script.wait(50);
    expect(script.brief()).toEqual(['AE 1:1 ack 2', 'AE 1:1 ack 4', 'A 1:1 ack 6']);
  });

  it('an echo shrinks the window once a round trip, and the next new data say so (RFC 3168 §6.1.2)', () => {
    const script = new Script(withEcn);
    script.connect({ flags: 'SAE' });
    script.write(data(12));
    script.sent();
    script.wait(20);
    script.receive({ flags: 'AE', seq: 1, ack: 2001 });
    script.receive({ flags: 'AE', seq: 1, ack: 4001 });
    expect(script.sender.window).toBeGreaterThanOrEqual(7000);
    expect(script.sender.window).toBeLessThan(8000);
    script.receive({ flags: 'AE', seq: 1, ack: 8001 });
    script.wait(20);
    expect(script.sent().map((line) => [line.flags, line.ecn])).toEqual([
      ['AW', 2],
      ['PA', 2],
    ]);
  });

  it('what is sent again may not be marked (RFC 3168 §6.1.5)', () => {
    const script = new Script(withEcn);
    script.connect({ flags: 'SAE' });
    script.write('hello');
    script.sent();
    script.wait(300);
    expect(script.sent()[0]).toMatchObject({ flags: 'PA', data: 'hello' });
    expect(script.sent()[0]?.ecn).toBeUndefined();
  });
});

describe('data that come to a side with nothing out', () => {
  it('tell of a smaller window, and of one that closed', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'a' });
    script.receive({ flags: 'A', seq: 2, ack: 1, data: 'b', window: 1500 });
    script.sent();
    script.write(data(3));
    expect(script.brief()).toEqual(['A 1:1001 ack 3']);
    script.receive({ flags: 'A', seq: 3, ack: 1001, data: 'c', window: 500 });
    script.receive({ flags: 'A', seq: 4, ack: 1001, data: 'd', window: 0 });
    script.receive({ flags: 'A', seq: 5, ack: 1001, data: 'e', window: 2000 });
    expect(script.brief().filter((each) => each.includes('1001:2001'))).toHaveLength(1);
  });

  it('tell of a mark (RFC 3168 §6.1.2)', () => {
    const script = new Script(withEcn);
    script.connect({ flags: 'SAE' });
    script.write('hello');
    script.receive({ flags: 'A', seq: 1, ack: 6, data: 'a' });
    script.receive({ flags: 'AE', seq: 2, ack: 6, data: 'b' });
    script.sent();
    script.write('more');
    expect(script.sent().map(({ flags }) => flags)).toEqual(['PAW']);
  });
});

describe('keepalive (RFC 9293 §3.8.4)', () => {
  it('is off unless asked for', () => {
    const script = new Script();
    script.connect();
    expect(script.stack.deadline).toBeUndefined();
  });

  it('asks after the silence with a segment the peer already has, and goes on when answered', () => {
    const script = new Script();
    script.connect();
    script.tell({ kind: 'tcp-tune', socket: 1, keepAlive: 60_000 });
    script.wait(59_999);
    expect(script.brief()).toEqual([]);
    script.wait(1);
    expect(script.brief()).toEqual(['A 0:0 ack 1']);
    script.receive({ flags: 'A', seq: 1, ack: 1 });
    script.wait(59_999);
    expect(script.brief()).toEqual([]);
    script.tell({ kind: 'tcp-tune', socket: 1, keepAlive: Number.POSITIVE_INFINITY });
    expect(script.stack.deadline).toBeUndefined();
  });

  it('nine questions without an answer end the connection', () => {
    const script = new Script();
    script.connect();
    script.tell({ kind: 'tcp-tune', socket: 1, keepAlive: 10_000 });
    script.wait(100_000);
    expect(script.brief()).toEqual([...Array(9).fill('A 0:0 ack 1'), 'RA 1:1 ack 1']);
    expect(script.take()).toEqual([
      { kind: 'tcp-closed', socket: 1, failure: { code: 'TIMED_OUT' } },
    ]);
  });

  it('the peer’s question is answered (RFC 9293 §3.8.4)', () => {
    const script = new Script();
    script.connect();
    script.wait(1000);
    script.receive({ flags: 'A', seq: 0, ack: 1 });
    expect(script.brief()).toEqual(['A 1:1 ack 1']);
  });
});

describe('corners of RFC 9293', () => {
  it('urgent data are ordinary data (§3.8.5, RFC 6093)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'AU', seq: 1, ack: 1, data: 'now!' });
    expect(text(script.take())).toBe('now!');
  });

  it('data that came with the SYN-ACK’s answer are taken in SYN-RECEIVED (§3.10.7.4)', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-listen', listener: 4, port: 22 });
    const ports = [5000, 22] as const;
    script.receive({ flags: 'S', ports, mss: 1000 });
    script.sent();
    script.receive({ flags: 'PA', ports, seq: 1, ack: 1, data: 'first' });
    expect(script.take().map((each) => each.kind)).toEqual(['tcp-accepted', 'tcp-data']);
  });

  it('a RST in SYN-RECEIVED sends a listener back without a word (§3.10.7.4)', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-listen', listener: 4, port: 22 });
    const ports = [5000, 22] as const;
    script.receive({ flags: 'S', ports, mss: 1000 });
    script.receive({ flags: 'R', ports, seq: 1 });
    expect([script.take(), script.stack.deadline]).toEqual([[], undefined]);
  });

  it('closing while the SYN is out ends it there (§3.10.4)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    script.tell({ kind: 'tcp-shutdown', socket: 1 });
    expect(script.take()).toEqual([{ kind: 'tcp-closed', socket: 1 }]);
    script.receive({ flags: 'SA', ack: 1 });
    expect(script.brief()).toEqual(['R 1:1']);
  });

  it('abort in FIN-WAIT-1 and CLOSE-WAIT sends RST (§3.10.5)', () => {
    for (const state of ['FIN-WAIT-1', 'CLOSE-WAIT']) {
      const script = new Script();
      script.connect();
      if (state === 'FIN-WAIT-1') script.tell({ kind: 'tcp-shutdown', socket: 1 });
      else script.receive({ flags: 'FA', seq: 1, ack: 1 });
      script.sent();
      script.tell({ kind: 'tcp-abort', socket: 1 });
      expect(script.sent()[0]?.flags).toBe('RA');
      expect(script.stack.deadline).toBeUndefined();
    }
  });

  it('data behind a FIN are not taken (§3.10.7.4, step 7)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'FA', seq: 1, ack: 1, data: 'end' });
    script.receive({ flags: 'A', seq: 5, ack: 1, data: 'more' });
    expect(text(script.take())).toBe('end');
    expect(script.brief().at(-1)).toBe('A 1:1 ack 5');
  });

  it('a window taken back is believed; what is out stays out and goes again when asked (§3.8.6.2.1)', () => {
    const script = new Script();
    script.connect({ window: 8000 });
    script.write(data(8));
    expect(script.sent().length).toBe(8);
    script.receive({ flags: 'A', seq: 1, ack: 2001, window: 1000 });
    expect(script.brief()).toEqual([]);
    script.receive({ flags: 'A', seq: 1, ack: 8001, window: 5000 });
    script.write(data(10));
    script.wait(20);
    expect(script.sender.inFlight).toBe(5000);
  });

  it('an old segment does not move the window (§3.10.7.4, SND.WL1)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'ab', window: 5000 });
    script.receive({ flags: 'A', seq: 1, ack: 1, window: 100 });
    expect(script.sender.peerWindow).toBe(5000);
    script.receive({ flags: 'A', seq: 3, ack: 1, window: 6000 });
    expect(script.sender.peerWindow).toBe(6000);
  });

  it('an acknowledgment from long ago is challenged, a recent one is read (RFC 5961 §5.2)', () => {
    const script = new Script();
    script.connect({ window: 2000 });
    for (let sent = 0; sent < 5; sent++) {
      script.write(data(1));
      script.receive({ flags: 'A', seq: 1, ack: 1001 + 1000 * sent, window: 2000 });
    }
    script.sent();
    script.receive({ flags: 'A', seq: 1, ack: 1001, data: 'old' });
    expect([script.brief(), script.take().some((each) => each.kind === 'tcp-data')]).toEqual([
      ['A 5001:5001 ack 1'],
      false,
    ]);
    script.receive({ flags: 'A', seq: 1, ack: 4001, data: 'new' });
    expect(text(script.take())).toBe('new');
  });

  it('a window that stays closed is asked for ever more slowly, not given up (§3.8.6.1)', () => {
    const script = new Script();
    script.connect({ window: 1000 });
    script.write(data(2));
    script.receive({ flags: 'A', seq: 1, ack: 1001, window: 0 });
    script.sent();
    const times: number[] = [];
    for (let i = 0; i < 3000; i++) {
      script.wait(100);
      for (const _ of script.sent()) {
        times.push(script.now);
        script.receive({ flags: 'A', seq: 1, ack: 1001, window: 0 });
      }
    }
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    expect(times.length).toBeGreaterThan(8);
    expect(gaps.every((gap, i) => i === 0 || gap >= gaps[i - 1]! - 100)).toBe(true);
    expect(gaps.at(-1)).toBeGreaterThan(50_000);
    expect(script.take().some((each) => each.kind === 'tcp-closed')).toBe(false);
  });

  it('tells what a connection is doing', () => {
    const script = new Script(cubic);
    script.connect();
    script.write(data(3));
    script.receive({ flags: 'A', seq: 1, ack: 1001, data: 'hi' });
    script.tell({ kind: 'inspect' });
    expect(script.take().at(-1)).toMatchObject({
      kind: 'connections',
      connections: [
        {
          socket: 1,
          port: 80,
          state: 'ESTABLISHED',
          sent: 1000,
          received: 2,
          sender: {
            algorithm: 'cubic',
            phase: 'slow-start',
            inFlight: 2000,
            retransmissions: 0,
            segmentSize: 1000,
          },
        },
      ],
    });
  });
});
