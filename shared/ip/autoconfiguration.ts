/**
 * Our IPv6 addresses: the link-local one, whose second half PPP negotiated, and one of each prefix that a router
 * advertises. That nobody else has them need not be found out: the peer is the only neighbour, and IPV6CP made its
 * half another one (RFC 5072 §5).
 * Left out: privacy addresses beside them (the second half is random anyway), DHCPv6.
 * @rfc 4862 §5.5, 4861 §6.3, 8106 §5
 */
import { type Bytes, concat, type Millis } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import { IpAddress } from './address.ts';
import { IpProtocol } from './header.ts';
import type { NetworkInterface } from './interface.ts';
import {
  ALL_ROUTERS,
  encodeRouterSolicitation,
  LINK_HOP_LIMIT,
  type PrefixInformation,
  type RouterAdvertisement,
} from './neighbor-discovery.ts';
import { Path } from './path.ts';

/** MAX_RTR_SOLICITATIONS and RTR_SOLICITATION_INTERVAL. @rfc 4861 §10 */
const SOLICITATIONS = 3;
const SOLICITATION_INTERVAL: Millis = 4_000;

/** Addresses, name servers and domains at a time; what comes beyond is ignored. */
export const ADDRESS_LIMIT = 8;
const NAME_SERVER_LIMIT = 8;
const DOMAIN_LIMIT = 8;

const PREFIX_LENGTH = 64;

/** Nobody can end an address sooner by an advertisement that is not authenticated. @rfc 4862 §5.5.3 */
const TWO_HOURS: Millis = 7_200_000;

const FOR_EVER = 0xffff_ffff;

interface Assigned {
  readonly address: IpAddress;
  preferredUntil: Millis;
  validUntil: Millis;
}

interface Surroundings {
  readonly network: NetworkInterface;
  /** The addresses with which the rest of the world can be reached have changed. */
  changed(global: readonly IpAddress[]): void;
  /** What routers say about names has changed. */
  named(servers: readonly IpAddress[], domains: readonly string[]): void;
}

export class Autoconfiguration {
  readonly #surroundings: Surroundings;
  /** Whether the link carries IPv6; the link-local address is remembered while it does not. */
  #isUp = false;
  #linkLocal: IpAddress | undefined;
  #assigned: Assigned[] = [];
  /** Until when there is a router that leads anywhere. */
  #routerUntil: Millis = 0;
  readonly #nameServers = new Map<string, { readonly address: IpAddress; until: Millis }>();
  readonly #domains = new Map<string, Millis>();
  #solicitations = 0;
  #solicitAt: Millis | undefined;
  /** When the next thing expires. Kept, since it is asked for with every packet and only `#update` changes it. */
  #expiresAt: Millis | undefined;
  /** What was told last, as text. */
  #told = '';
  #toldNames = '';

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  get deadline(): Millis | undefined {
    return this.#isUp ? earliest(this.#solicitAt, this.#expiresAt) : undefined;
  }

