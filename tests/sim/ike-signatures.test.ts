import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Credentials, Identity, PeerTrust } from '../../shared/ike/credentials.ts';
import { decodeClearBody, decodeMessage } from '../../shared/isakmp/message.ts';
import { decodePrivateKey, type PrivateKey } from '../../shared/pki/key.ts';
import { IkePair } from './ike-pair.ts';

const FQDN = 2;
const CLIENT = identity('tab.example');
const SERVER = identity('gateway.example');

const KEYS = {
  'RSA-1024': [rsa(), rsa()],
  'P-256': [ec('P-256'), ec('P-256')],
  'P-384': [ec('P-384'), ec('P-384')],
  'P-521': [ec('P-521'), ec('P-521')],
} as const;

function rsa(): PrivateKey {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 1024,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return decodePrivateKey(new Uint8Array(privateKey));
}

function ec(namedCurve: string): PrivateKey {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return decodePrivateKey(new Uint8Array(privateKey));
}

function identity(name: string): Identity {
  return { idType: FQDN, data: new TextEncoder().encode(name) };
}

/** Believes one key, whoever presents it, unless `objection` says otherwise. */
function trusting(key: PrivateKey, objection: PeerTrust['objection'] = () => undefined): PeerTrust {
  return { authorities: [], keyOf: () => key.publicKey, objection };
}

function signing(privateKey: PrivateKey, peer: PeerTrust, own = CLIENT): Credentials {
  return { kind: 'signature', privateKey, certificates: [], identity: own, peer };
}

function pairOf(
  [ours, theirs]: readonly [PrivateKey, PrivateKey],
  client: PeerTrust = trusting(theirs),
  server: PeerTrust = trusting(ours),
): IkePair {
  return new IkePair({
    client: { credentials: signing(ours, client) },
    server: { credentials: signing(theirs, server, SERVER) },
  });
}

describe.each(Object.entries(KEYS))('%s', (name, keys) => {
  test('both ends prove themselves', () => {
    const pair = pairOf(keys);
    expect(pair.connect()).toBe(true);
    expect(pair.lastChild('client').inbound).toEqual(pair.lastChild('server').outbound);
    const [established] = pair.all('client', 'ike-established');
    expect(established?.authentication).toBe(
      `${name.startsWith('P') ? 'ECDSA' : 'RSA'} public key`,
    );
    // The identities and the signatures travel encrypted: no clear message has them.
    const sent = Buffer.concat([...pair.sent.client, ...pair.sent.server]);
    expect(sent.includes('tab.example')).toBe(false);
  });

  test('a gateway with another key is refused', () => {
    const pair = pairOf(keys, trusting(keys[0]));
    pair.connect(20_000);
    expect(pair.children('client')).toBe(0);
    expect(pair.closed('client')?.failure).toEqual({
      code: 'IKE_AUTHENTICATION_FAILED',
      detail: 'SIG_R is wrong',
    });
  });

  test('a client with another key is refused', () => {
    const pair = pairOf(keys, undefined, trusting(keys[1]));
    pair.connect(90_000);
    expect(pair.children('server')).toBe(0);
    expect(pair.all('server', 'ike-established')).toEqual([]);
    expect(pair.closed('client')?.failure?.code).toBe('IKE_AUTHENTICATION_FAILED');
  });
});

test('the key of another kind is not accepted for the method agreed on', () => {
  const pair = pairOf(KEYS['P-256'], trusting(KEYS['RSA-1024'][1]));
  pair.connect(20_000);
  expect(pair.closed('client')?.failure?.detail).toBe('RSA-1024 is not what was agreed on');
});

test('methods do not mix: a gateway that signs does not take a pre-shared key', () => {
  const pair = new IkePair({
    server: { credentials: signing(KEYS['P-256'][1], trusting(KEYS['P-256'][0])) },
  });
  pair.connect(20_000);
  expect(pair.closed('client')?.failure?.code).toBe('IKE_NO_PROPOSAL_CHOSEN');
});

test('what the client objects to ends it at once, and the gateway is told', () => {
  const failure = { code: 'IKE_REFUSED', detail: 'not the one we want' } as const;
  const [ours, theirs] = KEYS['P-256'];
  const pair = pairOf(
    [ours, theirs],
    trusting(theirs, () => failure),
  );
  pair.connect(1_000);
  expect(pair.closed('client')?.failure).toEqual(failure);
  pair.run(() => pair.closed('server') !== undefined, 5_000);
  expect(pair.closed('server')?.failure?.code).toBe('IKE_CLOSED_BY_PEER');
  expect(pair.children('client')).toBe(0);
});

test('what the gateway objects to is answered, and nothing stands', () => {
  const failure = { code: 'IKE_REFUSED', detail: 'not the one we want' } as const;
  const [ours, theirs] = KEYS['P-256'];
  const pair = pairOf(
    [ours, theirs],
    undefined,
    trusting(ours, () => failure),
  );
  pair.connect(90_000);
  expect(pair.children('server')).toBe(0);
  expect(pair.traces('server', 'refused')[0]).toBe('not the one we want');
  expect(pair.closed('client')?.failure).toMatchObject({
    code: 'IKE_AUTHENTICATION_FAILED',
    detail: 'the gateway answered INVALID-CERTIFICATE',
  });
});

test('the authorities are named in messages 3 and 4', () => {
  const [ours, theirs] = KEYS['P-256'];
  const authority = new TextEncoder().encode('a name in DER');
  const pair = pairOf(
    [ours, theirs],
    { ...trusting(theirs), authorities: [authority] },
    { ...trusting(ours), authorities: [authority] },
  );
  expect(pair.connect()).toBe(true);
  for (const message of [pair.sent.client[1]!, pair.sent.server[1]!]) {
    const payloads = decodeClearBody(decodeMessage(message)).map(({ payload }) => payload);
    expect(payloads).toContainEqual({ kind: 'certificate-request', encoding: 4, data: authority });
  }
});

test('a changed bit anywhere in message 6 proves nothing, and the right one still counts', () => {
  let flipped = 0;
  const pair = new IkePair({
    client: { credentials: signing(KEYS['P-256'][0], trusting(KEYS['P-256'][1])) },
    server: { credentials: signing(KEYS['P-256'][1], trusting(KEYS['P-256'][0]), SERVER) },
    tap: (from, bytes) => {
      const { header } = decodeMessage(bytes);
      if (from !== 'server' || header.exchangeType !== 2 || (header.flags & 1) === 0)
        return [bytes];
      const changed = Array.from({ length: bytes.length - 28 }, (_, at) => {
        const copy = bytes.slice();
        copy[28 + at]! ^= 0x10;
        flipped++;
        return copy;
      });
      return [...changed, bytes];
    },
  });
  expect(pair.connect()).toBe(true);
  expect(flipped).toBeGreaterThan(80);
});
