/** Somebody on the way meddles with one message after the other of every exchange: what was begun still comes to its end. */
import { describe, expect, test } from 'vitest';
import type { IkeConfig } from '../../shared/ike/config.ts';
import { type Aggressive, groupIdentity } from '../../shared/ike/credentials.ts';
import { decodeMessage } from '../../shared/isakmp/message.ts';
import { HeaderFlag } from '../../shared/isakmp/numbers.ts';
import { type Bytes, toHex } from '../../shared/wire/bytes.ts';
import { IkePair, type PairOptions, type Side } from './ike-pair.ts';

const SIDES = ['client', 'server'] as const;
const HEADER = 28;

/** An exchange: how two come to it, and what it ends in. */
interface Scene {
  readonly name: string;
  readonly options?: PairOptions;
  /** Before the meddling. */
  readonly prepare?: (pair: IkePair) => void;
  readonly begin: (pair: IkePair) => void;
  readonly done: (pair: IkePair) => boolean;
}

const start = (pair: IkePair) => pair.give('client', { kind: 'start' });
const connect = (pair: IkePair) => expect(pair.connect()).toBe(true);
const childrenAre = (count: number) => (pair: IkePair) =>
  SIDES.every((side) => pair.children(side) === count);
/** The new IKE SA brings IPsec SAs of its own. */
const isRenewed = (pair: IkePair) =>
  SIDES.every((side) => pair.traces(side, 'ike-renewed').length > 0 && pair.children(side) > 1);

function knowing(aggressive: Aggressive): Partial<IkeConfig> {
  const key = new TextEncoder().encode('a shared secret');
  return { credentials: { kind: 'pre-shared-key', key, aggressive } };
}

/** A renewal of the IKE SA is due after a minute. */
const shortIke = { ikeLifetime: { seconds: 120 } };

const SCENES: readonly Scene[] = [
  { name: 'main mode and Quick Mode', begin: start, done: childrenAre(1) },
  {
    name: 'aggressive mode and Quick Mode',
    options: {
      client: knowing({ group: 2, identity: groupIdentity('staff') }),
      server: knowing({ group: 2, identity: groupIdentity('gateway') }),
    },
    begin: start,
    done: childrenAre(1),
  },
  ...SIDES.flatMap((side) => [
    {
      name: `another Quick Mode, begun by the ${side}`,
      prepare: connect,
      begin: (pair: IkePair) => pair.give(side, { kind: 'rekey-child' }),
      done: childrenAre(2),
    },
    {
      name: `another main mode, begun by the ${side}`,
      options: { [side]: shortIke },
      prepare: connect,
      begin: () => {},
      done: isRenewed,
    },
  ]),
];

interface Message {
  readonly from: Side;
  readonly bytes: Bytes;
}

/** What arrives in place of message `at`, given all up to it. `undefined`: it does not apply to it. */
type Meddling = (messages: readonly Message[], at: number) => readonly Bytes[] | undefined;

const isEncrypted = (bytes: Bytes) =>
  (decodeMessage(bytes).header.flags & HeaderFlag.encryption) !== 0;

/** The first `length` bytes, whose header says that there are no more. */
function cut(bytes: Bytes, length: number): Bytes {
  const short = bytes.slice(0, length);
  if (length >= HEADER) new DataView(short.buffer).setUint32(24, length);
  return short;
}

function changed(bytes: Bytes, at: number): Bytes {
  const other = bytes.slice();
  other[at]! ^= 0x40;
  return other;
}

const MEDDLINGS: Readonly<Record<string, Meddling>> = {
  'everything before it again, to both': (messages, at) => [
    ...messages.slice(0, at).map(({ bytes }) => bytes),
    messages[at]!.bytes,
  ],
  'it three times': (messages, at) => Array(3).fill(messages[at]!.bytes),
  'its own message, sent back': (messages, at) => {
    const mine = messages.slice(0, at).findLast(({ from }) => from !== messages[at]!.from);
    return mine && [mine.bytes, messages[at]!.bytes];
  },
  'it truncated, then whole': (messages, at) => {
    const { bytes } = messages[at]!;
    const lengths = [0, 1, HEADER - 1, HEADER, HEADER + 3, bytes.length >> 1, bytes.length - 1];
    return [...lengths.flatMap((length) => [bytes.slice(0, length), cut(bytes, length)]), bytes];
  },
  // Nothing but the payloads is proven of an encrypted message: a block more in it goes for true, and the next one cannot be read.
  'it with too much behind it, then as it is': (messages, at) => {
    const { bytes } = messages[at]!;
    const long = new Uint8Array(bytes.length + 16);
    long.set(bytes);
    return isEncrypted(bytes) ? [long, bytes] : [long, cut(long, long.length), bytes];
  },
  'it forged in every byte, where it is encrypted, then as it is': (messages, at) => {
    const { bytes } = messages[at]!;
    if (!isEncrypted(bytes)) return undefined;
    const places = Array.from({ length: bytes.length - HEADER }, (_, i) => HEADER + i);
    return [...places.map((place) => changed(bytes, place)), bytes];
  },
};

/** Plays a scene, in which `meddle` replaces messages; those of the preparation go as they are. */
function play(
  scene: Scene,
  meddle: (messages: readonly Message[], at: number) => readonly Bytes[],
) {
  const messages: Message[] = [];
  let meddles = false;
  const pair = new IkePair({
    ...scene.options,
    tap: (from, bytes) => {
      if (!meddles) return [bytes];
      messages.push({ from, bytes });
      return meddle(messages, messages.length - 1);
    },
  });
  scene.prepare?.(pair);
  meddles = true;
  scene.begin(pair);
  const isDone = pair.run(() => scene.done(pair), 300_000);
  return { pair, messages, isDone };
}

/** Both stand, with the same keys. */
function expectWhole({ pair, isDone }: ReturnType<typeof play>, label: string): void {
  expect([isDone, pair.closed('client'), pair.closed('server')], label).toEqual([
    true,
    undefined,
    undefined,
  ]);
  const [ours, theirs] = SIDES.map((side) => pair.lastChild(side));
  expect(toHex(ours!.outbound.cipherKey), label).toBe(toHex(theirs!.inbound.cipherKey));
  expect(toHex(ours!.inbound.cipherKey), label).toBe(toHex(theirs!.outbound.cipherKey));
  pair.run(() => false, 5_000);
  expect([pair.closed('client'), pair.closed('server')], label).toEqual([undefined, undefined]);
}

describe.each(SCENES)('$name', (scene) => {
  const { messages } = play(scene, (all, at) => [all[at]!.bytes]);

  test('has messages to meddle with', () => {
    expect(messages.length).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.entries(MEDDLINGS))('%s', (_name, meddling) => {
    let applied = 0;
    for (const target of messages.keys()) {
      const result = play(scene, (all, at) => {
        const instead = at === target ? meddling(all, at) : undefined;
        if (instead !== undefined) applied++;
        return instead ?? [all[at]!.bytes];
      });
      expectWhole(result, `message ${target + 1}`);
    }
    expect(applied).toBeGreaterThanOrEqual(2);
  });

  test('it held back, until after the next from the same side', () => {
    for (const target of messages.keys()) {
      let held: Bytes | undefined;
      const result = play(scene, (all, at) => {
        const { from, bytes } = all[at]!;
        if (at === target) {
          held = bytes;
          return [];
        }
        if (held === undefined || from !== all[target]!.from) return [bytes];
        const late = held;
        held = undefined;
        return [bytes, late];
      });
      expectWhole(result, `message ${target + 1}`);
    }
  });
});
