/**
 * Throw-away accounts: a user name says until when it is good, and its password is a keyed hash of it. So there is no
 * table of them to fill, and all are void when the program ends.
 */
import type { Primitives } from '../../shared/crypto/suite.ts';
import { type Millis, type Random, toHex } from '../../shared/wire/bytes.ts';
import { utf8Encode } from '../../shared/wire/text.ts';

/** How long an account is good for signing in. */
export const VISIT_MILLIS: Millis = 12 * 60 * 60 * 1000;

export interface Credentials {
  readonly userName: string;
  readonly password: string;
}

const NAME = /^visitor-([0-9a-z]{1,8})-[0-9a-f]{8}$/;

export class Visitors {
  readonly #primitives: Pick<Primitives, 'hmac'>;
  readonly #random: Random;
  readonly #key;

  constructor(primitives: Pick<Primitives, 'hmac'>, random: Random) {
    this.#primitives = primitives;
    this.#random = random;
    this.#key = random.bytes(32);
  }

  issue(now: Millis): Credentials {
    const expires = Math.ceil((now + VISIT_MILLIS) / 1000).toString(36);
    const userName = `visitor-${expires}-${toHex(this.#random.bytes(4))}`;
    return { userName, password: this.#password(userName) };
  }

  /** The password of an account that is still good. */
  password(userName: string, now: Millis): string | undefined {
    const expires = NAME.exec(userName)?.[1];
    if (expires === undefined || Number.parseInt(expires, 36) * 1000 < now) return undefined;
    return this.#password(userName);
  }

  #password(userName: string): string {
    const hash = this.#primitives.hmac('sha256', this.#key, utf8Encode(userName));
    return toHex(hash.subarray(0, 12));
  }
}
