import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../shared/ip/tcp/congestion/control.ts';
import { DEFAULT_TCP_LIMITS } from '../../shared/ip/tcp/environment.ts';
import { Upload } from '../support/upload.ts';

/** Bytes per millisecond. */
const MEGABIT = 125;
/** Of a packet of 1400 bytes, what is data. */
const PAYLOAD = 1348 / 1400;

const algorithms: readonly Algorithm[] = ['cubic', 'bbr'];
const limits = (congestion: Algorithm, ecn = false) => ({ ...DEFAULT_TCP_LIMITS, congestion, ecn });

/** Round trip 50 ms, 20 Mbit/s, a buffer of 100 ms. */
const bottleneck = { seed: 1, latency: 25, rate: 20 * MEGABIT, buffer: 250_000 };

describe('congestion control over a simulated link', () => {
  for (const algorithm of algorithms) {
    it(`${algorithm} fills a bottleneck`, () => {
      const upload = new Upload(bottleneck, limits(algorithm));
      upload.run(2000);
      expect(upload.run(3000)).toBeGreaterThan(0.94 * 20 * PAYLOAD);
    });

    it(`${algorithm}: no stall above 2 s at 1 % loss`, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const link = { seed, latency: 25, loss: 0.01, rate: 2 * MEGABIT, buffer: 25_000 };
        const upload = new Upload(link, limits(algorithm));
        upload.run(8000);
        expect([seed, upload.stall <= 2000, upload.received > 0]).toEqual([seed, true, true]);
      }
    });

    it(`${algorithm}: a path that stalls for 800 ms costs no window (RFC 3522, 4015)`, () => {
      const upload = new Upload(bottleneck, limits(algorithm));
      upload.run(2900);
      const { window, retransmissions } = upload.sender;
      const { up, down, clock } = upload.pair;
      down.stalledUntil = clock.now + 800;
      up.stalledUntil = clock.now + 800;
      upload.run(1000);
      const after = upload.sender;
      expect(after.window).toBeGreaterThan(0.9 * window);
      expect(after.retransmissions - retransmissions).toBeLessThan(12);
    });

    it(`${algorithm}: ECN keeps the queue short and loses nothing (RFC 3168)`, () => {
      const upload = new Upload({ ...bottleneck, mark: 10 }, limits(algorithm, true));
      const goodput = upload.run(6000);
      expect(upload.pair.up.dropped).toBe(0);
      expect(upload.pair.up.waited / upload.pair.up.passed).toBeLessThan(20);
      expect(goodput).toBeGreaterThan(0.7 * 20 * PAYLOAD);
    });
  }

  it('CUBIC leaves slow start before the buffer overflows (HyStart++, RFC 9406)', () => {
    // Slow start may treble the window yet once the queue was noticed.
    const upload = new Upload({ ...bottleneck, buffer: 2_000_000 }, limits('cubic'));
    upload.run(4000);
    expect(upload.pair.up.dropped).toBe(0);
    // The reader's window, three times what the link carries in 50 ms, may end the growth before five rounds do.
    expect(['conservative-slow-start', 'congestion-avoidance']).toContain(upload.sender.phase);
  });

  it('BBR keeps the queue short, where CUBIC fills it', () => {
    const queue = (algorithm: Algorithm) => {
      const upload = new Upload(bottleneck, limits(algorithm));
      upload.run(2000);
      const { waited, passed } = upload.pair.up;
      upload.run(3000);
      return (upload.pair.up.waited - waited) / (upload.pair.up.passed - passed);
    };
    expect(queue('bbr')).toBeLessThan(15);
    expect(queue('cubic')).toBeGreaterThan(30);
  });

  it('BBR takes the path at 1 % loss, where CUBIC must yield', () => {
    const link = { ...bottleneck, loss: 0.01 };
    const goodput = (algorithm: Algorithm) => {
      const upload = new Upload(link, limits(algorithm));
      upload.run(1000);
      return upload.run(4000);
    };
    expect(goodput('bbr')).toBeGreaterThan(0.7 * 20 * PAYLOAD);
    expect(goodput('cubic')).toBeLessThan(5);
  });

  it('BBR on a busy thread, which sees its timers late, sends no slower', () => {
    const link = { ...bottleneck, loss: 0.01 };
    const upload = new Upload(link, limits('bbr'), 1400, 15);
    upload.run(1000);
    expect(upload.run(3000)).toBeGreaterThan(0.85 * 20);
  });

  it('BBR goes through its phases', () => {
    const upload = new Upload(bottleneck, limits('bbr'));
    const phases: string[] = [];
    for (let at = 0; at < 8000; at += 10) {
      upload.run(10);
      if (upload.pair.clock.now < 100) continue;
      const { phase } = upload.sender;
      if (phases.at(-1) !== phase) phases.push(phase);
    }
    expect(phases.slice(0, 2)).toEqual(['startup', 'drain']);
    expect(new Set(phases.slice(2))).toEqual(new Set(['cruise', 'refill', 'up', 'down']));
  });

  it('50 ms round trip and no other limit: the window of 4 MB is used', () => {
    const upload = new Upload({ seed: 1, latency: 25 }, limits('cubic'));
    upload.run(800);
    expect(upload.run(100)).toBeGreaterThan(600);
  });

  it('the send buffer follows the window: no more than twice of it is kept', () => {
    const upload = new Upload(bottleneck, limits('bbr'));
    upload.run(3000);
    const { inFlight, unsent, window } = upload.sender;
    expect(inFlight + unsent).toBeLessThanOrEqual(Math.max(262_144, 2 * window) + 65_536);
  });
});
