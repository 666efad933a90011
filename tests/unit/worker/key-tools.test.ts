import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { TunnelError } from '../../../shared/errors.ts';
import { credentialsOf, makeKey, publicHalf } from '../../../web/worker/key-tools.ts';
import { nodeSuite } from '../../support/node-suite.ts';
import { pkiFile } from '../../support/pki.ts';

const suite = nodeSuite(1);
const FILES = ['client.enc', 'client.crt', 'root.crt'] as const;
const picked = (name: Parameters<typeof pkiFile>[0]): File => new File([pkiFile(name).bytes], name);

/** RFC 3110: the length of the exponent, the exponent, the modulus. */
function readRsaSigKey(text: string): { n: string; e: string } {
  expect(text.slice(0, 2)).toBe('0s');
  const bytes = Buffer.from(text.slice(2), 'base64');
  const end = 1 + bytes[0]!;
  return {
    e: bytes.subarray(1, end).toString('base64url'),
    n: bytes.subarray(end).toString('base64url'),
  };
}

describe.each(['RSA-3072', 'ECDSA-256'] as const)('a key made here, %s', (kind) => {
  test('is one that can be read again, and has its public half', async () => {
    const { file, pem, rsaSigKey } = await makeKey(kind);
    expect(file.name).toBe(`culvert-${kind.toLowerCase()}.key`);
    expect(await publicHalf([file], '', suite)).toEqual({ pem, ...(rsaSigKey && { rsaSigKey }) });
    const theirs = createPublicKey(await file.text());
    expect(theirs.export({ type: 'spki', format: 'pem' })).toBe(pem);
    expect(rsaSigKey === undefined).toBe(kind === 'ECDSA-256');
    if (rsaSigKey !== undefined) {
      expect(theirs.export({ format: 'jwk' })).toMatchObject(readRsaSigKey(rsaSigKey));
    }
  });
});

test('files become credentials, and a wrong passphrase a code', async () => {
  const names = { identity: '', gatewayName: '' };
  const keys = { files: FILES.map(picked), ...names, requireRevocationList: false };
  const credentials = await credentialsOf({ ...keys, passphrase: 'sesame' }, suite);
  expect(credentials).toMatchObject({ kind: 'signature', privateKey: { kind: 'rsa' } });
  const wrong = await credentialsOf({ ...keys, passphrase: 'open' }, suite).catch((error) => error);
  expect(wrong).toBeInstanceOf(TunnelError);
  expect(wrong.code).toBe('KEY_FILE_WRONG_PASSPHRASE');
});
