import { describe, expect, test } from 'vitest';
import { authenticationMethod, describeCredentials } from '../../../shared/ike/credentials.ts';
import { allowWeak, type WeakSignIn } from '../../../shared/ike/weak-sign-in.ts';
import { AuthenticationMethod, IdType } from '../../../shared/isakmp/numbers.ts';
import { utf8Encode } from '../../../shared/wire/text.ts';

const PLAIN = { kind: 'pre-shared-key', key: utf8Encode('sesame') } as const;
const XAUTH = { xauth: { userName: 'bob', password: 'wonderland' } };

function named(name: string): WeakSignIn {
  return { aggressive: { name, group: 14 } };
}

describe('what only the user may allow', () => {
  test('is nothing unless it is asked for', () => {
    expect(allowWeak(PLAIN, {})).toEqual(PLAIN);
    expect(describeCredentials(allowWeak(PLAIN, {}))).toBe('pre-shared key');
  });

  test.each([
    ['staff', IdType.keyId, utf8Encode('staff')],
    [' road warriors ', IdType.keyId, utf8Encode('road warriors')],
    ['staff.example.org', IdType.fqdn, utf8Encode('staff.example.org')],
    ['@staff', IdType.fqdn, utf8Encode('staff')],
    ['@staff.example.org', IdType.fqdn, utf8Encode('staff.example.org')],
    ['alice@example.org', IdType.userFqdn, utf8Encode('alice@example.org')],
    ['192.0.2.7', IdType.ipv4Addr, Uint8Array.of(192, 0, 2, 7)],
  ])('the name %j has a form that tells its type', (name, idType, data) => {
    expect(allowWeak(PLAIN, named(name))).toMatchObject({
      aggressive: { identity: { idType, data } },
    });
  });

  test.each(['', '  ', '@', 'x'.repeat(256)])('the name %j will not do', (name) => {
    expect(() => allowWeak(PLAIN, named(name))).toThrow(/group/);
  });

  test('changes the method, and shows in the session', () => {
    const both = allowWeak(PLAIN, { ...named('staff'), ...XAUTH });
    expect(authenticationMethod(both, 'us')).toBe(AuthenticationMethod.xauthInitPreShared);
    expect(authenticationMethod(both, 'peer')).toBe(AuthenticationMethod.xauthRespPreShared);
    expect(describeCredentials(both)).toBe('pre-shared key, aggressive mode, XAUTH');
  });
});
