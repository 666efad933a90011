/**
 * NAT traversal: NAT-D hashes, and what differs between RFC 3947 and its drafts 02 and 03.
 * Left out: drafts 00 and 01, which had another payload format.
 */
import type { HashName, Primitives } from '../crypto/suite.ts';
import { EncapsulationMode, IdType } from '../isakmp/numbers.ts';
import type { Payload, ReceivedPayload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, fromHex } from '../wire/bytes.ts';
import type { SettledConfig } from './config.ts';
import type { IkeChannel } from './io.ts';

/** Which document's payload numbers and encapsulation modes are spoken. */
export interface NatDialect {
  readonly name: string;
  /** Payloads and modes numbered as in the drafts. */
  readonly draft: boolean;
  readonly vendorIds: readonly Bytes[];
}

/** Best first. RFC 3947 §3.1; each is the MD5 digest of the document's name, draft 02 also with a line feed. */
export const DIALECTS: readonly NatDialect[] = [
  {
    name: 'RFC 3947',
    draft: false,
    vendorIds: [fromHex('4a131c81070358455c5728f20e95452f')],
  },
  {
    name: 'draft 03',
    draft: true,
    vendorIds: [fromHex('7d9419a65310ca6f2c179d9215529d56')],
  },
  {
    name: 'draft 02',
    draft: true,
    vendorIds: [
      fromHex('90cb80913ebb696e086381b5ec427b1f'),
      fromHex('cd60464335df21f87cfdb2fc68b6a448'),
    ],
  },
];

/** Who is behind a NAT. */
export interface NatFindings {
  readonly local: boolean;
  readonly remote: boolean;
}

/** What the hashes cover besides address and port, and how. */
export interface NatHashInput {
  readonly primitives: Primitives;
  readonly hash: HashName;
  readonly initiatorCookie: Bytes;
  readonly responderCookie: Bytes;
}

/**
 * Our NAT-D payloads: the destination first, then the source, which is the truth unless the peer shall see a NAT.
 * @rfc 3947 §3.2
 */
export function natDiscoveryPayloads(
  input: NatHashInput,
  config: SettledConfig,
  channel: IkeChannel,
  { draft }: NatDialect,
): readonly Payload[] {
  const remote = natHash(input, config.remoteAddress, config.remotePorts[channel]);
  const source = config.natTraversal === 'force' ? config.natAddress : config.localAddress;
  const local = natHash(input, source, config.localPorts[channel]);
  return [remote, local].map((hash) => ({ kind: 'nat-discovery', draft, hash }));
}

/**
 * The peer's NAT-D payloads against what we know: its first names us as it sees us, the others itself.
 * Without any, nothing was found. Forced encapsulation counts as a NAT in front of us.
 * @rfc 3947 §3.2
 */
export function readNatDiscovery(
  input: NatHashInput,
  config: SettledConfig,
  channel: IkeChannel,
  payloads: readonly ReceivedPayload[],
): NatFindings {
  const hashes: Bytes[] = [];
  for (const { payload } of payloads) {
    if (payload.kind === 'nat-discovery') hashes.push(payload.hash);
  }
  const [destination, ...sources] = hashes;
  const local = natHash(input, config.localAddress, config.localPorts[channel]);
  const remote = natHash(input, config.remoteAddress, config.remotePorts[channel]);
  return {
    local:
      config.natTraversal === 'force' ||
      (destination !== undefined && !constantTimeEqual(destination, local)),
    remote: sources.length > 0 && !sources.some((source) => constantTimeEqual(source, remote)),
  };
}

/** The encapsulation mode to offer for transport mode. @rfc 3947 §5.1 */
export function encapsulationMode(dialect: NatDialect | undefined): number {
  if (dialect === undefined) return EncapsulationMode.transport;
  return dialect.draft ? EncapsulationMode.udpTransportDraft : EncapsulationMode.udpTransport;
}

/** The original addresses, initiator's first, as transport mode needs them. @rfc 3947 §5.2 */
export function natOriginalAddressPayloads(
  { draft }: NatDialect,
  initiatorAddress: Bytes,
  responderAddress: Bytes,
): readonly Payload[] {
  return [initiatorAddress, responderAddress].map((address) => ({
    kind: 'nat-original-address',
    draft,
    idType: IdType.ipv4Addr,
    address,
  }));
}

/** HASH(CKY-I | CKY-R | IP | Port). @rfc 3947 §3.2 */
function natHash(input: NatHashInput, address: Bytes, port: number): Bytes {
  return input.primitives.hash(
    input.hash,
    input.initiatorCookie,
    input.responderCookie,
    address,
    Uint8Array.of(port >>> 8, port),
  );
}
