/** What was sent and is not yet acknowledged, segment by segment, oldest first; records are used again. */
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
}

export class Flights {
  #records: Flight[] = [];
  #first = 0;
  #count = 0;
  /** Bytes on the way: neither acknowledged nor lost. "pipe" of RFC 6675 §2. */
  inFlight = 0;
  /** Flights that wait to be sent again. */
  lostCount = 0;
  sackedCount = 0;

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

  add(start: number, end: number, now: Millis): void {
    if (this.#count === this.#records.length) this.#grow();
    const flight = this.at(this.#count++);
    flight.start = start;
    flight.end = end;
    flight.sentAt = now;
    flight.retransmitted = false;
    flight.sacked = false;
    flight.lost = false;
    this.inFlight += end - start;
  }

  /** Forgets the oldest, which was acknowledged whole. */
  shift(): void {
    const flight = this.at(0);
    this.#leave(flight);
    if (flight.sacked) this.sackedCount--;
    this.#first = (this.#first + 1) % this.#records.length;
    this.#count--;
  }

  /** Cuts what was acknowledged off the oldest. */
  trim(position: number): void {
    const flight = this.at(0);
    if (!flight.sacked && !flight.lost) this.inFlight -= position - flight.start;
    flight.start = position;
  }

  sack(flight: Flight): void {
    this.#leave(flight);
    flight.sacked = true;
    flight.lost = false;
    this.sackedCount++;
  }

  lose(flight: Flight): void {
    if (flight.lost || flight.sacked) return;
    this.inFlight -= flight.end - flight.start;
    flight.lost = true;
    this.lostCount++;
  }

  /** A lost one goes out again. */
  resend(flight: Flight, now: Millis): void {
    if (flight.lost) {
      flight.lost = false;
      this.lostCount--;
      this.inFlight += flight.end - flight.start;
    }
    flight.retransmitted = true;
    flight.sentAt = now;
  }

  /** The peer took its SACK back: nothing of it counts any more. @rfc 2018 §8 */
  renege(): void {
    for (let i = 0; i < this.#count; i++) {
      const flight = this.at(i);
      if (!flight.sacked) continue;
      flight.sacked = false;
      this.sackedCount--;
      this.inFlight += flight.end - flight.start;
    }
  }

  firstLost(): Flight | undefined {
    if (this.lostCount === 0) return undefined;
    for (let i = 0; i < this.#count; i++) {
      const flight = this.at(i);
      if (flight.lost) return flight;
    }
    return undefined;
  }

  #leave(flight: Flight): void {
    if (flight.lost) this.lostCount--;
    else if (!flight.sacked) this.inFlight -= flight.end - flight.start;
  }

  #grow(): void {
    const records: Flight[] = [];
    for (let i = 0; i < this.#count; i++) records.push(this.at(i));
    const target = Math.max(16, 2 * this.#count);
    while (records.length < target) {
      records.push({
        start: 0,
        end: 0,
        sentAt: 0,
        retransmitted: false,
        sacked: false,
        lost: false,
      });
    }
    this.#records = records;
    this.#first = 0;
  }
}
