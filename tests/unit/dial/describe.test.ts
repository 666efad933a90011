import { expect, test } from 'vitest';
import { describeHop, describeRecord } from '../../../dial/describe.ts';

const probe = (address: string, roundTripMillis: number) => ({ address, roundTripMillis });

test('hops: the address once, stars for silence, and what a router says', () => {
  const probes = [probe('10.0.0.1', 1.234), undefined, probe('10.0.0.1', 2)];
  expect(describeHop({ ttl: 1, probes, isLast: false })).toBe(' 1  10.0.0.1  1.2 ms  *  2.0 ms');
  const two = [probe('10.0.0.1', 1), probe('10.0.0.2', 1)];
  const failure = { code: 'UNREACHABLE', detail: 'ICMP code 1' } as const;
  expect(describeHop({ ttl: 12, probes: two, isLast: true, failure })).toBe(
    '12  10.0.0.1  1.0 ms  10.0.0.2  1.0 ms  ICMP code 1',
  );
});

test('records, text from outside among them shown plainly', () => {
  expect(describeRecord({ type: 'A', address: Uint8Array.of(10, 0, 0, 1) })).toBe('10.0.0.1');
  expect(describeRecord({ type: 'PTR', name: 'a.corp' })).toBe('a.corp');
  expect(describeRecord({ type: 'SRV', priority: 1, weight: 2, port: 88, target: 'dc.corp' })).toBe(
    '1 2 88 dc.corp',
  );
  const strings = [new Uint8Array(Buffer.from('v="1"')), new Uint8Array(Buffer.from('a\u001b[2J'))];
  expect(describeRecord({ type: 'TXT', strings })).not.toContain('\u001b');
  expect(describeRecord({ type: 'TXT', strings })).toContain('"v=\\"1\\""');
});
