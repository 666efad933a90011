/**
 * From which UDP ports the other side's L2TP is taken, and where ours goes. The ports are those for which SAs were negotiated; the
 * other side may move to another of them until the tunnel stands, and no more after that. RFC 3193 §3.3 and §4.2.
 */

/** Most ports that one tunnel's SAs may have named before it stands. */
const MAX_PORTS = 8;

export class PeerPort {
  readonly #registered: number;
  readonly #negotiated = new Set<number>();
  /** Whether an SA was negotiated for every port. */
  #any = false;
  #settled = false;
  #current: number;

  /** `registered` is where a tunnel begins. Without it the port is the other side's to choose: a client's. */
  constructor(registered?: number) {
    this.#registered = registered ?? 0;
    this.#current = this.#registered;
  }

  /** Where L2TP goes. */
  get current(): number {
    return this.#current;
  }

  /** An SA stands whose selectors name this port of the other side's; 0 names all. @rfc 3193 §4.2.1 */
  negotiated(port: number): void {
    if (port === 0) this.#any = true;
    else if (this.#negotiated.size < MAX_PORTS) this.#negotiated.add(port);
  }

  /**
   * Whether a datagram from this port, not 0, is the other side's; it may move by it.
   * @rfc 3193 §3.3
   * @rfc 3193 §4.2.4
   */
  accepts(port: number): boolean {
    if (port === this.#current) return true;
    if (this.#settled || !(this.#any || this.#negotiated.has(port))) return false;
    // What it sent before it moved may come late, and is no way back.
    if (port !== this.#registered) this.#current = port;
    return true;
  }

  /** A tunnel begins. */
  begin(): void {
    this.#settled = false;
    this.#current = this.#registered;
  }

  /** The tunnel stands: whoever speaks for it does so from where it was set up. */
  settle(): void {
    this.#settled = true;
  }
}
