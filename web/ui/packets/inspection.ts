/**
 * The packet inspector's model: whether packets are recorded, which of them are on the screen, which is taken apart. It asks the
 * worker while the panel is open, at most four times a second, and for nothing otherwise.
 */
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type {
  PacketDetails,
  PacketPage,
  PacketProtocol,
  PacketQuery,
  RecordingState,
} from '../../../shared/inspect/view.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import type { InspectorApi } from '../../worker/api.ts';

/** The worker's inspector as it is seen across the port: everything answers later. */
export type RemoteInspector = {
  readonly [K in keyof InspectorApi]: (
    ...args: Parameters<InspectorApi[K]>
  ) => Promise<ReturnType<InspectorApi[K]>>;
};

export interface InspectionParts {
  readonly inspector: RemoteInspector;
  /** Whether nobody can see the page. */
  readonly hidden: () => boolean;
}

export const POLL_MILLIS = 250;

/** Lines on the screen; older ones are a page away. */
export const PAGE_SIZE = 100;

export type Selected =
  | { readonly kind: 'none' }
  | { readonly kind: 'loading' | 'gone'; readonly id: number }
  | { readonly kind: 'loaded'; readonly id: number; readonly details: PacketDetails };

export interface Filter {
  readonly protocol: PacketProtocol | undefined;
  readonly text: string;
}

export class Inspection {
  readonly #parts: InspectionParts;
  readonly #open = signal(false);
  readonly #kept = signal(false);
  readonly #paused = signal(false);
  readonly #filter = signal<Filter>({ protocol: undefined, text: '' });
  readonly #page = signal<PacketPage>({ rows: [], older: false });
  readonly #state = signal<RecordingState | undefined>(undefined);
  readonly #selected = signal<Selected>({ kind: 'none' });
  /** Ids in front of which earlier pages end; empty while the newest packets are shown. */
  readonly #before = signal<readonly number[]>([]);
  readonly #fault = signal<string | undefined>(undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The version that the page on the screen is of. */
  #seen: number | undefined;
  /** The packet whose details are to come. */
  #wanted: number | undefined;
  /** Which question an answer has to belong to. */
  #question = 0;

  constructor(parts: InspectionParts) {
    this.#parts = parts;
  }

  get open(): ReadonlySignal<boolean> {
    return this.#open;
  }

  /** Whether recording goes on while the panel is closed. */
  get kept(): ReadonlySignal<boolean> {
    return this.#kept;
  }

  get paused(): ReadonlySignal<boolean> {
    return this.#paused;
  }

  get filter(): ReadonlySignal<Filter> {
    return this.#filter;
  }

  get page(): ReadonlySignal<PacketPage> {
    return this.#page;
  }

  get state(): ReadonlySignal<RecordingState | undefined> {
    return this.#state;
  }

  get selected(): ReadonlySignal<Selected> {
    return this.#selected;
  }

  /** What broke, should the worker not answer. */
  get fault(): ReadonlySignal<string | undefined> {
    return this.#fault;
  }

  /** Whether the newest packets are shown as they pass. */
  get isLive(): boolean {
    return !this.#paused.value && this.#before.value.length === 0;
  }

  get hasNewer(): boolean {
    return this.#before.value.length > 0;
  }

  show(open: boolean): void {
    this.#open.value = open;
    this.#fault.value = undefined;
    this.#record();
    if (open) this.#ask();
    else clearTimeout(this.#timer);
  }

  keep(kept: boolean): void {
    this.#kept.value = kept;
    this.#record();
  }

  /** The list stands still; recording goes on. */
  pause(paused: boolean): void {
    this.#paused.value = paused;
    this.#ask();
  }

  narrow(filter: Partial<Filter>): void {
    this.#filter.value = { ...this.#filter.value, ...filter };
    this.#before.value = [];
    this.#ask();
  }

  older(): void {
    const [first] = this.#page.value.rows;
    if (first === undefined) return;
    this.#before.value = [...this.#before.value, first.id];
    this.#ask();
  }

  newer(): void {
    this.#before.value = this.#before.value.slice(0, -1);
    this.#ask();
  }

  clear(): void {
    batch(() => {
      this.#selected.value = { kind: 'none' };
      this.#before.value = [];
    });
    this.#guard(async () => {
      await this.#parts.inspector.clear();
      this.#ask();
    });
  }

  select(id: number): void {
    const before = this.#selected.value;
    if (before.kind !== 'none' && before.id === id) return;
    // What was shown stays until the answer is there, so that nothing flickers.
    if (before.kind !== 'loaded') this.#selected.value = { kind: 'loading', id };
    this.#wanted = id;
    this.#guard(async () => {
      const details = await this.#parts.inspector.details(id);
      if (this.#wanted !== id) return;
      this.#selected.value = details ? { kind: 'loaded', id, details } : { kind: 'gone', id };
    });
  }

  /** The capture file; `undefined` when the worker fails. */
  async capture(): Promise<Bytes | undefined> {
    return await this.#guard(() => this.#parts.inspector.capture());
  }

  async keyTables(): Promise<string | undefined> {
    return await this.#guard(() => this.#parts.inspector.keyTables());
  }

  #record(): void {
    const on = this.#open.value || this.#kept.value;
    this.#guard(() => this.#parts.inspector.record(on));
  }

  /** Asks anew, whatever was seen before. */
  #ask(): void {
    this.#seen = undefined;
    this.#question++;
    clearTimeout(this.#timer);
    void this.#look(this.#question);
  }

  async #look(question: number): Promise<void> {
    if (!this.#open.value || question !== this.#question) return;
    if (!this.#parts.hidden()) {
      const view = await this.#guard(() => this.#parts.inspector.look(this.#query, this.#seen));
      if (question !== this.#question) return;
      if (view !== undefined) {
        batch(() => {
          this.#state.value = view.state;
          this.#page.value = view.page;
        });
        // A page that is not full may become so: the worker does not look through everything at once.
        const isWhole = view.page.rows.length === PAGE_SIZE || !view.page.older;
        this.#seen = isWhole ? view.state.version : undefined;
        if (!isWhole && !this.isLive) return this.#again(question);
      }
    }
    if (this.isLive) this.#again(question);
  }

  #again(question: number): void {
    this.#timer = setTimeout(() => void this.#look(question), POLL_MILLIS);
  }

  get #query(): PacketQuery {
    const { protocol, text } = this.#filter.value;
    const before = this.#before.value.at(-1);
    return {
      text,
      limit: PAGE_SIZE,
      ...(protocol && { protocol }),
      ...(before !== undefined && { before }),
    };
  }

  async #guard<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#fault.value = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }
}
