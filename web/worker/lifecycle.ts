/** The two promises of a socket: that it was opened, and that it is closed. */
export class Lifecycle<Info> {
  readonly opened: Promise<Info>;
  readonly closed: Promise<void>;
  open!: (info: Info) => void;
  close!: () => void;
  #failOpened!: (reason: unknown) => void;
  #failClosed!: (reason: unknown) => void;

  constructor() {
    this.opened = new Promise((resolve, reject) => {
      this.open = resolve;
      this.#failOpened = reject;
    });
    this.closed = new Promise((resolve, reject) => {
      this.close = resolve;
      this.#failClosed = reject;
    });
    // A caller may look at one of the two only: the other must not count as unhandled.
    this.opened.catch(() => undefined);
    this.closed.catch(() => undefined);
  }

  /** Fails what has not settled yet. */
  fail(reason: unknown): void {
    this.#failOpened(reason);
    this.#failClosed(reason);
  }
}
