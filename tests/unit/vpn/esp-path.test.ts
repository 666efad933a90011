import { beforeEach, expect, test } from 'vitest';
import {
  type EspEngine,
  type EspSaParameters,
  type EspSealer,
  SEALED_HEADER,
} from '../../../shared/esp/engine.ts';
import { referenceEspEngine } from '../../../shared/esp/reference.ts';
import { EspPath } from '../../../shared/vpn/esp-path.ts';
import { prependUdp } from '../../../shared/vpn/inner-udp.ts';
import { type Bytes, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

/** ESP's protocol number for a packet that says nothing (RFC 4303 §2.6). */
const NO_NEXT_HEADER = 59;

const SA: EspSaParameters = {
  spi: 0x1234_5678,
  cipher: 'aes-cbc',
  cipherKey: new Uint8Array(16).fill(1),
  integrity: 'hmac-sha1-96',
  integrityKey: new Uint8Array(20).fill(2),
};

let peer: EspEngine;
let sealer: EspSealer;
let path: EspPath;
let delivered: string[];

beforeEach(() => {
  peer = referenceEspEngine(nodePrimitives, new SeededRandom(1));
  sealer = peer.sealer(SA);
  delivered = [];
  path = new EspPath(
    referenceEspEngine(nodePrimitives, new SeededRandom(2)),
    { local: 50_000, remote: 1701 },
    () => {},
    (packets) => {
      for (const { bytes, start, end } of packets) delivered.push(toHex(bytes.slice(start, end)));
    },
  );
  path.peer.negotiated(1701);
  path.sas.open(SA);
});

/** A packet of the gateway's; its payload is UDP between these ports unless there are none. */
function sealed(hex: string, ports?: readonly [from: number, to: number], nextHeader = 17): Bytes {
  const packet = peer.slots[0]!;
  const payload = fromHex(hex);
  packet.bytes.set(payload, 200);
  packet.start = 200;
  packet.end = 200 + payload.length;
  if (ports !== undefined) prependUdp(packet, ...ports);
  sealer.seal(0, 1, nextHeader, 1);
  return packet.bytes.slice(packet.start + SEALED_HEADER, packet.end);
}

/** Answers whether anything was authentic. */
function receive(bytes: Bytes): boolean {
  path.receive(bytes, 0, bytes.length);
  return path.openPending();
}

test('L2TP from the port of the SAs goes up', () => {
  expect(receive(sealed('c802', [1701, 50_000]))).toBe(true);
  expect(delivered).toEqual(['c802']);
});

test('a dummy packet is authentic and goes nowhere', () => {
  expect(receive(sealed('00112233445566778899', undefined, NO_NEXT_HEADER))).toBe(true);
  expect(delivered).toEqual([]);
});

test('why a packet went nowhere is counted', () => {
  receive(sealed('c802', [1702, 50_000]));
  receive(sealed('c802', [1701, 50_001]));
  receive(sealed('c802', [1701, 50_000], 6));
  expect(path.counters).toMatchObject({ notOurs: 3 });
  const packet = sealed('c802', [1701, 50_000]);
  receive(packet);
  receive(packet);
  const forged = packet.slice();
  forged[forged.length - 1]! ^= 1;
  receive(forged);
  const foreign = packet.slice();
  foreign[0]! ^= 1;
  receive(foreign);
  receive(packet.slice(0, 7));
  const [replayed, badIcv, unknownSpi, malformed] = [1, 1, 1, 1];
  expect(path.counters).toEqual({
    replayed,
    badIcv,
    unknownSpi,
    malformed,
    notOurs: 3,
    unsent: 0,
  });
  expect(delivered).toEqual(['c802']);
});

test('what has no SA to go out by is dropped and counted', () => {
  const packet = path.take();
  packet.end = packet.start + 12;
  path.send(packet);
  path.flush();
  expect(path.counters.unsent).toBe(1);
});
