import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeCertificate, fingerprint, summarize } from '../../../shared/pki/certificate.ts';
import { type ChainQuestion, chainFault, uncheckedRevocation } from '../../../shared/pki/chain.ts';
import { decodeRevocationList } from '../../../shared/pki/crl.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { pkiCertificate, pkiDer, pkiFile } from '../../support/pki.ts';

type Name = Parameters<typeof pkiFile>[0];
const DAY = 86_400_000;
const ISSUED = pkiCertificate('mail.crt').notBefore;

interface Case {
  readonly others?: readonly Name[];
  readonly anchors?: readonly Name[];
  readonly lists?: readonly Name[];
  readonly time?: number;
}

function ask(
  leaf: Name,
  { others = [], anchors = ['root.crt'], lists = [], time }: Case = {},
): ChainQuestion {
  return {
    leaf: pkiCertificate(leaf),
    others: others.map(pkiCertificate),
    anchors: anchors.map(pkiCertificate),
    revocations: lists.map((name) => decodeRevocationList(pkiDer(name))),
    time: time ?? ISSUED + DAY,
    primitives: nodePrimitives,
  };
}

function verdict(leaf: Name, question: Case = {}): string {
  const fault = chainFault(ask(leaf, question));
  return fault === undefined ? 'trusted' : [fault.code, fault.detail].filter(Boolean).join(': ');
}

describe('trusted', () => {
  test.each<[string, Name, Case]>([
    ['issued by the root', 'gateway.crt', {}],
    ['over an authority that the peer sent', 'ecgateway.crt', { others: ['sub.crt'] }],
    [
      'whatever else it sent',
      'ecgateway.crt',
      { others: ['client.crt', 'stranger.crt', 'sub.crt'] },
    ],
    ['by an authority below the root that was imported', 'ecgateway.crt', { anchors: ['sub.crt'] }],
    ['by itself, imported', 'gateway.crt', { anchors: ['gateway.crt'] }],
    ['P-521 and SHA-512', 'ec521.crt', { anchors: ['ecroot.crt'] }],
    ['two authorities of one name', 'gateway.crt', { anchors: ['stranger.crt', 'root.crt'] }],
    ['a list that does not have it', 'client.crt', { lists: ['root.crl'] }],
    ['a list of somebody else’s', 'gateway.crt', { lists: ['stranger.crl'] }],
  ])('%s', (_name, leaf, question) => {
    expect(verdict(leaf, question)).toBe('trusted');
  });
});

