import { describe, expect, test } from 'vitest';
import { Channel } from '../../shared/relay/channels.ts';
import { encodeControl } from '../../shared/relay/control.ts';
import { type Bytes, concat, fromHex } from '../../shared/wire/bytes.ts';
import { CONTENT, OPENED, TunnelWorld } from '../fuzz/support/tunnel-world.ts';

/** A data message of the gateway's with another PPP frame in it. */
function carrying(world: TunnelWorld, frame: Bytes): Bytes {
  const data = world.sealed.findLast((clear) => (clear[8]! & 0x80) === 0)!;
  const bytes = concat(data.slice(0, 14), frame);
  bytes[4] = bytes.length >>> 8;
  bytes[5] = bytes.length;
  return bytes;
}

function connected(world: TunnelWorld): TunnelWorld {
  world.run(() => world.connected > 0, 30_000);
  expect(world.connected).toBe(1);
  return world;
}

describe('a gateway that negotiates PPP anew', () => {
  const anew = fromHex('ff03c021 01f0 0008 0104 0578');

  test('keeps the connections where nothing changes', () => {
    const world = connected(new TunnelWorld(0));
    world.download();
    world.run(() => world.network.some(({ kind }) => kind === 'tcp-opened'), 5_000);
    world.injectSealed(carrying(world, anew));
    world.run(() => world.network.some(({ kind }) => kind === 'tcp-end'), 30_000);
    const data = world.network.flatMap((each) => (each.kind === 'tcp-data' ? [each.bytes] : []));
    expect(concat(...data)).toEqual(CONTENT);
    expect(world.connected).toBe(1);
  });

  test('ends the tunnel with another address', () => {
    const assign = fromHex('0a1e000a');
    const world = connected(new TunnelWorld(0, undefined, { assign }));
    assign[3] = 11;
    world.injectSealed(carrying(world, anew));
    world.run(() => world.tab.closed > 0, 30_000);
    expect(world.failure).toEqual({
      code: 'PPP_CLOSED_BY_PEER',
      detail: 'the gateway assigned another address',
    });
  });
});

test('a relay that promises a huge MTU, and a gateway that agrees, break nothing', () => {
  const opened = encodeControl({ ...OPENED, mtu: 65_535 });
  const world = connected(new TunnelWorld(0, opened, { mru: 65_535 }));
  world.download();
  const socket = 1;
  world.run(() => world.network.some(({ kind }) => kind === 'tcp-opened'), 5_000);
  world.ip({ kind: 'tcp-write', socket, bytes: new Uint8Array(20_000) });
  world.ip({ kind: 'ping', ping: 9, address: fromHex('0a1e00fe'), length: 1_600, timeout: 500 });
  world.run(() => false, 2_000);
  expect(world.tab.closed).toBe(0);
});

test('L2TP in clear is not heard', () => {
  const hangUp = fromHex('ff03c021 0509 0004');
  const world = connected(new TunnelWorld(0));
  const data = carrying(world, hangUp);
  // Without the UDP header, which is the relay's to take off.
  world.inject('down', Channel.l2tp, data.slice(8));
  world.run(() => world.tab.closed > 0, 10_000);
  expect(world.tab.closed).toBe(0);
  world.injectSealed(data);
  world.run(() => world.tab.closed > 0, 10_000);
  expect(world.failure?.code).toBe('PPP_CLOSED_BY_PEER');
});
