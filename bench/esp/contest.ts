/** The ESP contest: who takes part, that all of them do the same, and the laps of each. Runs in Node and in a worker. */
import type { EspEngine, EspSaParameters } from '../../shared/esp/engine.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { type Lap, race } from '../harness/race.ts';
import { type Row, rowOf, type Unit } from '../harness/results.ts';
import {
  allAtOnce,
  type EspContestant,
  Layout,
  oneByOne,
  type PacketCipher,
} from './contestant.ts';
import { npmPeers } from './npm-peers.ts';
import { type OurContestant, ours } from './ours.ts';
import { BATCHES, PAYLOAD, PAYLOADS, SUITES } from './suites.ts';
import { webCrypto } from './webcrypto.ts';

/** Milliseconds: of processor time that the program has used, with all its threads, or by the wall. */
export type Clock = () => number | Promise<number>;

export interface Field {
  readonly where: string;
  readonly clock: Clock;
  /** Of the figures, as the clock has it. */
  readonly unit: Unit;
  /** Our builds, the one that the loader would choose first. */
  readonly engines: Readonly<Record<string, EspEngine>>;
  /** What only this place has. */
  readonly native?: Readonly<Record<string, (sa: EspSaParameters) => PacketCipher<void, Bytes>>>;
  readonly rounds: number;
}

const WARM_UP_ROUNDS = 3;
const SLICE_MS = 25;
/** Packets between two looks at the clock, and so many are there to be opened. */
const SUPPLY = 512;

/** Each suite and direction, batch and single packet; tells `say` what it is at. */
export async function espRows(field: Field, say: (line: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, parameters] of Object.entries(SUITES)) {
    const builds = Object.entries(field.engines).map(
      ([build, engine]) => [build, ours(engine, parameters)] as const,
    );
    const peers = await peerContestants(field, parameters);
    const everyone = new Map<string, EspContestant>([...builds, ...Object.entries(peers)]);
    const supply = await verified(everyone, parameters);
    for (const work of ['seal', 'open'] as const) {
      for (const batch of BATCHES) {
        say(`${name} ${work}, ${batch === 1 ? 'one packet' : `batch of ${batch}`}`);
        const contestants = Object.fromEntries(
          [...everyone].map(([who, contestant]) => [
            who,
            work === 'seal'
              ? sealing(contestant, parameters, batch, field.clock)
              : opening(contestant, batch, supply, field.clock),
          ]),
        );
        const laps = await race(contestants, { rounds: field.rounds, warmUp: WARM_UP_ROUNDS });
        const theirs = Object.fromEntries(Object.keys(peers).map((who) => [who, laps[who]!]));
        builds.forEach(([build], index) => {
          const suffix = index === 0 ? '' : `, ${build}`;
          const head = {
            bench: 'esp',
            case: `${name} ${work}, ${batch === 1 ? 'one packet' : `batch of ${batch}`}${suffix}`,
            where: field.where,
            unit: field.unit,
          };
          rows.push(rowOf(head, laps[build]!, theirs));
        });
      }
    }
    for (const [, contestant] of builds) contestant.close();
  }
  return rows;
}

async function peerContestants(
  { native = {} }: Field,
  parameters: EspSaParameters,
): Promise<Record<string, EspContestant>> {
  const sync = Object.entries(await npmPeers(parameters));
  for (const [name, make] of Object.entries(native)) sync.push([name, make(parameters)]);
  return {
    ...Object.fromEntries(sync.map(([name, cipher]) => [name, oneByOne(parameters, cipher)])),
    WebCrypto: allAtOnce(parameters, await webCrypto(parameters)),
  };
}

/** Throws unless everyone opens what everyone seals; answers packets to open. */
async function verified(
  everyone: ReadonlyMap<string, EspContestant>,
  parameters: EspSaParameters,
): Promise<readonly Bytes[]> {
  const layout = new Layout(parameters);
  const frame = new Uint8Array(PAYLOADS.length * layout.stride);
  const out = new Uint8Array(PAYLOADS.length * PAYLOAD);
  let supply: Bytes[] = [];
  for (const [sealer, sealing] of everyone) {
    supply = [];
    while (supply.length < SUPPLY) {
      await sealing.seal(PAYLOADS, frame);
      for (let i = 0; i < PAYLOADS.length; i++) supply.push(layout.packetIn(frame, i).slice());
    }
    for (const [opener, opening] of everyone) {
      out.fill(0);
      renew(opening);
      await opening.open(supply.slice(0, PAYLOADS.length), out);
      for (const [i, payload] of PAYLOADS.entries()) {
        const found = out.subarray(i * PAYLOAD, (i + 1) * PAYLOAD);
        if (payload.every((byte, at) => byte === found[at])) continue;
        throw new Error(`${opener} does not open what ${sealer} seals`);
      }
    }
  }
  return supply;
}

function sealing(
  contestant: EspContestant,
  parameters: EspSaParameters,
  batch: number,
  clock: Clock,
): Lap {
  const frame = new Uint8Array(batch * new Layout(parameters).stride);
  const batches = batchesOf(PAYLOADS, batch);
  return lap(clock, async () => {
    for (let i = 0; i < SUPPLY; i += batch) {
      const done = contestant.seal(batches[(i / batch) % batches.length]!, frame);
      if (done !== undefined) await done;
    }
  });
}

function opening(
  contestant: EspContestant,
  batch: number,
  supply: readonly Bytes[],
  clock: Clock,
): Lap {
  const out = new Uint8Array(batch * PAYLOAD);
  const batches = batchesOf(supply, batch);
  return lap(clock, async () => {
    renew(contestant);
    for (const packets of batches) {
      const done = contestant.open(packets, out);
      if (done !== undefined) await done;
    }
  });
}

/** Thousands of packets per second of the clock; `work` is done with `SUPPLY` of them at a time. */
function lap(clock: Clock, work: () => Promise<void>): Lap {
  return async () => {
    let packets = 0;
    const began = await clock();
    const until = performance.now() + SLICE_MS;
    do {
      await work();
      packets += SUPPLY;
    } while (performance.now() < until);
    return packets / ((await clock()) - began);
  };
}

function renew(contestant: EspContestant): void {
  (contestant as Partial<OurContestant>).renew?.();
}

function batchesOf(all: readonly Bytes[], batch: number): readonly (readonly Bytes[])[] {
  return Array.from({ length: all.length / batch }, (_, i) =>
    all.slice(i * batch, (i + 1) * batch),
  );
}
