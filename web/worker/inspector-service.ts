/** The packet inspector as the page sees it: it follows whichever tunnel there is. */
import { transfer } from 'comlink';
import { Inspector } from '../../shared/inspect/inspector.ts';
import type { PacketDetails, PacketQuery } from '../../shared/inspect/view.ts';
import type { Tap } from '../../shared/vpn/tap.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import type { InspectorApi, PacketView } from './api.ts';

export class InspectorService implements InspectorApi {
  readonly #inspector: Inspector;
  #tunnel: ((tap: Tap | undefined) => void) | undefined;

  /** `now` is the time as `Date` counts, with fractions. */
  constructor(now: () => number = () => performance.timeOrigin + performance.now()) {
    this.#inspector = new Inspector(now);
  }

  /** There is a tunnel, which is told where to show its packets. */
  attach(tunnel: (tap: Tap | undefined) => void): void {
    this.#tunnel = tunnel;
    tunnel(this.#inspector.tap);
  }

  /** The tunnel is over. */
  detach(): void {
    this.#tunnel = undefined;
  }

  record(on: boolean): void {
    const before = this.#inspector.tap;
    this.#inspector.record(on);
    const { tap } = this.#inspector;
    if (tap !== before) this.#tunnel?.(tap);
  }

  clear(): void {
    this.#inspector.clear();
  }

  look(query: PacketQuery, seen?: number): PacketView | undefined {
    if (this.#inspector.state.version === seen) return undefined;
    return { state: this.#inspector.state, page: this.#inspector.page(query) };
  }

  details(id: number): PacketDetails | undefined {
    return this.#inspector.details(id);
  }

  capture(): Bytes {
    const file = this.#inspector.capture();
    return transfer(file, [file.buffer]);
  }

  keyTables(): string {
    return this.#inspector.keyTables();
  }
}
