/** Which part of a file a request is for. @rfc 9110 §14.1.2 */

export interface Range {
  readonly start: number;
  /** The byte behind the last one. */
  readonly end: number;
}

/**
 * `undefined` where the whole is to be sent: without a range, and with several, which a server need not serve
 * (§14.2); `'unsatisfiable'` where there is no such part.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): Range | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return start >= size ? 'unsatisfiable' : { start, end };
}
