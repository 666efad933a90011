/** Every failure ends well: the right words in a bounded time, nothing left behind, and connecting again works. */
import { describe, expect, test } from 'vitest';
import { nobleSuite } from '../../shared/crypto/noble.ts';
import { DETAIL_LIMIT, plainText } from '../../shared/errors.ts';
import type { TunnelConfig } from '../../shared/vpn/tunnel.ts';
import { type CountedSuite, countedSuite } from '../support/counted-suite.ts';
import type { GatewayConfig } from '../support/gateway.ts';
import { Laboratory, type LaboratoryOptions } from '../support/laboratory.ts';
import { SeededRandom } from '../support/random.ts';
import { FAILURE_CASES, type FailureCase, QUICK_PHASE1 } from './failure-cases.ts';

const KEY = 'a key that nobody guesses';
const LONGEST = 200_000;

function gatewayConfig(seed: number, overrides: Partial<GatewayConfig> = {}): GatewayConfig {
  return {
    suite: nobleSuite(new SeededRandom(seed)),
    random: new SeededRandom(seed + 1),
    preSharedKey: new TextEncoder().encode(KEY),
    clientAddress: Uint8Array.of(198, 51, 100, 1),
    clientPorts: { ike: 40_500, natt: 44_500 },
    innerPort: 50_000,
    accounts: { alice: 'wonderland' },
    methods: ['mschapv2'],
    port: 80,
    content: new Uint8Array(10),
    phase1: [QUICK_PHASE1],
    ...overrides,
  };
}

async function dial(
  { suite }: CountedSuite,
  seed: number,
  user: Partial<TunnelConfig>,
  rest: Omit<LaboratoryOptions, 'tunnel' | 'link'>,
): Promise<Laboratory> {
  const lab = new Laboratory({
    tunnel: {
      suite,
      random: new SeededRandom(seed + 2),
      gateway: 'test',
      credentials: { kind: 'pre-shared-key', key: new TextEncoder().encode(KEY) },
      userName: 'alice',
      password: 'wonderland',
      authMethods: ['mschapv2', 'chap-md5'],
      innerPort: 50_000,
      ...user,
    },
    link: { seed, latency: 20, jitter: 5 },
    ...rest,
  });
  await Promise.resolve();
  return lab;
}

function start(suite: CountedSuite, failure: FailureCase): Promise<Laboratory> {
  const { preSharedKey, name, password } = failure.user ?? {};
  const user = {
    ...(preSharedKey !== undefined && {
      credentials: { kind: 'pre-shared-key' as const, key: new TextEncoder().encode(preSharedKey) },
    }),
    ...(name !== undefined && { userName: name }),
    ...(password !== undefined && { password }),
  };
  return dial(suite, 1, user, {
    ...(failure.absent ?? { gateway: gatewayConfig(10, failure.gateway) }),
    ...(failure.answer && { answer: failure.answer }),
  });
}

function reached(lab: Laboratory, { at }: FailureCase): boolean {
  return at === 'connected' ? lab.session !== undefined : lab.stages.includes(at ?? '');
}

/** Nothing is awaited, no key is left, and whatever still comes is answered with nothing. */
function expectNothingLeft(lab: Laboratory, suite: CountedSuite): void {
  expect(lab.tunnel.deadline).toBeUndefined();
  expect(suite.open()).toBe(0);
  const late = lab.tunnel.handle({ kind: 'frame', bytes: Uint8Array.of(0, 0, 1, 9) }, lab.now + 1);
  expect(late).toEqual([]);
  expect(lab.tunnel.handle({ kind: 'timeout' }, lab.now + 100_000)).toEqual([]);
}

const named = FAILURE_CASES.map(
  (failure) => [`${failure.failure}${failure.at ? ` at ${failure.at}` : ''}`, failure] as const,
);

describe.each(named)('%s', (_name, failure) => {
  test(`is told as ${failure.code} within ${failure.within} ms`, async () => {
    const suite = countedSuite(nobleSuite(new SeededRandom(20)));
    const lab = await start(suite, failure);
    if (failure.inject) {
      lab.run(() => reached(lab, failure), LONGEST);
      expect(lab.closed).toBeUndefined();
      expect(reached(lab, failure)).toBe(true);
    }
    const since = lab.now;
    failure.inject?.(lab);
    lab.run(() => lab.closed !== undefined, LONGEST);
    const { code, detail = '' } = lab.closed!.failure!;
    expect(`${code} ${detail}`).toMatch(new RegExp(`^${failure.code} `));
    expect(lab.now - since).toBeLessThanOrEqual(failure.within);
    if (failure.detail) expect(detail).toMatch(failure.detail);
    expect(plainText(detail, DETAIL_LIMIT)).toBe(detail);
    expectNothingLeft(lab, suite);

    const again = await dial(suite, 3, {}, { gateway: gatewayConfig(30) });
    again.run(() => again.session !== undefined || again.closed !== undefined, LONGEST);
    expect(again.closed).toBeUndefined();
    expect(again.session?.address).toBe('10.30.0.10');
    again.input({ kind: 'close' });
    again.run(() => again.closed !== undefined, LONGEST);
    expect(again.closed).toEqual({ kind: 'closed' });
    expectNothingLeft(again, suite);
  });
});
