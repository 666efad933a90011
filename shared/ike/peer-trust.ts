/** Whether the gateway is the one we want, by its certificate or by its bare key. RFC 4945 §3.1 and §5.1. */
import type { Primitives } from '../crypto/suite.ts';
import { type Failure, plainText, type TunnelErrorCode } from '../errors.ts';
import { IdType } from '../isakmp/numbers.ts';
import { type Certificate, decodeCertificate, fingerprint, summarize } from '../pki/certificate.ts';
import { type ChainQuestion, chainFault, uncheckedRevocation } from '../pki/chain.ts';
import type { RevocationList } from '../pki/crl.ts';
import type { PublicKey } from '../pki/key.ts';
import { describeAlternativeName } from '../pki/name.ts';
import { constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Identity, PeerTrust, Presented } from './credentials.ts';

export interface CertificateTrustOptions {
  readonly primitives: Primitives;
  readonly anchors: readonly Certificate[];
  readonly revocations: readonly RevocationList[];
  /** What the gateway is called, as its certificate has to say; anything when empty. */
  readonly expectedName: string;
  /** Fingerprint of the certificate that the user accepted for this gateway. */
  readonly accepted: string | undefined;
  /** Whether a list has to say that nothing on the way to the authority was revoked. */
  readonly requireRevocationList: boolean;
  /** What is added to `now` to make milliseconds since 1970. */
  readonly epoch: Millis;
}

/** Longest identity that a certificate can bear out, in bytes: names end at 255, subjects are a few hundred. */
const MAX_IDENTITY = 4_096;

/** Most authorities that are named to the gateway. */
const MAX_REQUESTS = 8;

/** The chain, then the names, then the user's word. */
export function certificateTrust(options: CertificateTrustOptions): PeerTrust {
  const { primitives, anchors, revocations, expectedName, accepted, epoch } = options;
  const question = (read: ReadCertificates, now: Millis): ChainQuestion => {
    return { ...read, anchors, revocations, time: now + epoch, primitives };
  };
  return {
    authorities: anchors.slice(0, MAX_REQUESTS).map(({ subject }) => subject),
    keyOf(presented) {
      const read = readCertificates(presented);
      return 'code' in read ? read : read.leaf.publicKey;
    },
    objection(presented, now) {
      const read = readCertificates(presented);
      if ('code' in read) return read;
      const { leaf } = read;
      const refuse = (code: TunnelErrorCode, detail?: string): Failure => ({
        code,
        ...(detail !== undefined && { detail }),
        certificate: summarize(leaf, primitives),
      });
      const asked = question(read, now);
      const fault = chainFault(asked);
      if (fault !== undefined) return refuse(fault.code, fault.detail);
      const unchecked = options.requireRevocationList ? uncheckedRevocation(asked) : undefined;
      if (unchecked !== undefined) {
        return refuse('IKE_CERTIFICATE_REVOCATION_UNKNOWN', describePoints(unchecked));
      }
      if (!names(leaf, presented.identity)) {
        return refuse('IKE_CERTIFICATE_INVALID', 'the gateway calls itself otherwise');
      }
      if (expectedName !== '' && !isCalled(leaf, expectedName)) {
        return refuse('IKE_CERTIFICATE_WRONG_NAME', `not ${expectedName}`);
      }
      if (accepted === fingerprint(leaf, primitives)) return undefined;
      const code = accepted === undefined ? 'IKE_CERTIFICATE_NEW' : 'IKE_CERTIFICATE_CHANGED';
      return { ...refuse(code), wants: 'certificate' };
    },
    /**
     * Deviation: RFC 4945 §5.2 wants revocation always looked up; a tab can fetch no list, so it is said that nobody has, unless the user
     * asks for more.
     */
    caveat(presented, now) {
      const read = readCertificates(presented);
      if ('code' in read) return undefined;
      const unchecked = uncheckedRevocation(question(read, now));
      if (unchecked === undefined || unchecked.extensions.distributionPoints.length === 0) {
        return undefined;
      }
      const points = describePoints(unchecked);
      return `Whether the gateway’s certificate was revoked has not been looked up: a tab cannot fetch the list that it names (${points}). It is looked up where that list is among your files.`;
    },
  };
}

/** Where the list is published that would say so. */
function describePoints({ extensions }: Certificate): string {
  return plainText(extensions.distributionPoints.join(', ')) || 'it names no list';
}

interface ReadCertificates {
  readonly leaf: Certificate;
  readonly others: readonly Certificate[];
}

/** Whoever has the key is the gateway, whatever it calls itself. */
export function publicKeyTrust(key: PublicKey): PeerTrust {
  return { authorities: [], keyOf: () => key, objection: () => undefined };
}

/** The peer's own is the one that bears its identity out; where none does, the first. */
function readCertificates({ certificates, identity }: Presented): ReadCertificates | Failure {
  const code = 'IKE_CERTIFICATE_INVALID';
  try {
    const all = certificates.map(decodeCertificate);
    const leaf = all.find((each) => names(each, identity)) ?? all[0];
    if (leaf === undefined) return { code, detail: 'the gateway sent none' };
    return { leaf, others: all.filter((each) => each !== leaf) };
  } catch (error) {
    if (error instanceof DecodeError) return { code, detail: error.reason };
    throw error;
  }
}

/**
 * Whether the certificate bears out what the ID payload says.
 * Deviation: RFC 4945 §3.1.1 wants an address to be the packet's source as well, and §3.1.5 a name to be the subject. Behind a NAT and a relay
 * no source is known, and a name among the alternative ones is as good.
 * @rfc 4945 §3.1.1
 * @rfc 4945 §3.1.2
 * @rfc 4945 §3.1.3
 * @rfc 4945 §3.1.5
 */
function names({ subject, extensions }: Certificate, { idType, data }: Identity): boolean {
  if (data.length > MAX_IDENTITY) return false;
  const text = String.fromCharCode(...data).toLowerCase();
  if (idType === IdType.derAsn1Dn && constantTimeEqual(subject, data)) return true;
  return extensions.alternativeNames.some((name) => {
    switch (name.kind) {
      case 'dns':
        return idType === IdType.fqdn && name.text.toLowerCase() === text;
      case 'email':
        return idType === IdType.userFqdn && name.text.toLowerCase() === text;
      case 'ip':
        return isAddress(idType) && constantTimeEqual(name.address, data);
      default:
        return idType === IdType.derAsn1Dn && constantTimeEqual(name.name, data);
    }
  });
}

function isAddress(idType: number): boolean {
  return idType === IdType.ipv4Addr || idType === IdType.ipv6Addr;
}

/**
 * By an alternative name, in full: neither wildcards nor the subject's common name count.
 * @rfc 4945 §3.1.9
 * @rfc 4945 §5.1.3.6
 */
function isCalled({ extensions }: Certificate, expected: string): boolean {
  return extensions.alternativeNames.some(
    (name) => describeAlternativeName(name).toLowerCase() === expected.toLowerCase(),
  );
}
