/** The demonstration intranet: hosts on the playground's network, each with what it serves. */
import type { Bytes } from '../../shared/wire/bytes.ts';
import { Host } from '../network/host.ts';
import type { Network } from '../network/network.ts';
import { BOOKMARKS, type Bookmark } from './bookmarks.ts';
import { HOSTS, type HostEntry } from './hosts.ts';
import { serveNames } from './name-server.ts';
import { Home } from './sites/home.ts';
import { Wiki } from './sites/wiki/wiki.ts';
import { serveSite } from './web/serve.ts';

export type { Bookmark } from './bookmarks.ts';

export interface IntranetOptions {
  /** Largest packet its hosts send, in bytes. */
  readonly mtu?: number;
}

export interface Intranet {
  /** 4 bytes. */
  readonly nameServer: Bytes;
  readonly bookmarks: readonly Bookmark[];
  close(): Promise<void>;
}

/** Starts every host. Throws `RangeError` where an address of theirs is taken. */
export async function startIntranet(
  network: Network,
  options: IntranetOptions = {},
): Promise<Intranet> {
  const hosts: Host[] = [];
  const start = ({ address }: HostEntry): Host => {
    const host = new Host(network, { address, ...options });
    hosts.push(host);
    return host;
  };
  network.onLeave((address) => {
    for (const host of hosts) host.forget(address);
  });
  serveNames(start(HOSTS.nameServer), Object.values(HOSTS));
  for (const site of [new Home(BOOKMARKS), new Wiki(network)]) serveSite(start(site.host), site);
  return {
    nameServer: HOSTS.nameServer.address,
    bookmarks: BOOKMARKS,
    close: async () => {
      for (const host of hosts) host.close();
    },
  };
}
