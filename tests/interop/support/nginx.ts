/** nginx in a namespace, serving a folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preparedTools } from '../../../scripts/support/tools.ts';
import { Daemon } from './daemon.ts';
import type { Namespace } from './namespace.ts';

export interface NginxOptions {
  readonly namespace: Namespace;
  readonly address: string;
  /** Where it may live, and what it serves. */
  readonly folder: string;
  readonly site: string;
  /** Further lines for its one server. */
  readonly directives?: string;
}

/** Starts it on port 80; it may not listen yet. */
export function spawnNginx(options: NginxOptions): Daemon {
  const { namespace, address, folder, site, directives = '' } = options;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/nginx;`,
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
  types { text/html html; }
  default_type application/octet-stream;
  server {
    listen ${address}:80;
    root ${site};
    ${directives}
  }
}
`;
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, config);
  const args = ['-c', file, '-p', folder, '-e', 'stderr'];
  return new Daemon('nginx', namespace.spawn(preparedTools().nginx, args));
}
