/**
 * ICMP messages: echo, and the errors that quote a packet of ours.
 * Left out: the queries nobody uses any more, redirects (there is one way out) and source quench (RFC 6633).
 * @rfc 792
 */
import type { Failure } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../wire/checksum.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Packet } from '../wire/packet.ts';

export const ICMP_HEADER = 8;

export const IcmpType = {
  echoReply: 0,
  destinationUnreachable: 3,
  echo: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const;

const UnreachableCode = { net: 0, host: 1, protocol: 2, port: 3, fragmentationNeeded: 4 };

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
      readonly type: number;
      readonly code: number;
      /** Next-hop MTU of "fragmentation needed" (RFC 1191 §4), 0 where the router does not say. */
      readonly mtu: number;
      /** Where the quoted packet begins. */
      readonly quoteStart: number;
      readonly quoteEnd: number;
    }
  | { readonly kind: 'unknown'; readonly type: number };

export function decodeIcmp(bytes: Bytes, start: number, end: number): IcmpMessage {
  if (end - start < ICMP_HEADER) throw new DecodeError('ICMP truncated');
  if (checksumFinish(checksumAdd(0, bytes, start, end)) !== 0)
    throw new DecodeError('ICMP checksum');
  const type = bytes[start]!;
  const code = bytes[start + 1]!;
  const upper = (bytes[start + 4]! << 8) | bytes[start + 5]!;
  const lower = (bytes[start + 6]! << 8) | bytes[start + 7]!;
  switch (type) {
    case IcmpType.echo:
    case IcmpType.echoReply:
      return {
        kind: type === IcmpType.echo ? 'echo' : 'echo-reply',
        identifier: upper,
        sequence: lower,
        dataStart: start + ICMP_HEADER,
        dataEnd: end,
      };
    case IcmpType.destinationUnreachable:
    case IcmpType.timeExceeded:
    case IcmpType.parameterProblem:
      return {
        kind: 'error',
        type,
        code,
        mtu: isFragmentationNeeded(type, code) ? lower : 0,
        quoteStart: start + ICMP_HEADER,
        quoteEnd: end,
      };
    default:
      return { kind: 'unknown', type };
  }
}

/** Writes an echo message at the packet's end; its payload, of `length` bytes, must already lie behind the header. */
export function encodeEcho(
  packet: Packet,
  type: number,
  identifier: number,
  sequence: number,
  length: number,
): void {
  const { bytes, start } = packet;
  packet.end = start + ICMP_HEADER + length;
  bytes[start] = type;
  bytes[start + 1] = 0;
  bytes[start + 2] = 0;
  bytes[start + 3] = 0;
  bytes[start + 4] = identifier >>> 8;
  bytes[start + 5] = identifier;
  bytes[start + 6] = sequence >>> 8;
  bytes[start + 7] = sequence;
  const sum = checksumFinish(checksumAdd(0, bytes, start, packet.end));
  bytes[start + 2] = sum >>> 8;
  bytes[start + 3] = sum;
}

export function isFragmentationNeeded(type: number, code: number): boolean {
  return type === IcmpType.destinationUnreachable && code === UnreachableCode.fragmentationNeeded;
}

/** What an error means to the socket whose packet it quotes. */
export function icmpFailure(type: number, code: number): Failure {
  if (type === IcmpType.timeExceeded) {
    return { code: 'UNREACHABLE', detail: 'the packet was forwarded too often' };
  }
  if (type === IcmpType.parameterProblem) {
    return { code: 'UNREACHABLE', detail: 'a router rejected the packet' };
  }
  if (code === UnreachableCode.port) return { code: 'CONNECTION_REFUSED', detail: 'ICMP port' };
  return { code: 'UNREACHABLE', detail: `ICMP code ${code}` };
}
