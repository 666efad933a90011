/** Rows of figures: how one is made of a race, and the file that keeps the latest of each. */
import type { Laps } from './race.ts';
import { median, spread } from './statistics.ts';

export interface RowHead {
  readonly bench: string;
  readonly case: string;
  /** `Node`, `Chromium`. */
  readonly where: string;
  readonly unit: Unit;
}

export interface Row extends RowHead {
  /** Median of our laps. */
  readonly ours: number;
  /** Medians of the others' laps. */
  readonly peers: Readonly<Record<string, number>>;
  /** How many times better than each peer: above 1 is better whatever the unit. None beside a figure of 0. */
  readonly ratios: Readonly<Record<string, number>>;
  /** The widest interquartile range among the row's contestants, over its median. */
  readonly spread: number;
}

/** Units, and whether more of it is better. */
const MORE_IS_BETTER = {
  'thousand packets/CPU second': true,
  'thousand packets/second': true,
  'Mbit/s': true,
  'share of the fastest': true,
  'µs CPU/packet': false,
  'ms CPU/MB': false,
  ms: false,
  stalls: false,
  'KB/connection': false,
} as const;
export type Unit = keyof typeof MORE_IS_BETTER;

export function isMoreBetter(unit: Unit): boolean {
  return MORE_IS_BETTER[unit];
}

/** A ratio is the median of the rounds' ratios: what disturbed a whole round cancels out. */
export function rowOf(head: RowHead, ours: readonly number[], peers: Laps): Row {
  const more = isMoreBetter(head.unit);
  const ratio = (theirs: readonly number[]): number =>
    median(theirs.map((figure, round) => (more ? ours[round]! / figure : figure / ours[round]!)));
  const each = (of: (laps: readonly number[]) => number): Record<string, number> =>
    Object.fromEntries(
      Object.entries(peers)
        .map(([name, laps]) => [name, significant(of(laps))] as const)
        .filter(([, figure]) => Number.isFinite(figure)),
    );
  return {
    ...head,
    ours: significant(median(ours)),
    peers: each(median),
    ratios: each(ratio),
    spread: significant(Math.max(...[ours, ...Object.values(peers)].map(spread))),
  };
}

/** The earlier rows, with those that were measured again in the place of their predecessors. */
export function merged(earlier: readonly Row[], fresh: readonly Row[]): Row[] {
  const rows = new Map([...earlier, ...fresh].map((row) => [keyOf(row), row]));
  return [...rows.values()];
}

function keyOf({ bench, case: name, where }: Row): string {
  return JSON.stringify([bench, name, where]);
}

/** Four digits: more than any of the figures is worth. */
function significant(figure: number): number {
  return Number(figure.toPrecision(4));
}
