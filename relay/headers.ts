/** Headers on every answer of the relay, whatever it is. */

/**
 * The policy: own scripts, styles and workers only, WebAssembly, nothing embedded, nobody embeds it.
 * `authority` is the checked Host of the request: older browsers do not count its WebSocket as `'self'`.
 */
export function securityHeaders(authority: string | undefined): Readonly<Record<string, string>> {
  const sockets = authority === undefined ? '' : ` ws://${authority} wss://${authority}`;
  return {
    'Content-Security-Policy': [
      "default-src 'self'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "style-src 'self'",
      "img-src 'self' data: blob:",
      `connect-src 'self'${sockets}`,
      "worker-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    // With the one above it isolates the page, which is what browsers give fine clocks for: Firefox's has 1 ms else.
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy':
      'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  };
}
