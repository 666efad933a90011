/** Keys as files in the browser: read, made, and their public halves written out. Loaded when it is needed. */
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import { plainText, TunnelError } from '../../shared/errors.ts';
import type { Credentials } from '../../shared/ike/credentials.ts';
import { keyCredentials } from '../../shared/ike/key-credentials.ts';
import { publicKeyPem, rsaSigKey } from '../../shared/pki/export.ts';
import { decodePublicKey, type PublicKey } from '../../shared/pki/key.ts';
import { type KeyFile, readKeyFiles } from '../../shared/pki/key-files.ts';
import { encodePem } from '../../shared/pki/pem.ts';
import type { KeyKind, KeySignIn, MadeKey, PublicHalf } from './api.ts';

const ALGORITHMS: Readonly<Record<KeyKind, RsaHashedKeyGenParams | EcKeyGenParams>> = {
  'RSA-3072': {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 3_072,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: 'SHA-256',
  },
  'ECDSA-256': { name: 'ECDSA', namedCurve: 'P-256' },
};

/** Throws `TunnelError` for files that cannot be used. */
export async function credentialsOf(keys: KeySignIn, suite: CipherSuite): Promise<Credentials> {
  const files = await Promise.all(keys.files.map(read));
  return keyCredentials({ ...keys, files }, suite, Date.now() - performance.now());
}

/** Made by the browser, taken out of it, and kept nowhere. Throws `TunnelError` where the browser makes none. */
export async function makeKey(kind: KeyKind): Promise<MadeKey> {
  if (crypto.subtle === undefined) throw new TunnelError('PAGE_NOT_SECURE');
  const pair = (await crypto.subtle.generateKey(ALGORITHMS[kind], true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const exported = async (format: 'pkcs8' | 'spki', key: CryptoKey) =>
    new Uint8Array(await crypto.subtle.exportKey(format, key));
  const privateKey = await exported('pkcs8', pair.privateKey);
  const text = encodePem('PRIVATE KEY', privateKey);
  privateKey.fill(0);
  const file = new File([text], `culvert-${kind.toLowerCase()}.key`);
  return { file, ...describe(decodePublicKey(await exported('spki', pair.publicKey))) };
}

/** Throws `TunnelError` for files that cannot be used. */
export async function publicHalf(
  files: readonly File[],
  passphrase: string,
  suite: CipherSuite,
): Promise<PublicHalf> {
  const { privateKey } = readKeyFiles(await Promise.all(files.map(read)), passphrase, suite);
  return describe(privateKey.publicKey);
}

function describe(key: PublicKey): PublicHalf {
  const line = rsaSigKey(key);
  return { pem: publicKeyPem(key), ...(line !== undefined && { rsaSigKey: line }) };
}

async function read(file: File): Promise<KeyFile> {
  return { name: plainText(file.name), bytes: new Uint8Array(await file.arrayBuffer()) };
}
