/**
 * A tunnel that stands: its IKE SAs, one after another and for a while side by side, and the child SAs, which outlive the
 * IKE SA that they were made under. RFC 2409 §5.5 and §5.7, RFC 3706.
 *
 * Two rules keep both ends from undoing each other's work when both renew at once. Every SA is good in both directions, whoever
 * began it, so both may stand. And nobody deletes an IKE SA but those that were older than the main mode it began itself.
 */
import type { Failure } from '../errors.ts';
import type { Header } from '../isakmp/message.ts';
import { ExchangeType } from '../isakmp/numbers.ts';
import type { Notification } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import { concerns } from './attempt.ts';
import { Children } from './children.ts';
import type { IkeContext } from './context.ts';
import { notificationFailure } from './failures.ts';
import type { IkeSa } from './ike-sa.ts';
import { InboundSpis } from './inbound-spis.ts';
import type { ChildEstablished } from './io.ts';
import { wipePhase1Keys } from './key-material.ts';
import { type Expiry, expiry } from './lifetime.ts';
import { PfsSearch } from './pfs-search.ts';
import type { Arrival, Phase1 } from './phase1.ts';
import { Phase2, type Phase2Event } from './phase2.ts';
import { Renewals, type Renewed } from './renewals.ts';

/** Most IKE SAs at a time; one more ends the oldest. */
const MAX_IKE_SAS = 4;

/** Those of phase 1, and XAUTH's behind it. */
const PHASE1_EXCHANGES: ReadonlySet<number> = new Set([
  ExchangeType.identityProtection,
  ExchangeType.aggressive,
  ExchangeType.transaction,
]);

/** One IKE SA, from its authentication to its end. */
interface Standing {
  readonly phase2: Phase2;
  readonly phase1: Phase1;
  readonly initiatedBy: 'us' | 'peer';
  readonly since: Millis;
  readonly expiry: Expiry;
  /** The end of its lifetime; sooner, once another has taken its place, or the peer has deleted it. */
  endAt: Millis;
  /** Whether the peer has deleted it: kept a while for the Deletes of child SAs that this one overtook. */
  isOver: boolean;
}

export class Established {
  readonly #context: IkeContext;
  readonly #children: Children;
  readonly #spis: InboundSpis;
  readonly #renewals: Renewals;
  readonly #pfs: PfsSearch;
  /** Whom the first IKE SA authenticated, and whether ESP is in UDP: no later one may differ. */
  readonly #peerIdentity: Bytes;
  readonly #encapsulates: boolean;
  /** Oldest first; the last is the one that is used. */
  #sas: readonly Standing[] = [];
  #hadChild = false;
  /** When the newest child SA was made. */
  #childSince: Millis = 0;
  /** Until a gateway says that it does not know that payload. */
  #tellsAddresses = true;
  /** Whether a Quick Mode of ours begins as soon as there is an SPI, or an IKE SA. */
  #awaitsSpi = false;
  #awaitsSa = false;
  /** When the IKE SA and the newest child SA are to be renewed. */
  #renewAt: Millis | undefined;
  #rekeyAt: Millis | undefined;

  constructor(context: IkeContext, sa: IkeSa, phase1: Phase1, now: Millis) {
    const { random, claimsSpis = false, pfsGroups, role } = context.config;
    this.#context = context;
    this.#children = new Children(random);
    this.#encapsulates = sa.parameters.dialect !== undefined;
    // In UDP it is the ports that tell sessions apart.
    this.#spis = new InboundSpis(context, claimsSpis && !this.#encapsulates);
    this.#renewals = new Renewals(context);
    this.#pfs = new PfsSearch(sa.parameters.transform.group, pfsGroups);
    this.#peerIdentity = sa.peerIdentity;
    const initiatedBy = role === 'initiator' ? 'us' : 'peer';
    this.#stand({ sa, phase1, initiatedBy, since: now }, now);
  }

  /** Whether a child SA ever stood: until then a failed Quick Mode is the end. */
  get hadChild(): boolean {
    return this.#hadChild;
  }

