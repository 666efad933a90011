/** Main mode with certificates: each end's files, as a user would pick them. */
import { describe, expect, test } from 'vitest';
import type { Credentials } from '../../shared/ike/credentials.ts';
import { type KeySignIn, keyCredentials } from '../../shared/ike/key-credentials.ts';
import { fingerprint } from '../../shared/pki/certificate.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { pkiCertificate, pkiFile } from '../support/pki.ts';
import { IkePair } from './ike-pair.ts';

type Name = Parameters<typeof pkiFile>[0];

const DAY = 86_400_000;
const EPOCH = pkiCertificate('mail.crt').notBefore + DAY;
const GATEWAY = ['gateway.key', 'gateway.crt', 'root.crt'] as const;
const CLIENT = ['client.key', 'client.crt', 'root.crt'] as const;

const finger = (name: Name): string => fingerprint(pkiCertificate(name), nodePrimitives);

function credentials(
  files: readonly Name[],
  rest: Partial<KeySignIn> = {},
  epoch = EPOCH,
): Credentials {
  const signIn = { passphrase: 'sesame', identity: '', gatewayName: '', ...rest };
  return keyCredentials({ ...signIn, files: files.map(pkiFile) }, nodePrimitives, epoch);
}

function outcome(client: Credentials, server: Credentials): IkePair {
  const pair = new IkePair({ client: { credentials: client }, server: { credentials: server } });
  pair.connect(90_000);
  return pair;
}

/** What the gateway believes without being asked. */
const knows = (name: Name) => ({ accepted: finger(name) });

describe('connects', () => {
  test.each<[string, readonly Name[], Name, readonly Name[], Name]>([
    ['RSA', CLIENT, 'client.crt', GATEWAY, 'gateway.crt'],
    [
      'ECDSA, over an authority that each end sends',
      ['ecclient.key', 'ecclient.crt', 'sub.crt', 'root.crt'],
      'ecclient.crt',
      ['ecgateway.key', 'ecgateway.crt', 'sub.crt', 'root.crt'],
      'ecgateway.crt',
    ],
    ['a PKCS#12 file', ['legacy.p12'], 'client.crt', GATEWAY, 'gateway.crt'],
  ])('%s', (_name, ours, ourCertificate, theirs, theirCertificate) => {
    const client = credentials(ours, {
      ...knows(theirCertificate),
      gatewayName: 'Gateway.example',
    });
    const pair = outcome(client, credentials(theirs, knows(ourCertificate)));
    expect(pair.closed('client')).toBeUndefined();
    expect(pair.children('client')).toBe(1);
    expect(pair.all('client', 'ike-established')[0]?.authentication).toMatch(/certificate$/);
  });
});

describe('revocation of the gateway’s certificate', () => {
  const OURS = ['pubclient.key', 'pubclient.crt', 'pubroot.crt'] as const;
  const THEIRS = ['pub.key', 'pub.crt', 'pubroot.crt'] as const;
  const server = () => credentials(THEIRS, knows('pubclient.crt'), PUBLISHED);
  const PUBLISHED = pkiCertificate('pub.crt').notBefore + DAY;

  function connect(files: readonly Name[], rest: Partial<KeySignIn> = {}): IkePair {
    const client = credentials([...OURS, ...files], { ...knows('pub.crt'), ...rest }, PUBLISHED);
    return outcome(client, server());
  }

  test('which it names a list for, and nobody has: the tunnel stands, and that is said', () => {
    for (const lists of [[], ['pubother.crl' as const], ['puboverdue.crl' as const]]) {
      const pair = connect(lists);
      expect(pair.children('client')).toBe(1);
      expect(pair.all('client', 'ike-established')[0]?.caveat).toContain(
        'http://crl.example/a.crl',
      );
    }
  });

  test('looked up in a list that covers it', () => {
    for (const list of ['pubwhole.crl', 'pubpoint.crl'] as const) {
      const pair = connect([list], { requireRevocationList: true });
      expect(pair.children('client')).toBe(1);
      expect(pair.all('client', 'ike-established')[0]).not.toHaveProperty('caveat');
    }
  });

  test('not looked up where that is asked for', () => {
    const pair = connect(['puboverdue.crl'], { requireRevocationList: true });
    expect(pair.closed('client')?.failure).toMatchObject({
      code: 'IKE_CERTIFICATE_REVOCATION_UNKNOWN',
      detail: 'http://crl.example/a.crl, http://crl.example/b.crl',
    });
  });

  test('of one that names no list nothing is said, unless it is asked for', () => {
    const theirs = credentials(GATEWAY, knows('client.crt'));
    const quiet = outcome(credentials(CLIENT, knows('gateway.crt')), theirs);
    expect(quiet.all('client', 'ike-established')[0]).not.toHaveProperty('caveat');
    const strict = { ...knows('gateway.crt'), requireRevocationList: true };
    const asked = outcome(credentials(CLIENT, strict), theirs);
    expect(asked.closed('client')?.failure).toMatchObject({
      code: 'IKE_CERTIFICATE_REVOCATION_UNKNOWN',
      detail: 'it names no list',
    });
  });
});

