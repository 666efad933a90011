import { describe, expect, test } from 'vitest';
import {
  expiry,
  isShorter,
  type Lifetime,
  lifetimeAttributes,
  readLifetime,
  shorter,
} from '../../../shared/ike/lifetime.ts';
import {
  acceptPhase1,
  choosePhase1,
  describePhase1,
  PHASE1_TRANSFORMS,
  phase1Proposal,
  readKeyBits,
  summarizePhase1,
} from '../../../shared/ike/phase1-transforms.ts';
import {
  choosePhase2,
  describePhase2,
  espKeySizes,
  espTransforms,
  type GroupPolicy,
  PHASE2_TRANSFORMS,
  phase2Proposal,
  summarizePhase2,
} from '../../../shared/ike/phase2-transforms.ts';
import { isAdvisedAgainst } from '../../../shared/ike/ratings.ts';
import type { Attribute } from '../../../shared/isakmp/attribute.ts';
import { AuthenticationMethod, EncapsulationMode } from '../../../shared/isakmp/numbers.ts';
import {
  encodeSecurityAssociation,
  type Proposal,
  type Transform,
} from '../../../shared/isakmp/proposal.ts';
import { fromHex } from '../../../shared/wire/bytes.ts';
import { Writer } from '../../../shared/wire/writer.ts';
import { SeededRandom } from '../../support/random.ts';

const PSK = AuthenticationMethod.preSharedKey;
const SPI = fromHex('01020304');
const UDP = [EncapsulationMode.udpTransport];
const HOURS = { seconds: 28_800 };
const TERMS = { encapsulation: EncapsulationMode.udpTransport, lifetime: HOURS };

function choose(
  proposals: readonly Proposal[],
  encapsulations: readonly number[] = UDP,
  groups: GroupPolicy = undefined,
) {
  return choosePhase2(proposals, PHASE2_TRANSFORMS, encapsulations, groups);
}

/** The proposal with one attribute of each transform replaced, added or, with `undefined`, left out. */
function changed(proposal: Proposal, type: number, value: number | undefined): Proposal {
  const replace = (transform: Transform): Transform => ({
    ...transform,
    attributes: [
      ...transform.attributes.filter((each) => each.type !== type),
      ...(value === undefined ? [] : [{ kind: 'basic' as const, type, value }]),
    ],
  });
  return { ...proposal, transforms: proposal.transforms.map(replace) };
}

/** Whether RFC 8221 or RFC 8247 advise against something in the list. */
function hasOld(names: string): boolean {
  return names.split(', ').some(isAdvisedAgainst);
}

