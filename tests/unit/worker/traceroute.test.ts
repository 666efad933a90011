import { expect, test } from 'vitest';
import { type Hop, type ProbeResult, trace } from '../../../web/worker/traceroute.ts';

const probe = (address: string) => ({ address, roundTripMillis: 1 });
const silence: ProbeResult = { kind: 'failed', failure: { code: 'TIMED_OUT' }, probe: undefined };

async function run(answers: readonly ProbeResult[], options = {}): Promise<Hop[]> {
  const hops: Hop[] = [];
  const send = async (ttl: number) => answers[Math.min(ttl, answers.length) - 1]!;
  for await (const hop of trace(send, options)) hops.push(hop);
  return hops;
}

test('one more router each time until the host answers, past those that are silent', async () => {
  const hops = await run([
    { kind: 'passed', probe: probe('10.0.0.1') },
    silence,
    { kind: 'arrived', probe: probe('10.0.0.9') },
  ]);
  expect(hops.map(({ ttl, probes, isLast }) => [ttl, probes[0]?.address, isLast])).toEqual([
    [1, '10.0.0.1', false],
    [2, undefined, false],
    [3, '10.0.0.9', true],
  ]);
  expect(hops[0]?.probes.length).toBe(3);
});

test('what a router says ends it', async () => {
  const failure = { code: 'UNREACHABLE', detail: 'ICMP code 1' } as const;
  const hops = await run([{ kind: 'failed', failure, probe: probe('10.0.0.1') }], { probes: 1 });
  expect(hops).toEqual([{ ttl: 1, probes: [probe('10.0.0.1')], isLast: true, failure }]);
});

test('it goes no further than asked', async () => {
  expect((await run([silence], { maxHops: 4, probes: 1 })).length).toBe(4);
});
