/** The relay's list of gateways: `GET /culvert/gateways`. What it answers is untrusted. */
import { type Failure, plainText } from '../../shared/errors.ts';

/** Longest wait for the list, in milliseconds. */
const GATEWAYS_TIMEOUT = 10_000;

/** Most gateways shown: as many as a relay’s configuration may name. */
export const GATEWAYS_LIMIT = 1000;

export interface Gateway {
  readonly id: string;
  readonly name: string;
  /** Whether it gives an account to everybody (`playground.ts`). */
  readonly playground?: true;
}

export type GatewayList =
  | { readonly kind: 'loading' }
  | { readonly kind: 'loaded'; readonly gateways: readonly Gateway[] }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Asks the relay at `origin` for its gateways; never rejects. */
export async function loadGateways(origin: string): Promise<GatewayList> {
  try {
    const response = await fetch(new URL('/culvert/gateways', origin), {
      cache: 'no-store',
      signal: AbortSignal.timeout(GATEWAYS_TIMEOUT),
    });
    if (!response.ok) return unreachable(`The relay answered with status ${response.status}.`);
    const gateways = decodeGateways(await response.json());
    if (gateways === undefined) return unreachable('The answer is not a list of gateways.');
    return { kind: 'loaded', gateways };
  } catch (error) {
    return unreachable(error instanceof Error ? error.message : 'The request failed.');
  }
}

/** The gateways in the relay's answer, or `undefined` when it has another shape. */
export function decodeGateways(answer: unknown): readonly Gateway[] | undefined {
  if (!isRecord(answer) || !Array.isArray(answer.gateways)) return undefined;
  const gateways: Gateway[] = [];
  for (const entry of answer.gateways.slice(0, GATEWAYS_LIMIT) as unknown[]) {
    if (!isRecord(entry)) return undefined;
    const { id, name, playground } = entry;
    if (typeof id !== 'string' || id === '' || typeof name !== 'string') return undefined;
    const shown = plainText(name) || plainText(id);
    gateways.push({ id, name: shown, ...(playground === true && { playground }) });
  }
  return gateways;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function unreachable(detail: string): GatewayList {
  return { kind: 'failed', failure: { code: 'RELAY_UNREACHABLE', detail: plainText(detail) } };
}
