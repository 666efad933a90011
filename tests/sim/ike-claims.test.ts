/** SPIs that have to be claimed before Quick Mode names them. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMERS } from '../../shared/ike/config.ts';
import type { IkeInput } from '../../shared/ike/io.ts';
import { decodeMessage } from '../../shared/isakmp/message.ts';
import { CLIENT_PUBLIC, IkePair, type PairOptions } from './ike-pair.ts';

const QUICK_MODE = 32;

type Answer = (spi: number, nth: number) => IkeInput | undefined;

const grant: Answer = (spi) => ({ kind: 'spi-claimed', spi });

/** A pair without a NAT whose client has to claim; the claims are answered after 5 ms. */
class ClaimingPair extends IkePair {
  readonly #answer: Answer;
  answered = 0;

  constructor(answer: Answer = grant, options: PairOptions = {}) {
    super({
      ...options,
      client: { natTraversal: 'on', localAddress: CLIENT_PUBLIC, claimsSpis: true },
    });
    this.#answer = answer;
  }

  get claimed(): readonly number[] {
    return this.all('client', 'claim-spi').map(({ spi }) => spi);
  }

  get released(): readonly number[] {
    return this.all('client', 'release-spi').map(({ spi }) => spi);
  }

  /** Answers what was asked, then goes on; until `done`, or for `limit` ms. */
  settle(done: () => boolean, limit = 30_000): boolean {
    const end = this.now + limit;
    while (!done() && this.now < end) {
      const asked = this.claimed;
      if (this.answered < asked.length) {
        const input = this.#answer(asked[this.answered]!, this.answered++);
        if (input !== undefined) this.give('client', input);
      } else {
        this.run(() => done() || this.answered < this.claimed.length, end - this.now);
      }
    }
    return done();
  }

  get up(): boolean {
    return this.children('client') > 0 && this.children('server') > 0;
  }

  quickModes(): number {
    return this.sent.client.filter((bytes) => {
      const { exchangeType } = decodeMessage(bytes).header;
      return exchangeType === QUICK_MODE;
    }).length;
  }
}

function connected(answer?: Answer): ClaimingPair {
  const pair = new ClaimingPair(answer);
  pair.give('client', { kind: 'start' });
  expect(pair.settle(() => pair.up)).toBe(true);
  return pair;
}

describe('before Quick Mode', () => {
  test('the SPI is claimed, and nothing is sent until it is', () => {
    const pair = new ClaimingPair();
    pair.give('client', { kind: 'start' });
    pair.run(() => pair.claimed.length > 0);
    pair.run(() => false, 1_000);
    expect(pair.quickModes()).toBe(0);
    expect(pair.settle(() => pair.up)).toBe(true);
    expect(pair.lastChild('client')).toMatchObject({ encapsulation: 'raw' });
    expect(pair.lastChild('client').inbound.spi).toBe(pair.claimed[0]);
  });

  test('with UDP encapsulation nothing is claimed', () => {
    const pair = new IkePair({ client: { claimsSpis: true } });
    expect(pair.connect()).toBe(true);
    expect(pair.all('client', 'claim-spi')).toEqual([]);
    pair.give('client', { kind: 'close' });
    expect(pair.all('client', 'release-spi')).toEqual([]);
  });

  test('another one is drawn where somebody else has it', () => {
    const pair = connected((spi, nth) =>
      nth < 3 ? { kind: 'spi-refused', spi, again: true } : grant(spi, nth),
    );
    const { spi } = pair.lastChild('client').inbound;
    expect(spi).toBe(pair.claimed[3]);
    expect(new Set(pair.claimed).size).toBe(pair.claimed.length);
  });

  test.each<[string, Answer, number]>([
    ['collides for ever', (spi) => ({ kind: 'spi-refused', spi, again: true }), 8],
    ['has no room', (spi) => ({ kind: 'spi-refused', spi, again: false }), 1],
    ['does not answer', () => undefined, 1],
    ['answers for another SPI', (spi) => ({ kind: 'spi-claimed', spi: spi ^ 1 }), 1],
  ])('a relay that %s ends it, in a bounded time', (_what, answer, claims) => {
    const pair = new ClaimingPair(answer);
    pair.give('client', { kind: 'start' });
    const since = pair.now;
    pair.settle(() => pair.closed('client') !== undefined);
    expect(pair.closed('client')?.failure?.code).toBe('IKE_QUICK_MODE_FAILED');
    expect(pair.closed('client')?.failure?.detail).toMatch(/SPI/);
    expect(pair.now - since).toBeLessThanOrEqual(DEFAULT_TIMERS.claim + 1_000);
    expect(pair.claimed).toHaveLength(claims);
    expect(pair.quickModes()).toBe(0);
  });

  test('answers that nobody asked for change nothing', () => {
    const pair = new ClaimingPair();
    const stray = (): void => {
      pair.give('client', { kind: 'spi-claimed', spi: 4096 });
      pair.give('client', { kind: 'spi-refused', spi: 4096, again: false });
    };
    stray();
    pair.give('client', { kind: 'start' });
    pair.run(() => pair.claimed.length > 0);
    stray();
    expect(pair.settle(() => pair.up)).toBe(true);
    const { spi } = pair.lastChild('client').inbound;
    pair.give('client', { kind: 'spi-claimed', spi });
    pair.give('client', { kind: 'spi-refused', spi, again: false });
    stray();
    expect(pair.closed('client')).toBeUndefined();
    expect(pair.children('client')).toBe(1);
    expect(pair.released).toEqual([]);
  });
});

