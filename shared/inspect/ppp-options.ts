/** Configuration options of PPP's control protocols by name. RFC 1661 §6, RFC 1662 §7.1, RFC 1332 §3, RFC 1877 §1, RFC 5072 §4. */
import { PppProtocol } from '../ppp/protocol.ts';
import { dottedAddress, type FieldReader, hex, hexText } from './field-reader.ts';

export type OptionNames = Readonly<Record<number, OptionName>>;

interface OptionName {
  readonly name: string;
  /** For the list. */
  readonly short: string;
  /** Reads what follows type and length, and answers it in words. */
  readonly read?: (reader: FieldReader) => string;
}

const address = (reader: FieldReader): string => {
  return dottedAddress(reader.take('Data', 4, dottedAddress));
};

const LCP: OptionNames = {
  1: {
    name: 'Maximum-Receive-Unit',
    short: 'MRU',
    read: (reader) => String(reader.u16('Data')),
  },
  2: {
    name: 'Async-Control-Character-Map',
    short: 'ACCM',
    read: (reader) => hex(8)(reader.u32('Data', hex(8))),
  },
  3: { name: 'Authentication-Protocol', short: 'sign-in by', read: readAuthentication },
  5: {
    name: 'Magic-Number',
    short: 'magic number',
    read: (reader) => hex(8)(reader.u32('Data', hex(8))),
  },
  7: { name: 'Protocol-Field-Compression', short: 'protocol field compression' },
  8: { name: 'Address-and-Control-Field-Compression', short: 'address field compression' },
  13: { name: 'Callback', short: 'callback' },
  17: { name: 'Multilink-MRRU', short: 'multilink MRRU' },
  19: { name: 'Multilink-Endpoint-Discriminator', short: 'endpoint discriminator' },
};

const IPCP: OptionNames = {
  1: { name: 'IP-Addresses', short: 'IP addresses' },
  2: { name: 'IP-Compression-Protocol', short: 'header compression' },
  3: { name: 'IP-Address', short: 'address', read: address },
  129: { name: 'Primary DNS Server Address', short: 'name server', read: address },
  130: { name: 'Primary NBNS Server Address', short: 'NetBIOS name server', read: address },
  131: { name: 'Secondary DNS Server Address', short: 'second name server', read: address },
  132: { name: 'Secondary NBNS Server Address', short: 'second NetBIOS server', read: address },
};

const IPV6CP: OptionNames = {
  1: {
    name: 'Interface-Identifier',
    short: 'interface identifier',
    read: (reader) => hexText(reader.take('Data', 8)),
  },
};

/** By the protocol whose packets carry them. */
export const OPTIONS: Readonly<Record<number, OptionNames>> = {
  [PppProtocol.lcp]: LCP,
  [PppProtocol.ipcp]: IPCP,
  [PppProtocol.ipv6cp]: IPV6CP,
  [PppProtocol.ccp]: {},
};

/** @rfc 1994 §3, RFC 2759 §2 */
const CHAP_ALGORITHMS: Readonly<Record<number, string>> = {
  5: 'CHAP with MD5',
  128: 'MS-CHAP',
  129: 'MS-CHAPv2',
};

function readAuthentication(reader: FieldReader): string {
  const protocol = reader.u16('Authentication-Protocol', hex(4));
  if (protocol === PppProtocol.pap) return 'PAP';
  if (protocol === PppProtocol.eap) return 'EAP';
  if (protocol !== PppProtocol.chap) return hex(4)(protocol);
  const name = (value: number): string => CHAP_ALGORITHMS[value] ?? `CHAP algorithm ${value}`;
  return name(reader.u8('Algorithm', name));
}
