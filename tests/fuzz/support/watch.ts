/** What must hold for every machine, whatever arrives: a wrapper that looks at each call. */

import type { Millis } from '../../../shared/wire/bytes.ts';
import type { Machine } from '../../../shared/wire/machine.ts';

/** Outputs of one input at most, where nothing else is said. */
const MOST_OUTPUTS = 64;

/** Time-outs in a row, without a moment passing, after which a machine must have come to rest. */
const MOST_TIMEOUTS = 8;

interface WatchOptions {
  readonly outputs?: number;
  /** Texts that must occur in no trace and in no failure. */
  readonly secrets?: readonly string[];
}

export class Watched<
  Input extends { readonly kind: string },
  Output extends { readonly kind: string },
> {
  readonly machine: Machine<Input, Output>;
  readonly #most: number;
  readonly #secrets: readonly string[];
  closed = 0;
  now: Millis;

  constructor(machine: Machine<Input, Output>, now: Millis, options: WatchOptions = {}) {
    this.machine = machine;
    this.now = now;
    this.#most = options.outputs ?? MOST_OUTPUTS;
    this.#secrets = options.secrets ?? [];
  }

  handle(input: Input): readonly Output[] {
    const outputs = this.machine.handle(input, this.now);
    if (outputs.length > this.#most) throw new Error(`${outputs.length} outputs of one input`);
    for (const output of outputs) this.#look(output);
    return outputs;
  }

  /** Lets time pass up to `until` or, for one that is at rest, to no avail. */
  pass(until: Millis, timeout: Input, take: (outputs: readonly Output[]) => void): void {
    let repeated = 0;
    for (;;) {
      const { deadline } = this.machine;
      if (deadline !== undefined && Number.isNaN(deadline)) throw new Error('deadline: NaN');
      if (deadline === undefined || deadline > until) break;
      repeated = deadline > this.now ? 0 : repeated + 1;
      if (repeated > MOST_TIMEOUTS) throw new Error(`due for ever at ${this.now}`);
      this.now = Math.max(this.now, deadline);
      take(this.handle(timeout));
    }
    this.now = Math.max(this.now, until);
  }

  #look(output: Output): void {
    if (this.closed > 0 && output.kind !== 'transmit' && output.kind !== 'trace') {
      throw new Error(`${output.kind} after closed`);
    }
    if (output.kind === 'closed') {
      this.closed++;
      if (this.machine.deadline !== undefined) throw new Error('a deadline after closed');
    }
    if (output.kind !== 'trace' && output.kind !== 'closed') return;
    const text = JSON.stringify(output);
    for (const secret of this.#secrets) {
      if (text.includes(secret)) throw new Error(`a secret in ${text}`);
    }
  }
}
