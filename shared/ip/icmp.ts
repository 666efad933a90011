/**
 * ICMP messages of both families: echo, and the errors that quote a packet of ours. What only ICMPv6 has (neighbours,
 * routers) is `neighbor-discovery.ts`.
 * Left out: the queries nobody uses any more, redirects (there is one way out) and source quench (RFC 6633).
 * @rfc 792, 4443
 */
import type { Failure } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../wire/checksum.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Packet } from '../wire/packet.ts';
import { type IpHeader, IpProtocol } from './header.ts';
import type { Path } from './path.ts';

export const ICMP_HEADER = 8;

const IcmpType = {
  echoReply: 0,
  destinationUnreachable: 3,
  echo: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const;

const UnreachableCode = { port: 3, fragmentationNeeded: 4 } as const;

/** @rfc 4443 §2.1, 4861 §4 */
export const Icmpv6Type = {
  destinationUnreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echo: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
} as const;

const Icmpv6UnreachableCode = { port: 4 } as const;

export type IcmpMessage =
  | {
      readonly kind: 'echo' | 'echo-reply';
      readonly identifier: number;
      readonly sequence: number;
      /** Where the payload lies in the array that was read. */
      readonly dataStart: number;
      readonly dataEnd: number;
    }
  | {
      readonly kind: 'error';
      readonly failure: Failure;
      /** The packet was forwarded as often as its TTL allowed. */
      readonly expired: boolean;
      /** Set where the packet was too large for a link: its MTU, 0 where the router does not say (RFC 1191 §4). */
      readonly mtu: number | undefined;
      /** Where the quoted packet begins. */
      readonly quoteStart: number;
      readonly quoteEnd: number;
    }
  | { readonly kind: 'other'; readonly type: number };

/** Reads the payload, in `bytes`, of a packet with `header`, whose protocol is that family's ICMP. */
export function decodeIcmp(header: IpHeader, bytes: Bytes): IcmpMessage {
  const { dataStart: start, dataEnd: end } = header;
  if (end - start < ICMP_HEADER) throw new DecodeError('ICMP truncated');
  const pseudo = header.version === 4 ? 0 : header.pseudoHeaderSum(IpProtocol.icmpv6, end - start);
  if (checksumFinish(checksumAdd(pseudo, bytes, start, end)) !== 0) {
    throw new DecodeError('ICMP checksum');
  }
  const type = bytes[start]!;
  const isEcho = type === (header.version === 4 ? IcmpType.echo : Icmpv6Type.echo);
  if (isEcho || type === (header.version === 4 ? IcmpType.echoReply : Icmpv6Type.echoReply)) {
    return {
      kind: isEcho ? 'echo' : 'echo-reply',
      identifier: u16(bytes, start + 4),
      sequence: u16(bytes, start + 6),
      dataStart: start + ICMP_HEADER,
      dataEnd: end,
    };
  }
  const meaning = header.version === 4 ? icmpError(bytes, start) : icmpv6Error(bytes, start);
  if (meaning === undefined) return { kind: 'other', type };
  return { kind: 'error', ...meaning, quoteStart: start + ICMP_HEADER, quoteEnd: end };
}

type Meaning = Pick<Extract<IcmpMessage, { kind: 'error' }>, 'failure' | 'expired' | 'mtu'>;

function icmpError(bytes: Bytes, start: number): Meaning | undefined {
  const type = bytes[start]!;
  const code = bytes[start + 1]!;
  switch (type) {
    case IcmpType.destinationUnreachable:
      if (code === UnreachableCode.fragmentationNeeded) return tooLarge(u16(bytes, start + 6));
      return code === UnreachableCode.port ? refused : unreachable(code);
    case IcmpType.timeExceeded:
      return timeExceeded(code);
    case IcmpType.parameterProblem:
      return rejected;
  }
  return undefined;
}

function icmpv6Error(bytes: Bytes, start: number): Meaning | undefined {
  const type = bytes[start]!;
  const code = bytes[start + 1]!;
  switch (type) {
    case Icmpv6Type.destinationUnreachable:
      return code === Icmpv6UnreachableCode.port ? refused : unreachable(code);
    case Icmpv6Type.packetTooBig:
      return tooLarge(0x10000 * u16(bytes, start + 4) + u16(bytes, start + 6));
    case Icmpv6Type.timeExceeded:
      return timeExceeded(code);
    case Icmpv6Type.parameterProblem:
      return rejected;
  }
  return undefined;
}

const refused: Meaning = meaning({ code: 'CONNECTION_REFUSED', detail: 'ICMP port' });
const rejected: Meaning = meaning({ code: 'UNREACHABLE', detail: 'a router rejected the packet' });

function unreachable(code: number): Meaning {
  return meaning({ code: 'UNREACHABLE', detail: `ICMP code ${code}` });
}

function tooLarge(mtu: number): Meaning {
  const failure: Failure = { code: 'UNREACHABLE', detail: 'larger than the path allows' };
  return { failure, expired: false, mtu };
}

/** In transit, or while its fragments were put together. */
function timeExceeded(code: number): Meaning {
  const detail = code === 0 ? 'the packet was forwarded too often' : 'fragments were lost';
  return { failure: { code: 'UNREACHABLE', detail }, expired: code === 0, mtu: undefined };
}

function meaning(failure: Failure): Meaning {
  return { failure, expired: false, mtu: undefined };
}

/**
 * Writes an echo request or reply at the packet's end; its payload, of `length` bytes, must already lie behind the
 * header.
 */
export function encodeEcho(
  packet: Packet,
  path: Path,
  kind: 'echo' | 'echo-reply',
  identifier: number,
  sequence: number,
  length: number,
): void {
  const { bytes, start } = packet;
  const types = path.local.version === 4 ? IcmpType : Icmpv6Type;
  packet.end = start + ICMP_HEADER + length;
  bytes[start] = kind === 'echo' ? types.echo : types.echoReply;
  bytes[start + 1] = 0;
  bytes[start + 4] = identifier >>> 8;
  bytes[start + 5] = identifier;
  bytes[start + 6] = sequence >>> 8;
  bytes[start + 7] = sequence;
  finishIcmp(packet, path);
}

/** Whether an ICMP message's quote is of an echo request; where its identifier and sequence lie is the same. */
export function isQuotedEcho(quoted: IpHeader, bytes: Bytes): boolean {
  const { dataStart: at, dataEnd } = quoted;
  const types = quoted.version === 4 ? IcmpType : Icmpv6Type;
  return dataEnd - at >= ICMP_HEADER && bytes[at] === types.echo;
}

/** The protocol number that echoes of a family are sent under. */
export function icmpProtocol(path: Path): number {
  return path.local.version === 4 ? IpProtocol.icmp : IpProtocol.icmpv6;
}

/** Fills in the checksum of the whole message in `packet`. @rfc 4443 §2.3 */
export function finishIcmp({ bytes, start, end }: Packet, path: Path): void {
  bytes[start + 2] = 0;
  bytes[start + 3] = 0;
  const isIpv6 = path.local.version === 6;
  const pseudo = isIpv6 ? path.pseudoHeaderSum(IpProtocol.icmpv6, end - start) : 0;
  const sum = checksumFinish(checksumAdd(pseudo, bytes, start, end));
  bytes[start + 2] = sum >>> 8;
  bytes[start + 3] = sum;
}

function u16(bytes: Bytes, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
