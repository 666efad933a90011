/**
 * The keys of a recording as lines of Wireshark's tables `ikev1_decryption_table` and `esp_sa`, in the form in which it keeps
 * them in files of these names.
 * Source: Wireshark's `epan/dissectors/packet-isakmp.c` and `packet-ipsec.c`, which name columns and algorithms.
 */
import type { EspCipher, EspIntegrity } from '../esp/engine.ts';
import { toHex } from '../wire/bytes.ts';
import type { EspKey, IkeKey } from './recorder.ts';

const CIPHERS: Readonly<Record<EspCipher, string>> = {
  'aes-cbc': 'AES-CBC [RFC3602]',
  '3des-cbc': 'TripleDES-CBC [RFC2451]',
  'aes-ctr': 'AES-CTR [RFC3686]',
  'aes-gcm-16': 'AES-GCM with 16 octet ICV [RFC4106]',
  null: 'NULL',
};
const INTEGRITIES: Readonly<Record<EspIntegrity, string>> = {
  'hmac-md5-96': 'HMAC-MD5-96 [RFC2403]',
  'hmac-sha1-96': 'HMAC-SHA-1-96 [RFC2404]',
  'hmac-sha2-256-96': 'HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]',
  'hmac-sha2-256-128': 'HMAC-SHA-256-128 [RFC4868]',
  'hmac-sha2-384-192': 'HMAC-SHA-384-192 [RFC4868]',
  'hmac-sha2-512-256': 'HMAC-SHA-512-256 [RFC4868]',
};

/** Both tables in one text. A line that begins with `#` is a comment to Wireshark. */
export function keyTables(ikeKeys: readonly IkeKey[], espKeys: readonly EspKey[]): string {
  const lines = [
    '# The keys of a recorded tunnel. Whoever has them and its packets can read everything in it.',
    '# Copy the lines below each heading into the file of that name in Wireshark’s profile folder',
    '# (Help, About Wireshark, Folders), and switch on "Attempt to detect/decode encrypted ESP payloads"',
    '# in the preferences of the protocol ESP.',
    '',
    '# ikev1_decryption_table',
    ...ikeKeys.map(ikeLine),
    '',
    '# esp_sa',
    ...espKeys.map(espLine),
    '',
  ];
  return lines.join('\n');
}

function ikeLine({ initiatorCookie, cipherKey }: IkeKey): string {
  return `${toHex(initiatorCookie)},${toHex(cipherKey)}`;
}

function espLine({ direction, path, parameters }: EspKey): string {
  const { spi, cipher, cipherKey, integrity, integrityKey } = parameters;
  const relay = path.local.address;
  const gateway = path.gateway.address;
  const [source, destination] = direction === 'out' ? [relay, gateway] : [gateway, relay];
  const columns = [
    'IPv4',
    source,
    destination,
    `0x${spi.toString(16).padStart(8, '0')}`,
    CIPHERS[cipher],
    `0x${toHex(cipherKey)}`,
    integrity === undefined ? 'NULL' : INTEGRITIES[integrity],
    integrityKey === undefined ? '' : `0x${toHex(integrityKey)}`,
    // Columns that Wireshark has from 4.2 on; no recording is so long that the upper half begins to count.
    ...(parameters.extendedSequenceNumbers ? ['64-bit', '0'] : []),
  ];
  return columns.map((column) => `"${column}"`).join(',');
}
