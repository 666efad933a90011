/** The words of the ISAKMP and IKE registries, by number. RFC 2407, 2408, 2409, 3706, 3947. */
import {
  AuthenticationAlgorithm,
  AuthenticationMethod,
  CertificateEncoding,
  EncapsulationMode,
  EncryptionAlgorithm,
  EXTENDED_SEQUENCE_NUMBERS,
  ExchangeType,
  HashAlgorithm,
  IdType,
  LifeType,
  PayloadType,
  Phase1Attribute,
  Phase2Attribute,
} from '../isakmp/numbers.ts';

type Names = Readonly<Record<number, string>>;

/** @rfc 2408 §3.1, RFC 3947 §3.2 and §5.2 for the NAT payloads */
export const PAYLOAD_NAMES: Names = {
  [PayloadType.none]: 'NONE',
  [PayloadType.securityAssociation]: 'Security Association',
  [PayloadType.proposal]: 'Proposal',
  [PayloadType.transform]: 'Transform',
  [PayloadType.keyExchange]: 'Key Exchange',
  [PayloadType.identification]: 'Identification',
  [PayloadType.certificate]: 'Certificate',
  [PayloadType.certificateRequest]: 'Certificate Request',
  [PayloadType.hash]: 'Hash',
  [PayloadType.signature]: 'Signature',
  [PayloadType.nonce]: 'Nonce',
  [PayloadType.notification]: 'Notification',
  [PayloadType.delete]: 'Delete',
  [PayloadType.vendorId]: 'Vendor ID',
  [PayloadType.attributes]: 'Attributes',
  [PayloadType.natDiscovery]: 'NAT-D',
  [PayloadType.natOriginalAddress]: 'NAT-OA',
  [PayloadType.natDiscoveryDraft]: 'NAT-D (draft)',
  [PayloadType.natOriginalAddressDraft]: 'NAT-OA (draft)',
};

export const EXCHANGE_NAMES: Names = {
  0: 'NONE',
  1: 'Base',
  [ExchangeType.identityProtection]: 'Identity Protection',
  3: 'Authentication Only',
  [ExchangeType.aggressive]: 'Aggressive',
  [ExchangeType.informational]: 'Informational',
  [ExchangeType.transaction]: 'Transaction',
  [ExchangeType.quickMode]: 'Quick Mode',
  33: 'New Group Mode',
};

export const PROTOCOL_NAMES: Names = {
  0: 'RESERVED',
  1: 'PROTO_ISAKMP',
  2: 'PROTO_IPSEC_AH',
  3: 'PROTO_IPSEC_ESP',
  4: 'PROTO_IPCOMP',
};

/** @rfc 2407 §4.4.4, RFC 3602 §5.2, RFC 4106 §8.3 */
export const ESP_TRANSFORM_NAMES: Names = {
  2: 'ESP_DES',
  3: 'ESP_3DES',
  11: 'ESP_NULL',
  12: 'ESP_AES-CBC',
  13: 'ESP_AES-CTR',
  20: 'ESP_AES-GCM-16',
};

export const IKE_TRANSFORM_NAMES: Names = { 1: 'KEY_IKE' };

/** An attribute's name, and what its values are called. */
interface AttributeName {
  readonly name: string;
  readonly values?: Names;
}

const GROUPS: Names = {
  1: '768-bit MODP',
  2: '1024-bit MODP',
  5: '1536-bit MODP',
  14: '2048-bit MODP',
  15: '3072-bit MODP',
  16: '4096-bit MODP',
  17: '6144-bit MODP',
  18: '8192-bit MODP',
  19: '256-bit random ECP',
  20: '384-bit random ECP',
  21: '521-bit random ECP',
};
const LIFE_TYPES: Names = { [LifeType.seconds]: 'seconds', [LifeType.kilobytes]: 'kilobytes' };

/** @rfc 2409 appendix A */
export const PHASE1_ATTRIBUTES: Readonly<Record<number, AttributeName>> = {
  [Phase1Attribute.encryptionAlgorithm]: {
    name: 'Encryption Algorithm',
    values: {
      1: 'DES-CBC',
      [EncryptionAlgorithm.des3Cbc]: '3DES-CBC',
      [EncryptionAlgorithm.aesCbc]: 'AES-CBC',
    },
  },
  [Phase1Attribute.hashAlgorithm]: {
    name: 'Hash Algorithm',
    values: {
      [HashAlgorithm.md5]: 'MD5',
      [HashAlgorithm.sha]: 'SHA',
      [HashAlgorithm.sha256]: 'SHA2-256',
      [HashAlgorithm.sha384]: 'SHA2-384',
      [HashAlgorithm.sha512]: 'SHA2-512',
    },
  },
  [Phase1Attribute.authenticationMethod]: {
    name: 'Authentication Method',
    values: {
      [AuthenticationMethod.preSharedKey]: 'pre-shared key',
      2: 'DSS signatures',
      [AuthenticationMethod.rsaSignature]: 'RSA signatures',
      [AuthenticationMethod.ecdsaSha256P256]: 'ECDSA with SHA-256 on the P-256 curve',
      [AuthenticationMethod.ecdsaSha384P384]: 'ECDSA with SHA-384 on the P-384 curve',
      [AuthenticationMethod.ecdsaSha512P521]: 'ECDSA with SHA-512 on the P-521 curve',
    },
  },
  [Phase1Attribute.groupDescription]: { name: 'Group Description', values: GROUPS },
  [Phase1Attribute.lifeType]: { name: 'Life Type', values: LIFE_TYPES },
  [Phase1Attribute.lifeDuration]: { name: 'Life Duration' },
  13: { name: 'PRF' },
  [Phase1Attribute.keyLength]: { name: 'Key Length' },
};

