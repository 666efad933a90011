/**
 * How fast ESP packets are sealed and opened: the WASM engine, the noble reference and node:crypto take turns in one run,
 * so that a slow moment of the machine hits all of them. Prints medians, in thousands of packets a second.
 *
 *     npx tsx bench/esp.ts
 */
import { webcrypto } from 'node:crypto';
import { nobleSuite } from '../shared/crypto/noble.ts';
import {
  type EspEngine,
  type EspSaParameters,
  OpenResult,
  SEALED_HEADER,
  SLOT_HEADROOM,
} from '../shared/esp/engine.ts';
import type { Bytes, Random } from '../shared/wire/bytes.ts';
import { wasmSuite } from '../tests/support/wasm-suite.ts';
import { nodeEspEngine } from './node-esp.ts';

const PAYLOAD = 1400;
const BATCHES = [1, 32];
const ROUNDS = 15;
const WARM_UP_ROUNDS = 3;
const SLICE_MS = 25;
/** Packets that an inbound SA is given before a fresh one takes over, since none may be opened twice. */
const SUPPLY = 512;
const NEXT_HEADER = 17;
const CHANNEL = 1;

const random: Random = { bytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)) };

const SUITES: Readonly<Record<string, EspSaParameters>> = {
  'AES128-CBC + SHA1': {
    spi: 0x1234_5678,
    cipher: 'aes-cbc',
    cipherKey: random.bytes(16),
    integrity: 'hmac-sha1-96',
    integrityKey: random.bytes(20),
  },
  'AES256-CBC + SHA256': {
    spi: 0x1234_5678,
    cipher: 'aes-cbc',
    cipherKey: random.bytes(32),
    integrity: 'hmac-sha2-256-128',
    integrityKey: random.bytes(32),
  },
  'AES128-GCM': { spi: 0x1234_5678, cipher: 'aes-gcm-16', cipherKey: random.bytes(20) },
};

/** Does its work for about `SLICE_MS` and answers packets per second. */
type Contestant = () => number;

function sealing(engine: EspEngine, parameters: EspSaParameters, batch: number): Contestant {
  const sealer = engine.sealer(parameters);
  return () => {
    let packets = 0;
    const began = performance.now();
    let elapsed = 0;
    while (elapsed < SLICE_MS) {
      for (let i = 0; i < batch; i++) {
        const slot = engine.slots[i]!;
        slot.start = SLOT_HEADROOM;
        slot.end = SLOT_HEADROOM + PAYLOAD;
      }
      packets += sealer.seal(0, batch, NEXT_HEADER, CHANNEL);
      elapsed = performance.now() - began;
    }
    return (packets / elapsed) * 1000;
  };
}

function opening(
  engine: EspEngine,
  parameters: EspSaParameters,
  batch: number,
  supply: readonly Bytes[],
): Contestant {
  return () => {
    let packets = 0;
    let elapsed = 0;
    while (elapsed < SLICE_MS) {
      const sa = engine.inbound(parameters);
      const began = performance.now();
      for (let at = 0; at < supply.length; at += batch) {
        for (let i = 0; i < batch; i++) {
          const slot = engine.slots[i]!;
          const packet = supply[at + i]!;
          slot.bytes.set(packet, SLOT_HEADROOM);
          slot.start = SLOT_HEADROOM;
          slot.end = SLOT_HEADROOM + packet.length;
        }
        engine.open(0, batch);
      }
      elapsed += performance.now() - began;
      packets += supply.length;
      sa.close();
      const failed = engine.results.subarray(0, batch).some((result) => result !== OpenResult.ok);
      if (failed) throw new Error('a packet failed');
    }
    return (packets / elapsed) * 1000;
  };
}

function sealedPackets(engine: EspEngine, parameters: EspSaParameters): readonly Bytes[] {
  const sealer = engine.sealer(parameters);
  const slot = engine.slots[0]!;
  const packets = Array.from({ length: SUPPLY }, () => {
    slot.start = SLOT_HEADROOM;
    slot.end = SLOT_HEADROOM + PAYLOAD;
    sealer.seal(0, 1, NEXT_HEADER, CHANNEL);
    return slot.bytes.slice(slot.start + SEALED_HEADER, slot.end);
  });
  sealer.close();
  return packets;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Medians of contestants that take turns. */
function race(contestants: Readonly<Record<string, Contestant>>): Record<string, number> {
  const names = Object.keys(contestants);
  const rates: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const name of names) {
      const rate = contestants[name]!();
      if (round >= 0) rates[name]!.push(rate);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(rates[name]!)]));
}

const engines: Readonly<Record<string, EspEngine>> = {
  wasm: (await wasmSuite(random)).esp,
  noble: nobleSuite(random).esp,
  node: nodeEspEngine(),
};

console.log(`${PAYLOAD}-byte payloads, thousands of packets a second, Node ${process.version}`);
console.log(
  'suite                 work   batch     wasm    noble     node   wasm/noble  wasm/node',
);
for (const [name, parameters] of Object.entries(SUITES)) {
  const supply = sealedPackets(engines.noble!, parameters);
  for (const work of ['seal', 'open'] as const) {
    for (const batch of BATCHES) {
      const contestant = (engine: EspEngine) =>
        work === 'seal'
          ? sealing(engine, parameters, batch)
          : opening(engine, parameters, batch, supply);
      const { wasm, noble, node } = race(
        Object.fromEntries(Object.entries(engines).map(([key, e]) => [key, contestant(e)])),
      ) as { wasm: number; noble: number; node: number };
      const columns = [wasm, noble, node].map((rate) => (rate / 1000).toFixed(1).padStart(8));
      const ratios = [wasm / noble, wasm / node].map((ratio) => ratio.toFixed(1).padStart(10));
      console.log(
        `${name.padEnd(21)} ${work}   ${String(batch).padStart(5)} ${columns.join(' ')} ${ratios.join(' ')}`,
      );
    }
  }
}
