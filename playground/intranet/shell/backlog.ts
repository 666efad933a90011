/** What a client of SSH was answered and has not taken: the library below keeps it without bound, so it is bounded here. */
import { once } from 'node:events';
import type { TcpDuplex } from '../../network/tcp-duplex.ts';

export class Backlog {
  readonly #duplex: TcpDuplex;
  #bytes = 0;
  /** Bytes that had left when the backlog was counted last. */
  #left: number;

  constructor(duplex: TcpDuplex) {
    this.#duplex = duplex;
    this.#left = duplex.bytesWritten;
  }

  /** Bytes that have not left, by and large. */
  get bytes(): number {
    const { bytesWritten } = this.#duplex;
    this.#bytes = Math.max(0, this.#bytes - (bytesWritten - this.#left));
    this.#left = bytesWritten;
    return this.#bytes;
  }

  /** Counts an answer of about so many bytes. */
  add(bytes: number): void {
    this.#bytes = this.bytes + bytes;
  }

  /** Reads no more from a client as long as it does not take what it was answered. */
  holdBack(): void {
    const duplex = this.#duplex;
    duplex.on('data', () => {
      if (!duplex.writableNeedDrain || duplex.isPaused()) return;
      duplex.pause();
      duplex.once('drain', () => duplex.resume());
    });
  }

  /** Resolves once the connection has room for more, or is closed. */
  async room(): Promise<void> {
    const duplex = this.#duplex;
    if (!duplex.writableNeedDrain || duplex.destroyed) return;
    await Promise.race([once(duplex, 'drain'), once(duplex, 'close')]);
  }

  /** Ends the connection of who does not stop. */
  cut(): void {
    this.#duplex.destroy();
  }
}
