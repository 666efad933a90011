/** Happy eyeballs, one rule of RFC 8305 after the other, on a clock of the test's. */
import { describe, expect, test } from 'vitest';
import type { Failure } from '../../../shared/errors.ts';
import { Race } from '../../../web/worker/race.ts';

const V6 = (last: number) => Uint8Array.of(...new Array(15).fill(0x20), last);
const V4 = (last: number) => Uint8Array.of(10, 0, 0, last);
const REFUSED: Failure = { code: 'CONNECTION_REFUSED' };

class Track {
  now = 0;
  readonly log: string[] = [];
  readonly race: Race;
  #timers: { at: number; callback: () => void }[] = [];
  #next = 1;
  /** Attempts that fail before they are under way. */
  failing = new Set<number>();

  constructor(families: number) {
    this.race = new Race({
      families,
      schedule: (millis, callback) => {
        const timer = { at: this.now + millis, callback };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((each) => each !== timer);
        };
      },
      number: () => this.#next++,
      attempt: (number, address) => {
        this.log.push(`${this.now} try ${address.length === 4 ? 'v4' : 'v6'}.${address.at(-1)}`);
        if (this.failing.has(number)) this.race.failed(number, REFUSED);
      },
      cancel: (number) => this.log.push(`${this.now} cancel #${number}`),
      lost: (failure) => this.log.push(`${this.now} lost ${failure.code}`),
    });
  }

  pass(millis: number): void {
    const end = this.now + millis;
    for (;;) {
      const [timer] = this.#timers.filter((each) => each.at <= end).sort((a, b) => a.at - b.at);
      if (timer === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== timer);
      this.now = timer.at;
      timer.callback();
    }
    this.now = end;
  }

  get timers(): number {
    return this.#timers.length;
  }
}

describe('which address is tried when', () => {
  test('families alternate, IPv6 first, 250 ms apart (§4, §5)', () => {
    const track = new Track(2);
    track.race.found(0, [V6(1), V6(2)]);
    track.race.found(1, [V4(1), V4(2), V4(3)]);
    track.pass(2000);
    expect(track.log).toEqual([
      '0 try v6.1',
      '250 try v4.1',
      '500 try v6.2',
      '750 try v4.2',
      '1000 try v4.3',
    ]);
  });

  test('IPv4 waits 50 ms for IPv6 (§3)', () => {
    const late = new Track(2);
    late.race.found(1, [V4(1)]);
    late.pass(60);
    late.race.found(0, [V6(1)]);
    late.pass(1000);
    expect(late.log).toEqual(['50 try v4.1', '300 try v6.1']);
    const inTime = new Track(2);
    inTime.race.found(1, [V4(1)]);
    inTime.pass(40);
    inTime.race.found(0, [V6(1)]);
    inTime.pass(1000);
    expect(inTime.log).toEqual(['40 try v6.1', '290 try v4.1']);
  });

  test('and not at all for a family that has none', () => {
    const track = new Track(2);
    track.race.found(0, [], { code: 'NAME_NOT_FOUND' });
    track.pass(30);
    track.race.found(1, [V4(1)]);
    expect(track.log).toEqual(['30 try v4.1']);
  });

  test('a failure starts the next one at once', () => {
    const track = new Track(1);
    track.failing.add(2);
    track.race.found(0, [V4(1), V4(2), V4(3)]);
    track.pass(10);
    track.race.failed(1, REFUSED);
    track.pass(1000);
    expect(track.log).toEqual(['0 try v4.1', '10 try v4.2', '10 try v4.3']);
    track.race.failed(3, { code: 'TIMED_OUT' });
    expect(track.log.at(-1)).toBe('1010 lost TIMED_OUT');
    expect(track.timers).toBe(0);
  });

  test('no more than eight of a family', () => {
    const track = new Track(1);
    track.race.found(
      0,
      Array.from({ length: 20 }, (_, i) => V4(i)),
    );
    track.pass(60_000);
    expect(track.log.length).toBe(8);
  });
});

describe('how it ends', () => {
  test('the first that stands: the others are given up, and later addresses are ignored', () => {
    const track = new Track(2);
    track.race.found(1, [V4(1), V4(2)]);
    track.pass(400);
    track.race.won(1);
    track.race.found(0, [V6(1)]);
    track.pass(1000);
    expect(track.log).toEqual(['50 try v4.1', '300 try v4.2', '400 cancel #2']);
    expect(track.timers).toBe(0);
  });

  test('lost only when nothing is under way nor awaited', () => {
    const track = new Track(2);
    track.race.found(0, [V6(1)]);
    track.pass(5);
    track.race.failed(1, REFUSED);
    expect(track.log.at(-1)).toBe('0 try v6.1');
    track.race.found(1, [], { code: 'NAME_NOT_FOUND' });
    expect(track.log.at(-1)).toBe('5 lost CONNECTION_REFUSED');
  });

  test('without any address the name’s failure is told', () => {
    const track = new Track(2);
    track.race.found(0, [], { code: 'NAME_NOT_FOUND' });
    track.race.found(1, [], { code: 'NAME_NOT_FOUND' });
    expect(track.log).toEqual(['0 lost NAME_NOT_FOUND']);
  });
});
