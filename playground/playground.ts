/** The playground as a whole: the gateway on its UDP ports, and what is behind it. */
import type { Bytes, Millis } from '../shared/wire/bytes.ts';
import { utf8Encode } from '../shared/wire/text.ts';
import { AddressPool } from './gateway/address-pool.ts';
import type { Gateway, GatewayLimits } from './gateway/gateway.ts';
import { PHASE1_POLICY } from './gateway/policy.ts';
import { startUdpServer, type UdpServerConfig } from './gateway/udp-server.ts';
import { type Credentials, Visitors } from './gateway/visitors.ts';
import { HOSTS } from './intranet/hosts.ts';
import { type Bookmark, startIntranet } from './intranet/index.ts';
import { Network } from './network/network.ts';
import { loadSuites, random } from './suites.ts';

/** Everybody's: who may use the playground is nobody's secret. */
const PRE_SHARED_KEY = 'playground';

const FIRST_CLIENT: Bytes = Uint8Array.of(10, 99, 1, 1);

/** Fits every call, whatever it agreed on: of the transforms AES-CBC with SHA-256 leaves least room, 1398 bytes. */
const INTRANET_MTU = 1380;

/** Calls at a time: an instance of the cipher module each. */
const CALLS = 256;

export interface PlaygroundOptions {
  /** IPv4 address to listen on, dotted: the one that clients dial. */
  readonly host: string;
  /** UDP ports; 0 takes a free one. */
  readonly ports: { readonly ike: number; readonly natt: number };
  readonly limits?: Partial<GatewayLimits>;
  readonly emit?: UdpServerConfig['emit'];
}

/** What a page needs for one click. */
export interface Visit extends Credentials {
  readonly preSharedKey: string;
  readonly bookmarks: readonly Bookmark[];
}

export interface Playground {
  readonly ports: { readonly ike: number; readonly natt: number };
  readonly counts: Gateway['counts'];
  /** An account of one's own. */
  visit(): Visit;
  close(): Promise<void>;
}

/** Rejects with the system's error where a port is taken. */
export async function startPlayground(options: PlaygroundOptions): Promise<Playground> {
  const { host, ports, limits, emit } = options;
  const { primitives, engine, released } = await loadSuites();
  const visitors = new Visitors(primitives, random);
  const network = new Network();
  const intranet = await startIntranet(network, { mtu: INTRANET_MTU });
  const now = (): Millis => performance.now();
  const server = await startUdpServer({
    host,
    ports,
    primitives,
    random,
    engine,
    released,
    network,
    preSharedKey: utf8Encode(PRE_SHARED_KEY),
    localAddress: Uint8Array.from(host.split('.'), Number),
    phase1: PHASE1_POLICY,
    methods: ['mschapv2', 'chap-md5', 'pap'],
    accounts: (userName) => visitors.password(userName, now()),
    innerAddress: HOSTS.gateway.address,
    nameServers: [intranet.nameServer],
    hostName: 'playground',
    pool: new AddressPool(FIRST_CLIENT, CALLS),
    ...(limits && { limits }),
    ...(emit && { emit }),
  }).catch(async (error: unknown) => {
    await intranet.close();
    throw error;
  });
  return {
    ports: server.ports,
    get counts() {
      return server.counts;
    },
    visit: () => ({
      preSharedKey: PRE_SHARED_KEY,
      ...visitors.issue(now()),
      bookmarks: intranet.bookmarks,
    }),
    async close() {
      await server.close();
      await intranet.close();
    },
  };
}
