/**
 * IPCP configuration options.
 * RFC 1332 §3, RFC 1877 §1. Left out: the deprecated IP-Addresses, IP-Compression-Protocol and the
 * NetBIOS name servers, which are rejected as unknown.
 */
import type { Bytes } from '../wire/bytes.ts';
import type { ConfigOption } from './config-option.ts';

/** IANA "PPP IPCP Configuration Option Types": those that are understood. */
const IpcpOptionType = {
  ipAddress: 3,
  primaryDns: 129,
  secondaryDns: 131,
} as const;

/** Addresses are 4 bytes; all zero asks the peer to say. */
export type IpcpOption =
  | { readonly kind: 'ip-address'; readonly address: Bytes }
  | { readonly kind: 'primary-dns'; readonly address: Bytes }
  | { readonly kind: 'secondary-dns'; readonly address: Bytes }
  /** Of a type or a length that is not understood; never acceptable. */
  | { readonly kind: 'unknown'; readonly code: number; readonly body: Bytes };

const ADDRESS_LENGTH = 4;

/** Never fails: what does not fit its type is `unknown`. */
export function decodeIpcpOption({ type, data }: ConfigOption): IpcpOption {
  if (data.length === ADDRESS_LENGTH) {
    if (type === IpcpOptionType.ipAddress) return { kind: 'ip-address', address: data };
    if (type === IpcpOptionType.primaryDns) return { kind: 'primary-dns', address: data };
    if (type === IpcpOptionType.secondaryDns) return { kind: 'secondary-dns', address: data };
  }
  return { kind: 'unknown', code: type, body: data };
}

export function encodeIpcpOption(option: IpcpOption): ConfigOption {
  switch (option.kind) {
    case 'ip-address':
      return { type: IpcpOptionType.ipAddress, data: option.address };
    case 'primary-dns':
      return { type: IpcpOptionType.primaryDns, data: option.address };
    case 'secondary-dns':
      return { type: IpcpOptionType.secondaryDns, data: option.address };
    case 'unknown':
      return { type: option.code, data: option.body };
  }
}
