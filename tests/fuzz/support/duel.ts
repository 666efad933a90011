/**
 * Two machines of one protocol and somebody between them who may do anything with their messages: deliver, drop,
 * damage, repeat, send back, invent. What was done is data.
 */
import fc from 'fast-check';
import type { Bytes, Millis } from '../../../shared/wire/bytes.ts';
import type { Machine } from '../../../shared/wire/machine.ts';
import { type Mutation, mutate, mutations, octets } from './mutation.ts';
import { Watched } from './watch.ts';

export type Side = 'client' | 'server';

export type Action =
  | { readonly act: 'deliver'; readonly count: number }
  | { readonly act: 'drop'; readonly count: number }
  /** A message that was sent by now, perhaps damaged, to whom it was for or back to whom it is from. */
  | {
      readonly act: 'again';
      readonly message: number;
      readonly changes: readonly Mutation[];
      readonly back: boolean;
    }
  | { readonly act: 'invent'; readonly to: Side; readonly bytes: Uint8Array }
  | { readonly act: 'pass'; readonly millis: Millis }
  /** One of the inputs that the machine's owner may give. */
  | { readonly act: 'command'; readonly to: Side; readonly index: number };

const side: fc.Arbitrary<Side> = fc.constantFrom('client', 'server');

const deliver = fc.record({
  act: fc.constant('deliver' as const),
  count: fc.integer({ min: 1, max: 6 }),
});
const again = fc.record({
  act: fc.constant('again' as const),
  message: fc.nat({ max: 40 }),
  changes: mutations,
  back: fc.nat({ max: 9 }).map((chance) => chance === 0),
});
const invent = fc.record({ act: fc.constant('invent' as const), to: side, bytes: octets(120) });
const pass = fc.record({
  act: fc.constant('pass' as const),
  millis: fc.constantFrom(1, 500, 3_000, 20_000, 120_000),
});

/**
 * What somebody adds who cannot keep honest messages from arriving. Sent back, messages are left as they are: what
 * has the right cookies and another content is a forgery, and before there are keys the first that arrives counts.
 */
export const injections: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: again.map((each) => (each.back ? { ...each, changes: [] } : each)),
  },
  { weight: 1, arbitrary: invent },
);

export const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: deliver },
  { weight: 8, arbitrary: again },
  { weight: 2, arbitrary: invent },
  { weight: 2, arbitrary: pass },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('drop' as const), count: fc.constant(1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('command' as const),
      to: side,
      index: fc.nat({ max: 7 }),
    }),
  },
);

interface Message<Input> {
  readonly to: Side;
  readonly input: Input & { readonly bytes: Bytes };
}

interface Rules<Input, Output> {
  /** What an output that is sent means as the other side's input; `undefined` for other outputs. */
  readonly message: (output: Output) => (Input & { readonly bytes: Bytes }) | undefined;
  /** Bytes of nobody, as an input. */
  readonly invented: (bytes: Bytes) => Input;
  readonly timeout: Input;
  readonly commands: readonly Input[];
  readonly secrets?: readonly string[];
}

export class Duel<
  Input extends { readonly kind: string },
  Output extends { readonly kind: string },
> {
  readonly outputs: Record<Side, Output[]> = { client: [], server: [] };
  /** Sides that were told to close. */
  readonly wished = new Set<Side>();
  readonly #sides: Readonly<Record<Side, Watched<Input, Output>>>;
  readonly #rules: Rules<Input, Output>;
  readonly #sent: Message<Input>[] = [];
  #delivered = 0;
  now: Millis = 1_000;

  constructor(
    client: Machine<Input, Output>,
    server: Machine<Input, Output>,
    rules: Rules<Input, Output>,
  ) {
    const watch = (machine: Machine<Input, Output>) =>
      new Watched(machine, this.now, { secrets: rules.secrets ?? [] });
    this.#sides = { client: watch(client), server: watch(server) };
    this.#rules = rules;
  }

  give(to: Side, input: Input): void {
    this.#take(to, this.#sides[to].handle(input));
  }

  /** Hands over the oldest messages that were not yet. */
  deliver(count: number): void {
    for (let i = 0; i < count && this.#delivered < this.#sent.length; i++) {
      const { to, input } = this.#sent[this.#delivered++]!;
      this.give(to, input);
    }
  }

  pass(millis: Millis): void {
    this.now += millis;
    for (const side of ['client', 'server'] as const) {
      this.#sides[side].pass(this.now, this.#rules.timeout, (outputs) => this.#take(side, outputs));
    }
  }

  do(action: Action): void {
    switch (action.act) {
      case 'deliver':
        return this.deliver(action.count);
      case 'drop':
        this.#delivered = Math.min(this.#sent.length, this.#delivered + action.count);
        return;
      case 'again': {
        const message = this.#sent[action.message % Math.max(1, this.#sent.length)];
        if (message === undefined) return;
        const bytes = mutate(message.input.bytes, action.changes);
        return this.give(action.back ? other(message.to) : message.to, { ...message.input, bytes });
      }
      case 'invent':
        return this.give(action.to, this.#rules.invented(new Uint8Array(action.bytes)));
      case 'pass':
        return this.pass(action.millis);
      case 'command': {
        const { commands } = this.#rules;
        const command = commands[action.index % commands.length]!;
        if (command.kind === 'close') this.wished.add(action.to);
        return this.give(action.to, command);
      }
    }
  }

  /** Like `do` for somebody who is late: of the messages, only those are known that were delivered. */
  doLate(action: Action): void {
    if (action.act === 'again') {
      if (this.#delivered === 0) return;
      this.do({ ...action, message: action.message % this.#delivered });
    } else this.do(action);
  }

  /** Delivers everything, and lets time pass in steps, until `done`. Answers whether it came to that. */
  settle(done: () => boolean, limit: Millis): boolean {
    for (const end = this.now + limit; this.now < end && !done(); this.pass(250)) {
      this.deliver(Number.POSITIVE_INFINITY);
    }
    return done();
  }

  get waiting(): boolean {
    return this.#delivered < this.#sent.length;
  }

  closed(side: Side): number {
    return this.#sides[side].closed;
  }

  has(side: Side, kind: Output['kind']): boolean {
    return this.outputs[side].some((output) => output.kind === kind);
  }

  #take(side: Side, outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.kind !== 'trace') this.outputs[side].push(output);
      const input = this.#rules.message(output);
      if (input !== undefined) this.#sent.push({ to: other(side), input });
    }
  }
}

function other(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}
