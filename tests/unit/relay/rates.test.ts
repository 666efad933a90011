import { describe, expect, test } from 'vitest';
import { PacketRate } from '../../../relay/packet-rate.ts';
import { sharedResolver } from '../../../relay/resolver.ts';
import { isIke } from '../../../relay/shape.ts';
import { TokenBucket } from '../../../relay/token-bucket.ts';
import { TURN_SHARE, TurnShare } from '../../../relay/turn-share.ts';
import { Channel } from '../../../shared/relay/channels.ts';
import { packets } from './support.ts';

describe('a bucket', () => {
  test('gives its depth at once, then its rate', () => {
    const bucket = new TokenBucket(10, 5, 0);
    const taken = (now: number) => {
      let count = 0;
      while (bucket.take(1, now)) count++;
      return count;
    };
    expect([taken(0), taken(99), taken(100), taken(450), taken(100_000)]).toEqual([5, 0, 1, 3, 5]);
  });

  test('keeps the reserve for those who may have it', () => {
    const bucket = new TokenBucket(10, 5, 0);
    expect([bucket.take(3, 0, 2), bucket.take(1, 0, 2), bucket.take(2, 0)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('gives nothing for a clock that is set back', () => {
    const bucket = new TokenBucket(10, 1, 1000);
    expect([bucket.take(1, 1000), bucket.take(1, 0), bucket.take(1, 100)]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('the rate of a session', () => {
  const count = (rate: PacketRate, length: number, ike: boolean, now = 0) => {
    let sent = 0;
    while (rate.admits(length, ike, now)) sent++;
    return sent;
  };

  test('a tenth of a second’s packets at once; the last eighth of them is IKE’s', () => {
    const rate = new PacketRate(40_000, 0);
    expect([count(rate, 1400, false), count(rate, 300, true)]).toEqual([3500, 500]);
    expect(count(rate, 1400, false, 1000)).toBe(3500);
  });

  test('over a minute the configured number', () => {
    const rate = new PacketRate(40_000, 0);
    let sent = count(rate, 1400, false);
    for (let now = 1; now <= 60_000; now++) sent += count(rate, 1400, false, now);
    expect(sent).toBe(3500 + 60 * 40_000);
  });

  test('a record costs the packets it takes', () => {
    expect(count(new PacketRate(40_000, 0), 65_507, false)).toBe(Math.floor(3500 / 44));
  });

  test('the lowest rate still lets the largest record through', () => {
    expect(count(new PacketRate(100, 0), 65_507, false)).toBe(5);
  });
});

test('IKE is known by its channel or by the non-ESP marker', () => {
  const of = (channel: 0 | 1 | 3, bytes: Uint8Array) => isIke(channel, bytes, 0, bytes.length);
  expect(of(Channel.ike, packets.ike(1))).toBe(true);
  expect(of(Channel.natt, packets.nattIke())).toBe(true);
  expect(of(Channel.natt, packets.esp(1))).toBe(false);
  expect(of(Channel.natt, new Uint8Array([0xff]))).toBe(false);
  expect(of(Channel.l2tp, packets.l2tp(0))).toBe(false);
});

test('a connection is paused when its share of a turn is used up, for as long as it took too much', async () => {
  const did: string[] = [];
  const share = new TurnShare(logged(did), () => {});
  for (let i = 1; i < TURN_SHARE; i++) share.spend();
  await turn();
  expect(did).toEqual([]);
  for (let i = 0; i < 3.5 * TURN_SHARE; i++) share.spend();
  await turn();
  await turn();
  expect(did).toEqual(['pause']);
  await turn();
  expect(did).toEqual(['pause', 'resume']);
  share.spend();
  await turn();
  expect(did).toHaveLength(2);
});

test('frames that were read already wait for the turns whose share they fall into', async () => {
  const did: string[] = [];
  const handled: number[] = [];
  const share = new TurnShare<number>(logged(did), (frame) => {
    handled.push(frame);
    share.spend();
    // What costs several shares is one frame still.
    if (frame === TURN_SHARE + 1) for (let i = 0; i < 2 * TURN_SHARE; i++) share.spend();
  });
  const frames = Array.from({ length: 3 * TURN_SHARE }, (_, i) => i);
  for (const frame of frames) share.take(frame);
  const counts = [handled.length];
  for (let i = 0; i < 4; i++) {
    await turn();
    counts.push(handled.length);
  }
  expect(counts).toEqual(
    [1, 1 + 2 / TURN_SHARE, 1 + 2 / TURN_SHARE, 2, 3].map((n) => n * TURN_SHARE),
  );
  expect(handled).toEqual(frames);
  await turn();
  expect(did).toEqual(['pause', 'resume']);
  share.take(0);
  expect(handled).toHaveLength(frames.length + 1);
});

test('frames that wait are forgotten when the session ends', async () => {
  const handled: number[] = [];
  const share = new TurnShare<number>(logged([]), (frame) => {
    handled.push(frame);
    share.spend();
    if (frame === TURN_SHARE + 5) share.clear();
  });
  for (let i = 0; i < 3 * TURN_SHARE; i++) share.take(i);
  for (let i = 0; i < 5; i++) await turn();
  expect(handled).toHaveLength(TURN_SHARE + 6);
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A WebSocket that writes down what is asked of it. */
function logged(did: string[]) {
  return { pause: () => did.push('pause'), resume: () => did.push('resume') };
}

test('who asks for the same name at the same time shares one look-up', async () => {
  const asked: string[] = [];
  const answers: ((address: string) => void)[] = [];
  const resolve = sharedResolver((name) => {
    asked.push(name);
    return new Promise((done) => answers.push(done));
  });
  const waiting = Promise.all([resolve('a'), resolve('a'), resolve('b')]);
  answers[0]!('192.0.2.1');
  answers[1]!('192.0.2.2');
  expect(await waiting).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.2']);
  const again = resolve('a');
  answers[2]!('192.0.2.3');
  expect(await again).toBe('192.0.2.3');
  expect(asked).toEqual(['a', 'b', 'a']);
});
