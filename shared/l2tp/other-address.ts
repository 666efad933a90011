/** A gateway that wants to be called elsewhere. RFC 3193 §4.2.3. Left out: IPv6, which no relay reaches. */
import { utf8Decode } from '../wire/text.ts';
import type { ResultCode } from './avp.ts';
import { GeneralError, StopResult } from './numbers.ts';

/**
 * The IPv4 address, dotted, that a StopCCN names with "Try another"; `undefined` where it names none, or something else than one.
 * @rfc 2661 §4.4.2
 * @rfc 3193 §4.2.3
 */
export function otherAddress(code: ResultCode | undefined): string | undefined {
  if (code?.message === undefined) return undefined;
  if (code.result !== StopResult.generalError || code.error !== GeneralError.tryAnother) {
    return undefined;
  }
  const text = utf8Decode(code.message);
  const octets = text.split('.').map(Number);
  const isAddress = octets.length === 4 && octets.every((octet) => octet <= 255);
  return isAddress && octets.join('.') === text ? text : undefined;
}
