import { expect, test } from 'vitest';
import { clientOf, PerClient } from '../../../relay/clients.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::ffff', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001::', '2001:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['something', 'something'],
  [undefined, ''],
])('%s counts as %s', (address, client) => {
  expect(clientOf(address)).toBe(client);
});

test('counts per client, and forgets who has nothing', () => {
  const counts = new PerClient();
  counts.add('a');
  counts.add('a');
  counts.add('b');
  expect(['a', 'b', 'c'].map((client) => counts.of(client))).toEqual([2, 1, 0]);
  counts.remove('a');
  counts.remove('b');
  expect(['a', 'b'].map((client) => counts.of(client))).toEqual([1, 0]);
});
