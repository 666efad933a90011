/** Object identifiers, named as in their documents. */

/** @rfc 8017 appendix C */
export const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
/** @rfc 5480 §2.1.1 */
export const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
/** @rfc 5480 §2.1.1.1 */
export const CURVES = {
  'P-256': '1.2.840.10045.3.1.7',
  'P-384': '1.3.132.0.34',
  'P-521': '1.3.132.0.35',
} as const;

/** Signature algorithms by the hash that they sign. @rfc 8017 appendix C, RFC 5758 §3.2, RFC 3279 §2.2.3 for ECDSA with SHA-1 */
export const SIGNATURES = {
  '1.2.840.113549.1.1.4': { key: 'rsa', hash: 'md5' },
  '1.2.840.113549.1.1.5': { key: 'rsa', hash: 'sha1' },
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.1': { key: 'ec', hash: 'sha1' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
} as const;

/** @rfc 5280 §4.2.1 */
export const Extension = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  issuingDistributionPoint: '2.5.29.28',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Extended key usages. @rfc 5280 §4.2.1.12, RFC 4945 §5.1.3.12; the last from a draft that many gateways follow. */
export const KeyPurpose = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  ipsecIke: '1.3.6.1.5.5.7.3.17',
  ikeIntermediate: '1.3.6.1.5.5.8.2.2',
} as const;

/** @rfc 7292 §4.1, RFC 5652 §4 and §8 */
export const Pkcs7 = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
} as const;

/** @rfc 7292 §4.2 */
export const Bag = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
  crl: '1.2.840.113549.1.12.10.1.4',
} as const;
export const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
export const X509_CRL = '1.2.840.113549.1.9.23.1';

/** Hashes by themselves. @rfc 8017 appendix B.1 */
export const HASHES = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
} as const;
/** As the function of PBKDF2. @rfc 8018 appendix B.1 */
export const HMACS = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
} as const;

/** @rfc 8018 appendix A */
export const PBES2 = '1.2.840.113549.1.5.13';
export const PBKDF2 = '1.2.840.113549.1.5.12';

/** Key lengths in bytes. @rfc 8018 appendix B.2 */
export const CBC_CIPHERS = {
  '1.2.840.113549.3.7': { cipher: '3des-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.2': { cipher: 'aes-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { cipher: 'aes-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { cipher: 'aes-cbc', keyBytes: 32 },
} as const;

/** The encryption of old PKCS#12 files. @rfc 7292 appendix C */
export const PKCS12_CIPHERS = {
  '1.2.840.113549.1.12.1.3': { cipher: '3des-cbc', keyBytes: 24 },
  '1.2.840.113549.1.12.1.4': { cipher: '3des-cbc', keyBytes: 16 },
  '1.2.840.113549.1.12.1.5': { cipher: 'rc2-cbc', keyBytes: 16 },
  '1.2.840.113549.1.12.1.6': { cipher: 'rc2-cbc', keyBytes: 5 },
} as const;
