/** What a relay counts: datagrams by fate, never their contents. */

export interface Counters {
  /** Datagrams sent to the gateway. */
  toGateway: number;
  /** Datagrams handed to the tab. */
  toTab: number;
  /** Dropped by the shape filter, per direction. */
  badShapeFromTab: number;
  badShapeFromGateway: number;
  /** Came from an address that is not the gateway's. */
  foreign: number;
  /** Dropped because the tab does not read fast enough, IKE apart. */
  queueToTab: number;
  queueToTabIke: number;
  /** Dropped because the system does not send fast enough. */
  queueToGateway: number;
  /** Refused by the system, most often for their size. */
  sendFailed: number;
  /** ICMP errors that came back. */
  unreachable: number;
}

export function newCounters(): Counters {
  return {
    toGateway: 0,
    toTab: 0,
    badShapeFromTab: 0,
    badShapeFromGateway: 0,
    foreign: 0,
    queueToTab: 0,
    queueToTabIke: 0,
    queueToGateway: 0,
    sendFailed: 0,
    unreachable: 0,
  };
}

/** Adds every count of `more` to `total`. */
export function addCounters(total: Counters, more: Readonly<Counters>): void {
  for (const name of Object.keys(total) as (keyof Counters)[]) total[name] += more[name];
}

/** The counts of datagrams that went no further, added up. */
export function dropped(counters: Readonly<Counters>): number {
  const { toGateway: _sent, toTab: _handed, unreachable: _told, ...drops } = counters;
  return Object.values(drops).reduce((sum, count) => sum + count, 0);
}
