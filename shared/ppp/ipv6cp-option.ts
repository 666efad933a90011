/**
 * IPV6CP configuration options.
 * RFC 5072 §4. Left out: IPv6-Compression-Protocol, which is rejected as unknown.
 */
import type { Bytes } from '../wire/bytes.ts';
import type { ConfigOption } from './config-option.ts';

/** IANA "PPP IPV6CP Configuration Options": the one that is understood. */
const Ipv6cpOptionType = { interfaceIdentifier: 1 } as const;

export const INTERFACE_ID_LENGTH = 8;

export type Ipv6cpOption =
  /** 8 bytes; all zero asks the peer to say. */
  | { readonly kind: 'interface-identifier'; readonly id: Bytes }
  /** Of a type or a length that is not understood; never acceptable. */
  | { readonly kind: 'unknown'; readonly code: number; readonly body: Bytes };

/** Never fails: what does not fit its type is `unknown`. */
export function decodeIpv6cpOption({ type, data }: ConfigOption): Ipv6cpOption {
  if (type === Ipv6cpOptionType.interfaceIdentifier && data.length === INTERFACE_ID_LENGTH) {
    return { kind: 'interface-identifier', id: data };
  }
  return { kind: 'unknown', code: type, body: data };
}

export function encodeIpv6cpOption(option: Ipv6cpOption): ConfigOption {
  if (option.kind === 'unknown') return { type: option.code, data: option.body };
  return { type: Ipv6cpOptionType.interfaceIdentifier, data: option.id };
}
