import { describe, expect, it } from 'vitest';
import { CONNECT_TIMEOUT, TIME_WAIT } from '../../../shared/ip/tcp/state.ts';
import { PEER_BACKLOG_LIMIT } from '../../../shared/ip/tcp/tcp.ts';
import { SERVER } from '../../support/ip-pair.ts';
import { Script } from '../../support/segments.ts';

const CONNECT = {
  kind: 'tcp-connect',
  socket: 1,
  address: SERVER.bytes,
  port: 80,
} as const;

function text(outputs: readonly { kind: string }[]): string {
  return outputs
    .map((each) => ('bytes' in each ? Buffer.from(each.bytes as Uint8Array).toString() : ''))
    .join('');
}

describe('opening', () => {
  it('offers MSS from the MTU, window scale, SACK and timestamps in the SYN (RFC 9293 §3.7.1, 7323 §2, 2018 §2)', () => {
    const script = new Script({ mtu: 1400 });
    script.tell(CONNECT);
    const [syn] = script.sent();
    expect(syn).toMatchObject({
      flags: 'S',
      seq: 0,
      mss: 1360,
      scale: 7,
      sackOk: true,
      window: 65_535,
    });
    expect(syn?.timestamp?.[1]).toBe(0);
  });

  it('repeats the SYN with back-off and gives up (RFC 9293 §3.8.3, 6298 §5)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      script.wait(1000);
      times.push(...script.sent().map(() => script.now - 1000));
    }
    expect(times).toEqual([1000, 3000, 7000, 15_000]);
    expect(script.take()).toEqual([
      { kind: 'tcp-closed', socket: 1, failure: { code: 'TIMED_OUT' } },
    ]);
    expect(CONNECT_TIMEOUT).toBe(30_000);
  });

  it('completes on SYN-ACK and acknowledges it (RFC 9293 §3.5)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    script.receive({ flags: 'SA', ack: 1 });
    expect(script.brief()).toEqual(['A 1:1 ack 1']);
    expect(script.take()).toMatchObject([{ kind: 'tcp-opened', socket: 1, port: 80 }]);
  });

  it('RST to the SYN: refused; one that acknowledges something else is ignored (RFC 9293 §3.10.7.3)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    script.receive({ flags: 'RA', ack: 2 });
    script.receive({ flags: 'R' });
    expect(script.take()).toEqual([]);
    script.receive({ flags: 'RA', ack: 1 });
    expect(script.take()).toEqual([
      { kind: 'tcp-closed', socket: 1, failure: { code: 'CONNECTION_REFUSED' } },
    ]);
  });

  it('a wrong acknowledgment in SYN-SENT is answered with RST (RFC 9293 §3.5.2)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    script.receive({ flags: 'SA', ack: 77 });
    expect(script.brief()).toEqual(['R 77:77']);
  });

  it('simultaneous open (RFC 9293 §3.5, figure 8)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    script.receive({ flags: 'S', mss: 1000 });
    expect(script.brief()).toEqual(['SA 0:0 ack 1']);
    script.receive({ flags: 'SA', seq: 0, ack: 1, mss: 1000 });
    expect(script.take()).toMatchObject([{ kind: 'tcp-opened' }]);
    expect(script.brief()).toEqual(['A 1:1 ack 1']);
  });

  it('without options of the peer: 536 bytes a segment, no timestamps, no scaling (RFC 9293 §3.7.1)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    script.receive({ flags: 'SA', ack: 1 });
    script.sent();
    script.write('x'.repeat(600));
    const [first] = script.sent();
    expect(first?.data?.length).toBe(536);
    expect(first?.timestamp).toBeUndefined();
    expect(first?.window).toBe(65_535);
  });
});

