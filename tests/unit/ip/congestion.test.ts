import { describe, expect, it } from 'vitest';
import { AckAggregation } from '../../../shared/ip/tcp/congestion/aggregation.ts';
import { Bbr } from '../../../shared/ip/tcp/congestion/bbr.ts';
import {
  type AckSample,
  type CongestionControl,
  initialWindow,
  type RateSample,
} from '../../../shared/ip/tcp/congestion/control.ts';
import { Cubic } from '../../../shared/ip/tcp/congestion/cubic.ts';
import { FullPipe } from '../../../shared/ip/tcp/congestion/full-pipe.ts';
import { MaxFilter } from '../../../shared/ip/tcp/congestion/max-filter.ts';
import { MinimumRtt } from '../../../shared/ip/tcp/congestion/minimum-rtt.ts';
import { ProportionalRateReduction } from '../../../shared/ip/tcp/congestion/prr.ts';
import { blankRateSample, DeliveryRate } from '../../../shared/ip/tcp/delivery-rate.ts';
import { Flights } from '../../../shared/ip/tcp/flights.ts';
import { Pacer } from '../../../shared/ip/tcp/pacer.ts';
import { WindowTuning } from '../../../shared/ip/tcp/window-tuning.ts';

const SIZE = 1000;

type SampleFields = Partial<Omit<AckSample, 'rate'>> & { readonly rate?: Partial<RateSample> };

function sample({ rate, ...fields }: SampleFields = {}): AckSample {
  return {
    delivered: SIZE,
    acked: SIZE,
    lost: 0,
    inFlight: 10 * SIZE,
    totalDelivered: 0,
    smoothedRtt: 100,
    windowLimited: true,
    ...fields,
    rate: { ...blankRateSample(), ...rate },
  };
}

describe('initial window', () => {
  it('ten segments, fewer where they are large (RFC 6928 §2)', () => {
    expect([536, 1460, 2000, 9000].map((size) => initialWindow(size))).toEqual([
      5360, 14_600, 14_600, 18_000,
    ]);
  });
});

