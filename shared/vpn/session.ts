/** A tunnel that stands, in words for a screen: what was agreed on, and what of it is weak. */
import type { Encapsulation } from '../ike/io.ts';
import { describePhase1, type Phase1Transform } from '../ike/phase1-transforms.ts';
import { describePhase2, type Phase2Transform } from '../ike/phase2-transforms.ts';
import { isAdvisedAgainst } from '../ike/ratings.ts';
import type { AuthMethod } from '../ppp/ppp.ts';
import type { Bytes } from '../wire/bytes.ts';

export interface Session {
  readonly gateway: { readonly id: string; readonly name: string; readonly address: string };
  /** IPv4 addresses, dotted. */
  readonly address: string;
  readonly peerAddress: string;
  readonly nameServers: readonly string[];
  readonly ike: string;
  readonly esp: string;
  readonly transport: string;
  readonly authentication: string;
  /** Largest IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** What of the above RFC 8221 or RFC 8247 advise against, in the words used there, and PAP and CHAP-MD5. */
  readonly weak: readonly string[];
  /** What could not be found out about the gateway, in a sentence or two. */
  readonly caveat?: string;
}

/** Gathered while the layers come up. */
export interface Agreed {
  ike?: Phase1Transform;
  ikeAuthentication?: string;
  caveat?: string;
  encapsulation: Encapsulation;
  esp?: Phase2Transform;
  authentication?: AuthMethod;
}

/** What IPCP assigned: IPv4 addresses, 4 bytes each. */
interface Addresses {
  readonly address: Bytes;
  readonly peerAddress: Bytes;
  readonly nameServers: readonly Bytes[];
}

const METHOD_NAMES: Readonly<Record<AuthMethod, string>> = {
  pap: 'PAP',
  'chap-md5': 'CHAP-MD5',
  mschapv2: 'MS-CHAPv2',
};

export function describeSession(
  gateway: Session['gateway'],
  addresses: Addresses,
  mtu: number,
  { ike, ikeAuthentication, caveat, encapsulation, esp, authentication }: Agreed,
): Session {
  const ikeNames = ike ? describePhase1(ike) : '';
  const espNames = esp ? describePhase2(esp) : '';
  return {
    gateway,
    address: dotted(addresses.address),
    peerAddress: dotted(addresses.peerAddress),
    nameServers: addresses.nameServers.map(dotted),
    ike: `${ikeNames}, ${ikeAuthentication}`,
    esp: espNames,
    transport: encapsulation === 'raw' ? 'Raw ESP' : 'UDP 4500',
    authentication: authentication ? METHOD_NAMES[authentication] : 'none',
    mtu,
    weak: [
      ...advisedAgainst(ikeNames, espNames),
      ...weakPhase1(ikeAuthentication),
      ...oneSided(authentication),
    ],
    ...(caveat !== undefined && { caveat }),
  };
}

function advisedAgainst(...lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(', ').filter(isAdvisedAgainst));
}

/** Aggressive mode shows a hash of the pre-shared key, XAUTH hands over a password. */
function weakPhase1(authentication = ''): string[] {
  return authentication
    .split(', ')
    .filter((part) => part === 'aggressive mode' || part === 'XAUTH');
}

/** PAP and CHAP-MD5: the gateway never proves that it knows the password. */
function oneSided(method: AuthMethod | undefined): string[] {
  return method === 'pap' || method === 'chap-md5' ? [METHOD_NAMES[method]] : [];
}

function dotted(address: Bytes): string {
  return address.join('.');
}
