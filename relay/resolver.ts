/**
 * Gateways' names. The system's resolver works for a few at a time, so sessions that ask for one name at the
 * same time share one look-up: many sessions that wait for a slow name do not hold up the others.
 */
import { lookup } from 'node:dns/promises';
import type { Millis } from '../shared/wire/bytes.ts';

/** The IPv4 address of a host name. */
export type Resolve = (name: string) => Promise<string>;

/** How long a host name may take to resolve. */
const RESOLVE_TIMEOUT: Millis = 5000;

/** The system's resolver, IPv4 only. */
export async function resolveName(name: string): Promise<string> {
  return (await lookup(name, { family: 4 })).address;
}

/** `resolve` with look-ups shared, and given up by whoever waits longer than `RESOLVE_TIMEOUT`. */
export function sharedResolver(resolve: Resolve): Resolve {
  const underWay = new Map<string, Promise<string>>();
  return (name) => {
    let lookingUp = underWay.get(name);
    if (lookingUp === undefined) {
      lookingUp = resolve(name).finally(() => underWay.delete(name));
      underWay.set(name, lookingUp);
    }
    return withTimeout(lookingUp, RESOLVE_TIMEOUT);
  };
}

async function withTimeout<T>(work: Promise<T>, millis: Millis): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), millis);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
