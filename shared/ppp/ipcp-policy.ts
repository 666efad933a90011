/**
 * Which IPCP options we ask for and which we let the peer have.
 * RFC 1332 §3, RFC 1877 §1. Compression and the NetBIOS name servers are rejected as unknown.
 */
import type { Failure } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { ServerConfig } from './config.ts';
import { type ConfigOption, sameBytes } from './config-option.ts';
import { decodeIpcpOption, encodeIpcpOption, type IpcpOption } from './ipcp-option.ts';
import type { Policy, Verdict } from './negotiation.ts';

const UNSPECIFIED: Bytes = new Uint8Array(4);

type DnsKind = 'primary-dns' | 'secondary-dns';

/** What both policies have in common: the addresses, once agreed. */
export interface IpcpPolicy extends Policy<IpcpOption> {
  /** Own address; all zero before it is agreed. */
  readonly address: Bytes;
  /** The peer's; all zero when it does not say. */
  readonly peerAddress: Bytes;
  readonly nameServers: readonly Bytes[];
}

/** Asks for an address and two name servers, and takes the peer at its word. */
export class IpcpClientPolicy implements IpcpPolicy {
  readonly layer = 'ipcp';
  readonly decode: (option: ConfigOption) => IpcpOption = decodeIpcpOption;
  readonly encode: (option: IpcpOption) => ConfigOption = encodeIpcpOption;
  #address: Bytes = UNSPECIFIED;
  /** What is asked for; a name server that the peer does not have is asked for no longer. */
  #dns: ReadonlyMap<DnsKind, Bytes> = new Map();
  #peerAddress: Bytes = UNSPECIFIED;
  /** Whether the peer answered our request for an address without giving one. */
  #denied = false;

  get address(): Bytes {
    return this.#address;
  }

  get peerAddress(): Bytes {
    return this.#peerAddress;
  }

  get nameServers(): readonly Bytes[] {
    return [...this.#dns.values()].filter((server) => !isUnspecified(server));
  }

  reset(): void {
    this.#address = UNSPECIFIED;
    this.#dns = new Map([
      ['primary-dns', UNSPECIFIED],
      ['secondary-dns', UNSPECIFIED],
    ]);
    this.#peerAddress = UNSPECIFIED;
    this.#denied = false;
  }

  request(): readonly IpcpOption[] {
    const dns = [...this.#dns].map(([kind, address]) => ({ kind, address }));
    return [{ kind: 'ip-address', address: this.#address }, ...dns];
  }

  /** We have nothing to assign to a peer that asks for an address or name servers. */
  judge(options: readonly IpcpOption[]): Verdict<IpcpOption> {
    const rejected = options.filter(
      (option) => option.kind !== 'ip-address' || isUnspecified(option.address),
    );
    return rejected.length > 0 ? { kind: 'reject', options: rejected } : { kind: 'ack' };
  }

  /** A peer may leave its address out: the link is point-to-point, nothing depends on it. */
  agree(options: readonly IpcpOption[]): void {
    const named = options.find(({ kind }) => kind === 'ip-address');
    this.#peerAddress = named?.kind === 'ip-address' ? named.address : UNSPECIFIED;
  }

  acknowledged(): Failure | undefined {
    return isUnspecified(this.#address) ? NO_ADDRESS : undefined;
  }

  nakked(options: readonly IpcpOption[]): Failure | undefined {
    for (const option of options) {
      if (option.kind === 'unknown') continue; // Nothing obliges us to ask for more.
      if (option.kind === 'ip-address') {
        this.#address = option.address;
        this.#denied = isUnspecified(option.address);
      } else if (isUnspecified(option.address)) this.#drop(option.kind);
      else if (this.#dns.has(option.kind))
        this.#dns = new Map(this.#dns).set(option.kind, option.address);
    }
    return undefined;
  }

  rejected(options: readonly IpcpOption[]): Failure | undefined {
    for (const { kind } of options) {
      if (kind === 'ip-address') return NO_ADDRESS;
      if (kind !== 'unknown') this.#drop(kind);
    }
    return undefined;
  }

  stuck(cause: string): Failure {
    if (this.#denied) return NO_ADDRESS;
    return { code: 'PPP_NEGOTIATION_FAILED', detail: `the peer ${cause} (IPCP)` };
  }

  #drop(kind: DnsKind): void {
    this.#dns = new Map([...this.#dns].filter(([other]) => other !== kind));
  }
}

/** Tells its own address and hands out one address and up to two name servers. */
export class IpcpServerPolicy implements IpcpPolicy {
  readonly layer = 'ipcp';
  readonly decode: (option: ConfigOption) => IpcpOption = decodeIpcpOption;
  readonly encode: (option: IpcpOption) => ConfigOption = encodeIpcpOption;
  readonly #server: ServerConfig;
  #tellsAddress = true;
  #peerAddress: Bytes = UNSPECIFIED;

  constructor(server: ServerConfig) {
    this.#server = server;
  }

  get address(): Bytes {
    return this.#server.address;
  }

  get peerAddress(): Bytes {
    return this.#peerAddress;
  }

  get nameServers(): readonly Bytes[] {
    return this.#server.nameServers;
  }

  reset(): void {
    this.#tellsAddress = true;
    this.#peerAddress = UNSPECIFIED;
  }

  request(): readonly IpcpOption[] {
    return this.#tellsAddress ? [{ kind: 'ip-address', address: this.#server.address }] : [];
  }

  judge(options: readonly IpcpOption[]): Verdict<IpcpOption> {
    const rejected = options.filter((option) => this.#offer(option.kind) === undefined);
    if (rejected.length > 0) return { kind: 'reject', options: rejected };
    const better: IpcpOption[] = [];
    for (const option of options) {
      const address = this.#offer(option.kind);
      if (option.kind === 'unknown' || address === undefined) continue;
      if (!sameBytes(option.address, address)) better.push({ kind: option.kind, address });
    }
    if (!options.some(({ kind }) => kind === 'ip-address'))
      better.push({ kind: 'ip-address', address: this.#server.assign });
    return better.length > 0 ? { kind: 'nak', options: better } : { kind: 'ack' };
  }

  agree(options: readonly IpcpOption[]): void {
    const named = options.some(({ kind }) => kind === 'ip-address');
    this.#peerAddress = named ? this.#server.assign : UNSPECIFIED;
  }

  acknowledged(): Failure | undefined {
    return undefined;
  }

  /** The address is ours to know: it is told again until patience ends. */
  nakked(): Failure | undefined {
    return undefined;
  }

  rejected(): Failure | undefined {
    this.#tellsAddress = false;
    return undefined;
  }

  stuck(cause: string): Failure {
    return { code: 'PPP_NEGOTIATION_FAILED', detail: `the peer ${cause} (IPCP)` };
  }

  #offer(kind: IpcpOption['kind']): Bytes | undefined {
    if (kind === 'ip-address') return this.#server.assign;
    if (kind === 'primary-dns') return this.#server.nameServers[0];
    if (kind === 'secondary-dns') return this.#server.nameServers[1];
    return undefined;
  }
}

const NO_ADDRESS: Failure = { code: 'PPP_NO_ADDRESS' };

function isUnspecified(address: Bytes): boolean {
  return address.every((byte) => byte === 0);
}
