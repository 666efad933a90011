import { describe, expect, it } from 'vitest';
import {
  ControlChannel,
  MAX_TRANSMISSIONS,
  type Outgoing,
  RECEIVE_WINDOW,
} from '../../../shared/l2tp/channel.ts';
import { type ControlMessage, decodeControl, type Message } from '../../../shared/l2tp/message.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';

const hello: Outgoing = { type: 6, sessionId: 0, avps: [] };

function message(ns: number, nr: number): Message {
  const header = { tunnelId: 1, sessionId: 0, ns: ns & 0xffff, nr: nr & 0xffff };
  return { kind: 'message', ...header, type: 6, mandatory: true, avps: [] };
}

function zlb(nr: number): ControlMessage {
  return { kind: 'zlb', tunnelId: 1, sessionId: 0, ns: 0, nr: nr & 0xffff };
}

/** `kind ns/nr` of each datagram. */
function seen(datagrams: readonly Bytes[]): string[] {
  return datagrams.map((bytes) => {
    const { kind, ns, nr } = decodeControl(bytes);
    return `${kind} ${ns}/${nr}`;
  });
}

function sending(count: number): ControlChannel {
  const channel = new ControlChannel();
  for (let i = 0; i < count; i++) channel.send(hello);
  return channel;
}

describe('sending', () => {
  it('retransmits after 1, 2, 4, 8, 8 s and gives up 8 s later', () => {
    const channel = sending(1);
    expect(seen(channel.flush(0))).toEqual(['message 0/0']);
    const times: number[] = [];
    for (;;) {
      const at = channel.deadline!;
      expect(channel.expire(at - 1)).toBeUndefined();
      const outcome = channel.expire(at);
      times.push(at);
      if (outcome === 'exhausted') break;
      expect(seen([outcome!])).toEqual(['message 0/0']);
    }
    expect(times).toEqual([1000, 3000, 7000, 15_000, 23_000, 31_000]);
    expect(times).toHaveLength(MAX_TRANSMISSIONS);
  });

  it('loses one try at most to a clock that stood still', () => {
    const channel = sending(1);
    channel.flush(0);
    expect(channel.expire(60_000)).toBeInstanceOf(Uint8Array);
    expect(channel.expire(60_000)).toBeUndefined();
    expect(channel.deadline).toBe(62_000);
  });

  it('retransmits the oldest only, with the newest Nr', () => {
    const channel = sending(3);
    channel.flush(0);
    channel.receive(zlb(1), 100);
    expect(seen(channel.flush(100))).toEqual(['message 1/0', 'message 2/0']);
    channel.receive(message(0, 1), 200);
    channel.flush(200);
    expect(seen([channel.expire(1100) as Bytes])).toEqual(['message 1/1']);
  });

  it('starts slowly, up to the window of the peer', () => {
    const channel = sending(20);
    channel.setPeerWindow(4);
    const rounds: number[] = [];
    for (let acknowledged = 0; acknowledged < 20; ) {
      const count = channel.flush(0).length;
      rounds.push(count);
      for (let i = 0; i < count; i++) channel.receive(zlb(++acknowledged), 0);
    }
    expect(rounds).toEqual([1, 2, 4, 4, 4, 4, 1]);
    expect(channel.pending).toBe(0);
    expect(channel.deadline).toBeUndefined();
  });

  it('halves the threshold on loss and grows by one a round above it', () => {
    const channel = sending(60);
    channel.setPeerWindow(8);
    let acknowledged = 0;
    const round = () => {
      const count = channel.flush(0).length;
      for (let i = 0; i < count; i++) channel.receive(zlb(++acknowledged), 0);
      return count;
    };
    expect([round(), round(), round(), round()]).toEqual([1, 2, 4, 8]);
    channel.flush(0);
    channel.expire(1000);
    acknowledged += 8;
    channel.receive(zlb(acknowledged), 1000);
    expect([round(), round(), round(), round(), round()]).toEqual([2, 4, 4, 5, 6]);
  });

  it('reads a window of 0 as 1', () => {
    const channel = sending(3);
    channel.setPeerWindow(0);
    channel.flush(0);
    channel.receive(zlb(1), 0);
    expect(channel.flush(0)).toHaveLength(1);
  });

  it('does not hold back the last message', () => {
    const channel = sending(1);
    channel.flush(0);
    channel.sendLast(hello);
    expect(seen(channel.flush(0))).toEqual(['message 1/0']);
  });

  it('counts beyond 65,535', () => {
    const channel = new ControlChannel();
    for (let ns = 0; ns < 0x10002; ns++) {
      channel.send(hello);
      const datagrams = channel.flush(0);
      if (ns > 0xfffd) expect(seen(datagrams)).toEqual([`message ${ns & 0xffff}/0`]);
      channel.receive(zlb(ns + 1), 0);
    }
    expect(channel.pending).toBe(0);
  });

  it('refuses the acknowledgment of what was never sent, and ignores an old one', () => {
    const channel = sending(2);
    channel.flush(0);
    expect(channel.receive(zlb(2), 0)).toMatchObject({ kind: 'refused' });
    expect(channel.receive(message(0, 2), 0)).toMatchObject({ kind: 'refused' });
    expect(channel.pending).toBe(2);
    channel.receive(zlb(1), 0);
    expect(channel.receive(zlb(0), 0)).toMatchObject({ kind: 'deliver' });
    expect(channel.pending).toBe(1);
  });
});

