/**
 * Who may talk to the relay, decided from the request's headers before anything else: the Host it was called
 * by (against DNS rebinding) and, at a WebSocket upgrade, the Origin of the page and the subprotocol.
 * A request without Origin comes from a program, not from a page, and is let in.
 */
import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';
import { RELAY_PATH, RELAY_SUBPROTOCOL } from '../shared/relay/channels.ts';
import type { UpgradeRefusalCode } from '../shared/relay/close-codes.ts';
import type { RelayConfig } from './config.ts';

/** The `Host` header as it is needed: the name in lower case without brackets, and the header itself. */
export interface Host {
  readonly name: string;
  /** Name and port as the header has them, in lower case. */
  readonly authority: string;
}

/** The host a request is for, if this relay answers to it. */
export function admittedHost(request: IncomingMessage, config: RelayConfig): Host | undefined {
  const host = parseHost(request.headers.host);
  if (host === undefined) return undefined;
  const { hosts, listen } = config;
  if (hosts?.includes(host.name)) return host;
  if (isLoopback(listen.host)) return isLoopback(host.name) ? host : undefined;
  return hosts === undefined ? host : undefined;
}

/** Why this upgrade is refused; `undefined` when it is not. */
export function upgradeRefusal(
  request: IncomingMessage,
  config: RelayConfig,
): UpgradeRefusalCode | undefined {
  const host = admittedHost(request, config);
  if (host === undefined) return 'RELAY_BAD_HOST';
  if (request.url?.split('?', 1)[0] !== RELAY_PATH) return 'RELAY_BAD_PATH';
  const { origin } = request.headers;
  if (origin !== undefined && !isAdmittedOrigin(origin, host, config)) return 'RELAY_BAD_ORIGIN';
  const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
  if (!offered.some((name) => name.trim() === RELAY_SUBPROTOCOL)) return 'RELAY_BAD_SUBPROTOCOL';
  return undefined;
}

/** Whether pages from `origin` may read what is not of their own origin. */
export function isListedOrigin(origin: string | undefined, { origins }: RelayConfig): boolean {
  return origin !== undefined && origins?.includes(origin.toLowerCase()) === true;
}

/** A listed origin, the portal's own, and, without a list, what a proxy serves under the relay's name. */
function isAdmittedOrigin(origin: string, host: Host, config: RelayConfig): boolean {
  if (isListedOrigin(origin, config)) return true;
  return (config.origins === undefined || config.portal !== false) && isOwnOrigin(origin, host);
}

function isOwnOrigin(origin: string, host: Host): boolean {
  if (!/^https?:\/\//i.test(origin)) return false;
  try {
    const { protocol, host: authority } = new URL(origin);
    // The scheme is the page's own: a proxy in front may speak TLS. It says which port is the default one.
    return authority === new URL(`${protocol}//${host.authority}`).host;
  } catch {
    return false;
  }
}

/** Whether a name or address means this machine and no other. */
export function isLoopback(name: string): boolean {
  if (isIPv4(name)) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?))(?::(\d{1,5}))?$/;
const HOST_LENGTH_LIMIT = 253 + ':65535'.length;

function parseHost(header: string | undefined): Host | undefined {
  const authority = header?.toLowerCase();
  if (authority === undefined || authority.length > HOST_LENGTH_LIMIT) return undefined;
  const match = HOST.exec(authority);
  if (match === null || Number(match[3] ?? 0) > 65_535) return undefined;
  const [, address, name = ''] = match;
  if (address !== undefined) return isIPv6(address) ? { name: address, authority } : undefined;
  return { name, authority };
}
