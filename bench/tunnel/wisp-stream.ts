/** A TCP connection by wisp-js's own client, with the back-pressure that its protocol has. */
import { client } from '@mercuryworkshop/wisp-js/client';
import type { ByteStream } from './streams.ts';

/** Packets that may wait for the server's permission to send, and how often is looked whether they still do. */
const WAITING = 64;
const POLL_MILLIS = 1;

/** Opens connections through the server at `url`. */
export async function wispStreams(url: string): Promise<(target: URL) => ByteStream> {
  const connection = new client.ClientConnection(url);
  await new Promise<void>((resolve, reject) => {
    connection.onopen = resolve;
    connection.onerror = () => reject(new Error(`no Wisp server at ${url}`));
  });
  return (target) => {
    const stream = connection.create_stream(target.hostname, Number(target.port) || 80);
    const arrived: Uint8Array[] = [];
    let isOver = false;
    let wake: () => void = () => {};
    stream.onmessage = (bytes) => {
      arrived.push(bytes);
      wake();
    };
    stream.onclose = () => {
      isOver = true;
      wake();
    };
    return {
      async write(bytes) {
        stream.send(bytes);
        while (stream.send_buffer.length > WAITING) {
          await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
        }
      },
      async read() {
        while (arrived.length === 0 && !isOver) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        return arrived.shift();
      },
      close: () => stream.close(),
    };
  };
}
