import { describe, expect, it } from 'vitest';
import { FrameCounter } from '../../../bench/relay/frame-counter.ts';
import { BURST, FRAME_SIZES, PACKET, PROTOCOLS, ping } from '../../../bench/relay/protocols.ts';
import { Channel } from '../../../shared/relay/channels.ts';
import { forEachRecord } from '../../../shared/relay/frames.ts';

/** A server's frame: not masked. */
function frame(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.concat([Buffer.from([opcode, length]), Buffer.alloc(length)]);
  const head = length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = opcode;
  head[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) head.writeUInt16BE(length, 2);
  else head.writeUInt32BE(length, 6);
  return Buffer.concat([head, Buffer.alloc(length)]);
}

/** The payload of a client's first frame, and what is behind it. */
function unmasked(bytes: Buffer): { opcode: number; payload: Buffer; rest: Buffer } {
  const short = bytes[1]! & 0x7f;
  const length =
    short === 127 ? bytes.readUInt32BE(6) : short === 126 ? bytes.readUInt16BE(2) : short;
  const at = short === 127 ? 10 : short === 126 ? 4 : 2;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(
    bytes.subarray(at + 4, at + 4 + length).map((byte, i) => byte ^ mask[i & 3]!),
  );
  return { opcode: bytes[0]!, payload, rest: bytes.subarray(at + 4 + length) };
}

describe('FrameCounter', () => {
  const pong = Buffer.from([0x8a, 4, 0, 0, 1, 2]);
  const stream = Buffer.concat([
    frame(0x81, 200),
    frame(0x82, 3 * (3 + PACKET)),
    pong,
    frame(0x82, 50 * (3 + PACKET)),
    frame(0x82, 0),
  ]);

  it.each([1, 2, 7, 4096, stream.length])('counts what comes in pieces of %d bytes', (size) => {
    const counter = new FrameCounter(PROTOCOLS.culvert.datagramsIn);
    for (let at = 0; at < stream.length; at += size) {
      counter.push(stream, at, Math.min(at + size, stream.length));
    }
    expect(counter).toMatchObject({ datagrams: 53, frames: 5, pong: 258 });
  });
});

describe('the protocols', () => {
  it('of Culvert: a burst is one frame of NAT-T records', () => {
    const { opcode, payload, rest } = unmasked(PROTOCOLS.culvert.burst);
    const lengths: number[] = [];
    forEachRecord(new Uint8Array(payload), (channel, start, end) => {
      expect(channel).toBe(Channel.natt);
      lengths.push(end - start);
    });
    expect(opcode).toBe(0x82);
    expect(lengths).toEqual(Array(BURST).fill(PACKET));
    expect(rest).toHaveLength(0);
  });

  it.each(FRAME_SIZES)(
    'of Culvert, %d packets in a frame: as many in a burst as in all other sizes',
    (size) => {
      let rest = PROTOCOLS[`frames-${size}`].burst;
      let packets = 0;
      while (rest.length > 0) {
        const one = unmasked(rest);
        expect(PROTOCOLS.culvert.datagramsIn(one.payload.length)).toBe(size);
        packets += size;
        rest = one.rest;
      }
      expect(packets).toBe(48);
    },
  );

  it('of Wisp: a burst is a frame per packet on the stream that was opened', () => {
    const opening = unmasked(PROTOCOLS.wisp.opening('127.0.0.2', 0x1234)).payload;
    expect(opening.toString('hex')).toBe(
      `0101000000023412${Buffer.from('127.0.0.2').toString('hex')}`,
    );
    let rest = PROTOCOLS.wisp.burst;
    let frames = 0;
    for (; rest.length > 0; frames++) {
      const one = unmasked(rest);
      expect(one.payload.subarray(0, 5).toString('hex')).toBe('0201000000');
      expect(PROTOCOLS.wisp.datagramsIn(one.payload.length)).toBe(1);
      rest = one.rest;
    }
    expect(frames).toBe(BURST);
  });

  it('a ping carries its number', () => {
    expect(unmasked(ping(258))).toMatchObject({ opcode: 0x89, payload: Buffer.from([0, 0, 1, 2]) });
  });
});
