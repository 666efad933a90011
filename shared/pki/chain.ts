/**
 * Whether a certificate leads to an authority that the user trusts. RFC 5280 §6, RFC 4945 §5.1. Left out: policies and name constraints (a
 * certificate with them is refused), fetching anything from anywhere.
 */
import type { Primitives } from '../crypto/suite.ts';
import type { TunnelErrorCode } from '../errors.ts';
import { constantTimeEqual, toHex } from '../wire/bytes.ts';
import { type Certificate, KeyUsage, mayBeUsedFor } from './certificate.ts';
import type { RevocationList } from './crl.ts';
import { rsaBits } from './key.ts';
import { KeyPurpose } from './oids.ts';
import { signedBy } from './signed.ts';

/** Longest way from a certificate to an authority, both included. */
const MAX_PATH = 6;

/** Most signatures that are verified for one chain: what is sent may be made to branch. */
const MAX_VERIFICATIONS = 24;

/** @rfc 8247 §3.1.1 */
const LEAST_RSA_BITS = 2_048;

export interface ChainQuestion {
  readonly leaf: Certificate;
  /** What else the peer sent, in any order. */
  readonly others: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly revocations: readonly RevocationList[];
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly primitives: Primitives;
}

export interface ChainFault {
  readonly code: TunnelErrorCode;
  readonly detail?: string;
}

/** What is wrong with it, if anything. */
export function chainFault(question: ChainQuestion): ChainFault | undefined {
  const path = findPath(question);
  if (path === undefined) return { code: 'IKE_CERTIFICATE_UNKNOWN_CA' };
  return (
    leafFault(question.leaf) ??
    path
      .map((each, depth) => fault(each, depth, path, question))
      .find((found) => found !== undefined)
  );
}

/**
 * The first certificate below the anchor of which no list says whether it was revoked; `undefined` where lists cover all, or where there is
 * no path. The time at which the next list was due is the end of one.
 * @rfc 4945 §5.2
 */
export function uncheckedRevocation(question: ChainQuestion): Certificate | undefined {
  const path = findPath(question) ?? [];
  return path.slice(0, -1).find((each, depth) => {
    const issuer = path[depth + 1]!;
    return !listsOf(issuer, question).some((list) => covers(list, each, depth, question.time));
  });
}

/** @rfc 4945 §5.2.2.5 */
function covers(
  { nextUpdate, scope }: RevocationList,
  { extensions }: Certificate,
  depth: number,
  time: number,
): boolean {
  if (nextUpdate !== undefined && time > nextUpdate) return false;
  const whose = extensions.authority === undefined && depth === 0 ? 'users' : 'authorities';
  if (scope.only !== undefined && scope.only !== whose) return false;
  const { points } = scope;
  return points.length === 0 || points.some((each) => extensions.distributionPoints.includes(each));
}

