/**
 * Protocol numbers of ISAKMP, the IPsec DOI and IKEv1, named and ordered as in the IANA registries
 * "ISAKMP Registry" and "Internet Key Exchange (IKE) Attributes". RFC 2407, 2408, 2409, 3602, 3706, 3947,
 * 3686, 4106, 4304, 4868. Left out: what this project neither sends nor tells apart from an unknown number.
 */

/** @rfc 2408 §3.1 */
export const ISAKMP_VERSION = 0x10;

/** @rfc 2408 §3.1 */
export const PayloadType = {
  none: 0,
  securityAssociation: 1,
  proposal: 2,
  transform: 3,
  keyExchange: 4,
  identification: 5,
  certificate: 6,
  certificateRequest: 7,
  hash: 8,
  signature: 9,
  nonce: 10,
  notification: 11,
  delete: 12,
  vendorId: 13,
  /** Of the transaction exchange. draft-ietf-ipsec-isakmp-mode-cfg-05 §3.1 */
  attributes: 14,
  natDiscovery: 20,
  natOriginalAddress: 21,
  natDiscoveryDraft: 130,
  natOriginalAddressDraft: 131,
  /** In no registry. */
  fragment: 132,
} as const;

/** @rfc 2408 §3.1, RFC 2409 appendix A for the last, draft-ietf-ipsec-isakmp-mode-cfg-05 §3.1 for the one before */
export const ExchangeType = {
  identityProtection: 2,
  aggressive: 4,
  informational: 5,
  transaction: 6,
  quickMode: 32,
} as const;

/** @rfc 2408 §3.1 */
export const HeaderFlag = { encryption: 0x01, commit: 0x02, authenticationOnly: 0x04 } as const;

/** @rfc 2407 §4.4.1 */
export const ProtocolId = { isakmp: 1, ipsecAh: 2, ipsecEsp: 3 } as const;

/** @rfc 2407 §4.2 */
export const IPSEC_DOI = 1;
export const SIT_IDENTITY_ONLY = 1;

/** @rfc 2407 §4.4.2 */
export const IsakmpTransformId = { keyIke: 1 } as const;

/** @rfc 2407 §4.4.4, RFC 3602 §5.2, RFC 3686 §5.3, RFC 4106 §8.3 */
export const EspTransformId = { des3: 3, aesCbc: 12, aesCtr: 13, aesGcm16: 20 } as const;

/** Attribute types of an IKE (phase 1) transform. @rfc 2409 appendix A */
export const Phase1Attribute = {
  encryptionAlgorithm: 1,
  hashAlgorithm: 2,
  authenticationMethod: 3,
  groupDescription: 4,
  lifeType: 11,
  lifeDuration: 12,
  keyLength: 14,
} as const;

/** @rfc 2409 appendix A, RFC 3602 §5.1 */
export const EncryptionAlgorithm = { des3Cbc: 5, aesCbc: 7 } as const;

/** The SHA-2 numbers are from the registry. @rfc 2409 appendix A */
export const HashAlgorithm = { md5: 1, sha: 2, sha256: 4, sha384: 5, sha512: 6 } as const;

/** @rfc 2409 appendix A, RFC 4754 §6 for ECDSA, draft-ietf-ipsec-isakmp-xauth-06 §7.2 for XAUTH */
export const AuthenticationMethod = {
  preSharedKey: 1,
  rsaSignature: 3,
  ecdsaSha256P256: 9,
  ecdsaSha384P384: 10,
  ecdsaSha512P521: 11,
  xauthInitPreShared: 65001,
  xauthRespPreShared: 65002,
  xauthInitRsa: 65005,
  xauthRespRsa: 65006,
} as const;

/** What an attribute payload is for. draft-ietf-ipsec-isakmp-mode-cfg-05 §3.2 */
export const ConfigType = { request: 1, reply: 2, set: 3, acknowledge: 4 } as const;

/** draft-ietf-ipsec-isakmp-xauth-06 §6.2 */
export const XauthAttribute = {
  type: 16520,
  userName: 16521,
  userPassword: 16522,
  passcode: 16523,
  message: 16524,
  challenge: 16525,
  domain: 16526,
  status: 16527,
} as const;

/** How a certificate payload is encoded. @rfc 2408 §3.9 */
export const CertificateEncoding = { x509Signature: 4 } as const;

