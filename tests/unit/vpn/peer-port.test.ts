import { expect, test } from 'vitest';
import { PeerPort } from '../../../shared/vpn/peer-port.ts';

test('nothing but the port of the SAs is taken', () => {
  const port = new PeerPort(1701);
  port.negotiated(1701);
  expect(port.accepts(1701)).toBe(true);
  expect(port.accepts(1702)).toBe(false);
  expect(port.current).toBe(1701);
});

test('a port for which the gateway negotiates SAs is one to move to, and 1701 then none to move back to', () => {
  const port = new PeerPort(1701);
  port.negotiated(1701);
  port.negotiated(40_000);
  expect(port.current).toBe(1701);
  expect(port.accepts(40_000)).toBe(true);
  expect(port.current).toBe(40_000);
  expect(port.accepts(1701)).toBe(true);
  expect(port.current).toBe(40_000);
});

test('SAs for every port leave the choice to the gateway until the tunnel stands', () => {
  const port = new PeerPort(1701);
  port.negotiated(0);
  expect(port.accepts(40_000)).toBe(true);
  port.settle();
  expect([port.accepts(40_000), port.accepts(40_001), port.accepts(1701)]).toEqual([
    true,
    false,
    false,
  ]);
});

test('what is negotiated after the tunnel stands moves nothing', () => {
  const port = new PeerPort(1701);
  port.negotiated(1701);
  port.settle();
  port.negotiated(40_000);
  expect(port.accepts(40_000)).toBe(false);
  expect(port.current).toBe(1701);
});

test('the next tunnel begins where the first did', () => {
  const port = new PeerPort(1701);
  port.negotiated(40_000);
  port.accepts(40_000);
  port.settle();
  port.begin();
  expect(port.current).toBe(1701);
  expect(port.accepts(40_000)).toBe(true);
});

test('a client’s port is the one that it names', () => {
  const port = new PeerPort();
  port.negotiated(50_000);
  expect(port.accepts(50_001)).toBe(false);
  expect(port.accepts(50_000)).toBe(true);
  expect(port.current).toBe(50_000);
});

test('only so many ports are remembered', () => {
  const port = new PeerPort(1701);
  for (let each = 2_000; each < 2_100; each++) port.negotiated(each);
  expect(port.accepts(2_000)).toBe(true);
  expect(port.accepts(2_099)).toBe(false);
});