describe('listening', () => {
  it('answers a SYN, and tells of the connection once the peer acknowledged (RFC 9293 §3.10.7.2)', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-listen', listener: 4, port: 22 });
    const ports = [5000, 22] as const;
    script.receive({ flags: 'S', ports, mss: 1000 });
    expect(script.brief()).toEqual(['SA 0:0 ack 1']);
    script.wait(1000);
    expect(script.brief()).toEqual(['SA 0:0 ack 1']);
    expect(script.take()).toEqual([]);
    script.receive({ flags: 'A', ports, seq: 1, ack: 1 });
    expect(script.take()).toMatchObject([
      { kind: 'tcp-accepted', listener: 4, socket: -1, port: 5000 },
    ]);
    script.tell({ kind: 'tcp-unlisten', listener: 4 });
    script.receive({ flags: 'S', ports: [5001, 22], mss: 1000 });
    expect(script.sent()[0]?.flags).toBe('RA');
  });

  it('keeps a bounded number of half-open connections, which end in silence', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-listen', listener: 4, port: 22 });
    for (let port = 1000; port < 2000; port++) script.receive({ flags: 'S', ports: [port, 22] });
    expect(script.sent().length).toBe(PEER_BACKLOG_LIMIT);
    script.wait(CONNECT_TIMEOUT);
    script.sent();
    expect([script.take(), script.stack.deadline]).toEqual([[], undefined]);
    script.receive({ flags: 'S', ports: [3000, 22] });
    expect(script.sent().length).toBe(1);
  });

  it('a port in use is said', () => {
    const script = new Script();
    script.tell({ kind: 'tcp-listen', listener: 4, port: 22 });
    script.tell({ kind: 'tcp-listen', listener: 5, port: 22 });
    expect(script.take()).toMatchObject([
      { kind: 'tcp-unlistened', listener: 5, failure: { code: 'BAD_INPUT' } },
    ]);
  });
});

