/** The routers on the way to a host: echo requests that may pass one more router each time. */
import type { Failure } from '../../shared/errors.ts';

/** The answer to one echo request. */
export interface Probe {
  /** Of the router, or of the host. */
  readonly address: string;
  readonly roundTripMillis: number;
}

/** What became of one echo request: it went too far, arrived, or somebody on the way said why it cannot. */
export type ProbeResult =
  | { readonly kind: 'passed' | 'arrived'; readonly probe: Probe }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly probe: Probe | undefined };

export interface Hop {
  /** Routers that the requests could pass, and one more. */
  readonly ttl: number;
  /** `undefined` where nothing came back in time. */
  readonly probes: readonly (Probe | undefined)[];
  /** Nothing follows: the host answered, or a router said that it cannot be reached. */
  readonly isLast: boolean;
  readonly failure?: Failure;
}

export interface TracerouteOptions {
  readonly maxHops?: number;
  /** Echo requests for each. */
  readonly probes?: number;
}

const MAX_HOPS = 30;
const PROBES = 3;

/** One hop after the other until the host answers; `send` never rejects. */
export async function* trace(
  send: (ttl: number) => Promise<ProbeResult>,
  options: TracerouteOptions = {},
): AsyncGenerator<Hop, void, void> {
  const { maxHops = MAX_HOPS, probes: count = PROBES } = options;
  for (let ttl = 1; ttl <= maxHops; ttl++) {
    const results = await Promise.all(Array.from({ length: count }, () => send(ttl)));
    const probes = results.map(({ probe }) => probe);
    const arrived = results.some(({ kind }) => kind === 'arrived');
    // A failure that nobody on the way told of is mere silence, which the next router may break.
    const told = results.find((each) => each.kind === 'failed' && each.probe !== undefined);
    const failure = told?.kind === 'failed' && !arrived ? told.failure : undefined;
    const isLast = arrived || failure !== undefined;
    yield { ttl, probes, isLast, ...(failure !== undefined && { failure }) };
    if (isLast) return;
  }
}
