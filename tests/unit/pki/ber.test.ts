/** BER, as NSS writes it and X.690 allows it. */
import { describe, expect, test } from 'vitest';
import { berToDer } from '../../../shared/pki/ber.ts';
import { fingerprint } from '../../../shared/pki/certificate.ts';
import { DerReader, encodeDer, Tag } from '../../../shared/pki/der.ts';
import { decodePrivateKey } from '../../../shared/pki/key.ts';
import { readKeyFiles } from '../../../shared/pki/key-files.ts';
import { encodePem } from '../../../shared/pki/pem.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';
import { utf8Encode } from '../../../shared/wire/text.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { pkiCertificate, pkiDer, pkiFile, pkiKey } from '../../support/pki.ts';

const END = Uint8Array.of(0, 0);

/** The same in BER: indefinite lengths throughout, and every string of octets in pieces of 500 bytes. */
function toBer(der: Bytes): Bytes {
  const reader = new DerReader(der);
  const { tag, content } = reader.next();
  const implicit = tag === 0x80;
  if (tag === Tag.octetString || implicit) {
    const pieces: Bytes[] = [];
    for (let at = 0; at < content.length; at += 500) {
      pieces.push(encodeDer(Tag.octetString, content.slice(at, at + 500)));
    }
    return concat(Uint8Array.of(implicit ? 0xa0 : 0x24, 0x80), ...pieces, END);
  }
  if ((tag & 0x20) === 0) return der;
  const parts = new DerReader(content).all().map(({ bytes }) => toBer(bytes));
  return concat(Uint8Array.of(tag, 0x80), ...parts, END);
}

function reason(hex: string): string {
  try {
    return toHex(berToDer(fromHex(hex)));
  } catch (error) {
    if (error instanceof DecodeError) return error.reason;
    throw error;
  }
}

test.each([
  ['DER', '3006 020103 040100', '3006020103040100'],
  ['an indefinite length', '3080 020103 0000', '3003020103'],
  ['one in another', '3080 3080 0000 3080 0500 0000 0000', '300630003002' + '0500'],
  ['a length that is longer than it has to be', '30830000 03 020103', '3003020103'],
  ['an octet string in pieces', '2480 0402aabb 0401cc 0000', '0403aabbcc'],
  ['in pieces of pieces', '240a 2480 0402aabb 0000 0400', '0402aabb'],
  ['without a piece', '2480 0000', '0400'],
])('%s', (_name, ber, der) => {
  expect(reason(ber)).toBe(der);
});

test.each([
  ['no end', '3080 020103', 'BER: truncated'],
  ['half an end', '3080 020103 00', 'BER: truncated'],
  ['an end where none belongs', '3004 0000 0500', '300400000500'],
  ['a primitive value of indefinite length', '0480 00 0000', 'BER: length'],
  ['a piece that is no octet string', '2480 020101 0000', 'BER: octet string'],
  ['a length beyond its parent', '3004 0404 aabb', 'BER: truncated'],
  ['a length beyond all bounds', '3088 ffffffffffffffff', 'BER: length'],
  ['a tag of several octets', '3f8101 00', 'BER: long tag'],
  ['something behind it', '0500 0500', 'BER: trailing bytes'],
  ['nothing', '', 'BER: truncated'],
  ['too many levels', '3080'.repeat(26) + '0000'.repeat(26), 'BER: too deep'],
  ['too many values', `3080${'0500'.repeat(20_001)}0000`, 'BER: too many values'],
])('%s', (_name, hex, expected) => {
  expect(reason(hex)).toBe(expected);
});

const finger = (certificate: ReturnType<typeof pkiCertificate>): string =>
  fingerprint(certificate, nodePrimitives);

describe('PKCS#12', () => {
  test('of NSS', () => {
    const read = readKeyFiles([pkiFile('nss.p12')], 'sesame', nodePrimitives);
    expect(read.privateKey).toEqual(pkiKey('client.key'));
    expect(read.chain.map(finger)).toEqual([finger(pkiCertificate('client.crt'))]);
    expect(read.anchors.map(finger)).toEqual([finger(pkiCertificate('root.crt'))]);
  });

  test.each([
    ['modern.p12', 'sésame ☃'],
    ['legacy.p12', 'sesame'],
    ['rc2.p12', 'sesame'],
    ['plain.p12', 'sesame'],
  ] as const)('%s, rewritten in BER', (name, passphrase) => {
    const der = readKeyFiles([pkiFile(name)], passphrase, nodePrimitives);
    const bytes = toBer(pkiFile(name).bytes);
    expect(readKeyFiles([{ name, bytes }], passphrase, nodePrimitives)).toEqual(der);
    expect(() => readKeyFiles([{ name, bytes }], `${passphrase} `, nodePrimitives)).toThrow(
      expect.objectContaining({ code: 'KEY_FILE_WRONG_PASSPHRASE' }),
    );
  });
});

test('a private key in BER', () => {
  expect(decodePrivateKey(toBer(pkiDer('client.key')))).toEqual(pkiKey('client.key'));
  const pem = encodePem('ENCRYPTED PRIVATE KEY', toBer(pkiDer('client.enc')));
  const files = [{ name: 'key', bytes: utf8Encode(pem) }, pkiFile('client.crt')];
  expect(readKeyFiles(files, 'sesame', nodePrimitives).privateKey).toEqual(pkiKey('client.key'));
});

test('a certificate has to be in DER: its signature is over that', () => {
  const bytes = toBer(pkiDer('root.crt'));
  const files = [pkiFile('client.key'), { name: 'ber.crt', bytes }];
  expect(() => readKeyFiles(files, '', nodePrimitives)).toThrow(
    expect.objectContaining({ code: 'KEY_FILE_UNREADABLE' }),
  );
});
