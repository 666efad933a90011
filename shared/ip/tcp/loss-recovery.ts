/**
 * Finds out what is lost, tells congestion control, and takes it back when it only came late: RACK where the peer
 * does SACK, duplicates (NewReno) where it does not. A recovery or a time-out is spurious when what ends it was sent
 * before the first repetition (Eifel, by timestamps), or when originals arrive after a time-out (F-RTO, by SACK).
 * Left out: F-RTO's own new segments, which a peer with neither option would need.
 * @rfc 8985 §6, 6582 §3.2, 3522 §3.2, 4015 §3.1, 5682 §3
 */
import type { Millis } from '../../wire/bytes.ts';
import type { Acknowledgment } from './acknowledgment.ts';
import type { CongestionControl } from './congestion/control.ts';
import type { DeliveryRate } from './delivery-rate.ts';
import type { Flight, Flights } from './flights.ts';
import { DUPLICATE_THRESHOLD, type Rack } from './rack.ts';
import type { RttEstimator } from './rtt.ts';
import type { Scoreboard } from './scoreboard.ts';

type Phase =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'recovery' | 'time-out';
      /** Ends when what was sent before the loss was found is acknowledged. */
      readonly until: number;
      readonly since: Millis;
      /** Of the first repetition; and whether an acknowledgment has told if it was needed. */
      resentAt: Millis | undefined;
      judged: boolean;
    };

const OPEN: Phase = { kind: 'open' };

interface RecoveryParts {
  readonly flights: Flights;
  readonly rack: Rack;
  readonly rtt: RttEstimator;
  readonly rate: DeliveryRate;
  readonly scoreboard: Scoreboard;
  readonly congestion: CongestionControl;
  /** Whether the peer does SACK. */
  readonly selective: boolean;
}

