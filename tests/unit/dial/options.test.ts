import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseOptions } from '../../../dial/options.ts';
import { TunnelError } from '../../../shared/errors.ts';

const REQUIRED = ['--relay', 'ws://127.0.0.1:8443', '--gateway', 'office', '--user', 'alice'];
const SECRETS = { CULVERT_PASSWORD: 'from env', CULVERT_PSK: 'key from env' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-options-'));
  await writeFile(join(folder, 'password'), 'pass word\n');
});
afterAll(() => rm(folder, { recursive: true }));

test('reads the command, the relay’s default path and secrets from the environment', async () => {
  expect(await parseOptions([...REQUIRED, 'ping', '10.0.0.1'], SECRETS)).toEqual({
    relay: 'ws://127.0.0.1:8443/culvert',
    gateway: 'office',
    user: 'alice',
    password: 'from env',
    method: { kind: 'pre-shared-key', preSharedKey: 'key from env' },
    innerPort: undefined,
    allowPap: false,
    forceEncapsulation: false,
    ikeLifetime: undefined,
    espLifetime: undefined,
    esp: { truncatedSha256: false, extendedSequenceNumbers: false },
    weak: {},
    ipv6: false,
    searchList: [],
    command: 'ping',
    target: '10.0.0.1',
    recordType: 'A',
  });
});

test('key files take the place of a pre-shared key', async () => {
  const args = ['--key-file', join(folder, 'password'), '--accept', 'AB:01', '--identity', 'a@b'];
  const more = ['--gateway-name', 'gw', '--require-crl', 'hold'];
  const options = await parseOptions([...REQUIRED, ...args, ...more], {
    CULVERT_PASSWORD: 'from env',
    CULVERT_PASSPHRASE: 'opens',
  });
  expect(options.method).toEqual({
    kind: 'key',
    files: [{ name: 'password', bytes: new TextEncoder().encode('pass word\n') }],
    passphrase: 'opens',
    identity: 'a@b',
    gatewayName: 'gw',
    accepted: 'ab01',
    requireRevocationList: true,
  });
});

test('what is known of the gateway’s ESP', async () => {
  const esp = async (...args: string[]) =>
    (await parseOptions([...REQUIRED, ...args, 'hold'], SECRETS)).esp;
  expect(await esp('--sha256-96')).toEqual({
    truncatedSha256: true,
    extendedSequenceNumbers: false,
  });
  expect(await esp('--esn')).toEqual({ truncatedSha256: false, extendedSequenceNumbers: true });
});

test('transforms are asked for by their names, known ones only', async () => {
  const parsed = (...args: string[]) => parseOptions([...REQUIRED, ...args, 'hold'], SECRETS);
  expect(await parsed()).toMatchObject({ phase1: undefined });
  expect((await parsed()).esp).not.toHaveProperty('only');
  const [gcm, des] = ['AES-GCM-16-256', '3DES-CBC, HMAC-SHA1-96'] as const;
  expect((await parsed('--esp', gcm, '--esp', des)).esp.only).toEqual([gcm, des]);
  await expect(parsed('--esp', 'AES-GCM-16')).rejects.toThrow('is not in docs/algorithms.md');
  const ike = ['--ike', 'AES-CBC-256, SHA1, MODP-1024'];
  expect((await parsed(...ike)).phase1).toEqual([
    { cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 2 },
  ]);
  await expect(parsed('--ike', 'DES')).rejects.toThrow('DES is not in docs/algorithms.md');
  await expect(parsed(...ike, '--aggressive', 'staff')).rejects.toThrow('nothing in the group');
  const { phase1, weak } = await parsed(...ike, '--aggressive', 'staff', '--aggressive-dh', '2');
  expect([phase1?.length, weak.aggressive?.group]).toEqual([1, 2]);
});

test('aggressive mode and XAUTH are asked for by name, and a secret of their own', async () => {
  const weak = async (...args: string[]) => {
    const secrets = { ...SECRETS, CULVERT_XAUTH_PASSWORD: 'wonderland' };
    return (await parseOptions([...REQUIRED, ...args, 'hold'], secrets)).weak;
  };
  const staff = { name: 'staff', group: 14 };
  expect(await weak('--aggressive', 'staff')).toEqual({ aggressive: staff });
  expect(await weak('--aggressive', 'staff', '--aggressive-dh', '2')).toEqual({
    aggressive: { ...staff, group: 2 },
  });
  const xauth = { userName: 'bob', password: 'wonderland' };
  expect(await weak('--xauth-user', 'bob')).toEqual({ xauth });
  await expect(weak('--aggressive', 'staff', '--aggressive-dh', '1')).rejects.toThrow('one of 14');
  await expect(weak('--aggressive-dh', '2')).rejects.toThrow('without --aggressive');
  await expect(parseOptions([...REQUIRED, '--xauth-user', 'bob', 'hold'], SECRETS)).rejects.toThrow(
    'CULVERT_XAUTH_PASSWORD',
  );
});

test('a lookup’s type, and every domain to search', async () => {
  const args = [...REQUIRED, '--search', 'corp', '--search', 'lab.corp', 'lookup', 'x', 'srv'];
  expect(await parseOptions(args, SECRETS)).toMatchObject({
    command: 'lookup',
    recordType: 'SRV',
    searchList: ['corp', 'lab.corp'],
  });
});

test('a file takes precedence and loses the newline at its end only', async () => {
  const args = [...REQUIRED, '--password-file', join(folder, 'password'), 'hold'];
  expect((await parseOptions(args, SECRETS)).password).toBe('pass word');
});

test.each([
  [[], 'get URL or hold is needed'],
  [['ping'], 'ping: wrong arguments'],
  [['lookup', 'x', 'MX'], 'MX: not one of A, AAAA'],
  [['lookup', 'x', 'A', 'y'], 'lookup: wrong arguments'],
  [['hold', 'x'], 'hold: wrong arguments'],
  [['get', 'ftp://x/'], 'not an http:// or https:// URL'],
  [['ping', 'x', '--inner-port', '0'], '--inner-port'],
  [['ping', 'x', '--ike-lifetime', '9'], '--ike-lifetime: a number from 10 to 604800'],
  [['ping', 'x', '--esp-lifetime', 'long'], '--esp-lifetime'],
  [['ping', 'x', '--wat'], '--wat'],
  [['ping', 'x', '--relay', 'http://x/'], 'not a ws:// or wss:// address'],
  [['ping', 'x', '--psk-file', '/nonexistent/psk'], 'file cannot be read'],
  [['ping', 'x', '--user', ''], '--user is missing'],
])('%j is refused and says why', async (args, detail) => {
  const failure = await parseOptions([...REQUIRED, ...args], SECRETS).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(TunnelError);
  expect(failure).toMatchObject({ code: 'BAD_INPUT', detail: expect.stringContaining(detail) });
});

test('a missing secret names the variable', async () => {
  await expect(
    parseOptions([...REQUIRED, 'hold'], { CULVERT_PASSWORD: 'x' }),
  ).rejects.toMatchObject({
    detail: expect.stringContaining('CULVERT_PSK'),
  });
});