describe('phase 1', () => {
  test('every group is in the default offer', () => {
    const groups = new Set(PHASE1_TRANSFORMS.map(({ group }) => group));
    expect([...groups].toSorted((a, b) => a - b)).toEqual([2, 5, 14, 15, 16, 17, 18, 19, 20, 21]);
    const hashes = new Set(PHASE1_TRANSFORMS.map(({ hash }) => hash));
    expect([...hashes].toSorted()).toEqual(['md5', 'sha1', 'sha256', 'sha384', 'sha512']);
  });

  test('the default offer: at most 24, none twice, every one understood', () => {
    expect(PHASE1_TRANSFORMS.length).toBeLessThanOrEqual(24);
    expect(new Set(PHASE1_TRANSFORMS.map(describePhase1)).size).toBe(PHASE1_TRANSFORMS.length);
    for (const transform of PHASE1_TRANSFORMS) {
      const proposal = phase1Proposal([transform], PSK, HOURS);
      const choice = choosePhase1([proposal], PHASE1_TRANSFORMS, PSK);
      expect(choice?.transform).toEqual(transform);
      expect(choice?.lifetime).toEqual(HOURS);
    }
  });

  test('what RFC 8247 advises against comes last', () => {
    const old = PHASE1_TRANSFORMS.map((each) => hasOld(describePhase1(each)));
    expect(old).toEqual(old.toSorted());
    expect(old.at(-1)).toBe(true);
  });

  test('the first of the peer’s that is ours', () => {
    const ours = PHASE1_TRANSFORMS.slice(4, 9);
    const choice = choosePhase1([phase1Proposal(PHASE1_TRANSFORMS, PSK, HOURS)], ours, PSK);
    expect(choice?.transform).toEqual(PHASE1_TRANSFORMS[4]);
    expect(choice?.chosen.number).toBe(5);
  });

  test('what a peer offers may combine our algorithms in its own way', () => {
    const theirs = { cipher: 'aes-cbc', keyBits: 128, hash: 'sha384', group: 15 } as const;
    const proposals = [phase1Proposal([theirs], PSK, HOURS)];
    expect(choosePhase1(proposals, PHASE1_TRANSFORMS, PSK)).toBeUndefined();
    expect(acceptPhase1(proposals, PHASE1_TRANSFORMS, PSK)?.transform).toEqual(theirs);
    // strongSwan's default, which is in no offer of ours.
    const curve = phase1Proposal([{ ...theirs, group: 31 }], PSK, HOURS);
    expect(acceptPhase1([curve], PHASE1_TRANSFORMS, PSK)?.transform.group).toBe(31);
    for (const lacking of [
      PHASE1_TRANSFORMS.filter(({ group }) => group !== 15),
      PHASE1_TRANSFORMS.filter(({ hash }) => hash !== 'sha384'),
      PHASE1_TRANSFORMS.filter(({ keyBits }) => keyBits !== 128),
    ]) {
      expect(acceptPhase1(proposals, lacking, PSK)).toBeUndefined();
    }
  });

  test.each([
    ['another authentication method', 3, 65001],
    ['no authentication method', 3, undefined],
    ['another group', 4, 1],
    ['another hash', 2, 3],
    ['no hash', 2, undefined],
    ['a key length that AES has not', 14, 100],
    ['no key length', 14, undefined],
  ])('passes over %s', (_name, type, value) => {
    const proposal = changed(phase1Proposal([PHASE1_TRANSFORMS[0]!], PSK, HOURS), type, value);
    expect(choosePhase1([proposal], PHASE1_TRANSFORMS, PSK)).toBeUndefined();
  });

  test('understands a key length with its bytes swapped', () => {
    const proposal = phase1Proposal([PHASE1_TRANSFORMS[0]!], PSK, HOURS);
    const swapped = changed(proposal, 14, 0x0001);
    expect(choosePhase1([swapped], PHASE1_TRANSFORMS, PSK)?.transform.keyBits).toBe(256);
    expect([0x8000, 0xc000, 0x0001].map(readKeyBits)).toEqual([128, 192, 256]);
    expect([128, 192, 256, 0, undefined].map(readKeyBits)).toEqual([
      128,
      192,
      256,
      undefined,
      undefined,
    ]);
  });

  test('in words', () => {
    expect(describePhase1(PHASE1_TRANSFORMS[0]!)).toBe('AES-CBC-256, SHA2-384, ECP-384');
    expect(summarizePhase1(PHASE1_TRANSFORMS)).toBe(
      'AES-CBC-256/AES-CBC-128/3DES-CBC, SHA2-384/SHA2-256/SHA2-512/SHA1/MD5, ECP-384/ECP-256/ECP-521/MODP-4096/MODP-3072/MODP-2048/MODP-6144/MODP-8192/MODP-1536/MODP-1024',
    );
  });
});

const ALL = { extendedSequenceNumbers: true, truncatedSha256: true };

