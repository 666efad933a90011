/** A session with the relay and nothing in it: one packet at a time to a gateway that is an echo. */
import { Channel, RELAY_SUBPROTOCOL } from '../../shared/relay/channels.ts';
import { encodeControl } from '../../shared/relay/control.ts';
import { FrameWriter } from '../../shared/relay/frames.ts';
import { pause } from './pings.ts';

/** What a ping of the tunnel's is on the wire, about: an SPI, and no matter what. */
const PACKET = new Uint8Array(164).fill(7);

/** Milliseconds that each of `count` packets took, one after the other with `interval` ms in between. */
export async function relayEchoes(
  url: string,
  gateway: string,
  count: number,
  interval: number,
): Promise<number[]> {
  const socket = new WebSocket(url, RELAY_SUBPROTOCOL);
  socket.binaryType = 'arraybuffer';
  const next = () =>
    new Promise<void>((resolve, reject) => {
      socket.onmessage = () => resolve();
      socket.onclose = ({ reason }) => reject(new Error(`the relay hung up: ${reason}`));
    });
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  const opened = next();
  socket.send(encodeControl({ type: 'open', gateway }));
  await opened;
  const times: number[] = [];
  const writer = new FrameWriter();
  for (let i = 0; i < count; i++) {
    writer.append(Channel.natt, PACKET, 0, PACKET.length);
    const began = performance.now();
    const answer = next();
    socket.send(writer.take()!);
    await answer;
    times.push(performance.now() - began);
    await pause(interval);
  }
  socket.onclose = null;
  socket.close();
  return times;
}
