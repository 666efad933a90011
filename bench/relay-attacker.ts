/**
 * The hostile client as a process of its own, and the two gateways it needs. Says where they are over IPC, is
 * told the relay's port, and attacks until it is killed.
 */

import { ATTACKS, Attacker, pause, SINK_ADDRESS } from './relay-attacks.ts';
import { type TestGateway, testGateway } from './relay-gateways.ts';

/** One that is refused at once comes back soon, not in a tight loop: this process must keep up itself. */
const BREATH_MS = 20;

const gateways = await Promise.all([torrent(), sink()]);
process.on('disconnect', () => process.exit());
process.once('message', (port: number) => {
  const target = { port, torrent: 'torrent', sink: 'sink' };
  Object.values(ATTACKS).forEach((attack, i) => {
    const wage = async (): Promise<never> => {
      for (;;) {
        await attack.strike(new Attacker(target, addressOf(i)));
        await pause(BREATH_MS);
      }
    };
    for (let line = 0; line < attack.width; line++) void wage();
  });
});
process.send?.(gateways.map(({ config }) => config));

/** An address for each attack, so that one does not use up the places of another. */
function addressOf(index: number): string {
  return `127.1.0.${index + 1}`;
}

/** Answers the first datagram of each session with datagrams without end. */
function torrent(): Promise<TestGateway> {
  const known = new Set<number>();
  const packet = Buffer.alloc(1400, 1);
  return testGateway('torrent', '127.2.0.2', (socket, _bytes, port, address) => {
    if (known.has(port)) return;
    known.add(port);
    const flow = setInterval(() => {
      for (let i = 0; i < 40; i++) socket.send(packet, port, address);
    }, 10);
    setTimeout(() => clearInterval(flow), 20_000);
  });
}

function sink(): Promise<TestGateway> {
  return testGateway('sink', SINK_ADDRESS, () => {});
}