describe('phase 2', () => {
  const offer = phase2Proposal(PHASE2_TRANSFORMS, SPI, TERMS);

  test('the default offer: none twice, every one understood', () => {
    expect(new Set(PHASE2_TRANSFORMS.map(describePhase2)).size).toBe(PHASE2_TRANSFORMS.length);
    for (const transform of PHASE2_TRANSFORMS) {
      const proposal = phase2Proposal([transform], SPI, TERMS);
      const choice = choose([proposal]);
      expect(choice?.transform).toEqual(transform);
      expect(choice?.lifetime).toEqual(HOURS);
    }
  });

  test('the default offer: what RFC 8221 advises against comes last, and all of it fits a message', () => {
    const old = PHASE2_TRANSFORMS.map((each) => hasOld(describePhase2(each)));
    expect(old).toEqual(old.toSorted());
    expect(old.at(-1)).toBe(true);
    expect(PHASE2_TRANSFORMS.length).toBeLessThanOrEqual(24);
    const writer = new Writer();
    const terms = { ...TERMS, group: 14, lifetime: { seconds: 86_400 } } as const;
    encodeSecurityAssociation(writer, [phase2Proposal(espTransforms(ALL), SPI, terms)]);
    // Hash, nonce, key exchange of group 14, identities and NAT-OA are 500 more: no link of 1,400 bytes has to fragment it.
    expect(writer.finish().length).toBeLessThanOrEqual(860);
  });

  test('every cipher, key length and integrity algorithm is in it', () => {
    const ciphers = PHASE2_TRANSFORMS.map(({ cipher, keyBits }) => `${cipher} ${keyBits}`);
    expect([...new Set(ciphers)].toSorted()).toEqual([
      ...['3des-cbc 192', 'aes-cbc 128', 'aes-cbc 192', 'aes-cbc 256'],
      ...['aes-ctr 128', 'aes-ctr 192', 'aes-ctr 256'],
      ...['aes-gcm-16 128', 'aes-gcm-16 192', 'aes-gcm-16 256'],
    ]);
    const integrities = new Set(PHASE2_TRANSFORMS.map(({ integrity }) => integrity));
    expect([...integrities].filter(Boolean).toSorted()).toEqual([
      ...['hmac-md5-96', 'hmac-sha1-96', 'hmac-sha2-256-128'],
      ...['hmac-sha2-384-192', 'hmac-sha2-512-256'],
    ]);
  });

  test('HMAC-SHA-256 cut to 96 bits has the number of the one that is not', () => {
    const cut = espTransforms({ truncatedSha256: true });
    expect(phase2Proposal(cut, SPI, TERMS)).toEqual(offer);
    const choice = choosePhase2([offer], cut.slice(2, 3), UDP, undefined);
    expect(choice?.transform.integrity).toBe('hmac-sha2-256-96');
    expect(describePhase2(choice!.transform)).toBe('AES-CBC-256, HMAC-SHA2-256-96');
    expect(espKeySizes(choice!.transform)).toEqual({ cipher: 32, integrity: 32 });
    expect(espTransforms({})).toEqual(PHASE2_TRANSFORMS);
  });

  test('sequence numbers of 64 bits: where both want them, and the peer may do without', () => {
    const extended = espTransforms({ extendedSequenceNumbers: true });
    const offered = phase2Proposal(extended, SPI, TERMS);
    const choose = (proposal: Proposal, ours = extended) =>
      choosePhase2([proposal], ours, UDP, undefined)?.transform;
    for (const { attributes } of offered.transforms) {
      expect(attributes).toContainEqual({ kind: 'basic', type: 11, value: 1 });
    }
    expect(choose(offered)).toEqual({ ...PHASE2_TRANSFORMS[0], extendedSequenceNumbers: true });
    expect(describePhase2(choose(offered)!)).toBe('AES-GCM-16-256, ESN');
    expect(choose(offer)).toEqual(PHASE2_TRANSFORMS[0]);
    expect(choose(offered, [...PHASE2_TRANSFORMS])).toBeUndefined();
    for (const value of [0, 2]) expect(choose(changed(offered, 11, value))).toBeUndefined();
  });

  test('only in an encapsulation mode that can be used', () => {
    expect(choose([offer], [EncapsulationMode.transport])).toBeUndefined();
    const draft = changed(offer, 4, EncapsulationMode.udpTransportDraft);
    const both = [EncapsulationMode.udpTransport, EncapsulationMode.udpTransportDraft];
    expect(choose([draft], both)?.encapsulation).toBe(61444);
    const none = changed(offer, 4, undefined);
    expect(choose([none], both)).toBeUndefined();
  });

  test('passes over AH and protocols that want company', () => {
    expect(choose([{ ...offer, protocolId: 2 }])).toBeUndefined();
    expect(choose([offer, { ...offer, protocolId: 4 }])).toBe(undefined);
    expect(choose([{ ...offer, spi: fromHex('01') }])).toBe(undefined);
  });

  test('perfect forward secrecy: as it was asked for, or as the peer likes', () => {
    const offers = [undefined, 14, 2, 99].map((group) => changed(offer, 3, group));
    const found = (groups: GroupPolicy) =>
      offers.map((each) => choose([each], UDP, groups)?.group ?? 'none');
    expect(found(14)).toEqual(['none', 14, 'none', 'none']);
    expect(found('any')).toEqual(['none', 14, 2, 'none']);
    expect(choose([offer])).toBeDefined();
    expect(choose([offer], UDP, 14)).toBeUndefined();
    expect(choose([offers[1]!])).toBeUndefined();
    expect(choose([offers[3]!], UDP, 'any')).toBeUndefined();
  });

  test('AES without a key length has 128 bits', () => {
    const [first] = PHASE2_TRANSFORMS.filter(({ integrity }) => integrity === 'hmac-sha1-96');
    const bare = changed(phase2Proposal([first!], SPI, TERMS), 6, undefined);
    expect(choose([bare])?.transform.keyBits).toBe(128);
  });

  test('key sizes', () => {
    expect(PHASE2_TRANSFORMS.map(espKeySizes).slice(0, 3)).toEqual([
      { cipher: 36, integrity: 0 },
      { cipher: 20, integrity: 0 },
      { cipher: 32, integrity: 32 },
    ]);
    expect(espKeySizes({ cipher: '3des-cbc', keyBits: 192, integrity: 'hmac-md5-96' })).toEqual({
      cipher: 24,
      integrity: 16,
    });
    expect(
      espKeySizes({ cipher: 'aes-ctr', keyBits: 192, integrity: 'hmac-sha2-384-192' }),
    ).toEqual({ cipher: 28, integrity: 48 });
    expect(
      espKeySizes({ cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha2-512-256' }),
    ).toEqual({ cipher: 16, integrity: 64 });
  });

  test('in words', () => {
    expect(describePhase2(PHASE2_TRANSFORMS[0]!)).toBe('AES-GCM-16-256');
    expect(describePhase2(PHASE2_TRANSFORMS.at(-1)!)).toBe('3DES-CBC, HMAC-MD5-96');
    expect(summarizePhase2(PHASE2_TRANSFORMS.slice(0, 6))).toBe(
      'AES-GCM-16-256/AES-GCM-16-128/AES-CBC-256/AES-CBC-128, HMAC-SHA2-256-128/HMAC-SHA2-512-256',
    );
    expect(summarizePhase2(PHASE2_TRANSFORMS.slice(0, 1))).toBe('AES-GCM-16-256');
  });
});

describe('lifetimes', () => {
  const basic = (type: number, value: number): Attribute => ({ kind: 'basic', type, value });
  const long = (type: number, hex: string): Attribute => ({
    kind: 'variable',
    type,
    value: fromHex(hex),
  });

  test.each([
    ['seconds', [basic(1, 1), basic(2, 300)], { seconds: 300 }],
    ['seconds in four bytes', [basic(1, 1), long(2, '00015180')], { seconds: 86_400 }],
    ['kilobytes only', [basic(1, 2), basic(2, 300)], { kilobytes: 300 }],
    [
      'kilobytes and seconds',
      [basic(1, 2), long(2, '0003d090'), basic(1, 1), basic(2, 900)],
      { seconds: 900, kilobytes: 250_000 },
    ],
    ['seconds twice', [basic(1, 1), basic(2, 900), basic(1, 1), basic(2, 300)], { seconds: 300 }],
    ['zero', [basic(1, 1), basic(2, 0)], {}],
    ['a duration without a type', [basic(2, 300)], {}],
    ['beyond all measure', [basic(1, 1), long(2, 'ff'.repeat(12))], {}],
  ])('%s', (_name, attributes, lifetime) => {
    expect(readLifetime(attributes, { lifeType: 1, lifeDuration: 2 })).toEqual(lifetime);
  });

  test.each([{ seconds: 300 }, { seconds: 86_400, kilobytes: 250_000 }, { kilobytes: 65_536 }])(
    '%j as attributes and back',
    (lifetime) => {
      const numbers = { lifeType: 11, lifeDuration: 12 };
      expect(readLifetime(lifetimeAttributes(lifetime, numbers), numbers)).toEqual(lifetime);
    },
  );

  test('the shorter of two, unit by unit', () => {
    const [a, b] = [{ seconds: 300 }, { seconds: 600, kilobytes: 5_000 }];
    expect(shorter(a, b)).toEqual({ seconds: 300, kilobytes: 5_000 });
    expect(shorter({}, {})).toEqual({});
    expect([isShorter(a, b), isShorter(b, a), isShorter(a, a), isShorter(a, {})]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  test('who began an SA renews it first, and neither after its end', () => {
    for (let seed = 0; seed < 50; seed++) {
      const [ours, theirs] = (['us', 'peer'] as const).map((initiatedBy) =>
        expiry({ seconds: 1_000, kilobytes: 10_000 }, initiatedBy, new SeededRandom(seed), 5_000),
      );
      expect(ours!.softAt).toBeGreaterThanOrEqual(805_000);
      expect(ours!.softAt).toBeLessThan(theirs!.softAt);
      expect(theirs!.softAt).toBeLessThan(960_000);
      expect(theirs).toMatchObject({ hardAt: 1_005_000, hardOctets: 10_240_000 });
      expect(ours!.softOctets).toBeLessThan(ours!.hardOctets);
    }
  });

  test.each([
    [300, 30, 15],
    [60, 30, 15],
    [12, 6, 3],
  ])(
    'of %i s, an exchange has %i at least, or %i where the peer is to begin',
    (seconds, ours, theirs) => {
      for (let seed = 0; seed < 50; seed++) {
        const left = (initiatedBy: 'us' | 'peer') => {
          const { softAt, hardAt } = expiry({ seconds }, initiatedBy, new SeededRandom(seed), 0);
          return hardAt - softAt;
        };
        expect(left('us')).toBeGreaterThanOrEqual(ours * 1000);
        expect(left('us')).toBeLessThanOrEqual((ours + 0.1 * seconds) * 1000 + 1);
        expect(left('peer')).toBeGreaterThanOrEqual(theirs * 1000);
        expect(left('peer')).toBeLessThanOrEqual((theirs + 0.04 * seconds) * 1000 + 1);
      }
    },
  );

  test('what leaves no time for an exchange, or is beyond patience, is not taken at its word', () => {
    const ends = (lifetime: Lifetime) => expiry(lifetime, 'us', new SeededRandom(1), 0);
    expect(ends({ seconds: 1, kilobytes: 1 })).toMatchObject({
      hardAt: 5_000,
      hardOctets: 1_024 * 1_024,
    });
    expect(ends({}).hardAt).toBe(604_800_000);
    expect(ends({}).hardOctets).toBe(Infinity);
  });
});
