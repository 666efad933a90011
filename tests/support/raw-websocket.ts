/** WebSocket bytes as no library would send them. */

/** The request for an upgrade, complete and valid. */
export const UPGRADE: string =
  'GET /culvert HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
  'Sec-WebSocket-Protocol: culvert.v1\r\n\r\n';

/** A client's frame: `first` is FIN, the reserved bits and the opcode; the mask is zero. @rfc 6455 §5.2 */
export function frame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const header = [first];
  if (length < 126) header.push(0x80 | length);
  else if (length < 65_536) header.push(0x80 | 126, length >>> 8, length & 0xff);
  else header.push(0x80 | 127, 0, 0, 0, 0, length >>> 24, length >>> 16, length >>> 8, length);
  header.push(0, 0, 0, 0);
  return Buffer.concat([Buffer.from(header), payload]);
}
