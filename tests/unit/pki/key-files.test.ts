import { describe, expect, test } from 'vitest';
import { TunnelError } from '../../../shared/errors.ts';
import { fingerprint } from '../../../shared/pki/certificate.ts';
import { type KeyFile, readKeyFiles } from '../../../shared/pki/key-files.ts';
import { decodeBase64, decodePem, encodePem } from '../../../shared/pki/pem.ts';
import { rc2CbcDecrypt } from '../../../shared/pki/rc2.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { pkiCertificate, pkiFile, pkiKey } from '../../support/pki.ts';

function outcome(files: readonly KeyFile[], passphrase = ''): unknown {
  try {
    return readKeyFiles(files, passphrase, nodePrimitives);
  } catch (error) {
    if (error instanceof TunnelError) return error.code;
    throw error;
  }
}

const finger = (certificate: ReturnType<typeof pkiCertificate>): string =>
  fingerprint(certificate, nodePrimitives);

describe('PKCS#12', () => {
  test.each([
    ['modern.p12', 'sésame ☃'],
    ['legacy.p12', 'sesame'],
    ['rc2.p12', 'sesame'],
    ['des3.p12', 'sesame'],
    ['plain.p12', 'sesame'],
    ['empty.p12', ''],
  ] as const)('%s', (name, passphrase) => {
    const { privateKey, chain, anchors } = readKeyFiles(
      [pkiFile(name)],
      passphrase,
      nodePrimitives,
    );
    expect(privateKey).toEqual(pkiKey('client.key'));
    expect(chain.map(finger)).toEqual([finger(pkiCertificate('client.crt'))]);
    expect(anchors.map(finger)).toEqual(
      [pkiCertificate('sub.crt'), pkiCertificate('root.crt')].map(finger),
    );
    expect(outcome([pkiFile(name)], `${passphrase} `)).toBe('KEY_FILE_WRONG_PASSPHRASE');
  });

  test('sends the authorities between its certificate and the root along', () => {
    const { chain } = readKeyFiles([pkiFile('ec.p12')], 'sesame', nodePrimitives);
    expect(chain.map(finger)).toEqual(
      [pkiCertificate('ecclient.crt'), pkiCertificate('sub.crt')].map(finger),
    );
  });

  test('damaged anywhere, it is refused', () => {
    const { bytes } = pkiFile('plain.p12');
    for (let at = 0; at < bytes.length; at += 101) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0x20;
      expect(outcome([{ name: 'damaged', bytes: damaged }], 'sesame')).toMatch(/^KEY_FILE_/);
    }
    for (let length = 0; length < bytes.length; length += 101) {
      const cut = { name: 'cut', bytes: bytes.slice(0, length) };
      expect(outcome([cut], 'sesame')).toMatch(/^KEY_FILE_/);
    }
  });
});

describe('PEM', () => {
  test.each([
    ['client.key', 'client.crt'],
    ['client.trad', 'client.crt'],
    ['client.enc', 'client.crt'],
    ['ecclient.enc', 'ecclient.crt'],
    ['ecclient.trad', 'ecclient.crt'],
  ] as const)('%s with %s', (key, certificate) => {
    const files = [pkiFile(key), pkiFile(certificate), pkiFile('root.crt'), pkiFile('root.crl')];
    const read = readKeyFiles(files, 'sesame', nodePrimitives);
    expect(read.chain.map(finger)).toEqual([finger(pkiCertificate(certificate))]);
    expect(read.anchors.map(finger)).toEqual([finger(pkiCertificate('root.crt'))]);
    expect(read.revocations[0]?.revoked.size).toBe(1);
  });

  test('a bare key with the gateway’s public key', () => {
    const read = readKeyFiles([pkiFile('client.key'), pkiFile('ecclient.pub')], '', nodePrimitives);
    expect(read.chain).toEqual([]);
    expect(read.publicKeys).toEqual([pkiKey('ecclient.key').publicKey]);
  });

  test('there and back', () => {
    for (const length of [0, 1, 2, 3, 47, 48, 49, 200]) {
      const bytes = Uint8Array.from({ length }, (_, i) => 7 * i);
      const text = encodePem('THING', bytes);
      expect(decodePem(`before\n${text}after`)).toEqual([{ label: 'THING', bytes }]);
      expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
    }
    expect(() => decodeBase64('a=bc')).toThrow(DecodeError);
    expect(() => decodeBase64('abc')).toThrow(DecodeError);
  });
});

test.each([
  ['a wrong passphrase', ['client.enc'], 'KEY_FILE_WRONG_PASSPHRASE'],
  ['no key', ['client.crt'], 'KEY_FILE_NO_KEY'],
  ['nothing at all', [], 'KEY_FILE_NO_KEY'],
  ['two keys', ['client.key', 'ecclient.key'], 'KEY_FILE_UNREADABLE'],
  ['somebody else’s certificate', ['client.key', 'ecclient.crt'], 'KEY_FILE_MISMATCH'],
  ['a kind of key that IKEv1 does not know', ['client.key', 'ed.crt'], 'KEY_FILE_UNREADABLE'],
] as const)('%s', (_name, names, code) => {
  expect(outcome(names.map(pkiFile), 'open')).toBe(code);
});

test('rubbish of every kind', () => {
  for (const text of [
    '',
    'hello',
    '0',
    '-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----',
  ]) {
    const bytes = new TextEncoder().encode(text);
    expect(outcome([{ name: 'rubbish', bytes }])).toMatch(/^KEY_FILE_(UNREADABLE|NO_KEY)$/);
  }
});

/** Those of the tests in the RFC whose effective key length is the key's own. @rfc 2268 §5 */
test.each([
  ['ffffffffffffffff', 'ffffffffffffffff', '278b27e42e2f0d49'],
  ['3000000000000000', '1000000000000001', '30649edf9be7d2c2'],
  ['88bca90e90875a7f0f79c384627bafb2', '0000000000000000', '2269552ab0f85ca6'],
])('RC2 under %s', (key, plain, cipher) => {
  const decrypted = rc2CbcDecrypt(fromHex(key), new Uint8Array(8), fromHex(cipher));
  expect(toHex(decrypted)).toBe(plain);
});
