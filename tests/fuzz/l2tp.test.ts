/** L2TP in both roles, in every state that messages of an honest pair lead to. */
import fc from 'fast-check';
import { findAvp } from '../../shared/l2tp/avp.ts';
import { L2tp, type L2tpInput, type L2tpOutput } from '../../shared/l2tp/l2tp.ts';
import { decodeControl, encodeControl } from '../../shared/l2tp/message.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';
import { fuzz } from './support/campaign.ts';
import { actions, Duel } from './support/duel.ts';
import { insist } from './support/insist.ts';
import { mutate, mutations, octets } from './support/mutation.ts';
import { Watched } from './support/watch.ts';

const TUNNEL_SECRET = 'hush-hush-5150';

/** In this time, with nobody answering, everything has come to an end. */
const END_MILLIS = 300_000;

const script = fc.array(actions, { maxLength: 40 });
const seed = fc.nat({ max: 7 });
const prefix = fc.nat({ max: 24 });

function l2tpDuel(seedValue: number, secret: Bytes | undefined): Duel<L2tpInput, L2tpOutput> {
  const machine = (role: 'lac' | 'lns') =>
    new L2tp({
      role,
      random: new SeededRandom(seedValue * 2 + (role === 'lac' ? 1 : 2)),
      hostName: role,
      primitives: nodePrimitives,
      ...(secret && { secret }),
    });
  const pair = new Duel<L2tpInput, L2tpOutput>(machine('lac'), machine('lns'), {
    message: (output) =>
      output.kind === 'transmit' ? { kind: 'datagram', bytes: output.bytes } : undefined,
    invented: (bytes) => ({ kind: 'datagram', bytes }),
    timeout: { kind: 'timeout' },
    commands: [{ kind: 'timeout' }, { kind: 'close' }, { kind: 'timeout' }],
    secrets: [TUNNEL_SECRET],
  });
  pair.give('client', { kind: 'open' });
  return pair;
}

fuzz({
  name: 'l2tp, somebody in the middle',
  input: fc.record({ seed, withSecret: fc.boolean(), prefix, script }),
  check: ({ seed: value, withSecret, prefix: count, script: steps }) => {
    const secret = new TextEncoder().encode(TUNNEL_SECRET);
    const pair = l2tpDuel(value, withSecret ? secret : undefined);
    pair.deliver(count);
    for (const action of steps) pair.do(action);
    for (const side of ['client', 'server'] as const) {
      if (pair.closed(side) === 0) pair.give(side, { kind: 'close' });
    }
    pair.pass(END_MILLIS);
    insist(pair.closed('client') === 1 && pair.closed('server') === 1, 'not closed');
  },
});

fuzz({
  name: 'l2tp, a peer that keeps its numbers right',
  input: fc.record({
    seed,
    prefix: fc.nat({ max: 8 }),
    script: fc.array(
      fc.record({
        /** Which of our machine's own messages is the pattern. */
        type: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.nat({ max: 0xffff })),
        avps: fc.array(
          fc.record({
            code: fc.nat({ max: 40 }),
            flags: fc.constantFrom(0x8000, 0, 0x4000, 0xc000, 0x8400),
            vendor: fc.constantFrom(0, 0, 0, 9),
            value: octets(24),
          }),
          { maxLength: 12 },
        ),
        session: fc.constantFrom('ours', 'none', 'other'),
        changes: mutations,
        ahead: fc.constantFrom(0, 0, 0, 0, 1, 3, 9),
        acknowledges: fc.boolean(),
        millis: fc.constantFrom(0, 0, 0, 1_000, 60_000),
      }),
      { maxLength: 40 },
    ),
  }),
  check: ({ seed: value, script: steps, prefix: count }) => {
    const lac = new L2tp({
      role: 'lac',
      random: new SeededRandom(value),
      hostName: 'lac',
      primitives: nodePrimitives,
    });
    const watched = new Watched<L2tpInput, L2tpOutput>(lac, 0);
    const known = { tunnel: 0, session: 0, sent: 0, ns: 0 };
    const take = (outputs: readonly L2tpOutput[]) => {
      for (const output of outputs) if (output.kind === 'transmit') learn(output.bytes, known);
    };
    take(watched.handle({ kind: 'open' }));
    // An honest answer or two first, so that all states are reached.
    const opening = [
      { type: 2, avps: [avp(2, [1, 0]), avp(3, [0, 0, 0, 3]), avp(7, [103]), avp(9, [1, 1])] },
      { type: 11, avps: [avp(14, [2, 2])] },
    ].slice(0, count % 3);
    for (const { type, avps } of opening) {
      take(watched.handle(message(known, type, concat(...avps), known.session, 0, true, [])));
    }
    for (const { type, avps, session, changes, ahead, acknowledges, millis } of steps) {
      watched.pass(watched.now + millis, { kind: 'timeout' }, take);
      const body = concat(
        ...avps.map(({ code, flags, vendor, value: bytes }) => {
          const head = Uint8Array.of((flags >>> 8) | 0, 6 + bytes.length, 0, vendor, 0, code);
          return concat(head, bytes);
        }),
      );
      const sessionId = session === 'ours' ? known.session : session === 'none' ? 0 : 4242;
      take(watched.handle(message(known, type, body, sessionId, ahead, acknowledges, changes)));
    }
    if (watched.closed === 0) take(watched.handle({ kind: 'close' }));
    watched.pass(watched.now + END_MILLIS, { kind: 'timeout' }, take);
    insist(watched.closed === 1, 'not closed');
  },
});

interface Known {
  tunnel: number;
  session: number;
  /** Messages of the machine's, so that they can be acknowledged. */
  sent: number;
  ns: number;
}

function learn(bytes: Bytes, known: Known): void {
  const decoded = decodeControl(bytes);
  if (decoded.kind === 'zlb') return;
  known.sent = Math.max(known.sent, decoded.ns + 1);
  known.tunnel ||= findAvp(decoded.avps, 'assignedTunnelId') ?? 0;
  known.session ||= findAvp(decoded.avps, 'assignedSessionId') ?? 0;
}

function avp(code: number, value: readonly number[]): Bytes {
  return Uint8Array.of(0x80, 6 + value.length, 0, 0, 0, code, ...value);
}

/** A message of that type in its turn, or `ahead` of it. */
function message(
  known: Known,
  type: number,
  body: Bytes,
  sessionId: number,
  ahead: number,
  acknowledges: boolean,
  changes: Parameters<typeof mutate>[1],
): L2tpInput {
  const ns = known.ns + ahead;
  if (ahead === 0) known.ns++;
  const nr = acknowledges ? known.sent : 0;
  const head = encodeControl({
    kind: 'message',
    tunnelId: known.tunnel,
    sessionId,
    ns,
    nr,
    type,
    mandatory: true,
    avps: [],
  });
  const damaged = mutate(body, changes, 1_500);
  const bytes = concat(head, damaged);
  bytes[2] = bytes.length >>> 8;
  bytes[3] = bytes.length;
  return { kind: 'datagram', bytes };
}
