/** Sends every datagram back where it came from: what the relay alone costs a packet that goes there and back. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { obey } from '../harness/child.ts';

export interface EchoCommands {
  listen(address: string, port: number): Promise<void>;
}

obey<EchoCommands>({
  async listen(address, port) {
    const socket = createSocket('udp4');
    socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
    socket.bind(port, address);
    await once(socket, 'listening');
  },
});