  /** The link carries IPv6. With the same identifier as before, addresses live on. */
  up(interfaceId: Bytes, now: Millis): void {
    const linkLocal = new IpAddress(concat(LINK_LOCAL_PREFIX, interfaceId));
    if (this.#linkLocal?.equals(linkLocal) !== true) this.#assigned = [];
    this.#isUp = true;
    this.#linkLocal = linkLocal;
    this.#solicitations = SOLICITATIONS;
    // Deviation: RFC 4861 §6.3.7 waits up to a second, lest many hosts speak at once; here is only one.
    this.#solicitAt = now;
    this.#update(now);
    this.timeout(now);
  }

  down(now: Millis): void {
    this.#isUp = false;
    this.#solicitAt = undefined;
    this.#update(now);
  }

  timeout(now: Millis): void {
    if (!this.#isUp) return;
    if (this.#solicitAt !== undefined && this.#solicitAt <= now) this.#solicit(now);
    this.#update(now);
  }

  /** @rfc 4861 §6.3.4, 4862 §5.5.3 */
  advertised(message: RouterAdvertisement, now: Millis): void {
    if (!this.#isUp) return;
    this.#solicitAt = undefined;
    this.#routerUntil = until(message.routerLifetime, now);
    for (const prefix of message.prefixes) this.#take(prefix, now);
    for (const { address, lifetime } of message.nameServers) {
      const key = String(address);
      if (this.#nameServers.has(key) || this.#nameServers.size < NAME_SERVER_LIMIT) {
        this.#nameServers.set(key, { address, until: until(lifetime, now) });
      }
    }
    for (const { domain, lifetime } of message.searchList) {
      if (this.#domains.has(domain) || this.#domains.size < DOMAIN_LIMIT) {
        this.#domains.set(domain, until(lifetime, now));
      }
    }
    this.#update(now);
  }

  #solicit(now: Millis): void {
    const { network } = this.#surroundings;
    const path = new Path(this.#linkLocal!, ALL_ROUTERS);
    const packet = network.take(path);
    encodeRouterSolicitation(packet, path);
    network.send(packet, path, IpProtocol.icmpv6, LINK_HOP_LIMIT);
    this.#solicitAt = --this.#solicitations > 0 ? now + SOLICITATION_INTERVAL : undefined;
  }

  #take(information: PrefixInformation, now: Millis): void {
    const { prefix, prefixLength, autonomous, validLifetime, preferredLifetime } = information;
    if (!autonomous || prefixLength !== PREFIX_LENGTH || preferredLifetime > validLifetime) return;
    const address = new IpAddress(
      concat(prefix.subarray(0, 8), this.#linkLocal!.bytes.subarray(8)),
    );
    if (!address.isUnicast || address.isLinkLocal) return;
    const known = this.#assigned.find((each) => each.address.equals(address));
    const preferredUntil = until(preferredLifetime, now);
    const validUntil = until(validLifetime, now);
    if (known === undefined) {
      if (validLifetime === 0 || this.#assigned.length >= ADDRESS_LIMIT) return;
      this.#assigned.push({ address, preferredUntil, validUntil });
      return;
    }
    known.preferredUntil = preferredUntil;
    if (validUntil > known.validUntil || validUntil > now + TWO_HOURS)
      known.validUntil = validUntil;
    else known.validUntil = Math.min(known.validUntil, now + TWO_HOURS);
  }

  #nextExpiry(now: Millis): Millis | undefined {
    const times = [this.#routerUntil, ...this.#domains.values()];
    for (const each of this.#assigned) times.push(each.preferredUntil, each.validUntil);
    for (const { until } of this.#nameServers.values()) times.push(until);
    return earliest(...times.filter((each) => each > now && each < Number.POSITIVE_INFINITY));
  }

  /** Forgets what has expired and tells those who have to know. */
  #update(now: Millis): void {
    this.#assigned = this.#assigned.filter(({ validUntil }) => validUntil > now);
    for (const [key, server] of this.#nameServers) {
      if (server.until <= now) this.#nameServers.delete(key);
    }
    for (const [domain, end] of this.#domains) if (end <= now) this.#domains.delete(domain);
    this.#expiresAt = this.#nextExpiry(now);
    const isUp = this.#isUp;
    const linkLocal = this.#linkLocal!;
    const hasRouter = isUp && this.#routerUntil > now;
    const global = this.#assigned
      .filter(({ preferredUntil }) => hasRouter && preferredUntil > now)
      .map(({ address }) => address);
    this.#surroundings.network.ipv6 = isUp
      ? {
          valid: [linkLocal, ...this.#assigned.map(({ address }) => address)],
          preferred: [linkLocal, ...global],
        }
      : { valid: [], preferred: [] };
    if (this.#told !== global.join(' ')) {
      this.#told = global.join(' ');
      this.#surroundings.changed(global);
    }
    const servers = isUp ? [...this.#nameServers.values()].map(({ address }) => address) : [];
    const domains = isUp ? [...this.#domains.keys()] : [];
    const names = [...servers, ...domains].join(' ');
    if (this.#toldNames === names) return;
    this.#toldNames = names;
    this.#surroundings.named(servers, domains);
  }
}

const LINK_LOCAL_PREFIX: Bytes = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0);

function until(lifetime: number, now: Millis): Millis {
  return lifetime === FOR_EVER ? Number.POSITIVE_INFINITY : now + 1000 * lifetime;
}