describe('refused', () => {
  test.each<[string, Name, Case, string]>([
    ['nobody known', 'gateway.crt', { anchors: [] }, 'IKE_CERTIFICATE_UNKNOWN_CA'],
    [
      'the same name, another key',
      'gateway.crt',
      { anchors: ['stranger.crt'] },
      'IKE_CERTIFICATE_UNKNOWN_CA',
    ],
    ['an authority is missing', 'ecgateway.crt', {}, 'IKE_CERTIFICATE_UNKNOWN_CA'],
    [
      'sent along is not trusted',
      'gateway.crt',
      { others: ['root.crt'], anchors: ['ecroot.crt'] },
      'IKE_CERTIFICATE_UNKNOWN_CA',
    ],
    [
      'a leaf is no authority',
      'byleaf.crt',
      { others: ['gateway.crt'] },
      'IKE_CERTIFICATE_INVALID: an authority on the way: it may not issue this certificate',
    ],
    [
      'more authorities than allowed',
      'toodeep.crt',
      { others: ['subsub.crt', 'sub.crt'] },
      'IKE_CERTIFICATE_INVALID: an authority on the way: it may not issue this certificate',
    ],
    [
      'names are constrained',
      'narrowed.crt',
      { others: ['narrow.crt'] },
      'IKE_CERTIFICATE_INVALID: an authority on the way: extension 2.5.29.30',
    ],
    [
      'something critical is unknown',
      'critical.crt',
      {},
      'IKE_CERTIFICATE_INVALID: extension 1.2.3.4',
    ],
    [
      'its key does not sign',
      'encipher.crt',
      {},
      'IKE_CERTIFICATE_INVALID: its key is not meant for signatures',
    ],
    [
      'its key is for mail',
      'mail.crt',
      {},
      'IKE_CERTIFICATE_INVALID: its key is meant for something else',
    ],
    ['a short key', 'short.crt', {}, 'IKE_CERTIFICATE_WEAK: RSA-1024'],
    ['SHA-1', 'sha1.crt', {}, 'IKE_CERTIFICATE_WEAK: signed with SHA1'],
    ['revoked', 'gateway.crt', { lists: ['stranger.crl', 'root.crl'] }, 'IKE_CERTIFICATE_REVOKED'],
  ])('%s', (_name, leaf, question, expected) => {
    expect(verdict(leaf, question)).toBe(expected);
  });

  test('before its time and after it', () => {
    const { notBefore, notAfter } = pkiCertificate('gateway.crt');
    const itself: Case = { anchors: ['gateway.crt'] };
    expect(verdict('gateway.crt', { ...itself, time: notBefore })).toBe('trusted');
    expect(verdict('gateway.crt', { time: notBefore - 1 })).toMatch(
      /^IKE_CERTIFICATE_NOT_YET_VALID: 20/,
    );
    expect(verdict('gateway.crt', { ...itself, time: notAfter })).toBe('trusted');
    expect(verdict('gateway.crt', { time: notAfter + 1 })).toMatch(/^IKE_CERTIFICATE_EXPIRED: 2/);
  });

  test('after an authority’s time', () => {
    const { notAfter } = pkiCertificate('sub.crt');
    expect(verdict('ecgateway.crt', { others: ['sub.crt'], time: notAfter + 1 })).toMatch(
      /^IKE_CERTIFICATE_EXPIRED/,
    );
  });

  test('a changed bit anywhere in it', () => {
    const bytes = pkiDer('gateway.crt');
    for (let at = 0; at < bytes.length; at += 13) {
      const changed = bytes.slice();
      changed[at]! ^= 4;
      let fault: unknown = 'not decoded';
      try {
        fault = chainFault({
          leaf: decodeCertificate(changed),
          others: [],
          anchors: [pkiCertificate('root.crt')],
          revocations: [],
          time: ISSUED + DAY,
          primitives: nodePrimitives,
        });
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
      expect(fault).toBeDefined();
    }
  });
});

describe('revocation', () => {
  const PUBLISHING: Case = { anchors: ['pubroot.crt'] };
  const leafOnly = (lists: readonly Name[]): Case => ({ ...PUBLISHING, lists });

  test.each<Name>(['pubwhole.crl', 'pubpoint.crl', 'pubusers.crl'])(
    'a list that covers the certificate: %s',
    (list) => {
      expect(uncheckedRevocation(ask('pub.crt', leafOnly([list])))).toBeUndefined();
    },
  );

  test.each<Name>(['pubother.crl', 'pubauthorities.crl', 'puboverdue.crl', 'root.crl'])(
    'one that does not: %s',
    (list) => {
      expect(verdict('pub.crt', leafOnly([list]))).toBe('trusted');
      expect(uncheckedRevocation(ask('pub.crt', leafOnly([list])))?.bytes).toEqual(
        pkiCertificate('pub.crt').bytes,
      );
    },
  );

  test.each<Name>(['pubreasons.crl', 'pubindirect.crl'])('one of a part is refused: %s', (list) => {
    expect(() => decodeRevocationList(pkiDer(list))).toThrow('revocation list of a part');
  });

  test('every certificate below the anchor has to be covered', () => {
    const path: Case = { ...leafOnly(['pubwhole.crl']), others: ['pubsub.crt'] };
    expect(verdict('publeaf.crt', path)).toBe('trusted');
    expect(uncheckedRevocation(ask('publeaf.crt', path))?.bytes).toEqual(
      pkiCertificate('publeaf.crt').bytes,
    );
    const below: Case = { ...leafOnly(['pubauthorities.crl']), others: ['pubsub.crt'] };
    expect(uncheckedRevocation(ask('pubsub.crt', below))).toBeUndefined();
    expect(uncheckedRevocation(ask('pubsub.crt', leafOnly(['pubusers.crl'])))).toBeDefined();
  });

  test('a critical distribution point is understood', () => {
    expect(verdict('pubcritical.crt', PUBLISHING)).toBe('trusted');
    expect(pkiCertificate('pubcritical.crt').extensions.distributionPoints).toEqual([
      'http://crl.example/a.crl',
    ]);
    expect(pkiCertificate('gateway.crt').extensions.distributionPoints).toEqual([]);
  });
});

test('in words, as OpenSSL has them', () => {
  const theirs = new X509Certificate(Buffer.from(pkiFile('gateway.crt').bytes));
  const certificate = pkiCertificate('gateway.crt');
  expect(summarize(certificate, nodePrimitives)).toEqual({
    subject: 'O=Example, CN=gateway.example',
    issuer: 'O=Example, CN=Root',
    names: ['gateway.example', '203.0.113.5', 'ops@gateway.example'],
    notBefore: Date.parse(theirs.validFrom),
    notAfter: Date.parse(theirs.validTo),
    key: 'RSA-2048',
    fingerprint: theirs.fingerprint256.replaceAll(':', '').toLowerCase(),
  });
  expect(fingerprint(certificate, nodePrimitives)).toHaveLength(64);
});
