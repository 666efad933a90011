/**
 * The intranet's private certificate authority and the one certificate of its web hosts, made at every start. The keys are in
 * memory and nowhere else, so nothing can be signed with them once the process is gone.
 * @rfc 5280 §4.2
 */
import 'reflect-metadata';
import { createHash, KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { DOMAIN } from './hosts.ts';

export interface Certificates {
  /** What the authority's own certificate says, in PEM. */
  readonly authority: string;
  /** SHA-256 of that certificate, in pairs of hexadecimal digits. */
  readonly fingerprint: string;
  /** For every web host. */
  readonly context: SecureContext;
}

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };

const DAY_MILLIS = 86_400_000;

/** For clocks that are behind, and as long as a playground may run. */
const VALID_BEFORE = DAY_MILLIS;
const VALID_FOR = 90 * DAY_MILLIS;

const ISSUER = 'CN=Demonstration authority of intranet.test, O=Culvert playground';

/** `names`: what the hosts are called. */
export async function makeCertificates(names: readonly string[]): Promise<Certificates> {
  const now = Date.now();
  const validity = { notBefore: new Date(now - VALID_BEFORE), notAfter: new Date(now + VALID_FOR) };
  const authorityKeys = await makeKeys();
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: ISSUER,
    keys: authorityKeys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
      nameConstraints(DOMAIN),
    ],
  });
  const keys = await makeKeys();
  const host = await X509CertificateGenerator.create({
    ...validity,
    subject: `CN=${DOMAIN}`,
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    authority: `${authority.toString('pem')}\n`,
    fingerprint: fingerprintOf(authority),
    context: createSecureContext({
      key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }),
      cert: host.toString('pem'),
    }),
  };
}

async function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
}

/**
 * The authority can vouch for names below `domain` alone, so that trusting it costs little.
 * Deviation: RFC 5280 §4.2.1.10 wants this extension critical; clients that do not know it would then refuse the certificate,
 * and those that do know it obey it either way.
 */
function nameConstraints(domain: string): Extension {
  const name = Buffer.from(domain, 'ascii');
  // NameConstraints { permittedSubtrees [0] { GeneralSubtree { base dNSName [2] } } }; every length is below 128.
  const base = Buffer.concat([Uint8Array.of(0x82, name.length), name]);
  const subtree = Buffer.concat([Uint8Array.of(0x30, base.length), base]);
  const permitted = Buffer.concat([Uint8Array.of(0xa0, subtree.length), subtree]);
  const whole = Buffer.concat([Uint8Array.of(0x30, permitted.length), permitted]);
  return new Extension('2.5.29.30', false, whole);
}

function fingerprintOf(certificate: X509Certificate): string {
  const digest = createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex');
  return digest.toUpperCase().replace(/..(?=.)/g, '$&:');
}
