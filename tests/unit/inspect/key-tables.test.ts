import { expect, test } from 'vitest';
import { keyTables } from '../../../shared/inspect/key-tables.ts';
import type { EspKey } from '../../../shared/inspect/recorder.ts';
import { recordSession } from '../../support/recording.ts';

/** The lines of one table, without comments. */
function table(text: string, name: string): readonly string[] {
  const [, after = ''] = text.split(`# ${name}\n`);
  return after.split('\n\n')[0]!.split('\n').filter(Boolean);
}

test.each([
  [
    { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' },
    /"AES-CBC \[RFC3602\]","0x[0-9a-f]{32}","HMAC-SHA-1-96 \[RFC2404\]","0x[0-9a-f]{40}"$/,
  ],
  [
    { cipher: 'aes-gcm-16', keyBits: 256 },
    // 32 bytes of key, 4 of salt.
    /"AES-GCM with 16 octet ICV \[RFC4106\]","0x[0-9a-f]{72}","NULL",""$/,
  ],
  [
    { cipher: 'aes-ctr', keyBits: 128, integrity: 'hmac-sha2-256-128' },
    // 16 bytes of key, 4 of nonce.
    /"AES-CTR \[RFC3686\]","0x[0-9a-f]{40}","HMAC-SHA-256-128 \[RFC4868\]","0x[0-9a-f]{64}"$/,
  ],
  [
    { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-384-192' },
    /"AES-CBC \[RFC3602\]","0x[0-9a-f]{64}","HMAC-SHA-384-192 \[RFC4868\]","0x[0-9a-f]{96}"$/,
  ],
  [
    { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-512-256' },
    /"AES-CBC \[RFC3602\]","0x[0-9a-f]{64}","HMAC-SHA-512-256 \[RFC4868\]","0x[0-9a-f]{128}"$/,
  ],
  [
    { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-256-96' },
    /,"HMAC-SHA-256-96 \[draft-ietf-ipsec-ciph-sha-256-00\]","0x[0-9a-f]{64}"$/,
  ],
  [
    { cipher: 'aes-gcm-16', keyBits: 256, extendedSequenceNumbers: true },
    /"AES-GCM with 16 octet ICV \[RFC4106\]","0x[0-9a-f]{72}","NULL","","64-bit","0"$/,
  ],
] as const)('%o as Wireshark keeps it', async (transform, columns) => {
  const esp = {
    truncatedSha256: 'integrity' in transform && transform.integrity === 'hmac-sha2-256-96',
    extendedSequenceNumbers: 'extendedSequenceNumbers' in transform,
  };
  const text = (await recordSession({ phase2: [transform], esp })).keyTables();
  expect(table(text, 'ikev1_decryption_table')).toEqual([
    expect.stringMatching(/^[0-9a-f]{16},[0-9a-f]{64}$/),
  ]);
  const lines = table(text, 'esp_sa');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^"IPv4","192\.0\.2\.1","198\.51\.100\.1","0x[0-9a-f]{8}",/);
  expect(lines[1]).toMatch(/^"IPv4","198\.51\.100\.1","192\.0\.2\.1","0x[0-9a-f]{8}",/);
  for (const line of lines) expect(line).toMatch(columns);
});

test('3DES and MD5 have their names, too', () => {
  const parameters = {
    spi: 0x1000,
    cipher: '3des-cbc',
    cipherKey: new Uint8Array(24),
    integrity: 'hmac-md5-96',
    integrityKey: new Uint8Array(16),
  } as const;
  const address = { address: '192.0.2.1' };
  const path = { local: address, gateway: address } as unknown as EspKey['path'];
  const [line] = table(keyTables([], [{ direction: 'in', path, parameters }]), 'esp_sa');
  expect(line).toContain(`"0x00001000","TripleDES-CBC [RFC2451]","0x${'0'.repeat(48)}"`);
  expect(line).toContain(`"HMAC-MD5-96 [RFC2403]","0x${'0'.repeat(32)}"`);
});
