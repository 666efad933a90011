/** One GET request through the tunnel with Node's own HTTP client. */
import http from 'node:http';
import https from 'node:https';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tls from 'node:tls';
import { TunnelError } from '../shared/errors.ts';
import type { Sockets } from '../web/worker/sockets.ts';

/** Writes the body to standard output. Throws `TunnelError`, `HTTP_FAILED` for a status of 400 and above. */
export async function get(sockets: Sockets, url: URL): Promise<void> {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = sockets.connect(host, Number(url.port) || (secure ? 443 : 80));
  await socket.opened;
  const plain = Duplex.fromWeb(socket as Parameters<typeof Duplex.fromWeb>[0]);
  // What breaks the connection is reported by the request or by the body; the stream must have a listener too.
  plain.on('error', () => {});
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const connection = secure ? tls.connect({ socket: plain, servername: host }) : plain;
    const request = (secure ? https : http).get(url, {
      createConnection: () => connection,
    });
    request.once('response', resolve).once('error', reject);
  }).catch(failed);
  console.error(`HTTP ${response.statusCode} ${response.statusMessage}`);
  await pipeline(response, process.stdout, { end: false }).catch(failed);
  plain.destroy();
  const status = response.statusCode ?? 0;
  if (status >= 400) throw new TunnelError('HTTP_FAILED', `status ${status}`);
}

function failed(error: unknown): never {
  if (error instanceof TunnelError) throw error;
  throw new TunnelError('HTTP_FAILED', error instanceof Error ? error.message : String(error));
}
