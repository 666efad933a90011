/**
 * What was sent and is not yet acknowledged, segment by segment, oldest first; records are used again.
 * Those on the way are also linked in the order they were sent, so that loss detection looks at few of them.
 */
import type { Millis } from '../../wire/bytes.ts';

export interface Flight {
  /** Positions `[start, end)`; the FIN counts as one. */
  start: number;
  end: number;
  /** Of the last transmission. */
  sentAt: Millis;
  retransmitted: boolean;
  sacked: boolean;
  /** Found lost and not sent again since. */
  lost: boolean;
  /** What the delivery-rate sampler knew when this was last sent; see `delivery-rate.ts`. */
  delivered: number;
  deliveredAt: Millis;
  firstSentAt: Millis;
  lostBefore: number;
  /** Bytes on the way then, these included. */
  inFlight: number;
  appLimited: boolean;
  /** Neighbours in the order of transmission, while on the way. */
  earlier: Flight | undefined;
  later: Flight | undefined;
}

export class Flights {
  #records: Flight[] = [];
  #first = 0;
  #count = 0;
  #earliest: Flight | undefined;
  #latest: Flight | undefined;
  /** No flight that begins before this position is lost. */
  #lostFrom = Number.POSITIVE_INFINITY;
  /** Bytes on the way: neither acknowledged nor lost. "pipe" of RFC 6675 §2. */
  inFlight = 0;
  /** Flights that wait to be sent again. */
  lostCount = 0;
  sackedCount = 0;
  /** Bytes of those that have arrived behind a gap. */
  sackedBytes = 0;

  get count(): number {
    return this.#count;
  }

  at(index: number): Flight {
    return this.#records[(this.#first + index) % this.#records.length]!;
  }

  get first(): Flight | undefined {
    return this.#count > 0 ? this.at(0) : undefined;
  }

  get last(): Flight | undefined {
    return this.#count > 0 ? this.at(this.#count - 1) : undefined;
  }

  /** The one on the way that was sent first; `later` leads to the others. */
  get earliest(): Flight | undefined {
    return this.#earliest;
  }

  /** Index of the first flight that begins at or behind `position`. */
  indexAt(position: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle).start < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(start: number, end: number, now: Millis): Flight {
    if (this.#count === this.#records.length) this.#grow();
    const flight = this.at(this.#count++);
    flight.start = start;
    flight.end = end;
    flight.sentAt = now;
    flight.retransmitted = false;
    flight.sacked = false;
    flight.lost = false;
    this.inFlight += end - start;
    this.#link(flight, this.#latest);
    return flight;
  }

  /** Forgets the oldest, which was acknowledged whole. */
  shift(): void {
    const flight = this.at(0);
    this.#leave(flight);
    if (flight.sacked) this.#unsack(flight);
    this.#first = (this.#first + 1) % this.#records.length;
    this.#count--;
  }

  /** Cuts what was acknowledged off the oldest. */
  trim(position: number): void {
    const flight = this.at(0);
    if (flight.sacked) this.sackedBytes -= position - flight.start;
    else if (!flight.lost) this.inFlight -= position - flight.start;
    flight.start = position;
  }

  sack(flight: Flight): void {
    this.#leave(flight);
    flight.sacked = true;
    flight.lost = false;
    this.sackedCount++;
    this.sackedBytes += flight.end - flight.start;
  }

  lose(flight: Flight): void {
    if (flight.lost || flight.sacked) return;
    this.inFlight -= flight.end - flight.start;
    this.#unlink(flight);
    flight.lost = true;
    this.lostCount++;
    this.#lostFrom = Math.min(this.#lostFrom, flight.start);
  }

  /** Goes out again, lost or not. */
  resend(flight: Flight, now: Millis): void {
    if (flight.lost) {
      flight.lost = false;
      this.lostCount--;
      this.inFlight += flight.end - flight.start;
    } else if (!flight.sacked) {
      this.#unlink(flight);
    }
    if (!flight.sacked) this.#link(flight, this.#latest);
    flight.retransmitted = true;
    flight.sentAt = now;
  }

  /** The peer took its SACK back: nothing of it counts any more. @rfc 2018 §8 */
  renege(): void {
    for (let i = 0; i < this.#count; i++) {
      const flight = this.at(i);
      if (!flight.sacked) continue;
      flight.sacked = false;
      this.#unsack(flight);
      this.#return(flight);
    }
  }

  /** What was taken for lost only came late: it is on the way again. */
  forgive(): void {
    for (let i = 0; this.lostCount > 0 && i < this.#count; i++) {
      const flight = this.at(i);
      if (!flight.lost) continue;
      flight.lost = false;
      this.lostCount--;
      this.#return(flight);
    }
  }

  firstLost(): Flight | undefined {
    if (this.lostCount === 0) return undefined;
    for (let i = this.indexAt(this.#lostFrom); i < this.#count; i++) {
      const flight = this.at(i);
      if (!flight.lost) continue;
      this.#lostFrom = flight.start;
      return flight;
    }
    return undefined;
  }

  #unsack(flight: Flight): void {
    this.sackedCount--;
    this.sackedBytes -= flight.end - flight.start;
  }

  #leave(flight: Flight): void {
    if (flight.lost) {
      this.lostCount--;
    } else if (!flight.sacked) {
      this.inFlight -= flight.end - flight.start;
      this.#unlink(flight);
    }
  }

  /** On the way again, at its place in time. */
  #return(flight: Flight): void {
    this.inFlight += flight.end - flight.start;
    let before = this.#latest;
    while (before !== undefined && before.sentAt > flight.sentAt) before = before.earlier;
    this.#link(flight, before);
  }

  #link(flight: Flight, before: Flight | undefined): void {
    const after = before === undefined ? this.#earliest : before.later;
    flight.earlier = before;
    flight.later = after;
    if (before === undefined) this.#earliest = flight;
    else before.later = flight;
    if (after === undefined) this.#latest = flight;
    else after.earlier = flight;
  }

  #unlink(flight: Flight): void {
    const { earlier, later } = flight;
    if (earlier === undefined) this.#earliest = later;
    else earlier.later = later;
    if (later === undefined) this.#latest = earlier;
    else later.earlier = earlier;
    flight.earlier = undefined;
    flight.later = undefined;
  }

  #grow(): void {
    const records: Flight[] = [];
    for (let i = 0; i < this.#count; i++) records.push(this.at(i));
    const target = Math.max(16, 2 * this.#count);
    while (records.length < target) records.push(blank());
    this.#records = records;
    this.#first = 0;
  }
}

function blank(): Flight {
  return {
    start: 0,
    end: 0,
    sentAt: 0,
    retransmitted: false,
    sacked: false,
    lost: false,
    delivered: 0,
    deliveredAt: 0,
    firstSentAt: 0,
    lostBefore: 0,
    inFlight: 0,
    appLimited: false,
    earlier: undefined,
    later: undefined,
  };
}
