/** What phase 1 may agree on: every combination, also those that a client of ours has no need to offer. */
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';

const CIPHERS = [
  { cipher: 'aes-cbc', keyBits: 256 },
  { cipher: 'aes-cbc', keyBits: 192 },
  { cipher: 'aes-cbc', keyBits: 128 },
  { cipher: '3des-cbc', keyBits: 192 },
] as const;
const HASHES = ['sha512', 'sha384', 'sha256', 'sha1', 'md5'] as const;
const GROUPS = [21, 20, 19, 16, 15, 14, 5, 2] as const;

export const PHASE1_POLICY: readonly Phase1Transform[] = GROUPS.flatMap((group) =>
  HASHES.flatMap((hash) => CIPHERS.map((cipher) => ({ ...cipher, hash, group }))),
);
