/** What a relay counts: datagrams by fate, refusals by code; never contents, never who. */
import type { RefusalCode, UpgradeRefusalCode } from '../shared/relay/close-codes.ts';

export interface Counters {
  /** Datagrams sent to the gateway. */
  toGateway: number;
  /** Datagrams handed to the tab. */
  toTab: number;
  /** Dropped by the shape filter, per direction. */
  badShapeFromTab: number;
  badShapeFromGateway: number;
  /** Came from an address that is not the gateway's; raw ESP, from one that is no session's gateway. */
  foreign: number;
  /** Raw ESP with an SPI that no session has claimed, or of a session that has claimed none. */
  unclaimed: number;
  /** Dropped because the tab sends more than the session may. */
  overRate: number;
  overRateIke: number;
  /** Dropped because the tab does not read fast enough. */
  queueToTab: number;
  queueToTabIke: number;
  /** Dropped because the system does not send fast enough. */
  queueToGateway: number;
  /** Refused by the system, most often for their size. */
  sendFailed: number;
  /** ICMP errors that came back. */
  unreachable: number;
  /** Pings that got no answer of their own. */
  pings: number;
}

export function newCounters(): Counters {
  return {
    toGateway: 0,
    toTab: 0,
    badShapeFromTab: 0,
    badShapeFromGateway: 0,
    foreign: 0,
    unclaimed: 0,
    overRate: 0,
    overRateIke: 0,
    queueToTab: 0,
    queueToTabIke: 0,
    queueToGateway: 0,
    sendFailed: 0,
    unreachable: 0,
    pings: 0,
  };
}

/** Adds every count of `more` to `total`. */
export function addCounters(total: Counters, more: Readonly<Counters>): void {
  for (const name of Object.keys(total) as (keyof Counters)[]) total[name] += more[name];
}

/** The counts of datagrams that went no further, added up. */
export function dropped(counters: Readonly<Counters>): number {
  const {
    toGateway: _sent,
    toTab: _handed,
    unreachable: _told,
    pings: _pings,
    ...drops
  } = counters;
  return Object.values(drops).reduce((sum, count) => sum + count, 0);
}

/** Refusals so far; a code that never occurred is not there. */
export type RefusalCounts = { [code in RefusalCode | UpgradeRefusalCode]?: number };

/** What an operator may know about a relay: totals since its start. */
export interface RelayReport {
  /** Sessions at present, opened or not yet. */
  readonly sessions: number;
  /** Sessions that got a gateway, ever. */
  readonly opened: number;
  /** Connections at present, those of the sessions among them. */
  readonly connections: number;
  /** Connections closed at once because there were too many. */
  readonly connectionsRefused: number;
  readonly refused: Readonly<RefusalCounts>;
  readonly datagrams: Readonly<Counters>;
  /** Lines that the log left out because there were too many. */
  readonly logLinesLeftOut: number;
}
