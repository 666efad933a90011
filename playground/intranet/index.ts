/** The demonstration intranet: hosts on the playground's network, each with what it serves. */
import type { Bytes } from '../../shared/wire/bytes.ts';
import { Host } from '../network/host.ts';
import type { Network } from '../network/network.ts';
import { BOOKMARKS, type Bookmark } from './bookmarks.ts';
import { makeCertificates } from './certificates.ts';
import { serveEcho } from './echo.ts';
import { HOSTS, type HostEntry, hostName } from './hosts.ts';
import { serveNames } from './name-server.ts';
import { PASSWORD, USER } from './shell/guest.ts';
import { serveShell } from './shell/server.ts';
import { Authority } from './sites/authority.ts';
import { Files } from './sites/files/files.ts';
import { Home } from './sites/home.ts';
import { People } from './sites/people/people.ts';
import { Speed } from './sites/speed.ts';
import { Meter } from './sites/status/meter.ts';
import { Status } from './sites/status/status.ts';
import { Wiki } from './sites/wiki/wiki.ts';
import { serveSite } from './web/serve.ts';
import type { Site } from './web/site.ts';

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
  const entries = Object.values(HOSTS);
  const certificates = await makeCertificates(entries.map(hostName));
  const hosts = new Map(
    entries.map((entry) => [entry, new Host(network, { address: entry.address, ...options })]),
  );
  const host = (entry: HostEntry): Host => hosts.get(entry)!;
  network.onLeave((address) => {
    for (const each of hosts.values()) each.forget(address);
  });
  const { fingerprints } = serveShell(host(HOSTS.shell), network);
  const meter = new Meter(network, () => sum([...hosts.values()].map((each) => each.connections)));
  const sites: readonly Site[] = [
    new Home(BOOKMARKS, { user: USER, password: PASSWORD, fingerprints }),
    new Wiki(network),
    new Status(meter, hosts),
    new People(network),
    new Files(),
    new Speed(),
    new Authority(certificates),
  ];
  for (const site of sites) serveSite(host(site.host), site, certificates.context);
  serveNames(host(HOSTS.nameServer), entries);
  serveEcho(host(HOSTS.echo));
  return {
    nameServer: HOSTS.nameServer.address,
    bookmarks: BOOKMARKS,
    close: async () => {
      meter.close();
      for (const each of hosts.values()) each.close();
    },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