describe('CUBIC', () => {
  /** Loses at `segments`, so that congestion avoidance begins at 0.7 of them. */
  function reduced(segments: number): Cubic {
    const cubic = new Cubic(SIZE);
    while (cubic.window < segments * SIZE) cubic.acknowledged(sample(), 0);
    cubic.recoveryStarted(segments * SIZE);
    cubic.recovered();
    return cubic;
  }

  it('loses three tenths of its window (RFC 9438 §4.6)', () => {
    expect(reduced(100).window).toBe(70 * SIZE);
  });

  it('is back at the old window after K seconds, flat there, and beyond (RFC 9438 §4.2)', () => {
    const rtt = 100;
    const cubic = reduced(1000);
    const at = new Map<number, number>();
    for (let now = 0; now <= 15_000; now += rtt) {
      const packets = Math.floor(cubic.window / SIZE);
      for (let i = 0; i < packets; i++) cubic.acknowledged(sample({ smoothedRtt: rtt }), now);
      at.set(now, cubic.window / SIZE);
    }
    // K = cbrt((1000 - 700) / 0.4) = 9.09 s
    const curve = (now: number) => 0.4 * (now / 1000 + rtt / 1000 - Math.cbrt(750)) ** 3 + 1000;
    for (const now of [2000, 5000, 9000, 12_000, 15_000]) {
      expect(Math.abs(at.get(now)! / curve(now) - 1)).toBeLessThan(0.01);
    }
  });

  it('is never slower than Reno would be (RFC 9438 §4.3)', () => {
    const cubic = reduced(10);
    const rtt = 10;
    let rounds = 0;
    for (; cubic.window < 10 * SIZE; rounds++) {
      const packets = Math.floor(cubic.window / SIZE);
      const now = rounds * rtt;
      for (let i = 0; i < packets; i++) cubic.acknowledged(sample({ smoothedRtt: rtt }), now);
    }
    // From 7 to 10 segments at 0.53 a round: 6 rounds. The curve alone would need two seconds.
    expect(rounds).toBeGreaterThan(4);
    expect(rounds).toBeLessThan(9);
  });

  it('makes room when it shrinks twice in a row (RFC 9438 §4.7)', () => {
    const cubic = reduced(100);
    cubic.recoveryStarted(70 * SIZE);
    cubic.recovered();
    // The curve now flattens at 70 × (1 + 0.7) / 2 = 59.5.
    for (let now = 0; now < 2700; now += 100) {
      for (let i = 0; i < 50; i++) cubic.acknowledged(sample({ smoothedRtt: 2 }), now);
    }
    expect(cubic.window / SIZE).toBeGreaterThan(49);
    const before = cubic.window;
    cubic.spurious();
    expect(cubic.window).toBe(70 * SIZE);
    expect(before).toBeLessThan(70 * SIZE);
  });

  it('time in which the application had nothing to send does not count (RFC 9438 §5.8)', () => {
    const busy = reduced(1000);
    const idle = reduced(1000);
    const grow = (cubic: Cubic, now: number, windowLimited: boolean) => {
      for (let i = 0; i < 100; i++) cubic.acknowledged(sample({ windowLimited }), now);
    };
    for (let now = 0; now <= 2000; now += 100) {
      grow(busy, now, true);
      grow(idle, now, true);
    }
    for (let now = 2100; now <= 8000; now += 100) grow(idle, now, false);
    const paused = idle.window;
    grow(busy, 2100, true);
    grow(idle, 8100, true);
    expect(Math.abs((idle.window - paused) / (busy.window - paused) - 1)).toBeLessThan(0.2);
  });

  it('one segment after a time-out, slow start to the threshold (RFC 9438 §4.8)', () => {
    const cubic = reduced(100);
    cubic.timedOut(70 * SIZE);
    expect([cubic.window, cubic.threshold]).toEqual([SIZE, 49 * SIZE]);
    for (let i = 0; i < 10; i++) cubic.acknowledged(sample({ acked: 5 * SIZE }), 0);
    expect(cubic.window).toBe(11 * SIZE);
  });

  it('takes a mistaken time-out back (RFC 9438 §4.9)', () => {
    const cubic = reduced(100);
    const { window, threshold } = cubic;
    cubic.timedOut(70 * SIZE);
    cubic.spurious();
    expect([cubic.window, cubic.threshold]).toEqual([window, threshold]);
  });

  it('restarts with an initial window after an idle time-out, and not before (RFC 5681 §4.1)', () => {
    const cubic = reduced(100);
    cubic.restarted(199, 200);
    expect(cubic.window).toBe(70 * SIZE);
    cubic.restarted(201, 200);
    expect(cubic.window).toBe(10 * SIZE);
  });

  it('leaves slow start when round trips grow by an eighth (HyStart++, RFC 9406 §4.2)', () => {
    const cubic = new Cubic(SIZE);
    let total = 0;
    const round = (rtt: number) => {
      const prior = total;
      for (let i = 0; i < 10; i++) {
        total += SIZE;
        cubic.acknowledged(
          sample({ totalDelivered: total, rate: { rtt, priorDelivered: prior } }),
          0,
        );
      }
    };
    round(80);
    round(85);
    expect(cubic.phase).toBe('slow-start');
    round(96);
    expect(cubic.phase).toBe('conservative-slow-start');
    round(90);
    // The queue was gone again: a false alarm.
    expect(cubic.phase).toBe('slow-start');
    for (let i = 0; i < 7; i++) round(110);
    expect(cubic.phase).toBe('congestion-avoidance');
  });

  it('paces two windows a round trip in slow start, 1.2 afterwards', () => {
    const cubic = new Cubic(SIZE);
    cubic.acknowledged(sample(), 0);
    expect(cubic.pacingRate).toBe((2 * cubic.window) / 100);
    const later = reduced(100);
    later.acknowledged(sample(), 0);
    expect(later.pacingRate).toBeCloseTo((1.2 * later.window) / 100);
  });
});

describe('proportional rate reduction (RFC 6937)', () => {
  it('down to the threshold: seven segments for ten that arrived', () => {
    const prr = new ProportionalRateReduction(100 * SIZE, 70 * SIZE);
    let inFlight = 99 * SIZE;
    let sent = 0;
    for (let i = 0; i < 90; i++) {
      inFlight -= SIZE;
      const window = prr.window(sample({ inFlight, acked: 0 }), SIZE);
      while (inFlight + SIZE <= window) {
        inFlight += SIZE;
        sent++;
        prr.sent(SIZE);
      }
    }
    expect(sent).toBe(63);
    expect(inFlight).toBe(72 * SIZE);
  });

  it('up again where losses took more: one more than arrived while una moves and nothing new is lost', () => {
    const prr = new ProportionalRateReduction(100 * SIZE, 70 * SIZE);
    prr.sent(SIZE);
    const inFlight = 20 * SIZE;
    expect(prr.window(sample({ inFlight, acked: SIZE }), SIZE)).toBe(22 * SIZE);
    expect(prr.window(sample({ inFlight, acked: 0 }), SIZE)).toBe(21 * SIZE);
    expect(prr.window(sample({ inFlight, acked: SIZE, lost: SIZE }), SIZE)).toBe(22 * SIZE);
  });

  it('the first repetition goes whatever the sums say', () => {
    const prr = new ProportionalRateReduction(10 * SIZE, 7 * SIZE);
    expect(prr.window(sample({ inFlight: 9 * SIZE, delivered: 0, acked: 0 }), SIZE)).toBe(
      10 * SIZE,
    );
  });
});

