/** Somebody on the way meddles with one message after the other of every exchange: what was begun still comes to its end. */
import { describe, expect, test } from 'vitest';
import type { IkeConfig } from '../../shared/ike/config.ts';
import { type Aggressive, groupIdentity, type XauthAccount } from '../../shared/ike/credentials.ts';
import type { ChildEstablished, IkeOutput } from '../../shared/ike/io.ts';
import { decodeMessage } from '../../shared/isakmp/message.ts';
import { ExchangeType, HeaderFlag } from '../../shared/isakmp/numbers.ts';
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

function knowing(more: object): Partial<IkeConfig> {
  const key = new TextEncoder().encode('a shared secret');
  return { credentials: { kind: 'pre-shared-key', key, ...more } };
}

const aggressive = (name: string) => ({
  aggressive: { group: 2, identity: groupIdentity(name) } satisfies Aggressive,
});
const asked = { xauth: { userName: 'alice', password: 'wonderland' } };
const asking = {
  admits: ({ userName, password }: XauthAccount) =>
    userName === 'alice' && password === 'wonderland',
};

/** A renewal of the IKE SA is due after a minute. */
const shortIke = { ikeLifetime: { seconds: 120 } };

/** Both have asked whether the other lives, and would have given up after so long without an answer. */
const LATER = 45_000;

const SCENES: readonly Scene[] = [
  { name: 'main mode and Quick Mode', begin: start, done: childrenAre(1) },
  {
    name: 'aggressive mode and Quick Mode',
    options: { client: knowing(aggressive('staff')), server: knowing(aggressive('gateway')) },
    begin: start,
    done: childrenAre(1),
  },
  {
    name: 'main mode, XAUTH and Quick Mode',
    options: { client: knowing(asked), server: knowing(asking) },
    begin: start,
    done: childrenAre(1),
  },
  {
    name: 'aggressive mode, XAUTH and Quick Mode',
    options: {
      client: knowing({ ...aggressive('staff'), ...asked }),
      server: knowing({ ...aggressive('gateway'), ...asking }),
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
    {
      name: `another aggressive mode with XAUTH, begun by the ${side}`,
      options: {
        client: {
          ...knowing({ ...aggressive('staff'), ...asked }),
          ...(side === 'client' && shortIke),
        },
        server: {
          ...knowing({ ...aggressive('gateway'), ...asking }),
          ...(side === 'server' && shortIke),
        },
      },
      prepare: connect,
      begin: () => {},
      done: isRenewed,
    },
    {
      name: `a question of the ${side}'s whether the other lives`,
      prepare: connect,
      begin: (pair: IkePair) => pair.give(side, { kind: 'unreachable' }),
      done: (pair: IkePair) => pair.now > LATER,
    },
    {
      name: `a Delete of the ${side}'s`,
      options: { client: { childLifetime: { seconds: 3_600, kilobytes: 10_000 } } },
      prepare: (pair: IkePair) => {
        connect(pair);
        pair.give('client', { kind: 'rekey-child' });
        expect(pair.run(() => childrenAre(2)(pair))).toBe(true);
      },
      begin: (pair: IkePair) => {
        const [{ inbound }] = pair.all(side, 'child-established') as [ChildEstablished];
        pair.give(side, { kind: 'used', spi: inbound.spi, octets: 10_000 * 1024, packets: 9 });
      },
      done: (pair: IkePair) =>
        pair.now > LATER && SIDES.every((each) => pair.all(each, 'child-deleted').length === 1),
    },
  ]),
];

interface Message {
  readonly from: Side;
  readonly bytes: Bytes;
}

/** What arrives in place of message `at`, given all up to it. `undefined`: it does not apply to it. */
type Meddling = (messages: readonly Message[], at: number) => readonly Bytes[] | undefined;

/** Every message but those of the preparation, as it is sent: what is sent instead. */
type Meddle = (messages: readonly Message[], at: number) => readonly Bytes[];

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
};

const untouched: Meddle = (messages, at) => [messages[at]!.bytes];

