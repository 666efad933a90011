/** The web server behind the gateway: nginx with a large file to fetch and a place to put one. */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../scripts/support/command.ts';
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

export interface WebServer {
  /** Its certificate, in PEM. */
  readonly certificate: string;
  readonly daemon: Daemon;
}

/** `GET /file`, `PUT /upload`, in the clear and by TLS. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { namespace, address, size, folder } = options;
  mkdirSync(join(folder, 'site'));
  // A hole: what is in it does not matter, since nothing on the way compresses.
  const file = openSync(join(folder, 'site/file'), 'w');
  ftruncateSync(file, size);
  closeSync(file);
  const certificate = await selfSigned(folder, address);
  const daemon = spawnNginx({
    namespace,
    address,
    folder,
    site: join(folder, 'site'),
    directives: `client_max_body_size 0; sendfile on; location /upload { dav_methods PUT; }
    listen ${address}:443 ssl; ssl_certificate ${folder}/crt.pem; ssl_certificate_key ${folder}/key.pem;`,
  });
  try {
    await daemon.until('listening', () => daemon.holdsPort('tcp', 80));
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return { certificate, daemon };
}

/** Writes `key.pem` and `crt.pem`. Without alternative names, since not everybody knows addresses among those. */
async function selfSigned(folder: string, address: string): Promise<string> {
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'crt.pem')];
  const rest = ['-noenc', '-days', '2', '-subj', `/CN=${address}`];
  const { status, output } = await runCommand('openssl', [...request, ...files, ...rest]);
  if (status !== 0) throw new Error(`openssl: ${output}`);
  return readFileSync(join(folder, 'crt.pem'), 'utf8');
}
