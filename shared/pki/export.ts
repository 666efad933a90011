/** A public key as gateways' configurations take it. */
import { type Bytes, concat } from '../wire/bytes.ts';
import { encodePublicKey, type PublicKey, type RsaPublicKey } from './key.ts';
import { encodeBase64, encodePem } from './pem.ts';

/** PEM, which strongSwan reads as a file (`pubkeys` in swanctl.conf, `rightsigkey` in ipsec.conf). @rfc 7468 §13 */
export function publicKeyPem(key: PublicKey): string {
  return encodePem('PUBLIC KEY', encodePublicKey(key));
}

/**
 * `0s…`, for `rightrsasigkey` of Libreswan, which strongSwan's `rightsigkey` takes too behind `dns:`. Nothing for ECDSA: there is
 * no such form of it for IKEv1.
 */
export function rsaSigKey(key: PublicKey): string | undefined {
  return key.kind === 'rsa' ? `0s${encodeBase64(encodeRfc3110(key))}` : undefined;
}

/** Length of the exponent, exponent, modulus. @rfc 3110 §2 */
function encodeRfc3110({ exponent, modulus }: RsaPublicKey): Bytes {
  return concat(Uint8Array.of(exponent.length), exponent, modulus);
}
