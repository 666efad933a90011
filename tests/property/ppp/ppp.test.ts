import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeChapValue,
  decodeMsChapResponse,
  encodeChapValue,
  encodeMsChapResponse,
} from '../../../shared/ppp/chap-packet.ts';
import { decodeConfigOptions, encodeConfigOptions } from '../../../shared/ppp/config-option.ts';
import { decodeControlPacket, encodeControlPacket } from '../../../shared/ppp/control-packet.ts';
import { decodeIpcpOption, encodeIpcpOption } from '../../../shared/ppp/ipcp-option.ts';
import { decodeLcpOption, encodeLcpOption } from '../../../shared/ppp/lcp-option.ts';
import { parseFailure, parseSuccess } from '../../../shared/ppp/mschapv2.ts';
import {
  decodeAuthenticateRequest,
  decodeReplyMessage,
  encodeAuthenticateRequest,
} from '../../../shared/ppp/pap-packet.ts';
import type { PppOutput } from '../../../shared/ppp/ppp.ts';
import { encodeFrame, headerLength, protocolNumber } from '../../../shared/ppp/protocol.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';
import { utf8Decode, utf8Encode } from '../../../shared/wire/text.ts';
import { clientConfig, type End, Pair, serverConfig } from '../../sim/ppp/pair.ts';

function bytes(constraints: fc.IntArrayConstraints = {}): fc.Arbitrary<Bytes> {
  return fc.uint8Array(constraints).map((array) => new Uint8Array(array));
}

const byte = fc.integer({ min: 0, max: 255 });
const packets = fc.record({ code: byte, id: byte, body: bytes({ maxLength: 300 }) });
const options = fc.array(fc.record({ type: byte, data: bytes({ maxLength: 253 }) }), {
  maxLength: 8,
});

/** The value, or `undefined` after a `DecodeError`; anything else is thrown on. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

describe('the codecs of PPP', () => {
  it('read what they wrote', () => {
    fc.assert(
      fc.property(packets, options, (packet, list) => {
        expect(decodeControlPacket(encodeControlPacket(packet))).toEqual(packet);
        expect(decodeConfigOptions(encodeConfigOptions(list))).toEqual(list);
        expect(list.map(decodeLcpOption).map(encodeLcpOption)).toEqual(list);
        expect(list.map(decodeIpcpOption).map(encodeIpcpOption)).toEqual(list);
      }),
    );
    const short = bytes({ maxLength: 255 });
    fc.assert(
      fc.property(
        short,
        short,
        bytes({ minLength: 1, maxLength: 255 }),
        (peerId, password, value) => {
          const request = { peerId, password };
          expect(decodeAuthenticateRequest(encodeAuthenticateRequest(1, request))).toEqual(request);
          const chap = { value, name: peerId };
          expect(decodeChapValue(encodeChapValue(1, 1, chap))).toEqual(chap);
        },
      ),
    );
    const fixed = (length: number) => bytes({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(fixed(16), fixed(24), (peerChallenge, ntResponse) => {
        const response = { peerChallenge, ntResponse };
        expect(decodeMsChapResponse(encodeMsChapResponse(response))).toEqual(response);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(utf8Decode(utf8Encode(text))).toBe(text);
      }),
    );
  });

  it('find the header that they wrote, whatever follows', () => {
    const protocols = fc.integer({ min: 0, max: 0x7fff }).map((n) => 2 * (n & 0x7f7f) + 1);
    fc.assert(
      fc.property(protocols, bytes(), (protocol, information) => {
        fc.pre((protocol & 0x100) === 0);
        const frame = encodeFrame(protocol, information);
        expect(headerLength(frame, 0, frame.length)).toBe(4);
        expect(protocolNumber(frame, 0, 4)).toBe(protocol);
      }),
    );
  });

  it('return or throw DecodeError on arbitrary bytes', () => {
    fc.assert(
      fc.property(bytes({ maxLength: 80 }), (data) => {
        const packet = attempt(() => decodeControlPacket(data)) ?? { code: 1, id: 1, body: data };
        attempt(() => decodeConfigOptions(packet.body).map(decodeLcpOption));
        attempt(() => decodeAuthenticateRequest(packet));
        attempt(() => decodeChapValue(packet));
        attempt(() => decodeMsChapResponse(packet.body));
        decodeReplyMessage(packet);
        parseSuccess(utf8Decode(data));
        parseFailure(utf8Decode(data));
      }),
    );
  });

  it('refuse every prefix of a packet', () => {
    fc.assert(
      fc.property(packets, fc.nat(), (packet, cut) => {
        const whole = encodeControlPacket(packet);
        const prefix = whole.slice(0, cut % whole.length);
        expect(() => decodeControlPacket(prefix)).toThrow(DecodeError);
      }),
    );
  });
});

const PROTOCOLS = [0xc021, 0xc021, 0x8021, 0xc023, 0xc223, 0x80fd, 0x0021];

/** Bytes that reach deep: a header that fits, a code that exists, and often an answer to what was asked. */
const hostile = fc.oneof(
  bytes({ maxLength: 60 }).map((noise) => ({ noise })),
  fc.record({
    protocol: fc.constantFrom(...PROTOCOLS),
    code: fc.integer({ min: 0, max: 14 }),
    id: fc.option(byte),
    body: fc.oneof(
      bytes({ maxLength: 40 }),
      options.map((list) => encodeConfigOptions(list.slice(0, 3))),
      fc.constant('echo' as const),
    ),
  }),
);

