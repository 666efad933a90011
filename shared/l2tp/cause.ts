/** Why an event is fed to a state table: what the peer and the user are told if it ends the tunnel. */
import { type Failure, plainText, type TunnelErrorCode } from '../errors.ts';
import { findAvp } from './avp.ts';
import type { Message } from './message.ts';
import type { MessageName } from './numbers.ts';
import { otherAddress } from './other-address.ts';
import { describeCall, describeStop, LOCAL_CLOSE, type Refusal } from './refusal.ts';

export interface Cause {
  readonly message?: Message;
  /** For the wire. */
  readonly refusal: Refusal;
  /** For the user; absent when it was the user who closed. */
  readonly failure?: Failure;
  /** Where the peer wants to be called instead: IPv4, dotted. */
  readonly elsewhere?: string;
}

/** The user wanted it. */
export const BY_US: Cause = { refusal: LOCAL_CLOSE };

/** A message of the peer; `refusal` is what is wrong with it, `established` whether the session stood by then. */
export function byPeer(
  name: MessageName | undefined,
  message: Message,
  refusal: Refusal,
  established: boolean,
): Cause {
  const resultCode = findAvp(message.avps, 'resultCode');
  const because = (why: Refusal, during: TunnelErrorCode, detail: string): Cause => {
    const code = established ? 'L2TP_CLOSED_BY_PEER' : during;
    return { message, refusal: why, failure: { code, detail: plainText(detail) } };
  };
  switch (name) {
    case 'StopCCN': {
      const elsewhere = otherAddress(resultCode);
      const cause = because(LOCAL_CLOSE, 'L2TP_REFUSED', describeStop(resultCode));
      return elsewhere === undefined ? cause : { ...cause, elsewhere };
    }
    case 'CDN':
      return because(LOCAL_CLOSE, 'L2TP_CALL_REFUSED', describeCall(resultCode));
    case 'ICRQ':
    case 'ICRP':
    case 'ICCN':
      return because(refusal, 'L2TP_CALL_REFUSED', refusal.text);
    default:
      return because(refusal, 'L2TP_REFUSED', refusal.text);
  }
}

/** Nothing came from the peer for too long. */
export function bySilence(established: boolean): Cause & { readonly failure: Failure } {
  const code = established ? 'L2TP_DEAD_PEER' : 'L2TP_NO_RESPONSE';
  return { refusal: LOCAL_CLOSE, failure: { code } };
}
