/** What the playground gives to everybody who opens the page: `GET /culvert/playground`. What it answers is untrusted. */
import { plainText } from '../../shared/errors.ts';
import { CREDENTIAL_LIMIT, checkUrl } from './validation.ts';

/** Longest wait for the answer, in milliseconds. */
const VISIT_TIMEOUT = 20_000;

/** Most bookmarks shown. */
const BOOKMARKS_LIMIT = 50;

export interface Bookmark {
  readonly title: string;
  /** `http:` or `https:`. */
  readonly url: string;
  readonly description: string;
}

/** An account that was made for this page, and what there is to see with it. */
export interface Visit {
  readonly preSharedKey: string;
  readonly userName: string;
  readonly password: string;
  readonly bookmarks: readonly Bookmark[];
}

/** Asks the relay at `origin`; `undefined` where there is no answer that can be used. */
export async function loadVisit(origin: string): Promise<Visit | undefined> {
  try {
    const response = await fetch(new URL('/culvert/playground', origin), {
      cache: 'no-store',
      signal: AbortSignal.timeout(VISIT_TIMEOUT),
    });
    return response.ok ? decodeVisit(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

/** The answer, or `undefined` when it has another shape. */
export function decodeVisit(answer: unknown): Visit | undefined {
  if (!isRecord(answer)) return undefined;
  const { preSharedKey, userName, password, bookmarks = [] } = answer;
  if (!isText(preSharedKey) || !isText(userName) || !isText(password)) return undefined;
  if (!Array.isArray(bookmarks)) return undefined;
  const usable = (bookmarks as unknown[]).slice(0, BOOKMARKS_LIMIT).flatMap(decodeBookmark);
  return { preSharedKey, userName, password, bookmarks: usable };
}

function decodeBookmark(entry: unknown): readonly Bookmark[] {
  if (!isRecord(entry) || !isText(entry.title) || typeof entry.url !== 'string') return [];
  const checked = checkUrl(entry.url);
  if (!checked.ok) return [];
  const description = typeof entry.description === 'string' ? plainText(entry.description) : '';
  return [{ title: plainText(entry.title), url: checked.value, description }];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= CREDENTIAL_LIMIT;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