describe('sending', () => {
  it('starts with ten segments and no more (RFC 6928 §2)', () => {
    const script = new Script();
    script.connect();
    script.write('x'.repeat(20_000));
    expect(script.sent().map((line) => line.data?.length)).toEqual(Array(10).fill(1000));
  });

  it('Nagle: a small segment waits while one is out (RFC 9293 §3.7.4)', () => {
    const script = new Script();
    script.connect();
    script.write('a');
    script.write('b');
    script.write('c');
    expect(script.brief()).toEqual(['PA 1:2 ack 1']);
    script.receive({ flags: 'A', seq: 1, ack: 2 });
    expect(script.brief()).toEqual(['PA 2:4 ack 1']);
  });

  it('keeps to the peer’s window, scaled except in the SYN (RFC 7323 §2.2)', () => {
    const script = new Script();
    script.connect({ window: 2000, scale: 3 });
    script.write('x'.repeat(20_000));
    expect(script.sent().length).toBe(2);
    script.receive({ flags: 'A', seq: 1, ack: 2001, window: 500 });
    expect(script.sent().length).toBe(4);
  });

  it('three segments SACKed behind a hole: fast retransmit (RFC 8985 §6.2, 5681 §3.2)', () => {
    const script = new Script();
    script.connect();
    script.write('x'.repeat(10_000));
    script.sent();
    script.wait(20);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 2001]] });
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 3001]] });
    expect(script.brief()).toEqual([]);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 4001]] });
    expect(script.brief()).toEqual(['A 1:1001 ack 1']);
  });

  it('one segment SACKed behind a hole: a quarter of a round trip later (RFC 8985 §6.2)', () => {
    const script = new Script();
    script.connect();
    script.write('x'.repeat(2000));
    script.sent();
    script.wait(20);
    script.receive({ flags: 'A', seq: 1, ack: 1, sack: [[1001, 2001]] });
    expect(script.brief()).toEqual([]);
    script.wait(10);
    expect(script.brief()).toEqual(['A 1:1001 ack 1']);
  });

  it('without SACK, the third duplicate does it (RFC 5681 §3.2)', () => {
    const script = new Script();
    script.connect({ sackOk: false });
    script.write('x'.repeat(10_000));
    script.sent();
    for (let i = 0; i < 2; i++) script.receive({ flags: 'A', seq: 1, ack: 1 });
    expect(script.brief()).toEqual([]);
    script.receive({ flags: 'A', seq: 1, ack: 1 });
    expect(script.brief()).toEqual(['A 1:1001 ack 1']);
    script.receive({ flags: 'A', seq: 1, ack: 3001 });
    expect(script.brief()).toEqual(['A 3001:4001 ack 1']);
  });

  it('the tail is probed after two round trips, before the retransmission timer (RFC 8985 §7.2)', () => {
    const script = new Script();
    script.tell(CONNECT);
    script.sent();
    script.wait(100);
    script.receive({ flags: 'SA', ack: 1, mss: 1000, sackOk: true });
    script.sent();
    script.write('x'.repeat(2000));
    script.sent();
    script.wait(201);
    expect(script.brief()).toEqual([]);
    script.wait(2);
    expect(script.brief()).toEqual(['PA 1001:2001 ack 1']);
  });

  it('the retransmission timer backs off, never below 200 ms (RFC 6298 §5)', () => {
    const script = new Script();
    script.connect({ sackOk: false });
    script.write('hello');
    expect(script.sent().length).toBe(1);
    const times: number[] = [];
    const start = script.now;
    for (let i = 0; i < 320; i++) {
      script.wait(10);
      times.push(...script.sent().map(() => script.now - start));
    }
    expect(times).toEqual([200, 600, 1400, 3000]);
  });

  it('probes a closed window, and sends on when it opens (RFC 9293 §3.8.6.1)', () => {
    const script = new Script();
    script.connect({ window: 5 });
    script.write('hello, world');
    expect(script.brief()).toEqual(['A 1:6 ack 1']);
    script.receive({ flags: 'A', seq: 1, ack: 6, window: 0 });
    expect(script.brief()).toEqual([]);
    script.wait(300);
    expect(script.brief()).toEqual(['A 6:7 ack 1']);
    script.receive({ flags: 'A', seq: 1, ack: 6, window: 0 });
    script.receive({ flags: 'A', seq: 1, ack: 6, window: 1000 });
    expect(script.brief()).toEqual(['A 6:7 ack 1']);
    script.receive({ flags: 'A', seq: 1, ack: 7, window: 1000 });
    expect(script.brief()).toEqual(['PA 7:13 ack 1']);
  });

  it('ICMP "fragmentation needed" makes segments smaller and sends again (RFC 1191 §6.4, 5927 §4.1)', () => {
    const script = new Script();
    script.connect();
    script.write('x'.repeat(1000));
    const packet = script.lastPacket();
    script.sent();
    const quote = packet.slice(0, 28);
    script.receiveBytes(1, (bytes, at) => {
      bytes.set([3, 4, 0, 0, 0, 0, 640 >> 8, 640 & 0xff, ...quote], at);
      let sum = 0;
      for (let i = 0; i < 36; i += 2) sum += (bytes[at + i]! << 8) | bytes[at + i + 1]!;
      sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
      bytes[at + 2] = sum >>> 8;
      bytes[at + 3] = sum;
      return 36;
    });
    expect(script.brief()).toEqual(['A 1:601 ack 1', 'PA 601:1001 ack 1']);
  });
});

