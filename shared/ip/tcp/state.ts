/** The states of a connection, as the RFC names them; those that wait for something own their timer. @rfc 9293 §3.3.2 */
import type { Millis } from '../../wire/bytes.ts';
import { INITIAL_RTO } from './rtt.ts';

/**
 * Deviation: RFC 9293 §3.8.3 asks for at least 3 minutes before a SYN is given up; a person in front of a screen
 * has long gone by then.
 */
export const CONNECT_TIMEOUT: Millis = 30_000;

/** Deviation: 2 MSL is 4 minutes in RFC 9293 §3.4.2; 60 s is what Linux keeps, and ports and memory are few. */
export const TIME_WAIT: Millis = 60_000;

export type State =
  | {
      readonly name: 'SYN-SENT' | 'SYN-RECEIVED';
      resendAt: Millis;
      interval: Millis;
      giveUpAt: Millis;
      resent: boolean;
      readonly since: Millis;
    }
  | { readonly name: 'ESTABLISHED' | 'FIN-WAIT-1' | 'FIN-WAIT-2' }
  | { readonly name: 'CLOSE-WAIT' | 'CLOSING' | 'LAST-ACK' }
  | { readonly name: 'TIME-WAIT'; expiresAt: Millis }
  | { readonly name: 'CLOSED' };

export type StateName = State['name'];

export function handshake(name: 'SYN-SENT' | 'SYN-RECEIVED', now: Millis): State {
  return {
    name,
    resendAt: now + INITIAL_RTO,
    interval: INITIAL_RTO,
    giveUpAt: now + CONNECT_TIMEOUT,
    resent: false,
    since: now,
  };
}