type Hostile = typeof hostile extends fc.Arbitrary<infer T> ? T : never;

function frameOf(move: Hostile, sent: readonly PppOutput[]): Bytes {
  if ('noise' in move) return move.noise;
  const last = sent.findLast((output) => output.kind === 'transmit');
  const asked = last?.kind === 'transmit' ? last.bytes : undefined;
  const body = move.body === 'echo' ? (asked?.slice(8) ?? new Uint8Array(0)) : move.body;
  const id = move.id ?? asked?.[5] ?? 0;
  return encodeFrame(move.protocol, encodeControlPacket({ code: move.code, id, body }));
}

describe('a PPP endpoint', () => {
  it('never throws, answers a frame with a handful of outputs, and closes at most once', () => {
    const ends = fc.constantFrom<End>('client', 'server');
    const moves = fc.array(hostile, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        ends,
        fc.integer({ min: 0, max: 400 }),
        moves,
        fc.nat(),
        (end, at, list, seed) => {
          const link = { seed, latency: 20 };
          const pair = new Pair(clientConfig(seed), serverConfig(seed), link).start().run(at);
          for (const move of list) {
            const before = pair.outputs[end].length;
            pair.input(end, { kind: 'frame', bytes: frameOf(move, pair.outputs[end]) });
            expect(pair.outputs[end].length - before).toBeLessThanOrEqual(8);
            if (pair.of(end, 'closed').length === 0) pair.run(pair.now + 50);
          }
          pair.input(end, { kind: 'close' });
          pair.run(pair.now + 600_000, () => pair.bothClosed);
          expect(pair.of(end, 'closed')).toHaveLength(1);
          expect(pair[end].deadline).toBeUndefined();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('takes any bytes for a packet on the data path', () => {
    const pair = new Pair(clientConfig(1), serverConfig(1), { seed: 1, latency: 1 });
    pair.start().run(1000);
    fc.assert(
      fc.property(bytes({ maxLength: 12 }), fc.nat(4), (data, offset) => {
        const start = Math.min(offset, data.length);
        const packet = { bytes: data, start, end: data.length };
        const protocol = pair.client.decapsulate(packet, pair.now);
        expect(packet.start - start).toBeLessThanOrEqual(4);
        if (protocol !== 0x0021) expect(packet.start).toBe(start);
        else expect(packet.start).toBeLessThanOrEqual(packet.end);
      }),
    );
  });
});