  get deadline(): Millis | undefined {
    return earliest(
      ...this.#sas.flatMap(({ phase1, phase2, endAt }) => [
        phase1.deadline,
        phase2.deadline,
        endAt,
      ]),
      this.#current?.phase2.watchDeadline,
      this.#children.deadline,
      this.#spis.deadline,
      this.#renewals.deadline,
      this.#renewals.isBusy ? undefined : this.#renewAt,
      this.#rekeyAt,
    );
  }

  /** What silence means before the first child SA. */
  get silence(): Failure {
    return { code: 'IKE_QUICK_MODE_FAILED', detail: 'no answer to Quick Mode' };
  }

  /** Begins a Quick Mode of ours, unless one is under way. One that finds no room counts as failed. */
  startQuickMode(now: Millis): void {
    if (this.#sas.some(({ phase2 }) => phase2.isNegotiating) || this.#awaitsSpi) return;
    const phase2 = this.#current?.phase2;
    if (phase2 === undefined) {
      this.#awaitsSa = true;
      this.#renewAt ??= now;
      return;
    }
    if (!phase2.makeRoom()) {
      const detail = 'too many exchanges of the gateway are under way';
      this.#quickModeFailed({ code: 'IKE_QUICK_MODE_FAILED', detail }, now);
      return;
    }
    const spi = this.#spis.take(now);
    if (spi === undefined) this.#awaitsSpi = true;
    else {
      const variant = { group: this.#pfs.group, tellsAddresses: this.#tellsAddresses };
      phase2.negotiate(spi, variant, now);
    }
  }

  /** A claim was granted: the Quick Mode that waited for it begins. */
  spiClaimed(spi: number, now: Millis): void {
    if (!this.#spis.claimed(spi) || !this.#awaitsSpi) return;
    this.#awaitsSpi = false;
    this.startQuickMode(now);
  }

  /** A claim was refused. Answers the failure that ends everything. */
  spiRefused(spi: number, again: boolean, now: Millis): Failure | undefined {
    return this.#spis.refused(spi, again, now) ? this.#noSpi(now) : undefined;
  }

  /** What a child SA has carried so far. */
  used(spi: number, octets: number, packets: number, now: Millis): void {
    if (this.#children.used(spi, octets, packets)) this.startQuickMode(now);
    this.#dropExpired(now);
  }

  /** Authentic ESP came. */
  alive(now: Millis): void {
    this.#current?.phase2.heard(now);
  }

  /** An ICMP error: forged perhaps, so the peer is asked. */
  unreachable(now: Millis): void {
    this.#current?.phase2.ask(now);
  }

  /** Answers the failure that ends everything. Throws `DecodeError` and `ProtocolError`. */
  receive(arrival: Arrival, now: Millis): Failure | undefined {
    const { header } = arrival.message;
    const standing = this.#sas.find(({ phase2 }) => phase2.sa.owns(header));
    if (standing === undefined) return this.#receiveRenewal(arrival, now);
    if (PHASE1_EXCHANGES.has(header.exchangeType)) {
      this.#suspectXauth(header, now);
      // What is repeated there is answered again.
      standing.phase1.receive(arrival, now);
      return undefined;
    }
    if (standing.isOver && header.exchangeType !== ExchangeType.informational) {
      throw new DecodeError('the IKE SA is deleted');
    }
    const failure = this.#obey(standing, standing.phase2.receive(arrival, now), now);
    this.#checkVolume(standing, now);
    return failure;
  }

  /** A gateway that wants XAUTH will not answer Quick Mode before it has it. */
  #suspectXauth({ exchangeType }: Header, now: Millis): void {
    if (this.#hadChild || exchangeType !== ExchangeType.transaction) return;
    const { xauth } = this.#context.config.credentials;
    if (xauth === undefined) this.#context.suspect({ code: 'IKE_XAUTH_REQUIRED' }, now);
  }

  /** An error notification in clear; answers whether it means anything. */
  suspect(notification: Notification, header: Header, now: Millis): boolean {
    if (this.#renewals.suspect(notification, header, now)) return true;
    const phase1 = this.#current?.phase1;
    if (this.#hadChild || phase1 === undefined) return false;
    if (!concerns(phase1, notification, header)) return false;
    const { config } = this.#context;
    const failure = notificationFailure(config, 'quick-mode', notification.notifyType);
    this.#context.suspect(failure, now);
    return true;
  }

  timeout(now: Millis): Failure | undefined {
    this.#dropExpired(now);
    for (const standing of this.#sas) {
      standing.phase1.timeout(now);
      const failure = this.#obey(standing, standing.phase2.timeout(now), now);
      if (failure !== undefined) return failure;
    }
    for (const ended of this.#renewals.timeout(now)) {
      const failure = this.#renewalEnded(ended, { code: 'IKE_DEAD_PEER' }, now);
      if (failure !== undefined) return failure;
    }
    if (this.#rekeyAt !== undefined && this.#rekeyAt <= now) {
      this.#rekeyAt = undefined;
      this.startQuickMode(now);
    }
    if (this.#renewAt !== undefined && this.#renewAt <= now && !this.#renewals.isBusy) {
      this.#renewAt = undefined;
      this.#renewals.begin(this.#encapsulates ? 'natt' : 'ike', now);
    }
    for (const standing of this.#sas) {
      if (standing.endAt > now) continue;
      if (!standing.isOver) standing.phase2.sendGoodbye();
      const failure = this.#remove(standing, now);
      if (failure !== undefined) return failure;
    }
    const spiFailure = this.#spis.timeout(now) ? this.#noSpi(now) : undefined;
    if (spiFailure !== undefined) return spiFailure;
    return this.#current?.phase2.watch(now) === true ? { code: 'IKE_DEAD_PEER' } : undefined;
  }

  /**
   * Tells the peer that everything is over: the children first, since their Deletes need an IKE SA, and the IKE SAs
   * at once after them, before a gateway that wants a child back can begin.
   */
  sayGoodbye(): void {
    this.#current?.phase2.sendDeletes(this.#children.inboundSpis);
    for (const { phase2, isOver } of this.#sas) if (!isOver) phase2.sendGoodbye();
  }

  /** The end: gives back every SPI that was claimed, and forgets the keys. */
  discard(): void {
    this.#spis.releaseAll();
    this.#renewals.abandon();
    for (const { phase2 } of this.#sas) wipePhase1Keys(phase2.sa.parameters.keys);
    this.#sas = [];
  }

  /** Whether another child SA is on its way, by our doing: each step has a deadline, and tells when it has failed. */
  get #isReplacing(): boolean {
    if (this.#awaitsSpi || this.#awaitsSa) return true;
    return this.#sas.some(({ phase2 }) => phase2.isNegotiating);
  }

  get #current(): Standing | undefined {
    return this.#sas.findLast(({ isOver }) => !isOver);
  }

  #receiveRenewal(arrival: Arrival, now: Millis): Failure | undefined {
    const { exchangeType } = arrival.message.header;
    if (!PHASE1_EXCHANGES.has(exchangeType) && exchangeType !== ExchangeType.informational) {
      throw new DecodeError('foreign cookie');
    }
    const ended = this.#renewals.receive(arrival, now);
    return ended && this.#renewalEnded(ended, { code: 'IKE_CLOSED_BY_PEER' }, now);
  }

  #renewalEnded(ended: Renewed | 'failed', failure: Failure, now: Millis): Failure | undefined {
    return ended === 'failed' ? this.#renewalFailed(failure, now) : this.#adopt(ended, now);
  }

  /** Takes a renewed IKE SA into use, unless it is not what the tunnel began with. */
  #adopt(renewed: Renewed, now: Millis): Failure | undefined {
    const { sa, initiatedBy, since } = renewed;
    const isSame =
      constantTimeEqual(sa.peerIdentity, this.#peerIdentity) &&
      (sa.parameters.dialect !== undefined) === this.#encapsulates;
    if (!isSame) {
      this.#context.trace('renewal-refused', 'another identity, or another encapsulation');
      new Phase2(this.#context, sa, this.#spis, now).sendGoodbye();
      wipePhase1Keys(sa.parameters.keys);
      if (initiatedBy === 'peer') return undefined;
      return this.#renewalFailed({ code: 'IKE_CLOSED_BY_PEER' }, now);
    }
    if (initiatedBy === 'us') {
      for (const older of this.#sas) {
        if (older.since <= since) {
          older.endAt = Math.min(older.endAt, now + this.#context.config.timers.overlap);
        }
      }
    }
    this.#stand(renewed, now);
    this.#context.trace('ike-renewed', initiatedBy);
    // The old one is about to be deleted, and some gateways forget its children with it: there are to be others by then.
    if (initiatedBy === 'peer' && !this.#awaitsSa) return undefined;
    this.#awaitsSa = false;
    this.startQuickMode(now);
    return undefined;
  }

  #stand({ sa, phase1, initiatedBy }: Renewed, now: Millis): void {
    const { random } = this.#context.config;
    const phase2 = new Phase2(this.#context, sa, this.#spis, now);
    const ends = expiry(sa.lifetime, initiatedBy, random, now);
    const endAt = ends.hardAt;
    const standing: Standing = {
      phase2,
      phase1,
      initiatedBy,
      since: now,
      expiry: ends,
      endAt,
      isOver: false,
    };
    this.#sas = [...this.#sas, standing];
    this.#renewAt = ends.softAt;
    const [oldest] = this.#sas;
    if (this.#sas.length <= MAX_IKE_SAS) return;
    oldest!.phase2.sendGoodbye();
    this.#remove(oldest!, now);
  }

  /** What stands is left standing, and renewed later. Where nothing is left, that is the end. */
  #renewalFailed(failure: Failure, now: Millis): Failure | undefined {
    if (this.#current === undefined && this.#children.inboundSpis.length === 0) return failure;
    this.#renewAt = now + this.#context.config.timers.renewalRetry;
    return undefined;
  }

  #remove(standing: Standing, now: Millis): Failure | undefined {
    this.#sas = this.#sas.filter((each) => each !== standing);
    wipePhase1Keys(standing.phase2.sa.parameters.keys);
    return standing.isOver ? undefined : this.#gone(standing, now);
  }

  /** Nothing can be negotiated under an IKE SA any more. Its children live on. */
  #gone(standing: Standing, now: Millis): Failure | undefined {
    const failure = this.#current === undefined ? this.#alone(standing.isOver, now) : undefined;
    return failure ?? this.#obey(standing, standing.phase2.abandon(), now);
  }

  /**
   * No IKE SA stands. Where there are children another one is made, and under it another child at once: nobody knows how much
   * the peer has forgotten. Where the peer leaves nothing else, that is the end, unless a main mode is under way: it only comes late.
   */
  #alone(byPeer: boolean, now: Millis): Failure | undefined {
    if (byPeer && this.#children.inboundSpis.length === 0 && !this.#renewals.isBusy) {
      return { code: 'IKE_CLOSED_BY_PEER' };
    }
    this.#context.trace('no-ike-sa');
    this.#awaitsSa = true;
    const soonest = now + this.#context.config.timers.reestablish;
    this.#renewAt = earliest(this.#renewAt, soonest);
    return undefined;
  }

  #obey(standing: Standing, events: readonly Phase2Event[], now: Millis): Failure | undefined {
    for (const event of events) {
      const failure = this.#obeyOne(standing, event, now);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  #obeyOne(standing: Standing, event: Phase2Event, now: Millis): Failure | undefined {
    switch (event.kind) {
      case 'heard':
        this.#current?.phase2.heard(now);
        return undefined;
      case 'child':
        this.#addChild(event.child, now);
        return undefined;
      case 'confirmed':
        this.#context.emit({ kind: 'child-confirmed', spi: event.spi });
        return undefined;
      case 'abandoned':
        // What stood before it still does.
        this.#context.emit({ kind: 'child-deleted', spi: event.spi, isReplaced: false });
        return undefined;
      case 'failed':
        if (this.#hasVariant(event.refused)) {
          this.startQuickMode(now);
          return undefined;
        }
        return this.#quickModeFailed(this.#context.suspicion ?? event.failure, now);
      case 'child-deleted': {
        const spi = this.#children.remove(event.spi);
        if (this.#wantsChildBack(now)) this.startQuickMode(now);
        if (spi !== undefined) this.#childGone(spi);
        // The one that is the newest now may be due already; but a peer that deletes what it has just made sets no pace.
        const { replaceAt } = this.#children;
        const soonest = now + this.#context.config.timers.reestablish;
        this.#rekeyAt = replaceAt && earliest(this.#rekeyAt, Math.max(replaceAt, soonest));
        return this.#current === undefined ? this.#alone(true, now) : undefined;
      }
      case 'ike-deleted':
        standing.isOver = true;
        standing.endAt = Math.min(standing.endAt, now + this.#context.config.timers.overlap);
        return this.#gone(standing, now);
    }
  }

  /**
   * Whether the peer's Delete of the last child SA means no more than that its time was over: some gateways have lifetimes of their own
   * that they do not tell, and leave it to the client to renew what has ended. One that is at its end deletes the IKE SA with it.
   * As with any renewal, a peer that deletes what it has just made sets no pace.
   */
  #wantsChildBack(now: Millis): boolean {
    const { role, timers } = this.#context.config;
    if (role !== 'initiator' || this.#current === undefined) return false;
    if (this.#children.inboundSpis.length > 0) return false;
    return now >= this.#childSince + timers.reestablish;
  }

  /**
   * Whether there is something else to try after a refusal. Deviation: RFC 3947 §5.2 has the original addresses in every Quick Mode of
   * transport mode; a gateway that does not know the payload (old racoon) is asked again without.
   */
  #hasVariant(refused: Extract<Phase2Event, { kind: 'failed' }>['refused']): boolean {
    if (refused === 'offer') return this.#pfs.next();
    const isAnother = refused === 'payload' && this.#encapsulates && this.#tellsAddresses;
    if (isAnother) this.#tellsAddresses = false;
    return isAnother;
  }

  #addChild(child: ChildEstablished, now: Millis): void {
    this.#hadChild = true;
    this.#childSince = now;
    this.#context.clearSuspicion();
    if (child.initiatedBy === 'us') this.#pfs.succeeded();
    for (const spi of this.#children.add(child, now)) this.#dropChild(spi, 'too-many-children');
    this.#rekeyAt = this.#children.replaceAt;
    this.#context.emit(child);
  }

  /** Also a kilobyte lifetime of the IKE SA ends. */
  #checkVolume(standing: Standing, now: Millis): void {
    const { octets } = standing.phase2.sa;
    if (standing === this.#current && octets >= standing.expiry.softOctets) this.#renewAt = now;
    if (octets >= standing.expiry.hardOctets) standing.endAt = now;
  }

  #dropExpired(now: Millis): void {
    const expired = this.#children.expire(now);
    if (expired.length === 0) return;
    // The one that was to take its place has not come in time; where nobody is at it, it is begun now.
    if (this.#children.inboundSpis.length === 0) this.startQuickMode(now);
    for (const spi of expired) this.#dropChild(spi, 'child-expired');
  }

  /** No SPI can be had: our Quick Mode that waited for one has failed. */
  #noSpi(now: Millis): Failure | undefined {
    if (!this.#awaitsSpi) return undefined;
    this.#awaitsSpi = false;
    const detail = 'the relay granted no SPI for raw ESP';
    const failure = this.#quickModeFailed({ code: 'IKE_QUICK_MODE_FAILED', detail }, now);
    // The peer has done nothing wrong, and may be asked for another IKE SA at once.
    if (failure !== undefined) this.sayGoodbye();
    return failure;
  }

  /** The first Quick Mode's failure is the machine's; a later one leaves standing what stands, and is tried again. */
  #quickModeFailed(failure: Failure, now: Millis): Failure | undefined {
    this.#pfs.failed();
    if (!this.#hadChild) return failure;
    this.#context.clearSuspicion();
    this.#context.emit({ kind: 'rekey-failed', failure, isReplaced: this.#isReplacing });
    this.#rekeyAt = now + this.#context.config.timers.renewalRetry;
    return undefined;
  }

  #dropChild(spi: number, event: string): void {
    this.#context.trace(event);
    this.#current?.phase2.sendDeletes([spi]);
    this.#childGone(spi);
  }

  #childGone(spi: number): void {
    this.#context.emit({ kind: 'child-deleted', spi, isReplaced: this.#isReplacing });
    this.#spis.release(spi);
  }
}