/** @rfc 2407 §4.5, RFC 4304 §2 for the last */
export const PHASE2_ATTRIBUTES: Readonly<Record<number, AttributeName>> = {
  [Phase2Attribute.lifeType]: { name: 'SA Life Type', values: LIFE_TYPES },
  [Phase2Attribute.lifeDuration]: { name: 'SA Life Duration' },
  [Phase2Attribute.groupDescription]: { name: 'Group Description', values: GROUPS },
  [Phase2Attribute.encapsulationMode]: {
    name: 'Encapsulation Mode',
    values: {
      [EncapsulationMode.tunnel]: 'Tunnel',
      [EncapsulationMode.transport]: 'Transport',
      [EncapsulationMode.udpTunnel]: 'UDP-Encapsulated-Tunnel',
      [EncapsulationMode.udpTransport]: 'UDP-Encapsulated-Transport',
      [EncapsulationMode.udpTunnelDraft]: 'UDP-Encapsulated-Tunnel (draft)',
      [EncapsulationMode.udpTransportDraft]: 'UDP-Encapsulated-Transport (draft)',
    },
  },
  [Phase2Attribute.authenticationAlgorithm]: {
    name: 'Authentication Algorithm',
    values: {
      [AuthenticationAlgorithm.hmacMd5]: 'HMAC-MD5',
      [AuthenticationAlgorithm.hmacSha]: 'HMAC-SHA',
      [AuthenticationAlgorithm.hmacSha2256]: 'HMAC-SHA2-256',
      [AuthenticationAlgorithm.hmacSha2384]: 'HMAC-SHA2-384',
      [AuthenticationAlgorithm.hmacSha2512]: 'HMAC-SHA2-512',
    },
  },
  [Phase2Attribute.keyLength]: { name: 'Key Length' },
  [Phase2Attribute.extendedSequenceNumber]: {
    name: 'Extended (64-bit) Sequence Number',
    values: { [EXTENDED_SEQUENCE_NUMBERS]: '64-bit Sequence Number' },
  },
};

/** @rfc 2407 §4.6.2.1 */
export const ID_NAMES: Names = {
  [IdType.ipv4Addr]: 'ID_IPV4_ADDR',
  [IdType.fqdn]: 'ID_FQDN',
  [IdType.userFqdn]: 'ID_USER_FQDN',
  [IdType.ipv4AddrSubnet]: 'ID_IPV4_ADDR_SUBNET',
  [IdType.ipv6Addr]: 'ID_IPV6_ADDR',
  [IdType.derAsn1Dn]: 'ID_DER_ASN1_DN',
  [IdType.keyId]: 'ID_KEY_ID',
};

/** @rfc 2408 §3.9 */
export const CERTIFICATE_NAMES: Names = {
  [CertificateEncoding.x509Signature]: 'X.509 Certificate - Signature',
};

/** Vendor ids that are known here, by how they begin. */
export const VENDOR_NAMES: readonly (readonly [hex: string, name: string])[] = [
  ['4a131c81070358455c5728f20e95452f', 'RFC 3947: NAT traversal'],
  ['90cb80913ebb696e086381b5ec427b1f', 'draft-ietf-ipsec-nat-t-ike-02: NAT traversal'],
  ['cd60464335df21f87cfdb2fc68b6a448', 'draft-ietf-ipsec-nat-t-ike-02: NAT traversal'],
  ['7d9419a65310ca6f2c179d9215529d56', 'draft-ietf-ipsec-nat-t-ike-03: NAT traversal'],
  ['afcad71368a1f1c96b8696fc7757', 'RFC 3706: dead peer detection'],
  ['09002689dfd6b712', 'XAUTH'],
  ['4048b7d56ebce88525e7de7f00d6c2d3', 'IKE fragmentation'],
  ['1e2b516905991c7d7c96fcbfb587e461', 'Microsoft'],
];