describe('the gateway’s certificate', () => {
  test('is shown before it is trusted the first time, and after a change', () => {
    for (const [accepted, code] of [
      [undefined, 'IKE_CERTIFICATE_NEW'],
      [finger('client.crt'), 'IKE_CERTIFICATE_CHANGED'],
    ] as const) {
      const client = credentials(CLIENT, accepted === undefined ? {} : { accepted });
      const pair = outcome(client, credentials(GATEWAY, knows('client.crt')));
      expect(pair.closed('client')?.failure).toMatchObject({
        code,
        wants: 'certificate',
        certificate: {
          subject: 'O=Example, CN=gateway.example',
          fingerprint: finger('gateway.crt'),
        },
      });
      expect(pair.children('client') + pair.children('server')).toBe(0);
    }
  });

  test.each<[string, Partial<KeySignIn>, readonly Name[], number, string]>([
    [
      'the wrong name',
      { gatewayName: 'other.example' },
      CLIENT,
      EPOCH,
      'IKE_CERTIFICATE_WRONG_NAME',
    ],
    [
      'a common name is not a name',
      { gatewayName: 'Example' },
      CLIENT,
      EPOCH,
      'IKE_CERTIFICATE_WRONG_NAME',
    ],
    [
      'an unknown authority',
      {},
      ['client.key', 'client.crt', 'stranger.crt'],
      EPOCH,
      'IKE_CERTIFICATE_UNKNOWN_CA',
    ],
    ['no authority', {}, ['client.key', 'client.crt'], EPOCH, 'IKE_CERTIFICATE_UNKNOWN_CA'],
    ['expired', {}, CLIENT, EPOCH + 101 * 366 * DAY, 'IKE_CERTIFICATE_EXPIRED'],
    ['not yet valid', {}, CLIENT, EPOCH - 3 * DAY, 'IKE_CERTIFICATE_NOT_YET_VALID'],
    ['revoked', {}, [...CLIENT, 'root.crl'], EPOCH, 'IKE_CERTIFICATE_REVOKED'],
  ])('is refused, accepted before or not: %s', (_name, rest, files, epoch, code) => {
    for (const accepted of [{}, knows('gateway.crt')]) {
      const client = credentials(files, { ...accepted, ...rest }, epoch);
      const { failure } = outcome(client, credentials(GATEWAY, knows('client.crt'))).closed(
        'client',
      )!;
      expect(failure).toMatchObject({ code, certificate: { key: 'RSA-2048' } });
      expect(failure).not.toHaveProperty('wants');
    }
  });

  test.each<[string, Partial<KeySignIn>, string]>([
    [
      'a name that it does not have',
      { identity: 'somebody.else' },
      'the gateway calls itself otherwise',
    ],
    [
      'an address that it does not have',
      { identity: '192.0.2.9' },
      'the gateway calls itself otherwise',
    ],
  ])('has to bear out the identity: %s', (_name, rest, detail) => {
    const server = credentials(GATEWAY, { ...knows('client.crt'), ...rest });
    const pair = outcome(credentials(CLIENT, knows('gateway.crt')), server);
    expect(pair.closed('client')?.failure).toMatchObject({
      code: 'IKE_CERTIFICATE_INVALID',
      detail,
    });
  });

  test.each(['gateway.example', '203.0.113.5', 'ops@gateway.example'])(
    'bears out the identity %s',
    (identity) => {
      const server = credentials(GATEWAY, { ...knows('client.crt'), identity });
      const pair = outcome(credentials(CLIENT, knows('gateway.crt')), server);
      expect(pair.children('client')).toBe(1);
    },
  );

  test('none at all', () => {
    const server = credentials(['gateway.key', 'client.pub'], { identity: 'gateway.example' });
    const pair = outcome(credentials(CLIENT), server);
    expect(pair.closed('client')?.failure).toEqual({
      code: 'IKE_CERTIFICATE_INVALID',
      detail: 'the gateway sent none',
    });
  });
});

test('somebody else’s certificate with a key of one’s own proves nothing', () => {
  const honest = credentials(GATEWAY, knows('client.crt'));
  const thief = credentials(['client.key', 'client.crt', 'root.crt'], knows('client.crt'));
  if (honest.kind !== 'signature' || thief.kind !== 'signature') throw new Error('not keys');
  const { certificates, identity } = honest;
  const pair = outcome(credentials(CLIENT, knows('gateway.crt')), {
    ...thief,
    certificates,
    identity,
  });
  expect(pair.closed('client')?.failure).toEqual({
    code: 'IKE_AUTHENTICATION_FAILED',
    detail: 'SIG_R is wrong',
  });
});

test('a bare key needs an identity', () => {
  expect(() => credentials(['client.key', 'ecclient.pub'])).toThrow('needs the name');
});
