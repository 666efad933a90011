import { describe, expect, test } from 'vitest';
import {
  CREDENTIAL_LIMIT,
  checkHost,
  checkUrl,
  type SignIn,
  signInErrors,
  type WeakForm,
  weakSignIn,
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

  test.each(['gateway', 'preSharedKey', 'userName', 'password'] as const)('wants %s', (field) => {
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

describe('a group name and XAUTH', () => {
  const none: WeakForm = {
    groupName: '',
    group: 14,
    groupConsent: false,
    xauthName: '',
    xauthPassword: '',
    xauthConsent: false,
  };
  const all: WeakForm = {
    groupName: ' staff ',
    group: 2,
    groupConsent: true,
    xauthName: 'bob',
    xauthPassword: 'builder',
    xauthConsent: true,
  };
  const wrong = (weak: Partial<WeakForm>) =>
    Object.keys(signInErrors({ ...complete, weak: { ...all, ...weak } }));

  test('are not needed, and ticks alone ask for nothing', () => {
    const ticked = { ...none, groupConsent: true, xauthConsent: true };
    for (const weak of [none, ticked]) {
      expect(signInErrors({ ...complete, weak })).toEqual({});
      expect(weakSignIn(weak)).toEqual({});
    }
  });

  test('are used where name and tick are there', () => {
    expect(wrong({})).toEqual([]);
    expect(weakSignIn(all)).toEqual({
      aggressive: { name: 'staff', group: 2 },
      xauth: { userName: 'bob', password: 'builder' },
    });
  });

  test('each wants a tick of its own, and is not used without', () => {
    expect(wrong({ groupConsent: false })).toEqual(['groupConsent']);
    expect(wrong({ xauthConsent: false })).toEqual(['xauthConsent']);
    expect(Object.keys(weakSignIn({ ...all, groupConsent: false }))).toEqual(['xauth']);
    expect(Object.keys(weakSignIn({ ...all, xauthConsent: false }))).toEqual(['aggressive']);
  });

  test('a name and a password of XAUTH go together', () => {
    expect(wrong({ xauthPassword: '' })).toEqual(['xauthPassword']);
    expect(wrong({ xauthName: ' ' })).toEqual(['xauthName']);
    expect(Object.keys(weakSignIn({ ...all, xauthName: ' ' }))).toEqual(['aggressive']);
  });

  test.each(['groupName', 'xauthName', 'xauthPassword'] as const)(
    'counts the bytes of %s',
    (field) => {
      expect(wrong({ [field]: 'é'.repeat(128) })).toEqual([field]);
      expect(wrong({ [field]: 'é'.repeat(127) })).toEqual([]);
    },
  );
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
