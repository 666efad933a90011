/** How busy the network is, second by second, for as far back as the charts go. */
import type { Network } from '../../../network/network.ts';

export interface Sample {
  /** Bytes a second, of whole packets. */
  readonly toVisitors: number;
  readonly toHosts: number;
  /** TCP connections that stood. */
  readonly connections: number;
  readonly visitors: number;
}

/** Seconds that are remembered. */
export const HISTORY = 60;

const INTERVAL_MILLIS = 1000;

export class Meter {
  readonly #network: Network;
  readonly #connections: () => number;
  readonly #listeners = new Set<(sample: Sample) => void>();
  readonly #timer: NodeJS.Timeout;
  #samples: Sample[] = [];
  #before: { client: number; host: number; at: number };

  /** Measures until `close`. `connections`: how many there are. */
  constructor(network: Network, connections: () => number) {
    this.#network = network;
    this.#connections = connections;
    this.#before = { ...network.delivered, at: performance.now() };
    this.#timer = setInterval(() => this.#measure(), INTERVAL_MILLIS).unref();
  }

  /** The oldest first, `HISTORY` at most. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Calls back with every sample, until the function it answers is called. */
  listen(callback: (sample: Sample) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    const { client, host } = this.#network.delivered;
    const at = performance.now();
    const seconds = (at - this.#before.at) / 1000;
    const sample: Sample = {
      toVisitors: Math.round((client - this.#before.client) / seconds),
      toHosts: Math.round((host - this.#before.host) / seconds),
      connections: this.#connections(),
      visitors: this.#network.clients,
    };
    this.#before = { client, host, at };
    this.#samples = [...this.#samples, sample].slice(-HISTORY);
    for (const listener of this.#listeners) listener(sample);
  }
}
