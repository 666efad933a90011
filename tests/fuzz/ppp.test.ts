/** PPP in both roles, in every state that messages of an honest pair lead to. */
import fc from 'fast-check';
import { Ppp, type PppInput, type PppOutput } from '../../shared/ppp/ppp.ts';
import { concat } from '../../shared/wire/bytes.ts';
import { clientConfig, serverConfig } from '../sim/ppp/pair.ts';
import { fuzz } from './support/campaign.ts';
import { actions, Duel } from './support/duel.ts';
import { insist } from './support/insist.ts';
import { octets } from './support/mutation.ts';

/** In this time, with nobody answering, everything has come to an end. */
const END_MILLIS = 300_000;

const seed = fc.nat({ max: 7 });
const prefix = fc.nat({ max: 24 });

function pppDuel(seedValue: number): Duel<PppInput, PppOutput> {
  const methods = ([['mschapv2'], ['chap-md5'], ['pap'], ['mschapv2', 'chap-md5', 'pap']] as const)[
    seedValue % 4
  ]!;
  const pair = new Duel<PppInput, PppOutput>(
    new Ppp(clientConfig(seedValue, { ipv6: true })),
    new Ppp(serverConfig(seedValue, { methods, ipv6: seedValue % 2 === 0 })),
    {
      message: (output) =>
        output.kind === 'transmit' ? { kind: 'frame', bytes: output.bytes } : undefined,
      invented: (bytes) => ({ kind: 'frame', bytes }),
      timeout: { kind: 'timeout' },
      commands: [{ kind: 'timeout' }, { kind: 'close' }, { kind: 'up' }, { kind: 'timeout' }],
      secrets: ['alicepw'],
    },
  );
  pair.give('client', { kind: 'up' });
  pair.give('server', { kind: 'up' });
  return pair;
}

fuzz({
  name: 'ppp, somebody in the middle',
  input: fc.record({ seed, prefix, script: fc.array(actions, { maxLength: 40 }) }),
  check: ({ seed: value, prefix: count, script: steps }) => {
    const pair = pppDuel(value);
    pair.deliver(count);
    for (const action of steps) pair.do(action);
    end(pair);
  },
});

const OPTION_PROTOCOLS = [0xc021, 0x8021, 0x8057];
const PROTOCOLS = [...OPTION_PROTOCOLS, 0xc023, 0xc223, 0xc227, 0x80fd, 0x0021, 0x0057];

fuzz({
  name: 'ppp, a peer that speaks it and lies',
  input: fc.record({
    seed,
    prefix,
    script: fc.array(
      fc.record({
        to: fc.constantFrom('client' as const, 'server' as const),
        protocol: fc.constantFrom(...OPTION_PROTOCOLS, ...PROTOCOLS),
        code: fc.integer({ min: 0, max: 14 }),
        id: fc.nat({ max: 6 }),
        options: fc.array(
          fc.record({
            type: fc.constantFrom(1, 3, 5, 3, 7, 8, 129, 131, 13),
            data: fc.oneof(
              octets(6),
              fc
                .constantFrom(
                  'c023',
                  'c22305',
                  'c22381',
                  'c227',
                  '00000000',
                  '0578',
                  '0000',
                  '0000000000000000',
                )
                .map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
            ),
          }),
          { maxLength: 6 },
        ),
        /** The list of options again and again. */
        times: fc.constantFrom(1, 1, 1, 1, 30, 200),
        deliver: fc.nat({ max: 3 }),
        millis: fc.constantFrom(0, 0, 0, 3_000, 130_000),
      }),
      { maxLength: 30 },
    ),
  }),
  check: ({ seed: value, prefix: count, script: steps }) => {
    const pair = pppDuel(value);
    pair.deliver(count);
    for (const { to, protocol, code, id, options, times, deliver, millis } of steps) {
      const list = options.map(({ type, data }) => Uint8Array.of(type, 2 + data.length, ...data));
      const body = concat(...Array.from({ length: times }, () => concat(...list))).slice(0, 1_700);
      const length = body.length + 4;
      const head = [
        0xff,
        3,
        protocol >>> 8,
        protocol & 0xff,
        code,
        id,
        length >>> 8,
        length & 0xff,
      ];
      pair.give(to, { kind: 'frame', bytes: concat(Uint8Array.from(head), body) });
      pair.deliver(deliver);
      if (millis > 0) pair.pass(millis);
    }
    end(pair);
  },
});

function end(pair: Duel<PppInput, PppOutput>): void {
  for (const side of ['client', 'server'] as const) {
    for (const output of pair.outputs[side]) {
      // What is sent has to fit a packet of the tunnel.
      if (output.kind === 'transmit') insist(output.bytes.length <= 1_750, 'a long frame');
      if (output.kind === 'closed')
        insist(output.failure !== undefined || pair.wished.has(side), 'no reason');
    }
    if (pair.closed(side) === 0) pair.give(side, { kind: 'close' });
  }
  pair.pass(END_MILLIS);
  insist(pair.closed('client') === 1 && pair.closed('server') === 1, 'not closed');
}