describe('receiving', () => {
  it('acknowledges every second segment at once, one alone after a while (RFC 5681 §4.2)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'aa' });
    expect(script.brief()).toEqual([]);
    script.receive({ flags: 'A', seq: 3, ack: 1, data: 'bb' });
    expect(script.brief()).toEqual(['A 1:1 ack 5']);
    script.receive({ flags: 'A', seq: 5, ack: 1, data: 'cc' });
    script.wait(39);
    expect(script.brief()).toEqual([]);
    script.wait(1);
    expect(script.brief()).toEqual(['A 1:1 ack 7']);
    expect(text(script.take())).toBe('aabbcc');
  });

  it('out of order: SACK at once, the latest block first; the gap’s end too (RFC 2018 §4, 5681 §4.2)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'A', seq: 3, ack: 1, data: 'b' });
    script.receive({ flags: 'A', seq: 7, ack: 1, data: 'd' });
    script.receive({ flags: 'A', seq: 4, ack: 1, data: 'x' });
    expect(script.brief()).toEqual([
      'A 1:1 ack 1 sack 3:4',
      'A 1:1 ack 1 sack 7:8 sack 3:4',
      'A 1:1 ack 1 sack 3:5 sack 7:8',
    ]);
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'aa' });
    expect(script.brief()).toEqual(['A 1:1 ack 5 sack 7:8']);
    expect(text(script.take())).toBe('aabx');
  });

  it('what comes twice is reported (RFC 2883 §4)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'aaaa' });
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'aaaa' });
    expect(script.brief()).toEqual(['A 1:1 ack 5 sack 1:5']);
    expect(text(script.take())).toBe('aaaa');
  });

  it('bytes beyond the window are not taken (RFC 9293 §3.10.7.4)', () => {
    const script = new Script({ limits: { sendBuffer: 1000, receiveBuffer: 10 } });
    script.connect();
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'abcdefghijklmnop' });
    expect(text(script.take())).toBe('abcdefghij');
    script.tell({ kind: 'tcp-consumed', socket: 1, length: 10 });
    script.sent();
    script.receive({ flags: 'A', seq: 11, ack: 1, data: 'klmnop' });
    expect(text(script.take())).toBe('klmnop');
  });

  it('unread bytes close the window, reading opens it again (RFC 9293 §3.8.6.2.2)', () => {
    const script = new Script({ limits: { sendBuffer: 1000, receiveBuffer: 65_535 } });
    script.connect({ scale: -1 });
    for (let i = 0; i < 65; i++) {
      script.receive({ flags: 'A', seq: 1 + 1000 * i, ack: 1, data: 'x'.repeat(1000) });
    }
    expect(script.sent().at(-1)).toMatchObject({ ack: 64_001, window: 1535 });
    script.tell({ kind: 'tcp-consumed', socket: 1, length: 1000 });
    expect(script.brief()).toEqual([]);
    script.tell({ kind: 'tcp-consumed', socket: 1, length: 64_000 });
    expect(script.sent()).toMatchObject([{ ack: 65_001, window: 65_535 }]);
  });

  it('PAWS: an older timestamp is acknowledged and dropped (RFC 7323 §5.3)', () => {
    const script = new Script();
    script.connect({ timestamp: [1000, 0] });
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'a', timestamp: [2000, 0] });
    script.wait(100);
    script.sent();
    script.receive({ flags: 'A', seq: 2, ack: 1, data: 'b', timestamp: [1999, 0] });
    expect(script.sent()).toMatchObject([
      { flags: 'A', ack: 2, timestamp: [expect.any(Number), 2000] },
    ]);
    expect(text(script.take())).toBe('a');
    script.receive({ flags: 'A', seq: 2, ack: 1, data: 'b', timestamp: [2000, 0] });
    expect(text(script.take())).toBe('b');
  });
});

describe('resets and challenges', () => {
  it('RST exactly at the next position resets; elsewhere in the window it is challenged (RFC 5961 §3.2)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'R', seq: 5000 });
    expect(script.brief()).toEqual(['A 1:1 ack 1']);
    script.receive({ flags: 'R', seq: 3_000_000 });
    expect([script.brief(), script.take()]).toEqual([[], []]);
    script.receive({ flags: 'R', seq: 1 });
    expect(script.take()).toEqual([
      { kind: 'tcp-closed', socket: 1, failure: { code: 'CONNECTION_RESET' } },
    ]);
    expect(script.stack.deadline).toBeUndefined();
  });

  it('SYN in a connection is challenged, not too often (RFC 5961 §4.2, §7)', () => {
    const script = new Script();
    script.connect();
    for (let i = 0; i < 10; i++) script.receive({ flags: 'S', seq: 100 });
    expect(script.brief()).toEqual(['A 1:1 ack 1']);
    script.wait(500);
    script.receive({ flags: 'S', seq: 100 });
    expect(script.brief()).toEqual(['A 1:1 ack 1']);
  });

  it('an acknowledgment of what was never sent is challenged and its data dropped (RFC 5961 §5.2)', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'A', seq: 1, ack: 4000, data: 'evil' });
    expect([script.brief(), script.take()]).toEqual([['A 1:1 ack 1'], []]);
  });

  it('a segment for nobody gets RST, a RST nothing (RFC 9293 §3.10.7.1)', () => {
    const script = new Script();
    script.receive({ flags: 'S', seq: 4, data: 'ab' });
    script.receive({ flags: 'R', seq: 4 });
    const [reply, ...more] = script.sent();
    expect([reply?.flags, reply?.ack, more]).toEqual(['RA', 7, []]);
  });

  it('abort sends RST and ends the socket at once (RFC 9293 §3.10.5)', () => {
    const script = new Script();
    script.connect();
    script.tell({ kind: 'tcp-abort', socket: 1 });
    expect(script.brief()).toEqual(['RA 1:1 ack 1']);
    expect(script.take()).toEqual([{ kind: 'tcp-closed', socket: 1 }]);
  });
});

