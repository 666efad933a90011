/** The frame that all pages of the intranet have in common, and the files they share. */
import { readFileSync } from 'node:fs';
import { DOMAIN, HOSTS, hostName } from '../hosts.ts';
import { type Html, html } from './html.ts';
import type { Answer, Site, Visit } from './site.ts';

/** A page of `site`. `scripts`: paths of scripts on the site itself. */
export function page(
  site: Site,
  { visitor, url: { protocol } }: Visit,
  title: string,
  body: Html,
  options: { readonly status?: number; readonly scripts?: readonly string[] } = {},
): Answer {
  const { status = 200, scripts = [] } = options;
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${hostName(site.host)}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
${scripts.map((path) => html`<script src="${path}" type="module"></script>\n`)}</head>
<body class="${site.host.label || 'home'}">
<header>
<p class="site"><a href="/">${site.title}</a> <small>${hostName(site.host)}</small></p>
<nav aria-label="Sites of the intranet">${SITES.map((host) => html`<a href="${protocol}//${hostName(host)}/">${host.label || 'home'}</a>\n`)}</nav>
</header>
<main>
${body}
</main>
<footer>
<p>You are <strong>${visitor}</strong> on ${DOMAIN}, a demonstration network with no way out. This page came to you through
your own tunnel.</p>
</footer>
</body>
</html>
`;
  return { status, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: document.text };
}

const { home, wiki, status, people, files, speed, authority } = HOSTS;
const SITES = [home, wiki, status, people, files, speed, authority];

/** A file beside the sources, with its media type: read once, at the start. */
export function asset(path: string): Answer {
  const type = TYPES[path.slice(path.lastIndexOf('.'))];
  if (type === undefined) throw new RangeError('path: a file of unknown type');
  return {
    headers: { 'Content-Type': type, 'Cache-Control': 'max-age=3600' },
    body: readFileSync(new URL(`../assets/${path}`, import.meta.url)),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What every site has under the same path. */
export const SHARED_ASSETS: ReadonlyMap<string, Answer> = new Map([
  ['/style.css', asset('style.css')],
  ['/icon.svg', asset('icon.svg')],
]);