describe('BBR', () => {
  /** A path of `rate` bytes per millisecond and `rtt`, each acknowledgment for one segment. */
  class Path {
    now = 0;
    total = 0;
    readonly bbr: Bbr;
    readonly phases: string[] = [];
    ignored = 0;

    constructor() {
      this.bbr = new Bbr({
        segmentSize: SIZE,
        smoothedRtt: 50,
        selective: true,
        now: 0,
        random: () => 0.5,
        ignoreRates: () => {
          this.ignored++;
        },
      });
    }

    round(rate: number, rtt: number, fields: SampleFields = {}): void {
      const prior = this.total;
      const packets = Math.max(4, Math.round((rate * rtt) / SIZE));
      for (let i = 0; i < packets; i++) {
        this.now += rtt / packets;
        this.total += SIZE;
        this.bbr.acknowledged(
          sample({
            inFlight: Math.min(this.bbr.window, packets * SIZE),
            totalDelivered: this.total,
            smoothedRtt: rtt,
            ...fields,
            rate: {
              priorDelivered: prior,
              delivered: packets * SIZE,
              rate,
              inFlight: packets * SIZE,
              rtt,
              ...fields.rate,
            },
          }),
          this.now,
        );
        if (this.phases.at(-1) !== this.bbr.phase) this.phases.push(this.bbr.phase);
      }
    }
  }

  /** Past Startup, with a bandwidth of 1000 bytes per millisecond at 50 ms. */
  function cruising(): Path {
    const path = new Path();
    for (let rate = 125; rate <= 1000; rate *= 2) path.round(rate, 50);
    for (let i = 0; i < 6; i++) path.round(1000, 50);
    expect(path.bbr.phase).toBe('cruise');
    return path;
  }

  it('Startup doubles while the rate grows, and ends after three rounds without a quarter more', () => {
    const path = new Path();
    expect(path.bbr.pacingRate).toBeCloseTo((4 * Math.LN2 * 10 * SIZE) / 50);
    for (let rate = 125; rate <= 4000; rate *= 2) path.round(rate, 50);
    expect(path.bbr.phase).toBe('startup');
    expect(path.bbr.pacingRate).toBeCloseTo(4 * Math.LN2 * 4000 * 0.99);
    for (let i = 0; i < 3; i++) path.round(4500, 50, { inFlight: 1e6 });
    expect(path.phases.slice(0, 2)).toEqual(['startup', 'drain']);
  });

  it('rounds in which the application was the limit end nothing', () => {
    const path = new Path();
    path.round(1000, 50);
    for (let i = 0; i < 10; i++) path.round(100, 50, { rate: { appLimited: true } });
    expect(path.bbr.phase).toBe('startup');
  });

  it('cruises at 99 % of the bandwidth with twice its volume in flight', () => {
    const { bbr } = cruising();
    expect(bbr.pacingRate).toBeCloseTo(990);
    expect(bbr.window).toBeGreaterThanOrEqual(100_000);
    expect(bbr.window).toBeLessThan(160_000);
  });

  it('probes for more after 2 to 3 s: refill, up, down', () => {
    const path = cruising();
    const before = path.phases.length;
    for (let i = 0; i < 60; i++) path.round(1000, 50);
    const seen = path.phases.slice(before);
    expect(seen.slice(0, 3)).toEqual(['refill', 'up', 'down']);
    expect(path.now).toBeGreaterThan(2500);
  });

  it('a probe that loses more than 2 % bounds the volume, by a quarter and a bit at most', () => {
    const path = cruising();
    while (path.bbr.phase !== 'up') path.round(1000, 50);
    path.round(1000, 50);
    const flights = new Flights();
    const flight = flights.add(1, 1 + SIZE, path.now);
    flight.inFlight = 80_000;
    for (let lost = 1; lost <= 2; lost++) {
      path.bbr.lost(flight, lost * SIZE, path.total, path.now);
    }
    expect(path.bbr.phase).toBe('down');
    path.round(1000, 50);
    expect(path.bbr.window).toBeLessThanOrEqual(80_000);
    expect(path.bbr.window).toBeGreaterThanOrEqual(0.7 * 50_000);
  });

  /** Rounds at half the bandwidth in each of which one of `packets` is lost. */
  function lossy(path: Path, packets: number): void {
    const flights = new Flights();
    const flight = flights.add(1, 1 + SIZE, path.now);
    flight.inFlight = 50_000;
    for (let i = 1; i <= 3; i++) {
      path.bbr.lost(flight, i * SIZE, path.total, path.now);
      path.round(500, 50, { lost: SIZE / packets });
    }
  }

  it('between probes a round with more than 2 % lost takes three tenths at most, and the next probe forgets it', () => {
    const path = cruising();
    lossy(path, 20);
    const { pacingRate } = path.bbr;
    expect(pacingRate).toBeGreaterThanOrEqual(0.69 ** 2 * 990);
    expect(pacingRate).toBeLessThan(990);
    while (path.bbr.phase !== 'refill') path.round(700, 50);
    expect(path.bbr.pacingRate).toBeCloseTo(990);
  });

  it('between probes less than 2 % lost takes nothing', () => {
    const path = cruising();
    lossy(path, 100);
    expect(path.bbr.pacingRate).toBeCloseTo(990);
  });

  it('a mistaken loss costs nothing', () => {
    const path = cruising();
    const { window } = path.bbr;
    path.bbr.timedOut();
    expect(path.bbr.window).toBe(SIZE);
    path.bbr.spurious();
    expect(path.bbr.window).toBe(window);
  });

  it('after 5 s without a new smallest round trip it pauses for 200 ms with half the volume', () => {
    const path = new Path();
    for (let rate = 125; rate <= 1000; rate *= 2) path.round(rate, 50);
    while (path.bbr.phase !== 'probe-rtt') path.round(1000, 60);
    expect(path.now).toBeGreaterThan(5000);
    expect(path.now).toBeLessThan(5500);
    const since = path.now;
    path.round(500, 50, { inFlight: 20_000 });
    expect(path.bbr.window).toBeLessThan(40_000);
    expect(path.ignored).toBeGreaterThan(0);
    while (path.bbr.phase === 'probe-rtt') path.round(500, 50, { inFlight: 20_000 });
    expect(path.bbr.phase).toBe('cruise');
    expect(path.now - since).toBeGreaterThanOrEqual(200);
    expect(path.now - since).toBeLessThan(350);
    expect(path.bbr.window).toBeGreaterThan(80_000);
  });

  it('from rest it goes on at the bandwidth it knew', () => {
    const path = cruising();
    const { window } = path.bbr;
    path.bbr.restarted(60_000, 200, true, path.now + 60_000);
    expect([path.bbr.window, path.bbr.pacingRate]).toEqual([window, 990]);
  });

  it('every controller keeps at least one segment', () => {
    const controllers: CongestionControl[] = [new Cubic(SIZE), new Path().bbr];
    for (const controller of controllers) {
      for (let i = 0; i < 20; i++) controller.timedOut(SIZE, i);
      expect(controller.window).toBeGreaterThanOrEqual(SIZE);
    }
  });
});

