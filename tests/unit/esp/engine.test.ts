import { beforeEach, describe, expect, it } from 'vitest';
import { noblePrimitives } from '../../../shared/crypto/noble.ts';
import {
  type EspEngine,
  type EspSaParameters,
  OpenResult,
  SLOT_COUNT,
  SLOT_HEADROOM,
  SLOT_SIZE,
} from '../../../shared/esp/engine.ts';
import { referenceEspEngine } from '../../../shared/esp/reference.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import {
  contents,
  ESP_ENGINES,
  everySa,
  fill,
  includesBytes,
  openAll,
  saName,
  sealedPacket,
  sealOne,
} from '../../support/esp.ts';
import { packetOf } from '../../support/esp-packet.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';
import ctrVectors from '../../vectors/aes-ctr.json' with { type: 'json' };
import gcmVectors from '../../vectors/esp-gcm.json' with { type: 'json' };
import extendedVectors from '../../vectors/esp-gcm-extended.json' with { type: 'json' };
import hmacVectors from '../../vectors/esp-hmac.json' with { type: 'json' };
import wycheproofVectors from '../../vectors/gcm-wycheproof.json' with { type: 'json' };

const AES_SHA1: EspSaParameters = {
  spi: 0xcafe_f00d,
  cipher: 'aes-cbc',
  cipherKey: fromHex('000102030405060708090a0b0c0d0e0f'),
  integrity: 'hmac-sha1-96',
  integrityKey: fromHex('a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3'),
};

