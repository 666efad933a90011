/** What the parts of the IKE machine share: settings, the outputs of the call in progress, and the suspicion held. */
import type { Failure } from '../errors.ts';
import { fragmentMessage } from '../isakmp/fragment.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import type { SettledConfig } from './config.ts';
import type { IkeChannel, IkeOutput } from './io.ts';

/** IPv4 header, UDP header and non-ESP marker around a message. */
const OUTER_HEADERS = 20 + 8 + 4;

/** A sign of failure that nobody authenticated: it names the cause if nothing better comes. */
interface Suspicion {
  readonly failure: Failure;
  readonly since: Millis;
}

/** What a context has in common with those beside it. */
interface Shared {
  outputs: IkeOutput[];
  /** Whether the peer puts fragments together. */
  fragments: boolean;
  /** UDP ports inside ESP, after either has moved. */
  readonly innerPorts: Record<'ours' | 'peer', number>;
}

export class IkeContext {
  readonly config: SettledConfig;
  readonly #shared: Shared;
  #suspicion: Suspicion | undefined;

  constructor(config: SettledConfig, shared?: Shared) {
    this.config = config;
    this.#shared = shared ?? {
      outputs: [],
      fragments: false,
      innerPorts: { ours: config.innerLocalPort, peer: config.innerRemotePort },
    };
  }

  /** A context for an exchange beside this one's: with the same outputs, and suspicions of its own. */
  beside(): IkeContext {
    return new IkeContext(this.config, this.#shared);
  }

  emit(output: IkeOutput): void {
    this.#shared.outputs.push(output);
  }

  /** Sends a message, in fragments where it is too large for one packet and the peer understands them. */
  transmit(channel: IkeChannel, bytes: Bytes): void {
    const size = this.config.fragmentSize - OUTER_HEADERS;
    const whole = bytes.length <= size || !this.#shared.fragments;
    for (const each of whole ? [bytes] : fragmentMessage(bytes, size)) {
      this.emit({ kind: 'transmit', channel, bytes: each });
    }
  }

  /** The peer announced that it puts fragments together. */
  takesFragments(): void {
    this.#shared.fragments = true;
  }

  /** For which UDP ports child SAs are. */
  get innerPorts(): Shared['innerPorts'] {
    return this.#shared.innerPorts;
  }

  trace(event: string, detail?: string): void {
    this.emit({ kind: 'trace', layer: 'ike', event, ...(detail === undefined ? {} : { detail }) });
  }

  /** The outputs so far, leaving none. */
  drain(): readonly IkeOutput[] {
    const { outputs } = this.#shared;
    this.#shared.outputs = [];
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
