import { describe, expect, test } from 'vitest';
import {
  CREDENTIAL_LIMIT,
  checkHost,
  checkUrl,
  SIGN_IN_FIELDS,
  type SignIn,
  signInErrors,
} from '../../../web/ui/validation.ts';

const complete: SignIn = {
  gateway: 'demo',
  preSharedKey: 'sesame',
  userName: 'alice',
  password: 'wonderland',
};

describe('the sign-in form', () => {
  test('passes when complete', () => {
    expect(signInErrors(complete)).toEqual({});
  });

  test.each(SIGN_IN_FIELDS.filter((field) => field !== 'files'))('wants %s', (field) => {
    expect(Object.keys(signInErrors({ ...complete, [field]: '' }))).toEqual([field]);
  });

  test('wants a file in place of the pre-shared key', () => {
    const names = { passphrase: '', gatewayName: '', identity: '' };
    const keys = { files: [], ...names, requireRevocationList: false };
    const form = { ...complete, preSharedKey: '', keys };
    expect(Object.keys(signInErrors(form))).toEqual(['files']);
    const files = [new File([], 'key.p12')];
    expect(signInErrors({ ...form, keys: { ...keys, files } })).toEqual({});
  });

  test('takes a key or a password of blanks as typed, but not a user name', () => {
    const blank = { ...complete, preSharedKey: ' ', password: ' ', userName: ' ' };
    expect(Object.keys(signInErrors(blank))).toEqual(['userName']);
  });

  test.each(['userName', 'password'] as const)('counts the bytes of %s', (field) => {
    const fits = 'é'.repeat(Math.floor(CREDENTIAL_LIMIT / 2));
    expect(signInErrors({ ...complete, [field]: fits })).toEqual({});
    expect(signInErrors({ ...complete, [field]: `${fits}éé` })[field]).toContain('255 bytes');
  });

  test('never repeats a secret in its complaints', () => {
    const secret = 'x'.repeat(300);
    expect(JSON.stringify(signInErrors({ ...complete, password: secret }))).not.toContain('xxx');
  });
});

describe('a host to ping', () => {
  test.each([
    ['10.30.0.1', '10.30.0.1'],
    [' wiki.intranet.test ', 'wiki.intranet.test'],
    ['müller.test', 'müller.test'],
    ['2001:db8::1', '2001:db8::1'],
  ])('%j becomes %j', (typed, value) => {
    expect(checkHost(typed)).toEqual({ ok: true, value });
  });

  test.each([
    '',
    '  ',
    'http://wiki',
    'wiki/page',
    'a b',
    'wiki:80',
    'fe80::1::2',
    'x'.repeat(254),
  ])('%j is refused', (typed) => {
    expect(checkHost(typed).ok).toBe(false);
  });
});

describe('a URL to fetch', () => {
  test.each([
    ['intranet', 'http://intranet/'],
    ['localhost:8080/x', 'http://localhost:8080/x'],
    ['10.0.0.1', 'http://10.0.0.1/'],
    [' https://wiki.test/a b ', 'https://wiki.test/a%20b'],
    ['HTTP://WIKI.test/A', 'http://wiki.test/A'],
  ])('%j becomes %j', (typed, value) => {
    expect(checkUrl(typed)).toEqual({ ok: true, value });
  });

  test.each(['', ' ', 'ftp://host/', 'file:///etc/passwd', 'http://', 'http://a b/', '//'])(
    '%j is refused',
    (typed) => {
      expect(checkUrl(typed).ok).toBe(false);
    },
  );

  test('a scheme without `//` is no scheme: it never reaches the browser as one', () => {
    expect(checkUrl('javascript:alert(1)').ok).toBe(false);
    expect(checkUrl('data:text/html,x').ok).toBe(false);
  });
});
