import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type Attachment,
  type EndKind,
  Network,
  QUEUE_LIMIT,
} from '../../../playground/network/network.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { at } from './world.ts';

/** An IPv4 header between two addresses, and a payload: more the network does not look at. */
function packet(from: string, to: string, payload = 0): Bytes {
  const bytes = new Uint8Array(20 + payload);
  bytes[0] = 0x45;
  bytes.set(at(from), 12);
  bytes.set(at(to), 16);
  return bytes;
}

const HOST = '10.99.0.10';
const CLIENT = '10.99.1.1';
const OTHER = '10.99.1.2';

function attach(network: Network, address: string, kind: EndKind) {
  const arrived: Bytes[] = [];
  const attachment = network.attach(at(address), kind, {
    deliver: (bytes) => arrived.push(bytes.slice()),
  });
  return { ...attachment, arrived };
}

function world() {
  const network = new Network();
  return {
    network,
    host: attach(network, HOST, 'host'),
    client: attach(network, CLIENT, 'client'),
    other: attach(network, OTHER, 'client'),
  };
}

describe('the network', () => {
  it('carries packets between clients and hosts, both ways and in order', async () => {
    const { network, host, client } = world();
    client.send(packet(CLIENT, HOST, 1));
    client.send(packet(CLIENT, HOST, 2));
    host.send(packet(HOST, CLIENT, 3));
    await setImmediate();
    expect(host.arrived.map(({ length }) => length)).toEqual([21, 22]);
    expect(client.arrived).toEqual([packet(HOST, CLIENT, 3)]);
    expect(network.delivered).toEqual({ host: 43, client: 23 });
  });

  it('keeps clients apart', async () => {
    const { network, client, other } = world();
    client.send(packet(CLIENT, OTHER));
    await setImmediate();
    expect(other.arrived).toEqual([]);
    expect(network.dropped['to another client']).toBe(1);
  });

  it.each([
    ['another client’s', OTHER],
    ['a host’s', HOST],
    ['nobody’s', '192.0.2.1'],
  ])('drops what comes from %s address', async (_, source) => {
    const { network, host, client } = world();
    client.send(packet(source, HOST));
    await setImmediate();
    expect(host.arrived).toEqual([]);
    expect(network.dropped.forged).toBe(1);
  });

  it('drops what is no IPv4 packet, and what goes to nobody', async () => {
    const { network, client } = world();
    client.send(packet(CLIENT, HOST).subarray(0, 19));
    const six = packet(CLIENT, HOST);
    six[0] = 0x60;
    client.send(six);
    client.send(packet(CLIENT, '192.0.2.1'));
    client.send(packet(CLIENT, '10.99.0.255'));
    expect(network.dropped).toMatchObject({ malformed: 2, 'no such address': 2 });
  });

  it('copies what it is given, and calls nobody while somebody sends', async () => {
    const { host, client } = world();
    const bytes = packet(CLIENT, HOST, 1);
    client.send(bytes);
    expect(host.arrived).toEqual([]);
    bytes.fill(0);
    await setImmediate();
    expect(host.arrived).toEqual([packet(CLIENT, HOST, 1)]);
  });

  it('holds a bounded number of bytes from each end', async () => {
    const { network, host, client, other } = world();
    const large = packet(CLIENT, HOST, 65_000);
    const fits = Math.floor(QUEUE_LIMIT / large.length);
    for (let i = 0; i < fits + 3; i++) client.send(large);
    other.send(packet(OTHER, HOST));
    expect(network.dropped.queue).toBe(3);
    await setImmediate();
    expect(host.arrived).toHaveLength(fits + 1);
    client.send(large);
    await setImmediate();
    expect(host.arrived).toHaveLength(fits + 2);
  });

  it('lets two ends answer one another for ever without keeping timers from running', async () => {
    const network = new Network();
    let turns = 0;
    const ends: Attachment[] = [];
    const answer = (end: number, to: string, from: string) => () => {
      turns++;
      ends[end]!.send(packet(from, to));
    };
    ends.push(network.attach(at(HOST), 'host', { deliver: answer(0, CLIENT, HOST) }));
    ends.push(network.attach(at(CLIENT), 'client', { deliver: answer(1, HOST, CLIENT) }));
    ends[0]!.send(packet(HOST, CLIENT));
    // Ends only if both go on: the timers, and the two.
    while (turns < 10) await setTimeout(1);
    for (const each of ends) each.detach();
  });

  it('gives an address to one end at a time, and says when a client leaves', async () => {
    const { network, client, host } = world();
    const left: string[] = [];
    network.onLeave((address) => left.push(address.join('.')));
    expect(() => attach(network, CLIENT, 'client')).toThrow(RangeError);
    expect(() => network.attach(new Uint8Array(16), 'host', { deliver: () => undefined })).toThrow(
      RangeError,
    );
    expect(network.clients).toBe(2);
    host.send(packet(HOST, CLIENT));
    client.detach();
    client.detach();
    expect(network.clients).toBe(1);
    const next = attach(network, CLIENT, 'client');
    await setImmediate();
    expect(next.arrived).toEqual([]);
    client.send(packet(CLIENT, HOST));
    expect(network.dropped.forged).toBe(1);
    host.detach();
    expect(left).toEqual([CLIENT]);
  });
});
