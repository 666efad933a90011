/** The states of a connection, as the RFC names them; those that wait for something own their timer. @rfc 9293 §3.3.2 */
import type { Millis } from '../../wire/bytes.ts';
import { INITIAL_RTO } from './rtt.ts';
import { overslept } from './sender-timer.ts';

/**
 * Deviation: RFC 9293 §3.8.3 asks for at least 3 minutes before a SYN is given up; a person in front of a screen
 * has long gone by then.
 */
export const CONNECT_TIMEOUT: Millis = 30_000;

/** Deviation: 2 MSL is 4 minutes in RFC 9293 §3.4.2; 60 s is what Linux keeps, and ports and memory are few. */
export const TIME_WAIT: Millis = 60_000;

export interface Handshake {
  readonly name: 'SYN-SENT' | 'SYN-RECEIVED';
  resendAt: Millis;
  interval: Millis;
  giveUpAt: Millis;
  resent: boolean;
  /** The program stood still meanwhile: when the answer came is not known. */
  slept: boolean;
  readonly since: Millis;
}

export type State =
  | Handshake
  | { readonly name: 'ESTABLISHED' | 'FIN-WAIT-1' | 'FIN-WAIT-2' }
  | { readonly name: 'CLOSE-WAIT' | 'CLOSING' | 'LAST-ACK' }
  | { readonly name: 'TIME-WAIT'; expiresAt: Millis }
  | { readonly name: 'CLOSED' };

export type StateName = State['name'];

export function handshake(name: Handshake['name'], now: Millis): Handshake {
  return {
    name,
    resendAt: now + INITIAL_RTO,
    interval: INITIAL_RTO,
    giveUpAt: now + CONNECT_TIMEOUT,
    resent: false,
    slept: false,
    since: now,
  };
}

/** Something happens: if the program stood still before, that time does not count. */
export function noteSleep(state: Handshake, now: Millis): void {
  const late = overslept(Math.min(state.resendAt, state.giveUpAt), now);
  if (late === 0) return;
  state.slept = true;
  state.giveUpAt += late;
}
