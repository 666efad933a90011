import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Avp, decodeAvp, encodeAvp } from '../../shared/l2tp/avp.ts';
import { RECEIVE_WINDOW } from '../../shared/l2tp/channel.ts';
import { DataSession } from '../../shared/l2tp/data.ts';
import type { L2tpInput } from '../../shared/l2tp/l2tp.ts';
import { type ControlMessage, decodeControl, encodeControl } from '../../shared/l2tp/message.ts';
import { MessageType } from '../../shared/l2tp/numbers.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { DecodeError } from '../../shared/wire/errors.ts';
import { Reader } from '../../shared/wire/reader.ts';
import { utf8Decode, utf8Encode } from '../../shared/wire/text.ts';
import { Writer } from '../../shared/wire/writer.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import {
  lacCalling,
  lacConnected,
  lacWaiting,
  lnsCalled,
  lnsConnected,
  lnsOpen,
  lnsWaiting,
  Script,
} from '../unit/l2tp/script.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const id = fc.integer({ min: 1, max: 0xffff });
const octets = (minLength: number, maxLength = 80) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => new Uint8Array(bytes));

const known: fc.Arbitrary<Avp> = fc.oneof(
  fc.record({
    kind: fc.constant('resultCode' as const),
    value: fc.oneof(
      fc.record({ result: u16 }),
      fc.record({ result: u16, error: u16 }),
      fc.record({ result: u16, error: u16, message: octets(1) }),
    ),
  }),
  fc.record({ kind: fc.constant('hostName' as const), value: octets(1) }),
  fc.record({ kind: fc.constant('vendorName' as const), value: octets(0) }),
  fc.record({ kind: fc.constant('assignedTunnelId' as const), value: id }),
  fc.record({ kind: fc.constant('assignedSessionId' as const), value: id }),
  fc.record({ kind: fc.constant('receiveWindowSize' as const), value: u16 }),
  fc.record({ kind: fc.constant('framingCapabilities' as const), value: u32 }),
  fc.record({ kind: fc.constant('challenge' as const), value: octets(1) }),
  fc.record({ kind: fc.constant('challengeResponse' as const), value: octets(16, 16) }),
  fc.record({ kind: fc.constant('randomVector' as const), value: octets(0) }),
  fc.constant({ kind: 'sequencingRequired', value: true } as const),
);

/** Only what stays unknown: another vendor's, or an unassigned type. */
const unknown: fc.Arbitrary<Avp> = fc.record({
  kind: fc.constant('unknown' as const),
  mandatory: fc.boolean(),
  hidden: fc.boolean(),
  reserved: fc.integer({ min: 0, max: 15 }),
  vendor: fc.integer({ min: 1, max: 0xffff }),
  code: u16,
  body: octets(0),
});

const avps = fc.array(fc.oneof(known, unknown), { maxLength: 8 });
const header = { tunnelId: u16, sessionId: u16, ns: u16, nr: u16 };
const message: fc.Arbitrary<ControlMessage> = fc.oneof(
  fc.record({ kind: fc.constant('zlb' as const), ...header }),
  fc.record({
    kind: fc.constant('message' as const),
    ...header,
    type: u16,
    mandatory: fc.boolean(),
    avps,
  }),
);