describe('afterwards', () => {
  test('one is in reserve: a rekey of ours begins at once', () => {
    const pair = connected();
    pair.settle(() => pair.answered === 2);
    const before = pair.quickModes();
    pair.give('client', { kind: 'rekey-child' });
    expect(pair.quickModes()).toBe(before + 1);
    expect(pair.settle(() => pair.children('client') === 2)).toBe(true);
    expect(pair.lastChild('client').inbound.spi).toBe(pair.claimed[1]);
    expect(pair.claimed).toHaveLength(3);
  });

  test('the peer’s rekey is answered with a claimed SPI', () => {
    const pair = connected();
    pair.settle(() => pair.answered === 2);
    pair.give('server', { kind: 'rekey-child' });
    expect(pair.settle(() => pair.children('client') === 2)).toBe(true);
    expect(pair.lastChild('client').initiatedBy).toBe('peer');
    expect(pair.lastChild('client').inbound.spi).toBe(pair.claimed[1]);
  });

  test('without a reserve the peer’s is answered when it asks again', () => {
    const pair = connected((spi, nth) =>
      nth === 1 ? { kind: 'spi-refused', spi, again: false } : grant(spi, nth),
    );
    pair.settle(() => pair.answered === 2);
    pair.give('server', { kind: 'rekey-child' });
    expect(pair.settle(() => pair.children('client') === 2)).toBe(true);
    expect(pair.lastChild('client').inbound.spi).toBe(pair.claimed[2]);
    expect(pair.traces('client', 'dropped')).toContain('no SPI is claimed yet');
  });

  test('a rekey for which there is no SPI fails, and what stands, stands', () => {
    const pair = connected((spi, nth) =>
      nth === 0 ? grant(spi, nth) : { kind: 'spi-refused', spi, again: false },
    );
    pair.settle(() => pair.answered === 2);
    pair.give('client', { kind: 'rekey-child' });
    pair.settle(() => pair.all('client', 'rekey-failed').length > 0);
    expect(pair.all('client', 'rekey-failed')).toHaveLength(1);
    expect(pair.closed('client')).toBeUndefined();
  });

  test('an SPI is given back with its SA, and all of them at the end', () => {
    const pair = connected();
    pair.settle(() => pair.answered === 2);
    pair.give('server', { kind: 'rekey-child' });
    pair.settle(() => pair.children('client') === 2 && pair.answered === 3);
    // The first SA's time is over; its successors are younger.
    pair.settle(() => pair.released.length > 0, 3_700_000);
    expect(pair.released).toEqual(pair.claimed.slice(0, 1));
    pair.give('client', { kind: 'close' });
    expect(pair.released.toSorted()).toEqual(pair.claimed.toSorted());
    expect(pair.outputs.client.at(-1)?.kind).toBe('closed');
  });

  test('and with a Quick Mode that came to nothing', () => {
    let deaf = false;
    const pair = new ClaimingPair(grant, { tap: (_from, bytes) => (deaf ? [] : [bytes]) });
    pair.give('client', { kind: 'start' });
    pair.settle(() => pair.up && pair.answered === 2);
    deaf = true;
    pair.give('client', { kind: 'rekey-child' });
    while (pair.all('client', 'rekey-failed').length === 0) {
      pair.settle(() => false, 5_000);
      pair.give('client', { kind: 'alive' });
    }
    expect(pair.released).toEqual([pair.claimed[1]]);
  });
});