describe('closing (RFC 9293 §3.6)', () => {
  it('we first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, which answers a repeated FIN', () => {
    const script = new Script();
    script.connect();
    script.write('bye');
    script.tell({ kind: 'tcp-shutdown', socket: 1 });
    expect(script.brief()).toEqual(['PA 1:4 ack 1', 'FA 4:4 ack 1']);
    script.receive({ flags: 'A', seq: 1, ack: 5 });
    script.receive({ flags: 'A', seq: 1, ack: 5, data: 'late' });
    expect(text(script.take())).toBe('late');
    script.receive({ flags: 'FA', seq: 5, ack: 5 });
    expect(script.brief()).toEqual(['A 5:5 ack 6']);
    expect(script.take()).toEqual([
      { kind: 'tcp-end', socket: 1 },
      { kind: 'tcp-closed', socket: 1 },
    ]);
    script.receive({ flags: 'FA', seq: 5, ack: 5 });
    expect(script.brief()).toEqual(['A 5:5 ack 6']);
    script.receive({ flags: 'R', seq: 6 });
    expect(script.stack.deadline).toBe(script.now + TIME_WAIT);
    script.wait(TIME_WAIT);
    expect([script.stack.deadline, script.take()]).toEqual([undefined, []]);
  });

  it('they first: CLOSE-WAIT, LAST-ACK', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'FA', seq: 1, ack: 1, data: 'x' });
    expect(script.brief()).toEqual(['A 1:1 ack 3']);
    script.write('more');
    script.tell({ kind: 'tcp-shutdown', socket: 1 });
    expect(script.brief()).toEqual(['PA 1:5 ack 3', 'FA 5:5 ack 3']);
    script.receive({ flags: 'A', seq: 3, ack: 6 });
    expect(script.take().map((each) => each.kind)).toEqual([
      'tcp-data',
      'tcp-end',
      'tcp-wrote',
      'tcp-closed',
    ]);
    expect(script.stack.deadline).toBeUndefined();
  });

  it('both at once: CLOSING', () => {
    const script = new Script();
    script.connect();
    script.tell({ kind: 'tcp-shutdown', socket: 1 });
    script.receive({ flags: 'FA', seq: 1, ack: 1 });
    expect(script.brief()).toEqual(['FA 1:1 ack 1', 'A 2:2 ack 2']);
    expect(script.take()).toEqual([{ kind: 'tcp-end', socket: 1 }]);
    script.receive({ flags: 'A', seq: 2, ack: 2 });
    expect(script.take()).toEqual([{ kind: 'tcp-closed', socket: 1 }]);
  });

  it('a FIN out of order waits for what is missing', () => {
    const script = new Script();
    script.connect();
    script.receive({ flags: 'FA', seq: 3, ack: 1, data: 'cd' });
    expect(script.take()).toEqual([]);
    script.receive({ flags: 'A', seq: 1, ack: 1, data: 'ab' });
    const outputs = script.take();
    expect([text(outputs), outputs.at(-1)]).toEqual(['abcd', { kind: 'tcp-end', socket: 1 }]);
    expect(script.brief().at(-1)).toBe('A 1:1 ack 6');
  });

  it('FIN is sent again until it is acknowledged', () => {
    const script = new Script();
    script.connect();
    script.tell({ kind: 'tcp-shutdown', socket: 1 });
    script.sent();
    script.wait(1000);
    expect(new Set(script.brief())).toEqual(new Set(['FA 1:1 ack 1']));
  });
});
