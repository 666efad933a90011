/** The web server behind the gateway: nginx with a large file to fetch and a place to put one. */
import { closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon } from '../../tests/interop/support/daemon.ts';
import type { Namespace } from '../../tests/interop/support/namespace.ts';
import { spawnNginx } from '../../tests/interop/support/nginx.ts';

export interface WebServerOptions {
  readonly namespace: Namespace;
  readonly address: string;
  /** Bytes of `/file`. */
  readonly size: number;
  /** An empty folder to live in. */
  readonly folder: string;
}

/** `GET /file`, `PUT /upload`. */
export async function startWebServer(options: WebServerOptions): Promise<Daemon> {
  const { namespace, address, size, folder } = options;
  mkdirSync(join(folder, 'site'));
  // A hole: what is in it does not matter, since nothing on the way compresses.
  const file = openSync(join(folder, 'site/file'), 'w');
  ftruncateSync(file, size);
  closeSync(file);
  const daemon = spawnNginx({
    namespace,
    address,
    folder,
    site: join(folder, 'site'),
    directives: 'client_max_body_size 0; sendfile on; location /upload { dav_methods PUT; }',
  });
  try {
    await daemon.until('listening', () => daemon.holdsPort('tcp', 80));
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}
