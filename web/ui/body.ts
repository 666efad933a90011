/**
 * What may be shown of a fetched body: text as text, well-known images as images, the rest only saved.
 * A body is never rendered as HTML: it comes from a stranger, and the page's origin holds the tunnel.
 */
import type { FetchReply } from '../worker/api.ts';

/** Most bytes of a text body that are shown. */
export const TEXT_LIMIT: number = 256 * 1024;

/** Bytes looked at to tell text from the rest when the server does not say. */
const SNIFF_LIMIT = 4096;

const IMAGE_TYPES: readonly string[] = [
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/svg+xml',
  'image/webp',
  'image/x-icon',
];

export type BodyView =
  | { readonly kind: 'empty' }
  | { readonly kind: 'text'; readonly text: string; readonly cut: boolean }
  | { readonly kind: 'image'; readonly type: string }
  | { readonly kind: 'binary' };

/** How to show the body of `reply`. */
export function bodyView(reply: FetchReply): BodyView {
  if (reply.body.length === 0) return { kind: 'empty' };
  const { type, charset } = contentType(reply);
  // A body that was cut short is no picture any more.
  if (IMAGE_TYPES.includes(type) && reply.body.length === reply.size)
    return { kind: 'image', type };
  if (!isTextType(type) && !(type === '' && looksLikeText(reply.body))) return { kind: 'binary' };
  return {
    kind: 'text',
    text: decode(reply.body.subarray(0, TEXT_LIMIT), charset),
    cut: reply.size > TEXT_LIMIT,
  };
}

/** A file name for the body, from the last part of the URL's path. */
export function fileName(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  const clean = safeDecode(last)
    .replace(/[^\p{L}\p{N}._ -]/gu, '_')
    .replace(/^[. ]+/, '');
  return clean.slice(0, 100) || 'body';
}

function contentType(reply: FetchReply): { readonly type: string; readonly charset: string } {
  const value = reply.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  return {
    type: (value.split(';')[0] ?? '').trim().toLowerCase(),
    charset: /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(value)?.[1] ?? 'utf-8',
  };
}

function isTextType(type: string): boolean {
  return (
    type.startsWith('text/') ||
    /^application\/(.+\+)?(json|xml)$/.test(type) ||
    /^application\/(x-)?(javascript|ecmascript|yaml|sh|www-form-urlencoded)$/.test(type)
  );
}

function looksLikeText(body: Uint8Array): boolean {
  const start = body.subarray(0, SNIFF_LIMIT);
  if (start.includes(0)) return false;
  try {
    // As a stream, so that a character cut in half at the end is no error.
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function decode(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
