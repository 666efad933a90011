/** What the parts of the IKE machine share: settings, the outputs of the call in progress, and the suspicion held. */
import type { Failure } from '../errors.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import type { SettledConfig } from './config.ts';
import type { IkeChannel, IkeOutput } from './io.ts';

/** A sign of failure that nobody authenticated: it names the cause if nothing better comes. */
interface Suspicion {
  readonly failure: Failure;
  readonly since: Millis;
}

export class IkeContext {
  readonly config: SettledConfig;
  #outputs: IkeOutput[] = [];
  #suspicion: Suspicion | undefined;

  constructor(config: SettledConfig) {
    this.config = config;
  }

  emit(output: IkeOutput): void {
    this.#outputs.push(output);
  }

  transmit(channel: IkeChannel, bytes: Bytes): void {
    this.emit({ kind: 'transmit', channel, bytes });
  }

  trace(event: string, detail?: string): void {
    this.emit({ kind: 'trace', layer: 'ike', event, ...(detail === undefined ? {} : { detail }) });
  }

  /** The outputs so far, leaving none. */
  drain(): readonly IkeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** The first suspicion stays, since later ones tend to be its echoes; only unreachability gives way. */
  suspect(failure: Failure, now: Millis): void {
    this.trace('suspicion', failure.detail ?? failure.code);
    if (this.#suspicion === undefined || this.#suspicion.failure.code === 'IKE_UNREACHABLE') {
      this.#suspicion = { failure, since: now };
    }
  }

  /** The exchange moved on: whatever was suspected is wrong. */
  clearSuspicion(): void {
    this.#suspicion = undefined;
  }

  /** Something came from the peer's address, authentic or not: it is at least reachable. */
  clearUnreachable(): void {
    if (this.#suspicion?.failure.code === 'IKE_UNREACHABLE') this.#suspicion = undefined;
  }

  get suspicion(): Failure | undefined {
    return this.#suspicion?.failure;
  }

  /** When the suspicion becomes the outcome. */
  get suspicionDeadline(): Millis | undefined {
    const { suspicion } = this.config.timers;
    return this.#suspicion === undefined ? undefined : this.#suspicion.since + suspicion;
  }
}