describe('receiving', () => {
  it('acknowledges with a ZLB, or with what there is to say', () => {
    const channel = new ControlChannel();
    channel.receive(message(0, 0), 0);
    expect(seen(channel.flush(0))).toEqual(['zlb 0/1']);
    expect(channel.flush(0)).toEqual([]);
    channel.receive(message(1, 0), 0);
    channel.send(hello);
    expect(seen(channel.flush(0))).toEqual(['message 0/2']);
    expect(channel.flush(0)).toEqual([]);
  });

  it('never acknowledges a ZLB', () => {
    const channel = new ControlChannel();
    expect(channel.receive(zlb(0), 0)).toEqual({ kind: 'deliver', messages: [] });
    expect(channel.flush(0)).toEqual([]);
  });

  it('acknowledges a duplicate again and delivers it once', () => {
    const channel = new ControlChannel();
    channel.receive(message(0, 0), 0);
    channel.flush(0);
    for (const ns of [0, -1, -32_767]) {
      expect(channel.receive(message(ns, 0), 0)).toEqual({ kind: 'duplicate' });
      expect(seen(channel.flush(0))).toEqual(['zlb 0/1']);
    }
  });

  it('puts in order what overtook', () => {
    const channel = new ControlChannel();
    expect(channel.receive(message(2, 0), 0)).toEqual({ kind: 'early' });
    expect(channel.receive(message(1, 0), 0)).toEqual({ kind: 'early' });
    expect(channel.receive(message(4, 0), 0)).toEqual({ kind: 'early' });
    const arrival = channel.receive(message(0, 0), 0);
    expect(arrival).toEqual({ kind: 'deliver', messages: [0, 1, 2].map((ns) => message(ns, 0)) });
    expect(seen(channel.flush(0))).toEqual(['zlb 0/3']);
    expect(channel.receive(message(3, 0), 0)).toMatchObject({ messages: [{ ns: 3 }, { ns: 4 }] });
  });

  it('forgets what it delivered', () => {
    const channel = new ControlChannel();
    for (let ns = 0; ns < 0x10000; ns += 2) {
      channel.receive(message(ns + 1, 0), 0);
      channel.receive(message(ns, 0), 0);
    }
    // The numbers come round: nothing of the first round is left to follow this one.
    expect(channel.receive(message(0, 0), 0)).toMatchObject({ messages: [{ ns: 0 }] });
    expect(channel.receive(message(1, 0), 0)).toMatchObject({ messages: [{ ns: 1 }] });
  });

  it('holds no more than the window it offers', () => {
    const channel = new ControlChannel();
    for (const ns of [...Array(40).keys(), 0x7ffe].map((i) => i + 1)) {
      const kind = ns < RECEIVE_WINDOW ? 'early' : 'refused';
      expect(channel.receive(message(ns, 0), 0).kind).toBe(kind);
    }
    const arrival = channel.receive(message(0, 0), 0);
    expect(arrival.kind === 'deliver' && arrival.messages.length).toBe(RECEIVE_WINDOW);
  });
});

it('gives up on what it sent and still acknowledges', () => {
  const channel = sending(5);
  channel.flush(0);
  channel.receive(message(0, 0), 0);
  channel.abandon();
  expect(channel.pending).toBe(0);
  expect(channel.deadline).toBeUndefined();
  expect(seen(channel.flush(0))).toEqual(['zlb 1/1']);
});
