import { beforeEach, expect, test } from 'vitest';
import { type EspEngine, type EspSaParameters, OpenResult } from '../../../shared/esp/engine.ts';
import { referenceEspEngine } from '../../../shared/esp/reference.ts';
import { CONFIRM_MILLIS, EspSas, MAX_PAIRS } from '../../../shared/vpn/esp-sas.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

const CHANNEL = 1;

function sa(spi: number): EspSaParameters {
  return {
    spi,
    cipher: 'aes-cbc',
    cipherKey: new Uint8Array(16).fill(spi),
    integrity: 'hmac-sha1-96',
    integrityKey: new Uint8Array(20).fill(spi),
  };
}

let engine: EspEngine;
let sas: EspSas;
beforeEach(() => {
  engine = referenceEspEngine(nodePrimitives, new SeededRandom(1));
  sas = new EspSas(engine, { tap: undefined });
});

/** Pair `n` has inbound SPI `n` and outbound SPI `n + 100`. */
function add(n: number, isKnown: boolean, now = 0): void {
  sas.add(sa(n), sa(n + 100), CHANNEL, isKnown, now);
}

const used = (): number | undefined => sas.outbound?.sealer.spi;

/** A packet of the peer's by the pair with inbound SPI `spi`. */
function receive(spi: number): number {
  const peer = referenceEspEngine(nodePrimitives, new SeededRandom(2));
  const packet = peer.slots[0]!;
  packet.end = packet.start + 8;
  peer.sealer(sa(spi)).seal(0, 1, 17, CHANNEL);
  const slot = engine.slots[0]!;
  const bytes = packet.bytes.slice(packet.start + 3, packet.end);
  slot.bytes.set(bytes, slot.start);
  slot.end = slot.start + bytes.length;
  engine.open(0, 1);
  sas.opened();
  return engine.results[0]!;
}

test('the first pair is used at once, and so is one that the peer began', () => {
  add(1, false);
  expect(used()).toBe(101);
  add(2, true);
  expect(used()).toBe(102);
  expect(sas.deadline).toBeUndefined();
});

test('one that we began is used when the peer sends by it', () => {
  add(1, false);
  add(2, false);
  expect(used()).toBe(101);
  expect(receive(1)).toBe(OpenResult.ok);
  expect(used()).toBe(101);
  expect(receive(2)).toBe(OpenResult.ok);
  expect(used()).toBe(102);
});

test('or says that it has it, or after a while', () => {
  add(1, false);
  add(2, false);
  sas.confirm(1);
  expect(used()).toBe(101);
  sas.confirm(2);
  expect(used()).toBe(102);
  add(3, false, 1_000);
  expect(sas.deadline).toBe(1_000 + CONFIRM_MILLIS);
  sas.timeout(999 + CONFIRM_MILLIS);
  expect(used()).toBe(102);
  sas.timeout(1_000 + CONFIRM_MILLIS);
  expect(used()).toBe(103);
});

test('when the old one goes before that', () => {
  add(1, false);
  add(2, false);
  sas.forget(1);
  expect(used()).toBe(102);
  expect(sas.deadline).toBeUndefined();
});

test('what takes the place of one that goes is the newest that is left, where its numbers had come to', () => {
  add(1, false);
  const slot = engine.slots[0]!;
  slot.end = slot.start + 8;
  sas.outbound!.sealer.seal(0, 1, 17, CHANNEL);
  add(2, true);
  sas.open(sa(3));
  sas.forget(2);
  expect(used()).toBe(101);
  expect(sas.outbound!.sealer.sequence).toBe(1);
  sas.forget(1);
  expect(sas.outbound).toBeUndefined();
});

test('packets are opened before the pair stands, and what is opened once is not opened again after', () => {
  add(1, false);
  sas.open(sa(2));
  expect(receive(2)).toBe(OpenResult.ok);
  expect(used()).toBe(101);
  add(2, true);
  expect(receive(2)).toBe(OpenResult.replayed);
  expect(used()).toBe(102);
});

test('few pairs are held, the used one among them', () => {
  add(1, false);
  for (let n = 2; n <= MAX_PAIRS + 3; n++) sas.open(sa(n));
  expect(used()).toBe(101);
  expect(receive(1)).toBe(OpenResult.ok);
  expect(receive(2)).toBe(OpenResult.unknownSpi);
  expect(receive(MAX_PAIRS + 3)).toBe(OpenResult.ok);
});

test('what a pair has carried is the busier direction’s', () => {
  add(1, false);
  expect(sas.usage).toEqual({ spi: 1, octets: 0, packets: 0 });
  receive(1);
  expect(sas.usage!.octets).toBeGreaterThan(8);
  expect(sas.usage!.packets).toBe(0);
  sas.close();
  expect(sas.usage).toBeUndefined();
});
