/** Files under a passphrase. Apart from the other decoders: how long one takes is the file's own to say, within a bound. */
import fc from 'fast-check';
import { TunnelError } from '../../shared/errors.ts';
import { berToDer } from '../../shared/pki/ber.ts';
import { decodeDer } from '../../shared/pki/der.ts';
import { readKeyFiles } from '../../shared/pki/key-files.ts';
import { encodePassphrase } from '../../shared/pki/password-encryption.ts';
import { openEncryptedKey } from '../../shared/pki/pkcs12.ts';
import { toHex } from '../../shared/wire/bytes.ts';
import { DecodeError } from '../../shared/wire/errors.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { pkiDer, pkiFile } from '../support/pki.ts';
import { fuzz } from './support/campaign.ts';
import { mutate, mutations } from './support/mutation.ts';

const FILES = ['plain.p12', 'ec.p12', 'rc2.p12', 'des3.p12', 'ecclient.enc'] as const;
const PASSPHRASE = 'sesame';

fuzz({
  name: 'key files',
  input: fc.record({ file: fc.constantFrom(...FILES), changes: mutations }),
  check: ({ file, changes }) => {
    try {
      const bytes = mutate(pkiFile(file).bytes, changes);
      readKeyFiles([{ name: file, bytes }], PASSPHRASE, nodePrimitives);
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
    }
  },
});

fuzz({
  name: 'BER',
  input: fc.record({
    file: fc.constantFrom('nss.p12' as const, 'plain.p12' as const),
    changes: mutations,
  }),
  check: ({ file, changes }) => {
    try {
      const der = berToDer(mutate(pkiFile(file).bytes, changes));
      // What comes out is what would go in.
      if (toHex(berToDer(der)) !== toHex(der)) throw new Error('DER that is changed again');
      decodeDer(der);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  },
});

fuzz({
  name: 'encrypted keys',
  input: fc.record({
    file: fc.constantFrom('client.enc' as const, 'ecclient.enc' as const),
    changes: mutations,
  }),
  check: ({ file, changes }) => {
    try {
      const bytes = mutate(pkiDer(file), changes);
      openEncryptedKey(bytes, encodePassphrase(PASSPHRASE), nodePrimitives);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  },
});
