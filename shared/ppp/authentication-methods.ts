/** Which class is which side of which method. */
import type { Authentication } from './authentication.ts';
import { ChapClient } from './chap-client.ts';
import { ChapServer } from './chap-server.ts';
import type { AuthMethod, PppConfig, PppTiming } from './config.ts';
import { PapClient } from './pap-client.ts';
import { PapServer } from './pap-server.ts';
import { PppProtocol } from './protocol.ts';

/** The protocol number of the method's packets. */
export function protocolOf(method: AuthMethod): number {
  return method === 'pap' ? PppProtocol.pap : PppProtocol.chap;
}

export function authenticationFor(
  method: AuthMethod,
  config: PppConfig,
  timing: PppTiming,
): Authentication {
  if (config.role === 'server') {
    const server = config.server!;
    return method === 'pap'
      ? new PapServer(server.accounts, timing)
      : new ChapServer(method, server, config, timing);
  }
  const credentials = config.credentials!;
  return method === 'pap'
    ? new PapClient(credentials, timing)
    : new ChapClient(method, credentials, config, timing);
}