/** The same numbers in both phases. @rfc 2407 §4.5 */
export const LifeType = { seconds: 1, kilobytes: 2 } as const;

/** Attribute types of an IPsec (phase 2) transform. @rfc 2407 §4.5, RFC 4304 §2 for the last */
export const Phase2Attribute = {
  lifeType: 1,
  lifeDuration: 2,
  groupDescription: 3,
  encapsulationMode: 4,
  authenticationAlgorithm: 5,
  keyLength: 6,
  extendedSequenceNumber: 11,
} as const;

/** @rfc 2407 §4.5, RFC 3947 §5.1; the last two from its drafts 02 and 03 */
export const EncapsulationMode = {
  tunnel: 1,
  transport: 2,
  udpTunnel: 3,
  udpTransport: 4,
  udpTunnelDraft: 61443,
  udpTransportDraft: 61444,
} as const;

/** @rfc 2407 §4.5, RFC 4868 §4 for those of SHA-2 */
export const AuthenticationAlgorithm = {
  hmacMd5: 1,
  hmacSha: 2,
  hmacSha2256: 5,
  hmacSha2384: 6,
  hmacSha2512: 7,
} as const;

/** The attribute's one value. @rfc 4304 §2 */
export const EXTENDED_SEQUENCE_NUMBERS = 1;

/** @rfc 2407 §4.6.2.1 */
export const IdType = {
  ipv4Addr: 1,
  fqdn: 2,
  userFqdn: 3,
  ipv4AddrSubnet: 4,
  ipv6Addr: 5,
  derAsn1Dn: 9,
  keyId: 11,
} as const;

/** IP protocol number of UDP, as identities name it. */
export const IPPROTO_UDP = 17;

/** @rfc 2408 §3.14.1, RFC 2407 §4.6.3, RFC 3706 §5.3 for the last two */
export const NotifyType = {
  'INVALID-PAYLOAD-TYPE': 1,
  'DOI-NOT-SUPPORTED': 2,
  'SITUATION-NOT-SUPPORTED': 3,
  'INVALID-COOKIE': 4,
  'INVALID-MAJOR-VERSION': 5,
  'INVALID-MINOR-VERSION': 6,
  'INVALID-EXCHANGE-TYPE': 7,
  'INVALID-FLAGS': 8,
  'INVALID-MESSAGE-ID': 9,
  'INVALID-PROTOCOL-ID': 10,
  'INVALID-SPI': 11,
  'INVALID-TRANSFORM-ID': 12,
  'ATTRIBUTES-NOT-SUPPORTED': 13,
  'NO-PROPOSAL-CHOSEN': 14,
  'BAD-PROPOSAL-SYNTAX': 15,
  'PAYLOAD-MALFORMED': 16,
  'INVALID-KEY-INFORMATION': 17,
  'INVALID-ID-INFORMATION': 18,
  'INVALID-CERT-ENCODING': 19,
  'INVALID-CERTIFICATE': 20,
  'CERT-TYPE-UNSUPPORTED': 21,
  'INVALID-CERT-AUTHORITY': 22,
  'INVALID-HASH-INFORMATION': 23,
  'AUTHENTICATION-FAILED': 24,
  'INVALID-SIGNATURE': 25,
  'ADDRESS-NOTIFICATION': 26,
  'NOTIFY-SA-LIFETIME': 27,
  'CERTIFICATE-UNAVAILABLE': 28,
  'UNSUPPORTED-EXCHANGE-TYPE': 29,
  'UNEQUAL-PAYLOAD-LENGTHS': 30,
  CONNECTED: 16384,
  'RESPONDER-LIFETIME': 24576,
  'REPLAY-STATUS': 24577,
  'INITIAL-CONTACT': 24578,
  'R-U-THERE': 36136,
  'R-U-THERE-ACK': 36137,
} as const;

/** Notifications up to here are errors, above are status. @rfc 2408 §3.14.1 */
export const LAST_ERROR_NOTIFY = 16383;

const NOTIFY_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(NotifyType).map(([name, code]) => [code, name]),
);

/** The registry's name of a notification, or its number. */
export function notifyName(code: number): string {
  return NOTIFY_NAMES.get(code) ?? `notification ${code}`;
}
