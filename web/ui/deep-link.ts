/**
 * Links into the portal: `#/connect/playground` names a gateway, and `?open=` an address behind it. Such a link fills in
 * fields and does nothing by itself: whoever wrote it does not get to dial or to fetch, and it has no place for a secret.
 */
import { checkUrl } from './validation.ts';

export interface DeepLink {
  /** A gateway's id, which the relay may or may not know. */
  readonly gateway: string;
  readonly open?: string;
}

/** Longest fragment that is read, in characters. */
const LINK_LIMIT = 2_000;

/** The link in a page's fragment, `#` included; `undefined` where there is none. */
export function parseDeepLink(hash: string): DeepLink | undefined {
  if (hash.length > LINK_LIMIT) return undefined;
  const match = /^#\/connect\/([a-z0-9][a-z0-9._-]{0,63})(?:\?(.*))?$/.exec(hash);
  if (match === null) return undefined;
  const [, gateway = '', query = ''] = match;
  const typed = new URLSearchParams(query).get('open');
  const open = typed === null ? undefined : checkUrl(typed);
  return open?.ok ? { gateway, open: open.value } : { gateway };
}
