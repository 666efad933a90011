/** Checks of what was typed, in plain words. Nothing here stores or changes a secret. */

import type { AggressiveGroup, WeakSignIn } from '../worker/api.ts';

/** Most bytes of a user name or password: PAP's length fields are one octet (RFC 1334 §2.2.1). */
export const CREDENTIAL_LIMIT = 255;

/** Longest host name, in characters (RFC 1035 §2.3.4). */
const HOST_LIMIT = 253;

/** Signing in with files in place of a pre-shared key. */
export interface KeyForm {
  readonly files: readonly File[];
  readonly passphrase: string;
  readonly gatewayName: string;
  readonly identity: string;
  readonly requireRevocationList: boolean;
}

/** Group name and XAUTH. Without its name and its tick nothing of either is used. */
export interface WeakForm {
  readonly groupName: string;
  readonly group: AggressiveGroup;
  readonly groupConsent: boolean;
  readonly xauthName: string;
  readonly xauthPassword: string;
  readonly xauthConsent: boolean;
}

export type WeakField = Exclude<keyof WeakForm, 'group'>;

export interface SignIn {
  readonly gateway: string;
  readonly keys?: KeyForm;
  readonly preSharedKey: string;
  readonly userName: string;
  readonly password: string;
  readonly weak?: WeakForm;
}

export type SignInField = Exclude<keyof SignIn, 'keys' | 'weak'> | 'files' | WeakField;

/** The fields in the order in which a person meets them. */
export const SIGN_IN_FIELDS: readonly SignInField[] = [
  'gateway',
  'preSharedKey',
  'files',
  'userName',
  'password',
  'groupName',
  'groupConsent',
  'xauthName',
  'xauthPassword',
  'xauthConsent',
];

export type SignInErrors = Readonly<Partial<Record<SignInField, string>>>;

/** What is wrong with the sign-in form; an empty object when nothing is. */
export function signInErrors(form: SignIn): SignInErrors {
  const errors: Partial<Record<SignInField, string>> = {};
  if (form.gateway === '') errors.gateway = 'Choose the gateway to sign in to.';
  if (form.keys !== undefined) {
    if (form.keys.files.length === 0) errors.files = 'Choose the file with your key.';
  } else if (form.preSharedKey === '') {
    errors.preSharedKey = 'Type the pre-shared key that the gateway’s operator gave you.';
  }
  if (form.userName.trim() === '') errors.userName = 'Type your user name.';
  else if (tooLong(form.userName)) errors.userName = tooLongText('user name');
  if (form.password === '') errors.password = 'Type your password.';
  else if (tooLong(form.password)) errors.password = tooLongText('password');
  return form.weak === undefined ? errors : { ...errors, ...weakErrors(form.weak) };
}

function weakErrors(form: WeakForm): SignInErrors {
  const errors: Partial<Record<WeakField, string>> = {};
  if (form.groupName.trim() !== '') {
    if (tooLong(form.groupName.trim())) errors.groupName = tooLongText('group name');
    if (!form.groupConsent)
      errors.groupConsent = 'Read this and tick it, or leave the group name empty.';
  }
  if (form.xauthName.trim() !== '') {
    if (tooLong(form.xauthName)) errors.xauthName = tooLongText('user name');
    if (form.xauthPassword === '') errors.xauthPassword = 'Type the XAUTH password.';
    else if (tooLong(form.xauthPassword)) errors.xauthPassword = tooLongText('password');
    if (!form.xauthConsent)
      errors.xauthConsent = 'Read this and tick it, or leave the XAUTH fields empty.';
  } else if (form.xauthPassword !== '') {
    errors.xauthName = 'Type the XAUTH user name, or empty the XAUTH password.';
  }
  return errors;
}

/** What of the form is to be used: of each half only what has both its name and its tick. */
export function weakSignIn(form: WeakForm): WeakSignIn {
  const groupName = form.groupName.trim();
  const aggressive = groupName !== '' && form.groupConsent;
  const xauth = form.xauthName.trim() !== '' && form.xauthConsent;
  return {
    ...(aggressive && { aggressive: { name: groupName, group: form.group } }),
    ...(xauth && { xauth: { userName: form.xauthName, password: form.xauthPassword } }),
  };
}

/** A checked value, or why it is not usable. */
export type Checked =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly message: string };

/** A host to ping: a name or an address, without the blanks around it. */
export function checkHost(typed: string): Checked {
  const host = typed.trim();
  if (host === '') return wrong('Type a name or an address, such as 10.0.0.1.');
  if (/[/?#@]/.test(host)) {
    return wrong('Type only a name or an address, without http:// and without a path.');
  }
  const isIpv6 = host.includes(':') && parseUrl(`http://[${host}]/`) !== undefined;
  if (host.length > HOST_LIMIT || (!isIpv6 && /[\s:,;"'<>\\]/.test(host))) {
    return wrong('That is not a name or an address.');
  }
  return { ok: true, value: host };
}

/** A URL to fetch; without a scheme it is taken as `http://`. */
export function checkUrl(typed: string): Checked {
  const text = typed.trim();
  if (text === '') return wrong('Type an address, such as http://intranet/.');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    return wrong('Only http:// and https:// addresses can be fetched.');
  }
  const url = parseUrl(scheme === undefined ? `http://${text}` : text);
  if (url === undefined || url.hostname === '') return wrong('That is not a web address.');
  return { ok: true, value: url.href };
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function tooLong(text: string): boolean {
  return new TextEncoder().encode(text).length > CREDENTIAL_LIMIT;
}

function tooLongText(what: string): string {
  return `A ${what} has at most ${CREDENTIAL_LIMIT} bytes; this one is longer.`;
}

function wrong(message: string): Checked {
  return { ok: false, message };
}
