/**
 * PKCS#12 files: keys and certificates under one passphrase. RFC 7292. They may be in BER at every level that is encoded by itself: the
 * file, the content that the MAC is over, each part of it, each key. Left out: public-key privacy and integrity, nested bags.
 */
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, concat } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { berToDer } from './ber.ts';
import { contextTag, DerReader, readSequence, Tag } from './der.ts';
import { Bag, Pkcs7, X509_CERTIFICATE, X509_CRL } from './oids.ts';
import {
  decryptWithPassphrase,
  encodePassphrase,
  type Passphrase,
  pkcs12MacIsRight,
} from './password-encryption.ts';

/** Most bags that are read. */
const MAX_BAGS = 64;

/** Everything in DER. */
export interface Pkcs12Content {
  /** PKCS#8, decrypted. */
  readonly keys: Bytes[];
  readonly certificates: Bytes[];
  readonly revocationLists: Bytes[];
}

/** `undefined` for a wrong passphrase. Throws `DecodeError`. @rfc 7292 §4 */
export function openPkcs12(
  bytes: Bytes,
  text: string,
  primitives: Primitives,
): Pkcs12Content | undefined {
  const file = readSequence(berToDer(bytes));
  if (file.small() !== 3) throw new DecodeError('PKCS#12 version');
  const safe = contentOf(file.enter());
  if (file.done) throw new DecodeError('PKCS#12 without a MAC');
  const mac = file.enter();
  file.finish();
  const passphrase = encodePassphrase(text);
  if (!pkcs12MacIsRight(mac, safe, passphrase)) return undefined;
  const content: Pkcs12Content = { keys: [], certificates: [], revocationLists: [] };
  const parts = readSequence(berToDer(safe));
  while (!parts.done) {
    const bags = openPart(parts.enter(), passphrase, primitives);
    if (bags === undefined || !readBags(bags, content, passphrase, primitives)) return undefined;
  }
  return content;
}

/** An octet string that stands as it is. */
function contentOf(info: DerReader): Bytes {
  if (info.oid() !== Pkcs7.data) throw new DecodeError('PKCS#12 is signed, not under a passphrase');
  return info.enter(contextTag(0)).octets();
}

/** The SafeContents of one part, decrypted where it is encrypted. @rfc 7292 §4.1 */
function openPart(
  info: DerReader,
  passphrase: Passphrase,
  primitives: Primitives,
): Bytes | undefined {
  const oid = info.oid();
  if (oid === Pkcs7.data) return info.enter(contextTag(0)).octets();
  if (oid !== Pkcs7.encryptedData) throw new DecodeError('PKCS#12 for a public key');
  const encrypted = info.enter(contextTag(0)).enter();
  encrypted.small();
  const inner = encrypted.enter();
  inner.oid();
  const algorithm = inner.enter();
  const content = implicitOctets(inner);
  return decryptWithPassphrase(algorithm, content, passphrase, primitives);
}

/** `[0] IMPLICIT OCTET STRING`, in one piece or, as only BER allows, in several. @rfc 5652 §6.1 */
function implicitOctets(reader: DerReader): Bytes {
  const { tag, content } = reader.next();
  if (tag === contextTag(0, false)) return content;
  if (tag !== contextTag(0)) throw new DecodeError('PKCS#12 without its content');
  const pieces = new DerReader(content).all();
  if (pieces.some((piece) => piece.tag !== Tag.octetString))
    throw new DecodeError('PKCS#12 pieces');
  return concat(...pieces.map((piece) => piece.content));
}

/** Answers `false` for a wrong passphrase. @rfc 7292 §4.2 */
function readBags(
  bytes: Bytes,
  into: Pkcs12Content,
  passphrase: Passphrase,
  primitives: Primitives,
): boolean {
  const bags = readSequence(berToDer(bytes));
  for (let count = 0; !bags.done; count++) {
    if (count === MAX_BAGS) throw new DecodeError('PKCS#12 with too many bags');
    const bag = bags.enter();
    const oid = bag.oid();
    const value = bag.take(contextTag(0)).content;
    if (oid === Bag.key) into.keys.push(value);
    if (oid === Bag.shroudedKey) {
      const key = openEncryptedKey(value, passphrase, primitives);
      if (key === undefined) return false;
      into.keys.push(key);
    }
    if (oid === Bag.certificate || oid === Bag.crl) {
      const inner = readSequence(value);
      const kind = inner.oid();
      const encoded = new DerReader(inner.take(contextTag(0)).content).octets();
      if (kind === X509_CERTIFICATE) into.certificates.push(encoded);
      if (kind === X509_CRL) into.revocationLists.push(encoded);
    }
  }
  return true;
}

/** EncryptedPrivateKeyInfo; `undefined` for a wrong passphrase. @rfc 5958 §3 */
export function openEncryptedKey(
  bytes: Bytes,
  passphrase: Passphrase,
  primitives: Primitives,
): Bytes | undefined {
  const reader = readSequence(berToDer(bytes));
  const algorithm = reader.enter();
  return decryptWithPassphrase(algorithm, reader.octets(), passphrase, primitives);
}
