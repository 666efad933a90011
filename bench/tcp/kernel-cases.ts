/** The links on which our TCP and the kernel's are compared. */
import type { Algorithm } from '../../shared/ip/tcp/congestion/control.ts';
import type { Conditions } from './trial.ts';

export interface KernelCase {
  /** What is in the names of its rows: the link and the sender's congestion control. */
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly conditions: Conditions;
  /** Contestants at once: all seeds together where a flow is small. */
  readonly allSeedsAtOnce: boolean;
  readonly downloads: boolean;
  readonly queue: boolean;
}

const ALGORITHMS: readonly Algorithm[] = ['cubic', 'bbr'];

export const KERNEL_CASES: readonly KernelCase[] = ALGORITHMS.flatMap((algorithm) => {
  const usual = { algorithm, allSeedsAtOnce: false, downloads: true, queue: false };
  const small = { ...usual, allSeedsAtOnce: algorithm === 'cubic' };
  const name = (link: string): string => `${link}, ${algorithm.toUpperCase()}`;
  return [
    { ...usual, name: name('200 Mbit/s, no loss'), conditions: link(200, 50) },
    { ...small, name: name('100 Mbit/s, 0.1 % loss'), conditions: link(100, 50, 0.001) },
    { ...small, name: name('100 Mbit/s, 1 % loss'), conditions: link(100, 50, 0.01) },
    {
      ...usual,
      name: name('50 Mbit/s, 100 ms of buffer'),
      conditions: link(50, 100),
      downloads: false,
      queue: true,
    },
  ];
});

/** A link of `megabits` in front of which packets wait for up to `wait` ms. */
function link(megabits: number, wait: number, loss = 0): Conditions {
  return { rate: 125 * megabits, buffer: 125 * megabits * wait, loss };
}
