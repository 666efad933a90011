/** X.509 certificates, and those of version 1, which have no extensions. RFC 5280 §4. Left out: version 2's identifiers, policies. */
import type { Primitives } from '../crypto/suite.ts';
import type { CertificateSummary } from '../errors.ts';
import { type Bytes, toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { contextTag, DerReader, readSequence, Tag } from './der.ts';
import { decodeDistributionPoints } from './distribution-points.ts';
import { decodePublicKey, describeKey, type PublicKey } from './key.ts';
import {
  type AlternativeName,
  decodeAlternativeNames,
  describeAlternativeName,
  describeName,
} from './name.ts';
import { Extension } from './oids.ts';
import { decodeSigned, decodeTime, type SignedObject, takeAlgorithm } from './signed.ts';

/** Longest certificate that is read, in bytes: 2,000 are usual. */
const MAX_CERTIFICATE = 16_384;

/** Most extensions that are read. */
const MAX_EXTENSIONS = 32;

/** Bits of the key usage extension, from the first on. @rfc 5280 §4.2.1.3 */
export const KeyUsage = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyCertSign: 5,
  crlSign: 6,
} as const;

export interface Certificate {
  readonly bytes: Bytes;
  readonly signed: SignedObject;
  readonly serial: Bytes;
  /** Names in DER. */
  readonly issuer: Bytes;
  readonly subject: Bytes;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  readonly extensions: Extensions;
}

interface Extensions {
  readonly alternativeNames: readonly AlternativeName[];
  /** Absent where the certificate is no authority's. */
  readonly authority: { readonly pathLength: number | undefined } | undefined;
  /** The numbers of the bits that are set; `undefined` where every usage is allowed. */
  readonly keyUsage: readonly number[] | undefined;
  readonly purposes: readonly string[] | undefined;
  /** Where the issuer says that it publishes what it revoked. */
  readonly distributionPoints: readonly string[];
  /** Object identifiers of what has to be understood and is not. */
  readonly notUnderstood: readonly string[];
}

/** Throws `DecodeError`, for kinds of keys that IKEv1 cannot use too. @rfc 5280 §4.1 */
export function decodeCertificate(bytes: Bytes): Certificate {
  if (bytes.length > MAX_CERTIFICATE) throw new DecodeError('certificate too long');
  const signed = decodeSigned(bytes);
  const body = readSequence(signed.body);
  const version = body.is(contextTag(0)) ? body.enter(contextTag(0)).small() : 0;
  if (version !== 0 && version !== 2) throw new DecodeError('certificate version');
  const serial = body.take(Tag.integer).content;
  takeAlgorithm(body, signed);
  const issuer = body.take(Tag.sequence).bytes;
  const validity = body.enter();
  const notBefore = decodeTime(validity.next());
  const notAfter = decodeTime(validity.next());
  validity.finish();
  const subject = body.take(Tag.sequence).bytes;
  const publicKey = decodePublicKey(body.take(Tag.sequence).bytes);
  const wrapped = version === 2 ? body.option(contextTag(3)) : undefined;
  body.finish();
  const extensions = decodeExtensions(
    wrapped === undefined ? undefined : new DerReader(wrapped.content).enter(),
  );
  return { bytes, signed, serial, issuer, subject, notBefore, notAfter, publicKey, extensions };
}

/** Whether the usage is allowed. */
export function mayBeUsedFor({ extensions }: Certificate, usage: number): boolean {
  return extensions.keyUsage === undefined || extensions.keyUsage.includes(usage);
}

/** SHA-256 of the whole, in lower-case hexadecimal. */
export function fingerprint({ bytes }: Certificate, primitives: Primitives): string {
  return toHex(primitives.hash('sha256', bytes));
}

/** What a person compares. */
export function summarize(certificate: Certificate, primitives: Primitives): CertificateSummary {
  const { subject, issuer, notBefore, notAfter, publicKey, extensions } = certificate;
  return {
    subject: describeName(subject),
    issuer: describeName(issuer),
    names: extensions.alternativeNames.map(describeAlternativeName),
    notBefore,
    notAfter,
    key: describeKey(publicKey),
    fingerprint: fingerprint(certificate, primitives),
  };
}

function decodeExtensions(reader: DerReader | undefined): Extensions {
  const found = new Map<string, Bytes>();
  const notUnderstood: string[] = [];
  while (reader !== undefined && !reader.done) {
    const extension = reader.enter();
    const oid = extension.oid();
    const critical = extension.is(Tag.boolean) && extension.boolean();
    const value = extension.octets();
    extension.finish();
    if (found.has(oid) || found.size === MAX_EXTENSIONS) throw new DecodeError('extensions');
    found.set(oid, value);
    // Constraints on names narrow what an authority may say: whoever passes them over widens it.
    if (oid === Extension.nameConstraints || (critical && !UNDERSTOOD.has(oid))) {
      notUnderstood.push(oid);
    }
  }
  const names = found.get(Extension.subjectAltName);
  const constraints = found.get(Extension.basicConstraints);
  const usage = found.get(Extension.keyUsage);
  const purposes = found.get(Extension.extendedKeyUsage);
  const points = found.get(Extension.crlDistributionPoints);
  return {
    alternativeNames: names === undefined ? [] : decodeAlternativeNames(names),
    authority: constraints === undefined ? undefined : decodeConstraints(constraints),
    keyUsage: usage === undefined ? undefined : decodeKeyUsage(usage),
    purposes: purposes === undefined ? undefined : decodePurposes(purposes),
    distributionPoints: points === undefined ? [] : decodeDistributionPoints(points),
    notUnderstood,
  };
}

const UNDERSTOOD: ReadonlySet<string> = new Set([
  Extension.subjectAltName,
  Extension.basicConstraints,
  Extension.keyUsage,
  Extension.extendedKeyUsage,
  Extension.crlDistributionPoints,
]);

/** @rfc 5280 §4.2.1.9 */
function decodeConstraints(bytes: Bytes): Extensions['authority'] {
  const reader = readSequence(bytes);
  const authority = reader.is(Tag.boolean) && reader.boolean();
  const pathLength = reader.is(Tag.integer) ? reader.small() : undefined;
  reader.finish();
  return authority ? { pathLength } : undefined;
}

/** @rfc 5280 §4.2.1.3 */
function decodeKeyUsage(bytes: Bytes): readonly number[] {
  const reader = new DerReader(bytes);
  const [, ...octets] = reader.take(Tag.bitString).content;
  reader.finish();
  return octets.flatMap((octet, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (octet << bit) & 0x80).map((bit) => 8 * i + bit),
  );
}

/** @rfc 5280 §4.2.1.12 */
function decodePurposes(bytes: Bytes): readonly string[] {
  const reader = readSequence(bytes);
  const purposes: string[] = [];
  while (!reader.done) {
    if (purposes.length === MAX_EXTENSIONS) throw new DecodeError('extended key usages');
    purposes.push(reader.oid());
  }
  return purposes;
}
