/**
 * The halves of both ends' link-local addresses: a random one for us, and any other one for the peer.
 * @rfc 5072 §4.1
 */
import type { Failure } from '../errors.ts';
import type { Bytes, Random } from '../wire/bytes.ts';
import { type ConfigOption, sameBytes } from './config-option.ts';
import {
  decodeIpv6cpOption,
  encodeIpv6cpOption,
  INTERFACE_ID_LENGTH,
  type Ipv6cpOption,
} from './ipv6cp-option.ts';
import type { Policy, Verdict } from './negotiation.ts';

/** Of the first byte: set where the identifier is the same all over the world, which a random one is not. */
const UNIVERSAL = 0x02;

export class Ipv6cpPolicy implements Policy<Ipv6cpOption> {
  readonly layer = 'ipv6cp';
  readonly decode: (option: ConfigOption) => Ipv6cpOption = decodeIpv6cpOption;
  readonly encode: (option: Ipv6cpOption) => ConfigOption = encodeIpv6cpOption;
  readonly #random: Random;
  #id: Bytes;

  constructor(random: Random) {
    this.#random = random;
    this.#id = this.#freshId();
  }

  /** Ours, 8 bytes. */
  get id(): Bytes {
    return this.#id;
  }

  /** What was agreed on once is asked for again: addresses made of it live on. */
  reset(): void {}

  request(): readonly Ipv6cpOption[] {
    return [{ kind: 'interface-identifier', id: this.#id }];
  }

  judge(options: readonly Ipv6cpOption[]): Verdict<Ipv6cpOption> {
    const rejected = options.filter(({ kind }) => kind === 'unknown');
    if (rejected.length > 0) return { kind: 'reject', options: rejected };
    const unusable = options.some(
      (each) =>
        each.kind === 'interface-identifier' && (isZero(each.id) || sameBytes(each.id, this.#id)),
    );
    if (!unusable) return { kind: 'ack' };
    return { kind: 'nak', options: [{ kind: 'interface-identifier', id: this.#freshId() }] };
  }

  agree(): void {}

  acknowledged(): Failure | undefined {
    return undefined;
  }

  nakked(options: readonly Ipv6cpOption[]): Failure | undefined {
    for (const option of options) {
      if (option.kind !== 'interface-identifier') continue;
      this.#id = isZero(option.id) ? this.#freshId() : option.id;
    }
    return undefined;
  }

  rejected(): Failure | undefined {
    return { code: 'PPP_NEGOTIATION_FAILED', detail: 'the peer wants no interface identifier' };
  }

  stuck(cause: string): Failure {
    return { code: 'PPP_NEGOTIATION_FAILED', detail: `the peer ${cause} (IPV6CP)` };
  }

  #freshId(): Bytes {
    const id = this.#random.bytes(INTERFACE_ID_LENGTH);
    id[0] = id[0]! & ~UNIVERSAL;
    // Zero has a meaning of its own.
    if (isZero(id)) id[7] = 1;
    return id;
  }
}

function isZero(id: Bytes): boolean {
  return id.every((byte) => byte === 0);
}
