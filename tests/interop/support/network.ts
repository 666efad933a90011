/**
 * The network of a laboratory: the relay's namespace and the gateway's, joined by a veth pair. The names of
 * interfaces need not be unique, since each exists inside its namespace only.
 */
import { Namespace } from './namespace.ts';

export const RELAY_ADDRESS = '10.99.1.2';
export const GATEWAY_ADDRESS = '10.99.1.1';

export interface Network {
  /** Where relay, `dial` and browser run. */
  readonly client: Namespace;
  /** Where the gateway and the intranet behind it run. */
  readonly gateway: Namespace;
  destroy(): void;
}

export function startNetwork(): Network {
  const client = Namespace.create('r');
  const gateway = Namespace.create('g');
  client.ip('link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'wan0', 'netns', gateway.name);
  for (const [namespace, address] of [
    [client, RELAY_ADDRESS],
    [gateway, GATEWAY_ADDRESS],
  ] as const) {
    namespace.ip('addr', 'add', `${address}/24`, 'dev', 'wan0');
    namespace.ip('link', 'set', 'wan0', 'up');
  }
  return {
    client,
    gateway,
    destroy: () => {
      client.destroy();
      gateway.destroy();
    },
  };
}
