/**
 * The built portal, read into memory once at the start: a request can only name a file that is in the table,
 * so there is no path to climb out of, and a rebuild under a running relay does no harm.
 * Left out: ranges and compression, which a proxy in front does better.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';

interface PortalFile {
  readonly body: Buffer;
  readonly type: string;
  readonly cacheControl: string;
  readonly etag: string;
}

/** Files by the path they are asked for. */
export type PortalFiles = ReadonlyMap<string, PortalFile>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/** Names that the bundler derives from the content: such a file never changes. */
const HASHED = /^\/assets\/.*-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/;

/** Everything under `folder`, hidden files apart; `index.html` also as its folder. */
export function readPortal(folder: string): PortalFiles {
  const files = new Map<string, PortalFile>();
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const url = `/${relative(folder, path).split(sep).join('/')}`;
    if (url.includes('/.')) continue;
    const body = readFileSync(path);
    const file: PortalFile = {
      body,
      type: TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream',
      cacheControl: HASHED.test(url) ? 'public, max-age=31536000, immutable' : 'no-cache',
      etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    };
    files.set(url, file);
    if (url.endsWith('/index.html')) files.set(url.slice(0, -'index.html'.length), file);
  }
  return files;
}

/** Answers a GET or HEAD for the URL path `path`. Answers false when there is no such file. */
export function servePortal(
  files: PortalFiles,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const file = files.get(decoded(path));
  if (file === undefined) return false;
  response.setHeader('Cache-Control', file.cacheControl);
  response.setHeader('ETag', file.etag);
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304).end();
    return true;
  }
  response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.length });
  response.end(request.method === 'HEAD' ? undefined : file.body);
  return true;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
