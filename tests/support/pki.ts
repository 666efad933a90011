/** The keys and certificates of tests/vectors/pki.json. */
import { type Certificate, decodeCertificate } from '../../shared/pki/certificate.ts';
import { decodePrivateKey, type PrivateKey } from '../../shared/pki/key.ts';
import type { KeyFile } from '../../shared/pki/key-files.ts';
import { decodePem } from '../../shared/pki/pem.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import vectors from '../vectors/pki.json' with { type: 'json' };

export function pkiFile(name: Exclude<keyof typeof vectors, 'source'>): KeyFile {
  return { name, bytes: new Uint8Array(Buffer.from(vectors[name], 'base64')) };
}

/** What stands in a PEM file, in DER. */
export function pkiDer(name: Parameters<typeof pkiFile>[0]): Bytes {
  return decodePem(Buffer.from(pkiFile(name).bytes).toString('latin1'))[0]!.bytes;
}

export function pkiCertificate(name: Parameters<typeof pkiFile>[0]): Certificate {
  return decodeCertificate(pkiDer(name));
}

export function pkiKey(name: Parameters<typeof pkiFile>[0]): PrivateKey {
  return decodePrivateKey(pkiDer(name));
}
