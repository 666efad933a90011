/**
 * LCP configuration options.
 * RFC 1661 §6, RFC 1662 §7.1, RFC 1994 §3, RFC 2759 §2.
 */
import type { Bytes } from '../wire/bytes.ts';
import type { AuthMethod } from './config.ts';
import { type ConfigOption, sameBytes } from './config-option.ts';
import { PppProtocol } from './protocol.ts';

/** IANA "PPP LCP Configuration Option Types": those that are understood. */
const LcpOptionType = {
  mru: 1,
  asyncControlCharacterMap: 2,
  authenticationProtocol: 3,
  magicNumber: 5,
  protocolFieldCompression: 7,
  addressAndControlFieldCompression: 8,
} as const;

export type LcpOption =
  | { readonly kind: 'mru'; readonly mru: number }
  | { readonly kind: 'async-control-character-map'; readonly map: number }
  | { readonly kind: 'authentication-protocol'; readonly protocol: number; readonly data: Bytes }
  | { readonly kind: 'magic-number'; readonly magic: number }
  | { readonly kind: 'protocol-field-compression' }
  | { readonly kind: 'address-and-control-field-compression' }
  /** Of a type or a length that is not understood; never acceptable. */
  | { readonly kind: 'unknown'; readonly code: number; readonly body: Bytes };

/** Never fails: what does not fit its type is `unknown`. */
export function decodeLcpOption({ type, data }: ConfigOption): LcpOption {
  const length = data.length;
  if (type === LcpOptionType.mru && length === 2) return { kind: 'mru', mru: number(data) };
  if (type === LcpOptionType.asyncControlCharacterMap && length === 4)
    return { kind: 'async-control-character-map', map: number(data) };
  if (type === LcpOptionType.authenticationProtocol && length >= 2)
    return {
      kind: 'authentication-protocol',
      protocol: number(data.subarray(0, 2)),
      data: data.slice(2),
    };
  if (type === LcpOptionType.magicNumber && length === 4)
    return { kind: 'magic-number', magic: number(data) };
  if (type === LcpOptionType.protocolFieldCompression && length === 0)
    return { kind: 'protocol-field-compression' };
  if (type === LcpOptionType.addressAndControlFieldCompression && length === 0)
    return { kind: 'address-and-control-field-compression' };
  return { kind: 'unknown', code: type, body: data };
}

export function encodeLcpOption(option: LcpOption): ConfigOption {
  switch (option.kind) {
    case 'mru':
      return { type: LcpOptionType.mru, data: bytesOf(option.mru, 2) };
    case 'async-control-character-map':
      return { type: LcpOptionType.asyncControlCharacterMap, data: bytesOf(option.map, 4) };
    case 'authentication-protocol':
      return {
        type: LcpOptionType.authenticationProtocol,
        data: Uint8Array.of(...bytesOf(option.protocol, 2), ...option.data),
      };
    case 'magic-number':
      return { type: LcpOptionType.magicNumber, data: bytesOf(option.magic, 4) };
    case 'protocol-field-compression':
      return { type: LcpOptionType.protocolFieldCompression, data: new Uint8Array(0) };
    case 'address-and-control-field-compression':
      return { type: LcpOptionType.addressAndControlFieldCompression, data: new Uint8Array(0) };
    case 'unknown':
      return { type: option.code, data: option.body };
  }
}

/** The algorithm byte after CHAP's protocol number; PAP has none. */
const METHODS: Readonly<Record<AuthMethod, { readonly protocol: number; readonly data: Bytes }>> = {
  pap: { protocol: PppProtocol.pap, data: new Uint8Array(0) },
  /** @rfc 1994 §3 */
  'chap-md5': { protocol: PppProtocol.chap, data: Uint8Array.of(0x05) },
  /** @rfc 2759 §2 */
  mschapv2: { protocol: PppProtocol.chap, data: Uint8Array.of(0x81) },
};

type AuthenticationProtocol = Extract<LcpOption, { kind: 'authentication-protocol' }>;

export function optionOfMethod(method: AuthMethod): AuthenticationProtocol {
  return { kind: 'authentication-protocol', ...METHODS[method] };
}

/** `undefined` for EAP, MS-CHAPv1 and whatever else we do not have. */
export function methodOfOption(option: AuthenticationProtocol): AuthMethod | undefined {
  for (const method of ['mschapv2', 'chap-md5', 'pap'] as const) {
    const { protocol, data } = METHODS[method];
    if (option.protocol === protocol && sameBytes(option.data, data)) return method;
  }
  return undefined;
}

function number(data: Bytes): number {
  return data.reduce((value, byte) => value * 256 + byte, 0);
}

function bytesOf(value: number, length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => value >>> (8 * (length - 1 - i)));
}