describe.each(Object.keys(ESP_ENGINES))('%s', (name) => {
  const hasTripleDes = name !== 'reference over noble';
  const supported = ({ cipher }: { cipher: string }) => hasTripleDes || cipher !== '3des-cbc';
  const combinations = everySa(new SeededRandom(10)).filter(supported);
  let engine: EspEngine;
  beforeEach(async () => {
    engine = await ESP_ENGINES[name]!(new SeededRandom(11));
  });

  describe('published and captured packets', () => {
    it.each(gcmVectors.cases)('opens AES-GCM, $case', (vector) => {
      engine.inbound({
        spi: vector.spi,
        cipher: 'aes-gcm-16',
        cipherKey: fromHex(vector.key + vector.salt),
      });
      const [opened] = openAll(engine, [fromHex(vector.packet)]);
      expect(opened!.result).toBe(OpenResult.ok);
      expect(opened!.nextHeader).toBe(vector.nextHeader);
      expect(toHex(opened!.payload)).toBe(vector.payload);
    });

    it.each(extendedVectors.cases.filter(({ sequence }) => Number(`0x${sequence}`) === 1))(
      'opens AES-GCM with a sequence number of 64 bits, $case',
      (vector) => {
        engine.inbound({
          spi: vector.spi,
          cipher: 'aes-gcm-16',
          cipherKey: fromHex(vector.key + vector.salt),
          extendedSequenceNumbers: true,
        });
        const spi = vector.spi.toString(16).padStart(8, '0');
        const body = vector.iv + vector.ciphertext;
        const [opened] = openAll(engine, [fromHex(spi + vector.sequence.slice(8) + body)]);
        expect(opened!.result).toBe(OpenResult.ok);
        const padding = Number.parseInt(vector.plaintext.slice(-4, -2), 16);
        expect(toHex(opened!.payload)).toBe(vector.plaintext.slice(0, -4 - 2 * padding));
      },
    );

    it.each(ctrVectors.cases)('has AES-CTR’s key stream, RFC 3686 $case', (vector) => {
      const parameters: EspSaParameters = {
        ...AES_SHA1,
        cipher: 'aes-ctr',
        cipherKey: fromHex(vector.key + vector.nonce),
      };
      engine.inbound(parameters);
      // What the published stream encrypts here is an ESP payload.
      const [plain, encrypted] = [fromHex(vector.plaintext), fromHex(vector.ciphertext)];
      const payload = new SeededRandom(19).bytes(plain.length - 2);
      const text = concat(payload, Uint8Array.of(0, 17)).map(
        (byte, i) => byte ^ plain[i]! ^ encrypted[i]!,
      );
      const covered = concat(fromHex('cafef00d00000001'), fromHex(vector.iv), text);
      const mac = nodePrimitives.hmac('sha1', parameters.integrityKey!, covered).slice(0, 12);
      const [opened] = openAll(engine, [concat(covered, mac)]);
      expect(opened!.result).toBe(OpenResult.ok);
      expect(toHex(opened!.payload)).toBe(toHex(payload));
    });

    it.each(wycheproofVectors.cases)('knows AES-GCM’s tag, Wycheproof $case', (vector) => {
      // What is inside is no ESP payload, which only an authentic packet is told.
      const packet = fromHex(vector.aad + vector.iv.slice(8) + vector.ciphertext + vector.tag);
      engine.inbound({
        spi: Number.parseInt(vector.aad.slice(0, 8), 16),
        cipher: 'aes-gcm-16',
        cipherKey: fromHex(vector.key + vector.iv.slice(0, 8)),
      });
      for (let at = packet.length - 16; at < packet.length; at++) {
        const tampered = packet.slice();
        tampered[at]! ^= 1;
        expect(openAll(engine, [tampered])[0]!.result).toBe(OpenResult.badIcv);
      }
      expect(openAll(engine, [packet])[0]!.result).toBe(OpenResult.badPadding);
    });

    it.each(hmacVectors.cases.filter(supported))(
      'seals and opens $cipher with $integrity, number $sequence',
      (vector) => {
        const parameters = {
          spi: vector.spi,
          cipher: vector.cipher,
          cipherKey: fromHex(vector.cipherKey),
          integrity: vector.integrity,
          integrityKey: fromHex(vector.integrityKey),
          extendedSequenceNumbers: vector.extendedSequenceNumbers === true,
        } as EspSaParameters;
        engine.inbound(parameters);
        const [opened] = openAll(engine, [fromHex(vector.packet)]);
        expect(opened!.result).toBe(OpenResult.ok);
        expect(opened!.nextHeader).toBe(vector.nextHeader);
        expect(toHex(opened!.payload)).toBe(vector.payload);

        const { sequence, nextHeader } = vector;
        const payload = fromHex(vector.payload);
        const given = { sequence, nextHeader, payload, iv: fromHex(vector.iv) };
        expect(toHex(packetOf(parameters, given))).toBe(vector.packet);
        const sealer = engine.sealer(parameters);
        for (let i = 1; i < sequence; i++) sealOne(engine, sealer, new Uint8Array(1));
        const packet = sealOne(engine, sealer, payload, nextHeader);
        const iv = packet.slice(8, 8 + given.iv.length);
        expect(toHex(packet)).toBe(toHex(packetOf(parameters, { ...given, iv })));
      },
    );
  });

  it.each(combinations.map((sa) => [saName(sa), sa] as const))(
    'seals what it opens: %s',
    (_, parameters) => {
      const random = new SeededRandom(12);
      const payloads = [0, 1, 2, 13, 14, 15, 16, 100, 1400, 1500].map((n) => random.bytes(n));
      const sealer = engine.sealer(parameters);
      payloads.forEach((payload, i) => {
        fill(engine, 3 + i, payload);
      });
      expect(sealer.seal(3, payloads.length, 4, 1)).toBe(payloads.length);
      const packets = payloads.map((_, i) => sealedPacket(engine, 3 + i));
      packets.forEach((packet, i) => {
        expect(packet.length).toBeLessThanOrEqual(payloads[i]!.length + sealer.overhead);
        expect(payloads[i]!.length).toBeLessThanOrEqual(sealer.payloadRoom(packet.length));
        expect(new DataView(packet.buffer).getUint32(0)).toBe(parameters.spi);
        expect(new DataView(packet.buffer).getUint32(4)).toBe(i + 1);
      });
      const total = packets.reduce((sum, { length }) => sum + length, 0);
      expect(sealer.sequence).toBe(payloads.length);
      expect(sealer.octets).toBe(total);

      const sa = engine.inbound(parameters);
      const opened = openAll(engine, packets, 200);
      expect(opened.map(({ result }) => result)).toEqual(packets.map(() => OpenResult.ok));
      expect(opened.map(({ nextHeader }) => nextHeader)).toEqual(packets.map(() => 4));
      expect(opened.map(({ payload }) => payload)).toEqual(payloads);
      expect(sa.octets).toBe(total);
    },
  );

  it.each(combinations.map((sa) => [saName(sa), sa] as const))(
    'promises the room that sealing takes: %s',
    (_, parameters) => {
      const sealer = engine.sealer(parameters);
      for (let size = 100; size < 150; size++) {
        const room = sealer.payloadRoom(size);
        expect(sealOne(engine, sealer, new Uint8Array(room)).length).toBeLessThanOrEqual(size);
        expect(sealOne(engine, sealer, new Uint8Array(room + 1)).length).toBeGreaterThan(size);
      }
      expect(sealer.payloadRoom(0)).toBe(0);
    },
  );

  it('refuses what is not authentic and shows nothing of it', () => {
    for (const parameters of combinations) {
      const sealer = engine.sealer(parameters);
      const sa = engine.inbound(parameters);
      const payload = new SeededRandom(13).bytes(40);
      const packet = sealOne(engine, sealer, payload);
      for (let at = 0; at < packet.length; at++) {
        const tampered = packet.slice();
        tampered[at]! ^= 0x40;
        const [opened] = openAll(engine, [tampered]);
        expect(opened!.result).toBe(at < 4 ? OpenResult.unknownSpi : OpenResult.badIcv);
        expect(opened!.payload.length).toBe(0);
        expect(includesBytes(engine.slots[0]!.bytes, payload.subarray(0, 8))).toBe(false);
      }
      expect(sa.octets).toBe(0);
      expect(openAll(engine, [packet])[0]!.result).toBe(OpenResult.ok);
      sealer.close();
      sa.close();
    }
  });

  it('refuses every prefix of a packet, and a longer one', () => {
    for (const parameters of combinations) {
      const sealer = engine.sealer(parameters);
      const sa = engine.inbound(parameters);
      const packet = sealOne(engine, sealer, new SeededRandom(14).bytes(20));
      for (let length = 0; length < packet.length; length++) {
        const [opened] = openAll(engine, [packet.slice(0, length)]);
        const expected =
          length < 4 ? [OpenResult.unknownSpi] : [OpenResult.malformed, OpenResult.badIcv];
        expect(expected).toContain(opened!.result);
      }
      const longer = openAll(engine, [concat(packet, new Uint8Array(16))]);
      expect(longer[0]!.result).toBe(OpenResult.badIcv);
      sealer.close();
      sa.close();
    }
  });

  it('opens each packet once, within a run and across runs, in any order', () => {
    const sealer = engine.sealer(AES_SHA1);
    engine.inbound(AES_SHA1);
    const packets = Array.from({ length: 5 }, (_, i) =>
      sealOne(engine, sealer, new Uint8Array([i])),
    );
    const [a, b, c, d, e] = packets as [Bytes, Bytes, Bytes, Bytes, Bytes];
    const { ok, replayed } = OpenResult;
    const results = (...run: Bytes[]) => openAll(engine, run).map(({ result }) => result);
    expect(results(c, a, c, a, b)).toEqual([ok, ok, replayed, replayed, ok]);
    expect(results(e, e, d, a)).toEqual([ok, replayed, ok, replayed]);
    expect(results(a, b, c, d, e)).toEqual(Array(5).fill(replayed));
  });

  it('does not move the window for a forged sequence number', () => {
    const sealer = engine.sealer(AES_SHA1);
    engine.inbound(AES_SHA1);
    const packet = sealOne(engine, sealer, new Uint8Array(9));
    const forged = packet.slice();
    forged.fill(0xff, 4, 8);
    const results = openAll(engine, [forged, packet]).map(({ result }) => result);
    expect(results).toEqual([OpenResult.badIcv, OpenResult.ok]);
  });

  it('refuses padding that does not count up, once the packet is authentic', () => {
    const parameters: EspSaParameters = {
      spi: 77,
      cipher: 'null',
      cipherKey: new Uint8Array(0),
      integrity: 'hmac-sha1-96',
      integrityKey: AES_SHA1.integrityKey!,
    };
    engine.inbound(parameters);
    const header = (sequence: number) => [0, 0, 0, 77, 0, 0, 0, sequence];
    const authentic = (sequence: number, ...text: number[]) => {
      const covered = new Uint8Array([...header(sequence), ...text]);
      const mac = noblePrimitives.hmac('sha1', parameters.integrityKey!, covered);
      return concat(covered, mac.slice(0, 12));
    };
    const opened = openAll(engine, [
      authentic(1, 9, 9, 9, 1, 2, 3, 3, 4),
      authentic(2, 9, 9, 9, 1, 2, 2, 3, 4),
      authentic(3, 9, 9, 9, 1, 2, 3, 7, 4),
      authentic(4, 9, 9, 9, 1, 2, 3, 255, 4),
      authentic(5, 1, 2, 2, 59),
      authentic(1, 9, 9, 9, 1, 2, 3, 3, 4),
      authentic(2, 9, 9, 9, 1, 2, 3, 3, 4),
    ]);
    const { ok, badPadding, replayed } = OpenResult;
    expect(opened.map(({ result }) => result)).toEqual([
      ...[ok, badPadding, badPadding, badPadding, ok, replayed, replayed],
    ]);
    expect(opened.map(({ nextHeader }) => nextHeader)).toEqual([4, 0, 0, 0, 59, 0, 0]);
    expect(opened.map(({ payload }) => payload.length)).toEqual([3, 0, 0, 0, 0, 0, 0]);
    expect(engine.slots[1]!.bytes.subarray(SLOT_HEADROOM).every((byte) => byte === 0)).toBe(true);
  });

  it('puts the header of the relay’s record in front', () => {
    const sealer = engine.sealer(AES_SHA1);
    fill(engine, 0, new Uint8Array(300));
    sealer.seal(0, 1, 17, 2);
    const record = contents(engine, 0);
    expect([...record.subarray(0, 3)]).toEqual([2, 1, record.length - 3 - 256]);
    expect(new DataView(record.buffer).getUint32(3)).toBe(AES_SHA1.spi);
  });

  it('finds the SA of each packet by its SPI', () => {
    const [a, b, c] = combinations as [EspSaParameters, EspSaParameters, EspSaParameters];
    const payloads = new SeededRandom(18);
    const sealers = [a, b, c].map((sa) => engine.sealer(sa));
    const sent = Array.from({ length: 40 }, (_, i) => {
      const payload = payloads.bytes((i * 37) % 600);
      return { sa: i % 3, payload, packet: sealOne(engine, sealers[i % 3]!, payload) };
    });
    const [first, second] = [engine.inbound(a), engine.inbound(b)];
    const opened = openAll(
      engine,
      sent.map(({ packet }) => packet),
      60,
    );
    opened.forEach(({ result, payload }, i) => {
      const known = sent[i]!.sa !== 2;
      expect(result).toBe(known ? OpenResult.ok : OpenResult.unknownSpi);
      expect(payload).toEqual(known ? sent[i]!.payload : new Uint8Array(0));
    });
    const octets = (index: number) =>
      sent.filter(({ sa }) => sa === index).reduce((sum, { packet }) => sum + packet.length, 0);
    expect([first.octets, second.octets]).toEqual([octets(0), octets(1)]);
    first.close();
    expect(first.octets).toBe(octets(0));
    expect(openAll(engine, [sent[0]!.packet])[0]!.result).toBe(OpenResult.unknownSpi);
  });

  it('has room for 32 SAs, each inbound one with an SPI of its own', () => {
    const sealers = Array.from({ length: 31 }, () => engine.sealer(AES_SHA1));
    const inbound = engine.inbound(AES_SHA1);
    expect(() => engine.sealer(AES_SHA1)).toThrow(RangeError);
    sealers[5]!.close();
    sealers[5]!.close();
    expect(() => engine.inbound(AES_SHA1)).toThrow(RangeError);
    inbound.close();
    engine.inbound(AES_SHA1);
    const packet = sealOne(engine, sealers[6]!, new Uint8Array(3));
    expect(openAll(engine, [packet])[0]!.result).toBe(OpenResult.ok);
  });

  it.each<[string, EspSaParameters]>([
    ['AES-GCM’s', { spi: 5, cipher: 'aes-gcm-16', cipherKey: new Uint8Array(20) }],
    ['AES-CTR’s', { ...AES_SHA1, spi: 5, cipher: 'aes-ctr', cipherKey: new Uint8Array(20) }],
  ])('takes the sequence number as %s IV', (_, parameters) => {
    const sealer = engine.sealer(parameters);
    sealOne(engine, sealer, new Uint8Array(4));
    const packet = sealOne(engine, sealer, new Uint8Array(4));
    expect(toHex(packet.subarray(0, 16))).toBe('00000005000000020000000000000002');
  });

  describe('wrong usage', () => {
    it.each<[string, Partial<EspSaParameters>]>([
      ['SPI 0', { spi: 0 }],
      ['a fractional SPI', { spi: 1.5 }],
      ['an SPI of 33 bits', { spi: 0x1_0000_0000 }],
      ['a short cipher key', { cipherKey: new Uint8Array(15) }],
      ['a short integrity key', { integrityKey: new Uint8Array(19) }],
      ['a cipher nobody knows', { cipher: 'rot13' as EspSaParameters['cipher'] }],
      ['an integrity algorithm nobody knows', { integrity: 'crc' as 'hmac-md5-96' }],
      ['two kinds of integrity', { cipher: 'aes-gcm-16', cipherKey: new Uint8Array(20) }],
    ])('refuses %s', (_, change) => {
      expect(() => engine.sealer({ ...AES_SHA1, ...change })).toThrow(RangeError);
      expect(() => engine.inbound({ ...AES_SHA1, ...change })).toThrow(RangeError);
    });

    it('refuses a cipher without integrity', () => {
      const { spi, cipher, cipherKey } = AES_SHA1;
      expect(() => engine.sealer({ spi, cipher, cipherKey })).toThrow(RangeError);
      const counted = { spi, cipher: 'aes-ctr', cipherKey: new Uint8Array(20) } as const;
      expect(() => engine.sealer(counted)).toThrow(RangeError);
    });

    it('refuses slots that do not exist', () => {
      const sealer = engine.sealer(AES_SHA1);
      for (const [first, count] of [
        ...[
          [-1, 1],
          [0, -1],
          [0, SLOT_COUNT + 1],
          [SLOT_COUNT, 1],
          [0.5, 1],
          [0, 1.5],
        ],
      ] as [number, number][]) {
        expect(() => sealer.seal(first, count, 17, 1)).toThrow(RangeError);
        expect(() => engine.open(first, count)).toThrow(RangeError);
      }
      expect(sealer.seal(SLOT_COUNT, 0, 17, 1)).toBe(0);
      engine.open(SLOT_COUNT, 0);
    });

    it('seals nothing of a run in which one packet has no room', () => {
      const sealer = engine.sealer(AES_SHA1);
      for (const [start, end] of [
        ...[
          [26, 100],
          [27, SLOT_SIZE - 13],
          [27, SLOT_SIZE + 1],
          [-1, 100],
          [200, 100],
        ],
      ] as [number, number][]) {
        fill(engine, 0, new Uint8Array([1, 2, 3]));
        engine.slots[1]!.start = start;
        engine.slots[1]!.end = end;
        expect(() => sealer.seal(0, 2, 17, 1)).toThrow(RangeError);
        expect(toHex(contents(engine, 0))).toBe('010203');
      }
      expect(sealer.sequence).toBe(0);
    });

    it('fills a slot to its last byte and no further', () => {
      const parameters: EspSaParameters = {
        spi: 9,
        cipher: 'null',
        cipherKey: new Uint8Array(0),
        integrity: 'hmac-sha2-256-128',
        integrityKey: new Uint8Array(32),
      };
      const sealer = engine.sealer(parameters);
      const slot = engine.slots[SLOT_COUNT - 1]!;
      slot.start = 3 + 8;
      slot.end = slot.start + sealer.payloadRoom(SLOT_SIZE - 3) + 1;
      expect(() => sealer.seal(SLOT_COUNT - 1, 1, 17, 1)).toThrow(RangeError);
      slot.end--;
      expect(sealer.seal(SLOT_COUNT - 1, 1, 17, 1)).toBe(1);
      // Padding is to a multiple of 4, which 3 + 8 + 16 bytes around it leave one short of.
      expect([slot.start, slot.end]).toEqual([0, SLOT_SIZE - 1]);
      slot.start = 3;
      engine.inbound(parameters);
      engine.open(SLOT_COUNT - 1, 1);
      expect(engine.results[SLOT_COUNT - 1]).toBe(OpenResult.ok);
    });

    it('refuses to work after close, which may be called twice', () => {
      const sealer = engine.sealer(AES_SHA1);
      const inbound = engine.inbound(AES_SHA1);
      const packet = sealOne(engine, sealer, new Uint8Array(3));
      const { octets } = sealer;
      for (const sa of [sealer, inbound]) {
        sa.close();
        sa.close();
      }
      expect(() => sealer.seal(0, 1, 17, 1)).toThrow(TypeError);
      expect(openAll(engine, [packet])[0]!.result).toBe(OpenResult.unknownSpi);
      expect([sealer.sequence, sealer.octets]).toEqual([1, octets]);
    });
  });

  it('keeps the slots while an SA is left, and wipes them with the last', () => {
    const secret = new SeededRandom(15).bytes(32);
    const first = engine.sealer(AES_SHA1);
    const second = engine.inbound(AES_SHA1);
    fill(engine, 9, secret);
    first.close();
    expect(contents(engine, 9)).toEqual(secret);
    second.close();
    expect(engine.slots.every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true);
  });
});

describe('the reference', () => {
  it('stops before the sequence number wraps', () => {
    const engine = referenceEspEngine(noblePrimitives, new SeededRandom(16), 0xffff_fffd);
    const sealer = engine.sealer(AES_SHA1);
    for (let i = 0; i < 4; i++) fill(engine, i, new Uint8Array([i]));
    expect(sealer.seal(0, 4, 17, 1)).toBe(2);
    expect(sealer.sequence).toBe(0xffff_ffff);
    expect(toHex(contents(engine, 2))).toBe('02');
    expect(sealer.seal(2, 2, 17, 1)).toBe(0);
  });

  it('says at once when its primitives lack the cipher', () => {
    const engine = referenceEspEngine(noblePrimitives, new SeededRandom(17));
    const parameters = { ...AES_SHA1, cipher: '3des-cbc', cipherKey: new Uint8Array(24) } as const;
    expect(() => engine.sealer(parameters)).toThrow(RangeError);
  });
});
