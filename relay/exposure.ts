/**
 * Listening where others can reach the relay needs the operator's word. There is no sign-in yet: `open` is
 * the one way to allow it; a sign-in would be another.
 */
import { isIPv4 } from 'node:net';
import type { RelayConfig } from './config.ts';

const CONSEQUENCE =
  'can send packets of IKE, ESP and L2TP shape to the configured gateways: there is no sign-in yet.';

/** Why the relay must not listen as configured; `undefined` when it may. */
export function exposureProblem({ listen, open }: RelayConfig): string | undefined {
  if (open === true || isThisMachine(listen.host)) return undefined;
  return (
    `open: must be true for the relay to listen on ${listen.host}. Anyone who reaches that address ${CONSEQUENCE} ` +
    'Write "open": true into the configuration if this is wanted, or listen on 127.0.0.1.'
  );
}

/** What the operator is reminded of at every start; `undefined` when there is nothing. */
export function exposureWarning({ listen }: RelayConfig): string | undefined {
  if (isThisMachine(listen.host)) return undefined;
  return `Warning: anyone who reaches ${listen.host} ${CONSEQUENCE}`;
}

/** Narrower than the names that a browser takes for this machine: a name below localhost may be in the DNS. */
function isThisMachine(host: string): boolean {
  return isIPv4(host) ? host.startsWith('127.') : ['::1', 'localhost'].includes(host.toLowerCase());
}