/** From the leaf to an anchor, each signed by the next; an anchor may be the leaf itself. */
function findPath({ leaf, others, anchors, primitives }: ChainQuestion): Certificate[] | undefined {
  let verifications = 0;
  function extend(path: Certificate[]): Certificate[] | undefined {
    const last = path.at(-1)!;
    if (anchors.some((anchor) => constantTimeEqual(anchor.bytes, last.bytes))) return path;
    if (path.length === MAX_PATH) return undefined;
    for (const issuer of [...anchors, ...others]) {
      if (!constantTimeEqual(issuer.subject, last.issuer) || path.includes(issuer)) continue;
      if (verifications === MAX_VERIFICATIONS) return undefined;
      verifications++;
      if (!signedBy(last.signed, issuer.publicKey, primitives)) continue;
      const found = extend([...path, issuer]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return extend([leaf]);
}

/** What only the peer's own certificate has to be. */
function leafFault(leaf: Certificate): ChainFault | undefined {
  const { purposes } = leaf.extensions;
  // @rfc 4945 §5.1.3.2
  const signs = [KeyUsage.digitalSignature, KeyUsage.nonRepudiation];
  if (!signs.some((usage) => mayBeUsedFor(leaf, usage))) {
    return { code: 'IKE_CERTIFICATE_INVALID', detail: 'its key is not meant for signatures' };
  }
  // Deviation: RFC 4945 §5.1.3.12 knows ipsecIKE and "any"; gateways have serverAuth and an older draft's number as well.
  const usable: readonly string[] = Object.values(KeyPurpose);
  if (purposes !== undefined && !purposes.some((purpose) => usable.includes(purpose))) {
    return { code: 'IKE_CERTIFICATE_INVALID', detail: 'its key is meant for something else' };
  }
  return undefined;
}

function fault(
  certificate: Certificate,
  depth: number,
  path: readonly Certificate[],
  question: ChainQuestion,
): ChainFault | undefined {
  const { time } = question;
  const { extensions, publicKey, signed } = certificate;
  const whose = depth === 0 ? '' : 'an authority on the way: ';
  if (time < certificate.notBefore) {
    return { code: 'IKE_CERTIFICATE_NOT_YET_VALID', detail: whose + day(certificate.notBefore) };
  }
  if (time > certificate.notAfter) {
    return { code: 'IKE_CERTIFICATE_EXPIRED', detail: whose + day(certificate.notAfter) };
  }
  const [unknown] = extensions.notUnderstood;
  if (unknown !== undefined) {
    return { code: 'IKE_CERTIFICATE_INVALID', detail: `${whose}extension ${unknown}` };
  }
  if (publicKey.kind === 'rsa' && rsaBits(publicKey) < LEAST_RSA_BITS) {
    return { code: 'IKE_CERTIFICATE_WEAK', detail: `${whose}RSA-${rsaBits(publicKey)}` };
  }
  if (depth > 0 && !mayIssue(certificate, depth)) {
    return { code: 'IKE_CERTIFICATE_INVALID', detail: `${whose}it may not issue this certificate` };
  }
  const issuer = path[depth + 1];
  // The anchor's own signature says nothing: it is trusted for having been imported.
  if (issuer === undefined) return undefined;
  // Deviation: RFC 4945 §5.3 wants RSA with SHA-1 and MD5 verified; both can be forged by now, and are refused.
  if (signed.scheme?.hash === 'md5' || signed.scheme?.hash === 'sha1') {
    return {
      code: 'IKE_CERTIFICATE_WEAK',
      detail: `${whose}signed with ${signed.scheme.hash.toUpperCase()}`,
    };
  }
  if (isRevoked(certificate, issuer, question)) {
    return { code: 'IKE_CERTIFICATE_REVOKED', ...(depth > 0 && { detail: whose.slice(0, -2) }) };
  }
  return undefined;
}

/** `depth` certificates stand below it, the last of which is nobody's authority. @rfc 5280 §6.1.4 */
function mayIssue(certificate: Certificate, depth: number): boolean {
  const { authority } = certificate.extensions;
  if (authority === undefined || !mayBeUsedFor(certificate, KeyUsage.keyCertSign)) return false;
  return authority.pathLength === undefined || authority.pathLength >= depth - 1;
}

/** By any list of its issuer's. One that is out of date still counts: what was revoked stays so. @rfc 5280 §6.3.3, 4945 §5.2.1 */
function isRevoked({ serial }: Certificate, issuer: Certificate, question: ChainQuestion): boolean {
  return listsOf(issuer, question).some(({ revoked }) => revoked.has(toHex(serial)));
}

/** Those that the issuer may sign, and did. */
function listsOf(
  issuer: Certificate,
  { revocations, primitives }: ChainQuestion,
): readonly RevocationList[] {
  if (!mayBeUsedFor(issuer, KeyUsage.crlSign)) return [];
  return revocations.filter(
    (list) =>
      constantTimeEqual(list.issuer, issuer.subject) &&
      signedBy(list.signed, issuer.publicKey, primitives),
  );
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
