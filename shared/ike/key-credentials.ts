/** From the files that a user picked to what IKE signs with and whom it believes. */
import type { Primitives } from '../crypto/suite.ts';
import { TunnelError } from '../errors.ts';
import { IdType } from '../isakmp/numbers.ts';
import { type KeyFile, readKeyFiles } from '../pki/key-files.ts';
import type { Millis } from '../wire/bytes.ts';
import { type Credentials, encodeIdentity } from './credentials.ts';
import { certificateTrust, publicKeyTrust } from './peer-trust.ts';

export interface KeySignIn {
  readonly files: readonly KeyFile[];
  /** Opens those that are encrypted. */
  readonly passphrase: string;
  /** What the gateway knows a bare key by: a name, `user@name` or an IPv4 address. A certificate's subject otherwise. */
  readonly identity: string;
  /** What the gateway's certificate has to say that it is called; anything when empty. */
  readonly gatewayName: string;
  /** Fingerprint of the gateway's certificate that the user accepted, in hexadecimal. */
  readonly accepted?: string;
  /** Whether a revocation list among the files has to cover it. */
  readonly requireRevocationList?: boolean;
}

/**
 * Throws `TunnelError`: what `readKeyFiles` does, and `BAD_INPUT` for a bare key without an identity. `epoch` is what is added to
 * a machine's `now` to make milliseconds since 1970.
 */
export function keyCredentials(
  signIn: KeySignIn,
  primitives: Primitives,
  epoch: Millis,
): Credentials {
  const { files, passphrase, gatewayName, accepted } = signIn;
  const material = readKeyFiles(files, passphrase, primitives);
  const { privateKey, chain, anchors, revocations, publicKeys } = material;
  const [publicKey] = publicKeys;
  const [own] = chain;
  const identity = signIn.identity.trim();
  if (own === undefined && identity === '') {
    throw new TunnelError('BAD_INPUT', 'a bare key needs the name that the gateway knows it by');
  }
  return {
    kind: 'signature',
    privateKey,
    certificates: chain.map(({ bytes }) => bytes),
    identity:
      identity === '' && own !== undefined
        ? { idType: IdType.derAsn1Dn, data: own.subject }
        : encodeIdentity(identity),
    peer:
      publicKey !== undefined
        ? publicKeyTrust(publicKey)
        : certificateTrust({
            primitives,
            anchors,
            revocations,
            expectedName: gatewayName.trim(),
            accepted,
            requireRevocationList: signIn.requireRevocationList ?? false,
            epoch,
          }),
  };
}
