/** A message of a transaction exchange, in which XAUTH asks, answers and tells. draft-ietf-ipsec-isakmp-mode-cfg-05 §3 */
import type { Message } from '../isakmp/message.ts';
import { HeaderFlag } from '../isakmp/numbers.ts';
import type { Attributes } from '../isakmp/payload.ts';
import { EMPTY } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { CipherChain } from './cipher-chain.ts';
import type { IkeSa } from './ike-sa.ts';

/** Throws `DecodeError` for what cannot be one under the SA, whatever is in it. */
export function requireTransaction(sa: IkeSa, { header }: Message): void {
  if (!sa.owns(header)) throw new DecodeError('foreign cookie');
  if (header.messageId === 0) throw new DecodeError('no message id');
  if ((header.flags & HeaderFlag.encryption) === 0) throw new DecodeError('not encrypted');
}

/** The one attribute payload of an authentic message. Throws `DecodeError`. */
export function openTransaction(sa: IkeSa, message: Message, chain: CipherChain): Attributes {
  const payloads = sa.open(message, chain, EMPTY);
  if (payloads === undefined) throw new DecodeError('HASH of a transaction is wrong');
  const [found, ...others] = payloads.map(({ payload }) => payload).filter(isAttributes);
  if (found === undefined || others.length > 0) throw new DecodeError('not one attribute payload');
  return found;
}

function isAttributes(payload: { readonly kind: string }): payload is Attributes {
  return payload.kind === 'attributes';
}
