import { expect, test } from 'vitest';
import { AddressPool } from '../../../playground/gateway/address-pool.ts';
import { VISIT_MILLIS, Visitors } from '../../../playground/gateway/visitors.ts';
import { parseOptions, UsageError } from '../../../playground/options.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

test('addresses are lent once at a time, the one free for longest first', () => {
  const pool = new AddressPool(Uint8Array.of(10, 99, 1, 254), 3);
  const lent = [pool.lease(), pool.lease(), pool.lease()];
  expect(lent.map((address) => address?.join('.'))).toEqual([
    '10.99.1.254',
    '10.99.1.255',
    '10.99.2.0',
  ]);
  expect(pool.lease()).toBeUndefined();
  pool.release(lent[2]!);
  pool.release(lent[0]!);
  // Nobody has it any more.
  pool.release(lent[0]!);
  expect([pool.lease(), pool.lease(), pool.lease()]).toEqual([lent[2], lent[0], undefined]);
});

test('an account is good for its time and its own password', () => {
  const visitors = new Visitors(nodePrimitives, new SeededRandom(1));
  const [one, other] = [visitors.issue(5_000), visitors.issue(5_000)];
  expect(one.userName).not.toBe(other.userName);
  expect(one.password).not.toBe(other.password);
  expect(visitors.password(one.userName, 5_000 + VISIT_MILLIS)).toBe(one.password);
  expect(visitors.password(one.userName, 7_000 + VISIT_MILLIS)).toBeUndefined();
  const later = one.userName.replace(/-\w+-/, '-zzzzz-');
  expect(visitors.password(later, 5_000)).not.toBe(one.password);
  const elsewhere = new Visitors(nodePrimitives, new SeededRandom(2));
  expect(elsewhere.password(one.userName, 5_000)).not.toBe(one.password);
});

test.each(['', 'alice', 'visitor-1', 'visitor--00000000', 'visitor-zzzzzzzzz-00000000'])(
  '%j is no account',
  (name) => {
    const visitors = new Visitors(nodePrimitives, new SeededRandom(1));
    expect(visitors.password(name, 0)).toBeUndefined();
  },
);

test('the playground’s options', () => {
  expect(parseOptions([])).toEqual({
    host: '127.0.0.1',
    ports: { ike: 10_500, natt: 14_500 },
    help: false,
  });
  expect(
    parseOptions(['--host', '192.0.2.1', '--ike-port', '500', '--natt-port', '4500']),
  ).toMatchObject({ host: '192.0.2.1', ports: { ike: 500, natt: 4500 } });
});

test.each([['--host', '0.0.0.0'], ['--host', 'localhost'], ['--ike-port', '65536'], ['office']])(
  '%s %s is refused',
  (...argv) => {
    expect(() => parseOptions(argv)).toThrow(UsageError);
  },
);
