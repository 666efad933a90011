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
