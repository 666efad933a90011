/** Gateways for the relay's soak: a UDP socket on NAT-T's channel and what it does with a datagram. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { GatewayConfig } from '../relay/config.ts';

export interface TestGateway {
  readonly config: GatewayConfig;
  readonly socket: Socket;
}

/** Nobody listens there: what goes to the other channels comes back as an ICMP error. */
const DISCARD = 9;

export async function testGateway(
  id: string,
  address: string,
  received: (socket: Socket, bytes: Buffer, port: number, address: string) => void,
): Promise<TestGateway> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 });
  socket.on('error', () => {});
  socket.on('message', (bytes, from) => received(socket, bytes, from.port, from.address));
  socket.bind(0, address);
  await once(socket, 'listening');
  const ports = { ike: DISCARD, natt: socket.address().port, l2tp: DISCARD };
  return { socket, config: { id, name: id, address, ports } };
}
