/**
 * What stands for the gateway on the way up: UDP ports that nobody reads, since the process is stopped by a signal. The
 * system drops what comes and counts it, which takes nobody's time.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { loadAddon } from '../../relay/native.ts';
import { obey } from '../harness/child.ts';

export interface SinkCommands {
  /** Opens `count` ports of `address` and answers them. */
  listen(address: string, count: number): Promise<number[]>;
  /** Takes ESP as IP protocol 50 between the two addresses. Throws where it cannot. */
  takeEsp(address: string, from: string): void;
}

obey<SinkCommands>({
  takeEsp(address, from) {
    const id = loadAddon()
      ?.start(() => {})
      .openEsp(address, from);
    if (id === undefined || id < 0) throw new Error(`no raw socket here (${id ?? 'no addon'})`);
  },
  listen: (address, count) =>
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
