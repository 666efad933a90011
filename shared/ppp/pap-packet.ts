/** PAP on the wire. RFC 1334 §2.2. */
import type { Bytes } from '../wire/bytes.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import type { ControlPacket } from './control-packet.ts';

export const PapCode = {
  authenticateRequest: 1,
  authenticateAck: 2,
  authenticateNak: 3,
} as const;

/** Both are at most 255 bytes. @rfc 1334 §2.2.1 */
interface AuthenticateRequest {
  readonly peerId: Bytes;
  readonly password: Bytes;
}

export function decodeAuthenticateRequest(packet: ControlPacket): AuthenticateRequest {
  const reader = new Reader(packet.body);
  const peerId = reader.bytes(reader.u8());
  const password = reader.bytes(reader.u8());
  reader.finish();
  return { peerId, password };
}

export function encodeAuthenticateRequest(id: number, request: AuthenticateRequest): ControlPacket {
  const body = new Writer()
    .block(1, (writer) => writer.bytes(request.peerId))
    .block(1, (writer) => writer.bytes(request.password))
    .finish();
  return { code: PapCode.authenticateRequest, id, body };
}

/**
 * The message of an Authenticate-Ack or -Nak. Deviation: gateways send neither message nor its length, or a
 * length that does not fit; the message is for people, so as much as there is counts.
 * @rfc 1334 §2.2.2
 */
export function decodeReplyMessage(packet: ControlPacket): Bytes {
  return packet.body.slice(1, 1 + (packet.body[0] ?? 0));
}

export function encodeReply(
  code: typeof PapCode.authenticateAck | typeof PapCode.authenticateNak,
  id: number,
  message: Bytes,
): ControlPacket {
  const body = new Writer().block(1, (writer) => writer.bytes(message)).finish();
  return { code, id, body };
}
