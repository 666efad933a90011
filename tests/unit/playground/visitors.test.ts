import { expect, it } from 'vitest';
import { Visitors } from '../../../playground/intranet/visitors.ts';
import { Network } from '../../../playground/network/network.ts';
import { at } from './world.ts';

it('a bounded number of visitors is remembered, the ones seen last', () => {
  const visitors = new Visitors(new Network(), () => ({}), 2);
  const [one, two] = [visitors.of('10.99.1.1'), visitors.of('10.99.1.2')];
  expect(visitors.of('10.99.1.1')).toBe(one);
  visitors.of('10.99.1.3');
  expect(visitors.find('10.99.1.1')).toBe(one);
  expect(visitors.find('10.99.1.2')).toBeUndefined();
  expect(visitors.of('10.99.1.2')).not.toBe(two);
});

it('a visitor is forgotten with the address', () => {
  const network = new Network();
  const visitors = new Visitors(network, () => ({}));
  const attachment = network.attach(at('10.99.1.1'), 'client', { deliver: () => undefined });
  visitors.of('10.99.1.1');
  attachment.detach();
  expect(visitors.find('10.99.1.1')).toBeUndefined();
});