describe('codecs', () => {
  it('decode what they encode', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeControl(encodeControl(value))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(fc.oneof(known, unknown), (avp) => {
        const writer = new Writer();
        encodeAvp(writer, avp);
        expect(decodeAvp(new Reader(writer.finish()))).toEqual(avp);
      }),
    );
  });

  it('encode what they decode', () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encodeControl(value);
        expect(encodeControl(decodeControl(bytes))).toEqual(bytes);
      }),
    );
  });

  it('refuse every prefix', () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encodeControl(value);
        for (let length = 0; length < bytes.length; length++) {
          expect(() => decodeControl(bytes.slice(0, length))).toThrow(DecodeError);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuse arbitrary bytes with a DecodeError or not at all', () => {
    fc.assert(
      fc.property(nearlyControl(), (bytes) => {
        try {
          decodeControl(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('carry text as UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(utf8Encode(value)).toEqual(new Uint8Array(Buffer.from(value)));
        expect(utf8Decode(utf8Encode(value))).toBe(value);
      }),
    );
    fc.assert(fc.property(octets(0), (bytes) => typeof utf8Decode(bytes) === 'string'));
  });
});

/** Noise, and noise behind a header that is right. */
function nearlyControl(): fc.Arbitrary<Bytes> {
  return fc.oneof(
    octets(0, 200),
    octets(0, 200).map((bytes) => {
      const out = new Uint8Array(12 + bytes.length);
      out.set([0xc8, 0x02, out.length >>> 8, out.length & 0xff]);
      out.set(bytes.subarray(0, 8), 4);
      out.set(bytes, 12);
      if (bytes.length > 8) out.set([0x80, 0x08, 0, 0, 0, 0, 0], 12);
      return out;
    }),
  );
}

describe('the data header', () => {
  const ids = { localTunnelId: 5, peerTunnelId: 6, localSessionId: 7, peerSessionId: 8 };
  const back = { localTunnelId: 6, peerTunnelId: 5, localSessionId: 8, peerSessionId: 7 };

  it('comes off as it went on', () => {
    fc.assert(
      fc.property(octets(1, 100), fc.constantFrom('required', 'off'), (frame, sequencing) => {
        const bytes = new Uint8Array(16 + frame.length);
        bytes.set(frame, 16);
        const packet = { bytes, start: 16, end: bytes.length };
        new DataSession(ids, sequencing).encapsulate(packet);
        expect(new DataSession(back, 'off').decapsulate(packet)).toBe(true);
        expect(bytes.slice(packet.start, packet.end)).toEqual(frame);
      }),
    );
  });

  it('never moves the cursor outside', () => {
    const data = new DataSession(ids, 'follow-peer');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7f }), octets(0, 40), (flags, noise) => {
        const bytes = Uint8Array.from([flags, 2, ...noise]);
        const packet = { bytes, start: 0, end: bytes.length };
        const taken = data.decapsulate(packet);
        expect(packet.start).toBeGreaterThanOrEqual(0);
        expect(packet.end).toBeLessThanOrEqual(bytes.length);
        if (taken) expect(packet.start).toBeLessThan(packet.end);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the machine', () => {
  const secret = new Uint8Array([1, 2, 3]);
  const states: Readonly<Record<string, () => Script>> = {
    'idle LAC': () => new Script(),
    'idle LNS': () => new Script({ role: 'lns' }),
    'wait-ctl-reply': () => lacWaiting(),
    'wait-ctl-reply with secret': () => lacWaiting({ secret, primitives: nodePrimitives }),
    'wait-ctl-conn': () => lnsWaiting(),
    'wait-reply': () => lacCalling(),
    'wait-connect': () => lnsCalled(),
    'open LNS': () => lnsOpen(),
    'established LAC': () => lacConnected(),
    'established LNS': () => lnsConnected(),
    stopping: () => lacConnected().close(),
    lingering: () => lacConnected().close().acknowledge(),
    closed: () => lacConnected().message('StopCCN'),
  };

  /** A step of an ill-behaved world; messages are addressed to the tunnel and about in sequence. */
  const step = fc.oneof(
    fc.record({ kind: fc.constant('noise' as const), bytes: nearlyControl() }),
    fc.record({
      kind: fc.constant('message' as const),
      type: fc.oneof(fc.constantFrom(...Object.values(MessageType)), u16),
      mandatory: fc.boolean(),
      avps,
      ahead: fc.integer({ min: -2, max: RECEIVE_WINDOW + 1 }),
      acknowledged: fc.integer({ min: -1, max: 1 }),
      toSession: fc.boolean(),
    }),
    fc.constantFrom(
      { kind: 'timeout' as const },
      { kind: 'timeout' as const },
      { kind: 'close' as const },
    ),
  );

  it.each(Object.keys(states))('never throws, and ends: %s', (name) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const script = states[name]!();
        for (const item of steps) {
          if (item.kind === 'noise') script.datagram(item.bytes);
          else if (item.kind === 'close') script.close();
          else if (item.kind === 'timeout') script.timeout();
          else {
            const ns = (script.ns + item.ahead) & 0xffff;
            const before = script.outputs.length;
            script.datagram(
              encodeControl({
                kind: 'message',
                tunnelId: script.tunnelId,
                sessionId: item.toSession ? script.sessionId : 0,
                ns,
                nr: (script.nr + item.acknowledged) & 0xffff,
                type: item.type,
                mandatory: item.mandatory,
                avps: item.avps,
              }),
            );
            const refused = script.outputs
              .slice(before)
              .some((output) => output.kind === 'trace' && output.event === 'refused');
            if (item.ahead === 0 && !refused) script.ns++;
          }
        }
        script.close();
        for (let i = 0; script.machine.deadline !== undefined; i++) {
          script.timeout();
          expect(i).toBeLessThan(20);
        }
        const closed = script.outputs.filter(({ kind }) => kind === 'closed');
        expect(closed).toHaveLength(1);
      }),
      { numRuns: 60 },
    );
  });

  it('answers the same inputs with the same outputs', () => {
    fc.assert(
      fc.property(fc.array(nearlyControl(), { maxLength: 10 }), (datagrams) => {
        const [one, other] = [lacCalling(), lacCalling()];
        const inputs: L2tpInput[] = datagrams.map((bytes) => ({ kind: 'datagram', bytes }));
        for (const input of [...inputs, { kind: 'close' } as const]) {
          expect(one.machine.handle(input, 5)).toEqual(other.machine.handle(input, 5));
        }
      }),
      { numRuns: 30 },
    );
  });
});