export class LossRecovery {
  /** When loss detection has to look again. @rfc 8985 §6.2 step 5 */
  reorderingAt: Millis | undefined;
  /** Duplicates that stand for segments that left the network; none with SACK. @rfc 5681 §3.2 */
  duplicates = 0;
  readonly #parts: RecoveryParts;
  readonly #lost: (flight: Flight) => void;
  #phase: Phase = OPEN;
  #inFlightBefore = 0;
  #nxt = 0;
  #now: Millis = 0;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#lost = (flight) => this.#lose(flight);
  }

  get kind(): Phase['kind'] {
    return this.#phase.kind;
  }

  /** The marks are made and `una` has moved. Answers whether the first lost one goes whatever the window says. */
  acknowledged(
    ack: Acknowledgment,
    duplicate: boolean,
    una: number,
    nxt: number,
    segmentSize: number,
    inFlightBefore: number,
    now: Millis,
  ): boolean {
    const { rack, scoreboard, congestion, selective } = this.#parts;
    const phase = this.#phase;
    if (phase.kind !== 'open') {
      if (this.#isSpurious(phase, ack, now)) {
        this.#takeBack();
      } else if (una >= phase.until) {
        this.#phase = OPEN;
        this.duplicates = 0;
        rack.recovered();
        congestion.recovered();
      }
    }
    if (selective) return this.detect(inFlightBefore, nxt, now);
    return this.#count(duplicate, scoreboard.acked, segmentSize, inFlightBefore, nxt, now);
  }

  /** Looks for losses. Answers whether fast recovery began. */
  detect(inFlightBefore: number, nxt: number, now: Millis): boolean {
    const { flights, rack, rtt } = this.#parts;
    const open = this.#phase.kind === 'open';
    this.#note(inFlightBefore, nxt, now);
    const wait = rack.detect(flights, rtt, !open, now, this.#lost);
    this.reorderingAt = wait > 0 ? now + wait : undefined;
    return open && this.kind === 'recovery';
  }

  /** The retransmission timer ran out: everything on the way counts as lost. */
  timedOut(nxt: number, now: Millis): void {
    const { flights, congestion, scoreboard } = this.#parts;
    // The peer that SACKed the oldest would have acknowledged it: it dropped what it had. @rfc 2018 §8
    if (flights.first?.sacked) scoreboard.renege();
    // What tells a mistake is the first repetition, and what it takes back is from before the first loss.
    if (this.#phase.kind === 'time-out') {
      this.#phase = { ...this.#phase, until: nxt };
    } else {
      congestion.timedOut(flights.inFlight, now);
      this.#phase = {
        kind: 'time-out',
        until: nxt,
        since: now,
        resentAt: undefined,
        judged: false,
      };
    }
    this.#note(0, nxt, now);
    for (let i = 0; i < flights.count; i++) {
      const flight = flights.at(i);
      if (!flight.sacked && !flight.lost) this.#lose(flight);
    }
    this.duplicates = 0;
    this.reorderingAt = undefined;
  }

  /** The peer got something twice: reordering is given more time. */
  duplicated(una: number, nxt: number): void {
    this.#parts.rack.duplicated(una, nxt);
  }

  /** Something goes again. */
  resent(now: Millis): void {
    if (this.#phase.kind !== 'open') this.#phase.resentAt ??= now;
  }

  /** Answers whether what was taken for lost has come after all. */
  #isSpurious(phase: Exclude<Phase, { kind: 'open' }>, ack: Acknowledgment, now: Millis): boolean {
    const { scoreboard, selective } = this.#parts;
    const late = phase.kind === 'time-out' && selective;
    if (late && scoreboard.originalSentAt >= 0 && scoreboard.originalSentAt < phase.since) {
      return true;
    }
    if (scoreboard.acked === 0 || phase.judged || phase.resentAt === undefined) return false;
    phase.judged = true;
    return ack.echoRtt >= 0 && Math.floor(now) - ack.echoRtt < Math.floor(phase.resentAt);
  }

  /** @rfc 4015 §3.1 */
  #takeBack(): void {
    const { flights, rack, congestion } = this.#parts;
    flights.forgive();
    rack.reordered();
    congestion.spurious();
    this.#phase = OPEN;
    this.duplicates = 0;
  }

  /** Without SACK, three duplicates mean the oldest is lost, and so does a partial answer. @rfc 6582 §3.2 */
  #count(
    duplicate: boolean,
    acked: number,
    segmentSize: number,
    inFlightBefore: number,
    nxt: number,
    now: Millis,
  ): boolean {
    const first = this.#parts.flights.first;
    this.#note(inFlightBefore, nxt, now);
    if (first === undefined) {
      this.duplicates = 0;
    } else if (this.#phase.kind === 'open') {
      this.duplicates = duplicate ? this.duplicates + 1 : acked > 0 ? 0 : this.duplicates;
      if (this.duplicates < DUPLICATE_THRESHOLD) return false;
      this.#lose(first);
      return true;
    } else if (duplicate) {
      this.duplicates++;
    } else if (acked > 0) {
      this.duplicates = Math.max(0, this.duplicates - Math.ceil(acked / segmentSize));
      if (this.#phase.kind !== 'recovery') return false;
      if (!first.lost) this.#lose(first);
      return true;
    }
    return false;
  }

  /** What a loss that is found next has to know. */
  #note(inFlightBefore: number, nxt: number, now: Millis): void {
    this.#inFlightBefore = inFlightBefore;
    this.#nxt = nxt;
    this.#now = now;
  }

  /** The first loss begins fast recovery. */
  #lose(flight: Flight): void {
    const { flights, rate, congestion } = this.#parts;
    const now = this.#now;
    if (this.#phase.kind === 'open') {
      const until = this.#nxt;
      this.#phase = { kind: 'recovery', until, since: now, resentAt: undefined, judged: false };
      congestion.recoveryStarted(this.#inFlightBefore, now);
    }
    flights.lose(flight);
    rate.lost += flight.end - flight.start;
    congestion.lost(flight, rate.lost, rate.delivered, now);
  }
}
