import { expect, test } from 'vitest';
import { LINKTYPE_RAW, writePcapng } from '../../../shared/inspect/pcapng.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';

const INTERFACE = { name: 'outer', description: 'wire', linkType: LINKTYPE_RAW };

test('a file is a section header, an interface and a packet, byte for byte', () => {
  const time = 1_767_225_600_123.456;
  const packet = { interface: 0, time, direction: 'in', bytes: fromHex('450000') } as const;
  // Written by hand from the draft's pictures.
  const sectionHeader =
    '0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0700 43756c7665727400 00000000 2c000000';
  const description =
    '01000000 34000000 6500 0000 00000000 0200 0500 6f75746572000000 0300 0400 77697265 0900 0100 06000000 00000000 34000000';
  const micros = BigInt(Math.round(time * 1000));
  const low = Number(micros & 0xffff_ffffn);
  const high = Number(micros >> 32n);
  const word = (value: number) => toHex(new Uint8Array(Uint32Array.of(value).buffer));
  const enhanced = `06000000 30000000 00000000 ${word(high)} ${word(low)} 03000000 03000000 45000000 0200 0400 01000000 00000000 30000000`;
  const file = writePcapng('Culvert', [INTERFACE], [packet]);
  expect(toHex(file)).toBe(toHex(fromHex(sectionHeader + description + enhanced)));
});

test('every block tells its length twice, at a multiple of four', () => {
  const packets = [0, 1, 2, 3, 4, 1500].map((length, index) => ({
    interface: 0,
    time: index,
    direction: 'out' as const,
    bytes: new Uint8Array(length),
  }));
  const file = writePcapng('Culvert', [INTERFACE], packets);
  const view = new DataView(file.buffer);
  let blocks = 0;
  for (let at = 0; at < file.length; blocks++) {
    const length = view.getUint32(at + 4, true);
    expect(length % 4).toBe(0);
    expect(view.getUint32(at + length - 4, true)).toBe(length);
    at += length;
  }
  expect(blocks).toBe(2 + packets.length);
});