describe('parts', () => {
  it('max filter: the largest of the last rounds', () => {
    const filter = new MaxFilter();
    const seen = [5, 9, 3, 4, 2, 1].map((value, time) => {
      filter.update(value, time, 3);
      return filter.maximum;
    });
    expect(seen).toEqual([5, 9, 9, 9, 4, 4]);
  });

  it('full pipe: a quarter more begins to count anew', () => {
    const pipe = new FullPipe();
    for (const rate of [100, 130, 140, 150]) pipe.acknowledged(sample({ rate: { rate } }), true);
    expect(pipe.now).toBe(false);
    pipe.acknowledged(sample({ rate: { rate: 160 } }), false);
    expect(pipe.now).toBe(false);
    pipe.acknowledged(sample({ rate: { rate: 160 } }), true);
    expect([pipe.now, pipe.reached]).toEqual([true, true]);
    pipe.reset(160);
    expect([pipe.now, pipe.reached]).toEqual([false, true]);
  });

  it('aggregation: what came beyond what the bandwidth explains', () => {
    const aggregation = new AckAggregation(0);
    aggregation.acknowledged(1000, 100, 1e6, 1, false, 10);
    aggregation.acknowledged(5000, 100, 1e6, 1, false, 12);
    expect(aggregation.extra).toBe(6000 - 200);
  });

  it('smallest round trip: of 10 s, to be seen again every 5 s', () => {
    const minimum = new MinimumRtt(50, 0);
    minimum.sample(40, 100);
    minimum.sample(60, 5000);
    expect([minimum.value, minimum.expired]).toEqual([40, false]);
    minimum.sample(60, 5101);
    expect([minimum.value, minimum.expired]).toEqual([40, true]);
    minimum.sample(60, 10_101);
    expect(minimum.value).toBe(60);
  });

  it('delivery rate: bytes since the segment was sent over the longer of sending and acknowledging', () => {
    const flights = new Flights();
    const rate = new DeliveryRate();
    const send = (at: number) => {
      const start = 1 + SIZE * flights.count;
      rate.sent(flights.add(start, start + SIZE, at), flights.inFlight, at);
    };
    for (let i = 0; i < 10; i++) send(i);
    // Acknowledged in a burst: what took time was sending.
    rate.begin();
    for (let i = 0; i < 5; i++) rate.arrived(flights.at(i), 104);
    rate.finish(50, 104);
    expect(rate.sample).toMatchObject({ delivered: 5 * SIZE, priorDelivered: 0, rtt: 100 });
    expect(rate.sample.rate).toBeCloseTo((5 * SIZE) / 104);
    rate.begin();
    for (let i = 5; i < 10; i++) rate.arrived(flights.at(i), 104);
    rate.finish(200, 104);
    expect(rate.sample.rate).toBe(0);
  });

  it('delivery rate: what was sent while there was nothing more to send is told apart', () => {
    const flights = new Flights();
    const rate = new DeliveryRate();
    rate.limitedByApplication(0);
    const first = flights.add(1, 1001, 0);
    rate.sent(first, flights.inFlight, 0);
    rate.begin();
    rate.arrived(first, 10);
    rate.finish(10, 10);
    expect(rate.sample.appLimited).toBe(true);
    expect(rate.appLimited).toBe(false);
  });

  it('pacer: a millisecond ahead at most; 4 ms are made up for, 20 where the timer was late; a first burst free', () => {
    const burst = (pacer: Pacer, now: number, late = false) => {
      pacer.resume(late, now);
      let sent = 0;
      for (; pacer.ready(now); sent += SIZE) pacer.sent(SIZE, 10_000);
      return sent;
    };
    const pacer = new Pacer();
    expect(burst(pacer, 0)).toBe(50_000);
    expect(burst(pacer, 0)).toBe(0);
    expect(pacer.at).toBeCloseTo(1);
    expect(burst(pacer, 1)).toBe(10_000);
    expect(burst(pacer, 2.5)).toBe(15_000);
    expect(Math.abs(burst(pacer, 12.5, true) - 100_000)).toBeLessThanOrEqual(SIZE);
    expect(Math.abs(burst(pacer, 30_000, true) - 210_000)).toBeLessThanOrEqual(SIZE);
    expect(Math.abs(burst(pacer, 60_000) - 50_000)).toBeLessThanOrEqual(SIZE);
    pacer.rested(10 * SIZE);
    expect(burst(pacer, 60_000)).toBe(10_000);
    // Slow paths: one segment, then as long as it takes.
    const slow = new Pacer();
    slow.resume(false, 0);
    slow.sent(SIZE, 100);
    slow.sent(SIZE, 100);
    expect([slow.ready(15), slow.at]).toEqual([false, 16]);
    expect(slow.ready(15.5)).toBe(true);
  });

  it('receive window: three times what is taken in a round trip, never what holds slow start, and never less', () => {
    const tuning = new WindowTuning(4_194_304);
    expect(tuning.window).toBe(262_144);
    let taken = 100_000;
    for (let now = 0; now < 1000; now += 50, taken = Math.min(1_600_000, taken * 2)) {
      tuning.taken(taken, 50, now);
      if (now > 50) expect(tuning.window).toBeGreaterThanOrEqual(Math.min(4_194_304, 3 * taken));
    }
    const { window } = tuning;
    for (let now = 1000; now < 2000; now += 50) tuning.taken(1000, 50, now);
    expect(tuning.window).toBe(window);
    expect(new WindowTuning(5000).window).toBe(5000);
  });

  it('receive window: a queue on the way does not make it grow', () => {
    const tuning = new WindowTuning(4_194_304);
    tuning.roundTrip(20);
    // 10 kB a millisecond, the most that the way carries; behind a queue of 300 ms.
    tuning.roundTrip(320);
    for (let now = 0; now < 5000; now += 10) tuning.taken(100_000, 0, now);
    expect(tuning.window).toBeGreaterThan(2 * 20 * 10_000);
    expect(tuning.window).toBeLessThan(4 * 20 * 10_000);
  });
});