/** Plays a scene, in which `meddle` replaces messages, and `watch` sees those that arrive before they are handled. */
function play(
  scene: Scene,
  meddle: Meddle,
  watch?: (pair: IkePair, ...arrival: Parameters<NonNullable<PairOptions['arriving']>>) => void,
) {
  const messages: Message[] = [];
  let meddles = false;
  const pair: IkePair = new IkePair({
    ...scene.options,
    arriving: (...arrival) => {
      if (meddles) watch?.(pair, ...arrival);
    },
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

/** How many bytes of an encrypted body a hash proves: in phase 1 not what comes behind it, NAT-D payloads and RESPONDER-LIFETIME. */
function proven(bytes: Bytes): number {
  const { exchangeType } = decodeMessage(bytes).header;
  return PHASE1.includes(exchangeType) ? IDENTITY_AND_HASH : bytes.length - HEADER;
}

const PHASE1: readonly number[] = [ExchangeType.identityProtection, ExchangeType.aggressive];

/** 12 and 36 bytes; in aggressive mode HASH_I alone, which fills the same blocks. */
const IDENTITY_AND_HASH = 48;

/** A message that proves nothing may be told to be wrong, in clear, and be taken for a sign of a wrong key. */
function isNoDrop(output: IkeOutput): boolean {
  if (output.kind === 'transmit') return isEncrypted(output.bytes);
  return output.kind !== 'trace' || !['dropped', 'refused', 'suspicion'].includes(output.event);
}

/** What there is, at both ends. */
function state(pair: IkePair) {
  return SIDES.map((side) => ({
    made: pair.children(side),
    deleted: pair.all(side, 'child-deleted').length,
    renewed: pair.traces(side, 'ike-renewed').length,
  }));
}

/** Where both ends have a pair of SAs it is the same one. */
function expectSameKeys(pair: IkePair, label: string): void {
  const [ours, theirs] = SIDES.map((side) => pair.all(side, 'child-established').at(-1));
  if (ours === undefined || theirs === undefined) return;
  expect(toHex(ours.outbound.cipherKey), label).toBe(toHex(theirs.inbound.cipherKey));
  expect(toHex(ours.inbound.cipherKey), label).toBe(toHex(theirs.outbound.cipherKey));
}

/** Every so manieth byte is forged: with another one from message to message, so all fields have their turn. */
const STRIDE = 7;

/** What an attempt that was thwarted is told to have ended by; in aggressive mode the responder judges last, when the initiator has moved on. */
const CAUSES = [
  'IKE_AUTHENTICATION_FAILED',
  'IKE_NO_PROPOSAL_CHOSEN',
  'IKE_NO_RESPONSE',
  'IKE_REFUSED',
  'IKE_QUICK_MODE_FAILED',
  'IKE_XAUTH_FAILED',
];

/** Both stand, with the same keys, and as they would have without any meddling. */
function expectWhole(
  { pair, isDone }: ReturnType<typeof play>,
  label: string,
  reference: ReturnType<typeof play>,
): void {
  expect([isDone, pair.closed('client'), pair.closed('server')], label).toEqual([
    true,
    undefined,
    undefined,
  ]);
  expectSameKeys(pair, label);
  expect(state(pair), label).toEqual(state(reference.pair));
  pair.run(() => false, 5_000);
  expect([pair.closed('client'), pair.closed('server')], label).toEqual([undefined, undefined]);
}

describe.each(SCENES)('$name', (scene) => {
  const reference = play(scene, untouched);
  const { messages } = reference;

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
      expectWhole(result, `message ${target + 1}`, reference);
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
      expectWhole(result, `message ${target + 1}`, reference);
    }
  });

  test('it forged in any byte, where it is encrypted, is dropped and changes nothing', () => {
    let forged = 0;
    const result = play(scene, untouched, (pair, to, channel, bytes) => {
      if (!isEncrypted(bytes)) return;
      for (let place = HEADER; place < HEADER + proven(bytes); place++) {
        forged++;
        const forgery = changed(bytes, place);
        const outputs = pair.give(to, { kind: 'datagram', channel, bytes: forgery });
        expect(outputs.filter(isNoDrop), `byte ${place} of ${toHex(bytes)}`).toEqual([]);
        expect(outputs.length).toBeGreaterThan(0);
      }
    });
    expectWhole(result, 'forged', reference);
    expect(forged).toBeGreaterThan(100);
  });

  // Nobody has proved anything yet, so the forgery may be what is believed: then the proof is wrong, and it begins anew or is given up.
  test('it forged where it is in clear, before it as it is: at worst an attempt comes to nothing', () => {
    const isBesideATunnel = scene.prepare !== undefined;
    let applied = 0;
    for (const [target, { bytes }] of messages.entries()) {
      if (isEncrypted(bytes)) continue;
      for (let place = target % STRIDE; place < bytes.length; place += STRIDE) {
        applied++;
        const { pair, isDone } = play(scene, (all, at) => {
          const own = all[at]!.bytes;
          return at === target && place < own.length ? [changed(own, place), own] : [own];
        });
        const label = `message ${target + 1}, byte ${place}`;
        const failures = SIDES.map((side) => pair.closed(side)?.failure?.code);
        if (isBesideATunnel)
          expect([isDone, ...failures], label).toEqual([true, undefined, undefined]);
        else if (!isDone) expect(CAUSES, label).toContain(failures[0]);
        expectSameKeys(pair, label);
      }
    }
    expect(applied > 0).toBe(messages.some(({ bytes }) => !isEncrypted(bytes)));
  });
});
