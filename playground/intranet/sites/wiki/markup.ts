/**
 * The wiki's markup: paragraphs, `# headings`, `* lists`, lines of `code` behind four spaces, and within a line `` `code` ``,
 * `[[page]]` or `[[page|words]]`, and `http://` addresses of the intranet. Everything else is text.
 */
import { DOMAIN } from '../../hosts.ts';
import { type Html, html } from '../../web/html.ts';

/** The name of a page in its address. */
export const SLUG: RegExp = /^[a-z0-9][a-z0-9-]{0,39}$/;

export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
}

/** Blocks are told apart by empty lines. */
export function renderMarkup(text: string): Html {
  const blocks = text.replaceAll('\r\n', '\n').split(/\n{2,}/);
  return html`${blocks.filter((block) => block.trim() !== '').map(renderBlock)}`;
}

function renderBlock(block: string): Html {
  const lines = block.replace(/^\n+|\n+$/g, '').split('\n');
  if (lines.every((line) => line.startsWith('    '))) {
    return html`<pre>${lines.map((line) => line.slice(4)).join('\n')}</pre>\n`;
  }
  if (lines.every((line) => line.startsWith('* '))) {
    return html`<ul>\n${lines.map((line) => html`<li>${renderLine(line.slice(2))}</li>\n`)}</ul>\n`;
  }
  const [first] = lines;
  if (first!.startsWith('# ') && lines.length === 1) {
    return html`<h2>${renderLine(first!.slice(2))}</h2>\n`;
  }
  if (/^!\[[^\]]*\]$/.test(block)) {
    return html`<p><img src="/network.svg" alt="${block.slice(2, -1)}" width="640" height="260"></p>\n`;
  }
  return html`<p>${renderLine(lines.join('\n'))}</p>\n`;
}

const SPAN = /`([^`]+)`|\[\[([^\]|]+)(?:\|([^\]]+))?\]\]|(https?:\/\/[a-z0-9.-]+(?:\/[\w./-]*)?)/g;

function renderLine(line: string): Html {
  const parts: Html[] = [];
  let at = 0;
  for (const match of line.matchAll(SPAN)) {
    parts.push(html`${line.slice(at, match.index)}`, renderSpan(match));
    at = match.index + match[0].length;
  }
  return html`${parts}${line.slice(at)}`;
}

function renderSpan([whole, code, target, words, address]: RegExpMatchArray): Html {
  if (code !== undefined) return html`<code>${code}</code>`;
  if (target !== undefined) return html`<a href="/page/${slugOf(target)}">${words ?? target}</a>`;
  const { hostname } = new URL(address ?? whole);
  const inside = hostname === DOMAIN || hostname.endsWith(`.${DOMAIN}`);
  return inside ? html`<a href="${whole}">${whole}</a>` : html`${whole}`;
}
