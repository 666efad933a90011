import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { desEncrypt, expandKey } from '../../../shared/ppp/des.ts';
import { md4 } from '../../../shared/ppp/md4.ts';
import {
  authenticatorResponse,
  challengeHash,
  formatFailure,
  formatSuccess,
  isAuthentic,
  ntResponse,
  parseFailure,
  parseSuccess,
  passwordHash,
} from '../../../shared/ppp/mschapv2.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { utf8Encode } from '../../../shared/wire/text.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

const vector = JSON.parse(
  readFileSync(new URL('../../vectors/ppp-mschapv2.json', import.meta.url), 'utf8'),
);

/** Fails when OpenSSL has no legacy provider: without it nothing here would be checked. */
function opensslMd4(message: Bytes): string {
  const args = ['dgst', '-provider', 'legacy', '-provider', 'default', '-md4', '-binary'];
  try {
    return execFileSync('openssl', args, { input: message, stdio: 'pipe' }).toString('hex');
  } catch (error) {
    throw new Error(`openssl with its legacy provider is needed to check MD4: ${error}`);
  }
}

/** DES as triple DES with one key three times: Node has no des-ecb. */
function opensslDes(key: Bytes, block: Bytes): string {
  const cipher = createCipheriv('des-ede3-cbc', concat(key, key, key), new Uint8Array(8));
  return cipher.setAutoPadding(false).update(block).toString('hex');
}

describe('MD4', () => {
  it.each([
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ])('digests %j as RFC 1320 §A.5 says', (message, digest) => {
    expect(toHex(md4(utf8Encode(message)))).toBe(digest);
  });

  it('agrees with OpenSSL around the edges of a block', () => {
    const random = new SeededRandom(4);
    for (const length of [1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000]) {
      const message = random.bytes(length);
      expect(toHex(md4(message)), `${length} bytes`).toBe(opensslMd4(message));
    }
  });
});

describe('DES', () => {
  it.each<{ raw: string; withParity: string }>(vector.desKeys)(
    'expands $raw as RFC 2759 §9.3 says, parity aside',
    (key) => {
      const withoutParity = fromHex(key.withParity).map((byte) => byte & 0xfe);
      expect(expandKey(fromHex(key.raw))).toEqual(withoutParity);
    },
  );

  it('agrees with OpenSSL', () => {
    const random = new SeededRandom(5);
    for (let i = 0; i < 200; i++) {
      const key = random.bytes(7);
      const block = random.bytes(8);
      expect(toHex(desEncrypt(key, block))).toBe(opensslDes(expandKey(key), block));
    }
  });

  it('tells its caller of a wrong length', () => {
    expect(() => desEncrypt(new Uint8Array(8), new Uint8Array(8))).toThrow(RangeError);
    expect(() => desEncrypt(new Uint8Array(7), new Uint8Array(7))).toThrow(RangeError);
  });
});

const exchange = {
  userName: vector.userName,
  password: vector.password,
  authenticatorChallenge: fromHex(vector.authenticatorChallenge),
  peerChallenge: fromHex(vector.peerChallenge),
};

describe('MS-CHAPv2, RFC 2759 §9.2', () => {
  it('hashes the password', () => {
    const hash = passwordHash(vector.password);
    expect(toHex(hash).toUpperCase()).toBe(vector.passwordHash);
    expect(toHex(md4(hash)).toUpperCase()).toBe(vector.passwordHashHash);
  });

  it('hashes the challenge', () => {
    const hash = challengeHash(exchange, nodePrimitives);
    expect(toHex(hash).toUpperCase()).toBe(vector.challenge);
  });

  it('computes both responses', () => {
    const response = ntResponse(exchange, nodePrimitives);
    expect(toHex(response).toUpperCase()).toBe(vector.ntResponse);
    const proof = authenticatorResponse(exchange, response, nodePrimitives);
    expect(formatSuccess({ response: proof, text: '' })).toBe(`${vector.authenticatorResponse} M=`);
  });

  it('leaves a Windows domain out of the hash, and keeps user@domain whole', () => {
    const withDomain = { ...exchange, userName: `BIGCO\\${vector.userName}` };
    expect(toHex(challengeHash(withDomain, nodePrimitives)).toUpperCase()).toBe(vector.challenge);
    const upn = { ...exchange, userName: `${vector.userName}@hub` };
    const whole = nodePrimitives.hash(
      'sha1',
      exchange.peerChallenge,
      exchange.authenticatorChallenge,
      utf8Encode('User@hub'),
    );
    expect(challengeHash(upn, nodePrimitives)).toEqual(whole.slice(0, 8));
  });
});

describe('the message of a Success', () => {
  const digits = '407A5589115FD0D6209F510FE9C04566932CDA56';

  it.each([
    [`S=${digits} M=Access granted`, 'Access granted'],
    [`S=${digits}`, ''],
    [`S=${digits}M=glued`, 'glued'],
    [`S=${digits.toLowerCase()} M=two\nlines`, 'two\nlines'],
  ])('reads %j', (message, text) => {
    expect(parseSuccess(message)).toEqual({ response: fromHex(digits), text });
  });

  it.each(['', 'M=hello', `S=${digits.slice(1)}`, `S=${digits.slice(1)}G`, ` S=${digits}`])(
    'takes %j for none',
    (message) => {
      expect(parseSuccess(message)).toBeUndefined();
    },
  );

  it('is authentic only with the expected response', () => {
    const response = fromHex(digits);
    expect(isAuthentic({ response, text: '' }, response)).toBe(true);
    expect(isAuthentic({ response: fromHex(digits.replace('4', '5')), text: '' }, response)).toBe(
      false,
    );
    expect(isAuthentic(undefined, response)).toBe(false);
    expect(isAuthentic(undefined, new Uint8Array(20)), 'nothing, and zeros expected').toBe(false);
  });
});

describe('the message of a Failure', () => {
  const challenge = '00112233445566778899AABBCCDDEEFF';

  it.each([
    [
      `E=691 R=1 C=${challenge} V=3 M=Wrong password`,
      {
        error: 691,
        retry: true,
        challenge: fromHex(challenge),
        version: 3,
        text: 'Wrong password',
      },
    ],
    [
      `E=648 R=0 C=${challenge} V=3`,
      { error: 648, retry: false, challenge: fromHex(challenge), version: 3, text: '' },
    ],
    ['E=691', { error: 691, retry: false, text: '' }],
    ['E=691 R=0 M=see E=648 R=1', { error: 691, retry: false, text: 'see E=648 R=1' }],
    ['R=1 E=649 C=short', { error: 649, retry: true, text: '' }],
  ])('reads %j', (message, fields) => {
    expect(parseFailure(message)).toEqual(fields);
  });

  it.each(['', 'Authentication failure', 'M=E=691', 'E=', 'E=12345678901', 'SE=691'])(
    'takes %j for plain words',
    (message) => {
      expect(parseFailure(message)).toBeUndefined();
    },
  );

  it('is written as it is read', () => {
    const message = formatFailure(691, fromHex(challenge), 'No');
    expect(message).toBe(`E=691 R=0 C=${challenge} V=3 M=No`);
    expect(parseFailure(message)?.text).toBe('No');
  });
});
