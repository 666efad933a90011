/** The web server behind the gateway: nginx with a large file to fetch and a place to put one. */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preparedTools } from '../../scripts/support/tools.ts';
import { Daemon } from '../../tests/interop/support/daemon.ts';
import type { Namespace } from '../../tests/interop/support/namespace.ts';

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
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/temporary;`,
  );
  const config = `
daemon off;
master_process off;
user root;
pid ${folder}/nginx.pid;
error_log stderr warn;
events {}
http {
  ${temporary.join('\n  ')}
  access_log off;
  default_type application/octet-stream;
  sendfile on;
  client_max_body_size 0;
  server {
    listen ${address}:80;
    root ${folder}/site;
    location /upload { dav_methods PUT; }
  }
}
`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const args = ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'];
  const daemon = new Daemon('nginx', namespace.spawn(preparedTools().nginx, args));
  try {
    await daemon.until('listening', () => daemon.holdsPort('tcp', 80));
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}
