/**
 * Where the portal's relay is: `culvert.json` beside the page, `{ "relay": "https://relay.example" }`. Without
 * the file or the key it is where the page comes from. Whoever can write the file can change the page itself.
 */

/** Longest wait for the file, in milliseconds. */
const LOCATION_TIMEOUT = 10_000;

/** The file is there and cannot be used. */
export class LocationError extends Error {
  override readonly name = 'LocationError';
}

/** The relay's origin for the page at the address `page`. Rejects with `LocationError`. */
export async function locateRelay(page: string): Promise<string> {
  let text: string;
  try {
    const response = await fetch(new URL('culvert.json', page), {
      cache: 'no-cache',
      signal: AbortSignal.timeout(LOCATION_TIMEOUT),
    });
    if (!response.ok) return new URL(page).origin;
    text = await response.text();
  } catch {
    // A relay at the page's own origin then fails as well, and says why.
    return new URL(page).origin;
  }
  return decodeLocation(text) ?? new URL(page).origin;
}

/** The origin in the file's text; `undefined` where it names none. Throws `LocationError`. */
export function decodeLocation(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LocationError('culvert.json is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LocationError('culvert.json is not a JSON object.');
  }
  const { relay } = value as { readonly relay?: unknown };
  if (relay === undefined) return undefined;
  const origin = typeof relay === 'string' ? originOf(relay) : undefined;
  if (origin === undefined) {
    throw new LocationError(
      '“relay” in culvert.json is not an origin such as https://relay.example.',
    );
  }
  return origin;
}

/** The relay's WebSocket at `origin`. */
export function relayWebSocket(origin: string): string {
  const address = new URL('/culvert', origin);
  address.protocol = address.protocol === 'http:' ? 'ws:' : 'wss:';
  return address.href;
}

function originOf(text: string): string | undefined {
  try {
    const { protocol, origin, href } = new URL(text);
    const isOrigin = href === `${origin}/` && (protocol === 'https:' || protocol === 'http:');
    return isOrigin ? origin : undefined;
  } catch {
    return undefined;
  }
}
