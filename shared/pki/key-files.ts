/**
 * What the files that a user picked amount to: a private key with its certificates, and whom to trust. PKCS#12, PEM and DER, told apart
 * by their content.
 */
import type { Primitives } from '../crypto/suite.ts';
import { TunnelError } from '../errors.ts';
import { type Bytes, constantTimeEqual } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Decode } from '../wire/text.ts';
import { type Certificate, decodeCertificate } from './certificate.ts';
import { decodeRevocationList, type RevocationList } from './crl.ts';
import { Tag } from './der.ts';
import { decodePrivateKey, decodePublicKey, fits, type PrivateKey, type PublicKey } from './key.ts';
import { encodePassphrase } from './password-encryption.ts';
import { decodePem, type PemBlock } from './pem.ts';
import { openEncryptedKey, openPkcs12 } from './pkcs12.ts';
import { signedBy } from './signed.ts';

/** Most files, and bytes of one, that are read. */
const MAX_FILES = 16;
const MAX_FILE = 8 * 1024 * 1024;

/** Longest chain that is sent along with our certificate. */
const MAX_SENT = 4;

export interface KeyFile {
  /** For messages. */
  readonly name: string;
  readonly bytes: Bytes;
}

export interface KeyMaterial {
  readonly privateKey: PrivateKey;
  /** Ours, then those of its issuers that the gateway may not have; none with a raw key. */
  readonly chain: readonly Certificate[];
  /** Every other certificate that was picked: whoever they vouch for is believed. */
  readonly anchors: readonly Certificate[];
  readonly revocations: readonly RevocationList[];
  /** Public keys that were picked, for a gateway that has no certificate. */
  readonly publicKeys: readonly PublicKey[];
}

interface Found {
  readonly keys: PrivateKey[];
  readonly certificates: Certificate[];
  readonly revocations: RevocationList[];
  readonly publicKeys: PublicKey[];
}

/**
 * Throws `TunnelError`: `KEY_FILE_UNREADABLE`, `KEY_FILE_WRONG_PASSPHRASE`, `KEY_FILE_NO_KEY`, `KEY_FILE_MISMATCH`. The
 * passphrase opens all files that need one.
 */
export function readKeyFiles(
  files: readonly KeyFile[],
  passphrase: string,
  primitives: Primitives,
): KeyMaterial {
  if (files.length > MAX_FILES) throw new TunnelError('KEY_FILE_UNREADABLE', 'too many files');
  const found: Found = { keys: [], certificates: [], revocations: [], publicKeys: [] };
  for (const file of files) readFile(file, found, passphrase, primitives);
  const [privateKey, ...others] = found.keys;
  if (privateKey === undefined) throw new TunnelError('KEY_FILE_NO_KEY');
  if (others.length > 0) throw new TunnelError('KEY_FILE_UNREADABLE', 'more than one private key');
  const { certificates, revocations, publicKeys } = found;
  const own = certificates.find(({ publicKey }) => fits(privateKey, publicKey));
  if (own === undefined && publicKeys.length === 0 && certificates.length > 0) {
    throw new TunnelError('KEY_FILE_MISMATCH');
  }
  return {
    privateKey,
    chain: own === undefined ? [] : chainOf(own, certificates, primitives),
    anchors: certificates.filter((each) => each !== own),
    revocations,
    publicKeys,
  };
}

function readFile(
  { name, bytes }: KeyFile,
  found: Found,
  passphrase: string,
  primitives: Primitives,
): void {
  try {
    if (bytes.length > MAX_FILE) throw new DecodeError('too long');
    const blocks = isDer(bytes) ? [] : decodePem(utf8Decode(bytes));
    if (blocks.length > 0) {
      for (const block of blocks) readBlock(block, found, passphrase, primitives);
    } else readDer(bytes, found, passphrase, primitives);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new TunnelError('KEY_FILE_UNREADABLE', `${name}: ${error.reason}`);
  }
}

/** A sequence longer than 127 bytes: no text begins like that. */
function isDer(bytes: Bytes): boolean {
  return bytes[0] === Tag.sequence && bytes[1]! >= 0x80;
}

function readBlock(
  { label, bytes }: PemBlock,
  found: Found,
  passphrase: string,
  primitives: Primitives,
): void {
  switch (label) {
    case 'CERTIFICATE':
    case 'X509 CERTIFICATE':
    case 'TRUSTED CERTIFICATE':
      found.certificates.push(decodeCertificate(bytes));
      return;
    case 'X509 CRL':
      found.revocations.push(decodeRevocationList(bytes));
      return;
    case 'PUBLIC KEY':
      found.publicKeys.push(decodePublicKey(bytes));
      return;
    case 'PRIVATE KEY':
    case 'RSA PRIVATE KEY':
    case 'EC PRIVATE KEY':
      found.keys.push(decodePrivateKey(bytes));
      return;
    case 'ENCRYPTED PRIVATE KEY':
      found.keys.push(openKey(bytes, passphrase, primitives));
      return;
    default:
      // EC PARAMETERS and the like say what the key says again.
      return;
  }
}

function openKey(bytes: Bytes, passphrase: string, primitives: Primitives): PrivateKey {
  const opened = openEncryptedKey(bytes, encodePassphrase(passphrase), primitives);
  if (opened === undefined) throw new TunnelError('KEY_FILE_WRONG_PASSPHRASE');
  try {
    return decodePrivateKey(opened);
  } catch (error) {
    // One wrong passphrase in 256 leaves padding that looks right.
    if (error instanceof DecodeError) throw new TunnelError('KEY_FILE_WRONG_PASSPHRASE');
    throw error;
  }
}

/** The first of the forms that the bytes are; of several reasons why not, PKCS#12's tells most. */
function readDer(bytes: Bytes, found: Found, passphrase: string, primitives: Primitives): void {
  const forms: readonly (() => void)[] = [
    () => void found.certificates.push(decodeCertificate(bytes)),
    () => void found.revocations.push(decodeRevocationList(bytes)),
    () => void found.publicKeys.push(decodePublicKey(bytes)),
    () => void found.keys.push(decodePrivateKey(bytes)),
  ];
  for (const read of forms) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
  const content = openPkcs12(bytes, passphrase, primitives);
  if (content === undefined) throw new TunnelError('KEY_FILE_WRONG_PASSPHRASE');
  found.keys.push(...content.keys.map(decodePrivateKey));
  found.certificates.push(...content.certificates.map(decodeCertificate));
  found.revocations.push(...content.revocationLists.map(decodeRevocationList));
}

/** Up to an authority, which the gateway has itself. */
function chainOf(
  own: Certificate,
  all: readonly Certificate[],
  primitives: Primitives,
): readonly Certificate[] {
  const chain = [own];
  while (chain.length < MAX_SENT) {
    const last = chain.at(-1)!;
    const issuer = all.find(
      (each) =>
        !chain.includes(each) &&
        constantTimeEqual(each.subject, last.issuer) &&
        signedBy(last.signed, each.publicKey, primitives),
    );
    if (issuer === undefined || constantTimeEqual(issuer.subject, issuer.issuer)) break;
    chain.push(issuer);
  }
  return chain;
}
