/**
 * What a browser must have. The newest of it tells for the rest (docs/operate.md): a browser with `URL.canParse` has workers of modules,
 * and everything else that is used here without asking.
 */
import { type Failure, plainText } from '../../shared/errors.ts';

/** By the names that people may know them by from a browser's settings. */
const REQUIREMENTS: readonly (readonly [name: string, path: string])[] = [
  ['WebAssembly', 'WebAssembly.compileStreaming'],
  ['WebSocket', 'WebSocket'],
  ['web workers', 'Worker'],
  ['web cryptography', 'crypto.getRandomValues'],
  ['BigInt', 'BigInt'],
  ['streams', 'ReadableStream'],
  ['writable streams', 'WritableStream'],
  ['URL.canParse', 'URL.canParse'],
];

/** Why the portal cannot run in the window `scope`, if it cannot. */
export function shortcoming(scope: object): Failure | undefined {
  const missing = REQUIREMENTS.filter(([, path]) => !find(scope, path)).map(([name]) => name);
  if (missing.length === 0) return undefined;
  return { code: 'BROWSER_UNSUPPORTED', detail: `missing: ${missing.join(', ')}` };
}

/** What is to be known of the window `scope`, though the portal runs in it. */
export function warning(scope: object): Failure | undefined {
  return find(scope, 'isSecureContext') === false ? { code: 'PAGE_NOT_SECURE' } : undefined;
}

/** What it means that the portal's program broke before there was a page. */
export function startFailure(error: unknown): Failure {
  const detail = plainText(String(error));
  return { code: error instanceof SyntaxError ? 'BROWSER_UNSUPPORTED' : 'INTERNAL', detail };
}

function find(scope: object, path: string): unknown {
  let found: unknown = scope;
  for (const name of path.split('.')) {
    if (found === undefined || found === null) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}
