import type { EspPorts } from '../../../relay/datagrams.ts';
import type { SocketEvents } from '../../../relay/sockets.ts';
import { type Bytes, toHex } from '../../../shared/wire/bytes.ts';

/** Raw ESP that leads nowhere: what is sent is kept, and what arrives is a test's to say. */
export class FakeEsp implements EspPorts {
  unclaimed = 0;
  strangers = 0;
  readonly sent: string[] = [];
  /** What becomes of a packet that is sent. */
  fate: 'sent' | 'full' | 'failed' = 'sent';
  /** Ports that are open. */
  ports = 0;
  readonly #claims = new Map<number, SocketEvents>();

  /** SPIs that are claimed. */
  get claimed(): number {
    return this.#claims.size;
  }

  open(_local: string, _remote: string, events: SocketEvents) {
    const claims = this.#claims;
    this.ports++;
    const own = (): number[] => [...claims.keys()].filter((spi) => claims.get(spi) === events);
    return {
      get claims() {
        return own().length;
      },
      claim: (spi: number) => {
        if (!claims.has(spi)) claims.set(spi, events);
        return claims.get(spi) === events;
      },
      release: (spi: number) => {
        if (claims.get(spi) === events) claims.delete(spi);
      },
      send: (frame: Uint8Array, start: number, end: number) => {
        this.sent.push(toHex(frame.slice(start, end)));
        if (this.fate === 'failed') events.failed('EMSGSIZE', 1);
        else events[this.fate](1);
      },
      close: () => {
        for (const spi of own()) claims.delete(spi);
        this.ports--;
      },
    };
  }

  flush(): void {}

  /** A packet arrives; `owner` where its SPI does not tell. */
  arrive(bytes: Bytes, owner = new DataView(bytes.buffer).getUint32(0)): void {
    const padded = Uint8Array.of(0x45, 0, ...bytes, 9);
    const events = this.#claims.get(owner);
    if (events === undefined) this.unclaimed++;
    else events.received(padded, 2, 2 + bytes.length);
  }
}
