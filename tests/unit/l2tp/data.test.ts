import { describe, expect, it } from 'vitest';
import {
  DataSession,
  isControl,
  MAX_DATA_HEADER,
  type Sequencing,
} from '../../../shared/l2tp/data.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import type { Packet } from '../../../shared/wire/packet.ts';

const IDS = {
  localTunnelId: 0x8ce1,
  peerTunnelId: 0x0102,
  localSessionId: 0x25b2,
  peerSessionId: 0x0304,
};

const FRAME = 'ff03c021';

function packet(hex: string): Packet {
  const bytes = fromHex(hex);
  return { bytes, start: 0, end: bytes.length };
}

function session(sequencing: Sequencing = 'off'): DataSession {
  return new DataSession(IDS, sequencing);
}

function encapsulated(data: DataSession): string {
  const bytes = new Uint8Array(MAX_DATA_HEADER + 4);
  bytes.set(fromHex(FRAME), MAX_DATA_HEADER);
  const out: Packet = { bytes, start: MAX_DATA_HEADER, end: bytes.length };
  data.encapsulate(out);
  return toHex(bytes.slice(out.start, out.end));
}

/** Optional fields and bits, each alone and together; the payload is `FRAME`. */
const ACCEPTED: readonly (readonly [string, string])[] = [
  ['the least', `0002 8ce1 25b2 ${FRAME}`],
  ['length', `4002 000c 8ce1 25b2 ${FRAME}`],
  ['length, and padding behind it', `4002 000c 8ce1 25b2 ${FRAME} 0000`],
  ['sequence numbers', `0802 8ce1 25b2 0007 ffff ${FRAME}`],
  ['offset 0', `0202 8ce1 25b2 0000 ${FRAME}`],
  ['offset', `0202 8ce1 25b2 0003 aaaaaa ${FRAME}`],
  ['priority', `0102 8ce1 25b2 ${FRAME}`],
  ['everything, with reserved bits', `7ff2 0014 8ce1 25b2 0007 0000 0002 aaaa ${FRAME}`],
];

const REFUSED: readonly (readonly [string, string])[] = [
  ['a control message', 'c802 000c 8ce1 25b2 0000 0000'],
  ['L2F', `0001 8ce1 25b2 ${FRAME}`],
  ['another tunnel', `0002 8ce2 25b2 ${FRAME}`],
  ['another session', `0002 8ce1 25b3 ${FRAME}`],
  ['our ids the wrong way round', `0002 0102 0304 ${FRAME}`],
  ['length beyond the datagram', `4002 000d 8ce1 25b2 ${FRAME}`],
  ['length inside the header', `4002 0007 8ce1 25b2 ${FRAME}`],
  ['offset beyond the datagram', `0202 8ce1 25b2 0005 ${FRAME}`],
  ['offset without an offset', '0202 8ce1 25b2 00'],
  ['nothing in it', '0002 8ce1 25b2'],
];

describe('decapsulate', () => {
  it.each(ACCEPTED)('takes %s', (_name, hex) => {
    const input = packet(hex);
    expect(session().decapsulate(input)).toBe(true);
    expect(toHex(input.bytes.slice(input.start, input.end))).toBe(FRAME);
  });

  it.each(REFUSED)('drops %s and leaves the cursor', (_name, hex) => {
    const input = packet(hex);
    expect(session().decapsulate(input)).toBe(false);
    expect([input.start, input.end]).toEqual([0, input.bytes.length]);
  });

  it.each(ACCEPTED)('never reads past the end: %s', (_name, hex) => {
    const whole = fromHex(hex);
    for (let length = 0; length < whole.length; length++) {
      const cut = packet(toHex(whole.slice(0, length)));
      const taken = session().decapsulate(cut);
      if (taken) expect(cut.start).toBeLessThan(cut.end);
      else expect(cut.start).toBe(0);
    }
  });
});

describe('encapsulate', () => {
  it('puts the peer’s ids in front', () => {
    expect(encapsulated(session())).toBe(`000201020304${FRAME}`);
  });

  it('numbers every packet where that is required', () => {
    const data = session('required');
    expect(encapsulated(data)).toBe(`08020102030400000000${FRAME}`);
    expect(encapsulated(data)).toBe(`08020102030400010000${FRAME}`);
    for (let ns = 2; ns < 0x10000; ns++) encapsulated(data);
    expect(encapsulated(data)).toBe(`08020102030400000000${FRAME}`);
  });

  it('as a LAC numbers while the LNS does, and goes on where it left off', () => {
    const data = session('follow-peer');
    const plain = () => data.decapsulate(packet(ACCEPTED[0]![1]));
    const numbered = () => data.decapsulate(packet(ACCEPTED[3]![1]));
    expect(encapsulated(data)).toBe(`000201020304${FRAME}`);
    numbered();
    expect(encapsulated(data)).toBe(`08020102030400000000${FRAME}`);
    plain();
    expect(encapsulated(data)).toBe(`000201020304${FRAME}`);
    numbered();
    expect(encapsulated(data)).toBe(`08020102030400010000${FRAME}`);
  });

  it('as a LNS does not', () => {
    const data = session('off');
    data.decapsulate(packet(ACCEPTED[3]![1]));
    expect(encapsulated(data)).toBe(`000201020304${FRAME}`);
  });
});

it('tells control from data by the T bit', () => {
  expect(isControl(packet('c802'))).toBe(true);
  expect(isControl(packet('4002'))).toBe(false);
  expect(isControl(packet(''))).toBe(false);
});
