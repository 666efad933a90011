/** What the program in the kernel's namespace is told and answers: JSON, one object a line. */
import type { Outcome, Work } from '../../support/net/work.ts';

export type Order =
  /** Every connection to `port` does `work`. */
  | { readonly id: number; readonly kind: 'listen'; readonly port: number; readonly work: Work }
  | {
      readonly id: number;
      readonly kind: 'connect';
      readonly address: string;
      readonly port: number;
      readonly work: Work;
    };

export type Report =
  | { readonly id: number; readonly kind: 'listening' }
  | { readonly id: number; readonly kind: 'over'; readonly outcome: Outcome };
