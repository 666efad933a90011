/**
 * What stands for the gateway on the way up: UDP ports that nobody reads, since the process is stopped by a signal. The
 * system drops what comes and counts it, which takes nobody's time.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { obey } from '../harness/child.ts';

export interface SinkCommands {
  /** Opens as many ports of an address and answers them. */
  gateway(address: string, count: number): Promise<number[]>;
}

obey<SinkCommands>({
  gateway: (address, count) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        // The least there is: what a buffer still holds is not counted.
        const socket = createSocket({ type: 'udp4', recvBufferSize: 1 });
        socket.bind(0, address);
        await once(socket, 'listening');
        return socket.address().port;
      }),
    ),
});
