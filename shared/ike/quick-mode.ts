/** What both roles of Quick Mode share. RFC 2409 §5.5, RFC 3947 §5. */
import type { EspSaParameters } from '../esp/engine.ts';
import type { Message } from '../isakmp/message.ts';
import {
  EncapsulationMode,
  IdType,
  IPPROTO_UDP,
  NotifyType,
  ProtocolId,
} from '../isakmp/numbers.ts';
import type { Payload, ReceivedPayload } from '../isakmp/payload.ts';
import type { Proposal } from '../isakmp/proposal.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import type { IkeSa } from './ike-sa.ts';
import type { ChildEstablished, ChildInbound, Encapsulation } from './io.ts';
import { keyMaterial } from './key-material.ts';
import type { Lifetime } from './lifetime.ts';
import { espKeySizes, type Phase2Choice } from './phase2-transforms.ts';

/** A message of a Quick Mode, and the datagram it came in. */
export interface QuickModeArrival {
  readonly message: Message;
  readonly bytes: Bytes;
}

export type QuickModeResult =
  /** The exchange is complete. */
  | { readonly kind: 'child'; readonly child: ChildEstablished }
  /** The peer has said that it is complete for it, too; `spi` is that of the inbound SA. */
  | { readonly kind: 'confirmed'; readonly spi: number };

/** One exchange; after its end it stays a while, to answer duplicates. */
export interface QuickMode {
  readonly messageId: number;
  readonly initiatedBy: 'us' | 'peer';
  /** Of the inbound SA, 4 bytes. */
  readonly spi: Bytes;
  readonly finished: boolean;
  readonly deadline: Millis | undefined;
  /** Throws `DecodeError` and `ProtocolError`. */
  receive(arrival: QuickModeArrival, now: Millis): QuickModeResult | undefined;
  /** Answers `false` when the tries are used up. */
  timeout(now: Millis): boolean;
}

/** SPIs up to here are reserved. @rfc 4303 §2.1 */
const LAST_RESERVED_SPI = 255;

/** A fresh inbound SPI, 4 bytes. */
export function randomSpi(random: Random): Bytes {
  for (;;) {
    const spi = random.bytes(4);
    if (spiNumber(spi) > LAST_RESERVED_SPI) return spi;
  }
}

export function spiNumber(spi: Bytes): number {
  return ((spi[0]! << 24) | (spi[1]! << 16) | (spi[2]! << 8) | spi[3]!) >>> 0;
}

export function spiBytes(spi: number): Bytes {
  return Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi);
}

/** A fresh message id, never 0. @rfc 2408 §3.1 */
export function randomMessageId(random: Random): number {
  for (;;) {
    const id = spiNumber(random.bytes(4));
    if (id !== 0) return id;
  }
}

/** One UDP port of one IPv4 address, as a phase 2 identity. @rfc 2407 §4.6.2 */
export function udpIdentity(address: Bytes, port: number): Payload {
  return {
    kind: 'identification',
    idType: IdType.ipv4Addr,
    protocolId: IPPROTO_UDP,
    port,
    data: address,
  };
}

/** What of the identities says for which UDP ports a pair of SAs is; 0 is every port. */
interface UdpPorts {
  readonly initiator: number;
  readonly responder: number;
}

/**
 * Without identities a pair is for everything between the two addresses. Which addresses they name is nobody's concern: behind a NAT none
 * is right. Throws `ProtocolError` where what is to be protected is not UDP.
 * @rfc 2409 §5.5
 * @rfc 2407 §4.6.2
 */
export function readUdpPorts(payloads: readonly ReceivedPayload[]): UdpPorts {
  const ports = payloads.flatMap(({ payload }) => {
    if (payload.kind !== 'identification') return [];
    const { protocolId, port } = payload;
    if (protocolId !== IPPROTO_UDP && protocolId !== 0) throw unacceptable('not UDP');
    return protocolId === 0 ? 0 : port;
  });
  const [initiator = 0, responder = 0] = ports;
  if (ports.length === 1 || ports.length > 2) throw unacceptable('not two identities');
  return { initiator, responder };
}

function unacceptable(what: string): ProtocolError {
  return new ProtocolError(NotifyType['INVALID-ID-INFORMATION'], `Quick Mode for ${what}`);
}

/** The proposals of the first payload behind HASH. */
export function readProposals([first]: readonly ReceivedPayload[]): readonly Proposal[] {
  if (first?.payload.kind !== 'security-association') throw new DecodeError('no SA payload');
  return first.payload.proposals;
}

/** The encapsulation modes that this SA can use; which document's numbers a peer writes matters to nobody. */
export function usableEncapsulations({ parameters }: IkeSa): readonly number[] {
  return parameters.dialect === undefined
    ? [EncapsulationMode.transport]
    : [EncapsulationMode.udpTransport, EncapsulationMode.udpTransportDraft];
}

/** Everything the keys of a pair of SAs follow from. */
export interface ChildSeed {
  readonly choice: Phase2Choice;
  readonly ourSpi: Bytes;
  readonly peerSpi: Bytes;
  readonly initiatorNonce: Bytes;
  readonly responderNonce: Bytes;
  /** Of a key exchange of its own; empty without perfect forward secrecy. */
  readonly sharedSecret: Bytes;
  readonly lifetime: Lifetime;
  readonly initiatedBy: 'us' | 'peer';
  readonly peerPort: number;
}

/** The pair of SAs, keyed. @rfc 2409 §5.5 */
export function establishChild(sa: IkeSa, seed: ChildSeed): ChildEstablished {
  const { choice, ourSpi, peerSpi, lifetime, initiatedBy, peerPort } = seed;
  return {
    kind: 'child-established',
    inbound: espParameters(sa, seed, ourSpi),
    outbound: espParameters(sa, seed, peerSpi),
    encapsulation: encapsulationOf(choice),
    transform: choice.transform,
    lifetime,
    initiatedBy,
    peerPort,
  };
}

/** The half of it that arrives: it may do so before the peer's last message does. */
export function inboundChild(sa: IkeSa, seed: ChildSeed): ChildInbound {
  const inbound = espParameters(sa, seed, seed.ourSpi);
  return { kind: 'child-inbound', inbound, encapsulation: encapsulationOf(seed.choice) };
}

function encapsulationOf({ encapsulation }: Phase2Choice): Encapsulation {
  return encapsulation === EncapsulationMode.transport ? 'raw' : 'udp';
}

/** Key material for the SA whose receiver chose `spi`: the cipher's key comes first. */
function espParameters(sa: IkeSa, seed: ChildSeed, spi: Bytes): EspSaParameters {
  const { primitives, transform: phase1, keys } = sa.parameters;
  const { transform } = seed.choice;
  const sizes = espKeySizes(transform);
  const material = keyMaterial(
    primitives,
    phase1.hash,
    keys,
    seed.sharedSecret,
    ProtocolId.ipsecEsp,
    spi,
    seed.initiatorNonce,
    seed.responderNonce,
    sizes.cipher + sizes.integrity,
  );
  return {
    spi: spiNumber(spi),
    cipher: transform.cipher,
    cipherKey: material.slice(0, sizes.cipher),
    ...(transform.integrity === undefined
      ? {}
      : { integrity: transform.integrity, integrityKey: material.slice(sizes.cipher) }),
    ...(transform.extendedSequenceNumbers && { extendedSequenceNumbers: true }),
  };
}
