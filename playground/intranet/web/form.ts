/** What a form sends by POST. */
import type { Visit } from './site.ts';
import { Refusal } from './site.ts';

/** Bytes of a form's fields as they are sent. */
const FORM_LIMIT = 65_536;

/** The fields. Throws `Refusal` for what is no form, or too long a one. */
export async function readForm({ method, request }: Visit): Promise<URLSearchParams> {
  if (method !== 'POST') throw new Refusal(405, 'This address takes forms only.');
  const [type] = (request.headers['content-type'] ?? '').split(';');
  if (type !== 'application/x-www-form-urlencoded') {
    throw new Refusal(415, 'This address takes forms only.');
  }
  const pieces: Buffer[] = [];
  let length = 0;
  // The answer goes over the same connection, so what is not read must not end it.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    length += piece.length;
    if (length > FORM_LIMIT) throw new Refusal(413, 'That is more text than this page takes.');
    pieces.push(piece);
  }
  return new URLSearchParams(Buffer.concat(pieces).toString());
}
