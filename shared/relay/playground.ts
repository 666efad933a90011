/**
 * What the relay's process and the playground's tell each other over the channel that Node opens between a program and
 * one that it started. Nothing in it is a key of anybody's but the playground's own, which are public or throw-away.
 */

export type ToPlayground =
  /** A page wants credentials; answered by `visit` with the same number. */
  { readonly kind: 'visit'; readonly number: number };

export type FromPlayground =
  | {
      readonly kind: 'ready';
      /** IPv4 address and UDP ports of the gateway. */
      readonly address: string;
      readonly ports: { readonly ike: number; readonly natt: number };
    }
  /** It cannot start, in words for the operator; nothing follows. */
  | { readonly kind: 'failed'; readonly message: string }
  /** `answer` is a JSON text, which the relay hands to the page as it is. */
  | { readonly kind: 'visit'; readonly number: number; readonly answer: string };

/** Bytes of the longest answer to a page. */
export const VISIT_LIMIT: number = 64 * 1024;
