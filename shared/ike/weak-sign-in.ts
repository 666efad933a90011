/** What old gateways want besides a pre-shared key or a certificate, and only the user may allow: from a form to credentials. */
import { TunnelError } from '../errors.ts';
import { utf8Encode } from '../wire/text.ts';
import { type Credentials, groupIdentity, type XauthAccount } from './credentials.ts';

/** Diffie-Hellman groups that aggressive mode may be had with, the advised one first. */
export const AGGRESSIVE_GROUPS = [14, 19, 20, 5, 2] as const;
export type AggressiveGroup = (typeof AGGRESSIVE_GROUPS)[number];

/** Longest name of a group, in bytes. */
const MAX_NAME_LENGTH = 255;

export interface WeakSignIn {
  /** Aggressive mode, under this name. */
  readonly aggressive?: { readonly name: string; readonly group: AggressiveGroup };
  readonly xauth?: XauthAccount;
}

/** `credentials` with what the user allowed. Throws `TunnelError` `BAD_INPUT` for what does not go together. */
export function allowWeak(
  credentials: Credentials,
  { aggressive, xauth }: WeakSignIn,
): Credentials {
  const isEcdsa =
    credentials.kind === 'signature' && credentials.privateKey.publicKey.kind !== 'rsa';
  if (xauth !== undefined && isEcdsa) throw bad('XAUTH does not go with an ECDSA key');
  const extra = xauth && { xauth };
  if (aggressive === undefined) return { ...credentials, ...extra };
  if (credentials.kind === 'signature') throw bad('a group name goes with a pre-shared key alone');
  const name = aggressive.name.trim();
  if (name === '' || name === '@') throw bad('the group has no name');
  if (utf8Encode(name).length > MAX_NAME_LENGTH) throw bad('the group’s name is too long');
  const identity = groupIdentity(name);
  return { ...credentials, aggressive: { identity, group: aggressive.group }, ...extra };
}

function bad(detail: string): TunnelError {
  return new TunnelError('BAD_INPUT', detail);
}
