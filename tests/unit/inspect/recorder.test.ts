import { describe, expect, test } from 'vitest';
import {
  CONTROL_LIMIT,
  type PacketStore,
  TRAFFIC_LIMIT,
} from '../../../shared/inspect/packet-store.ts';
import { KEYS_LIMIT, Recorder } from '../../../shared/inspect/recorder.ts';
import { Channel } from '../../../shared/relay/channels.ts';
import type { OpenedMessage } from '../../../shared/relay/control.ts';
import { type Bytes, concat, fromHex } from '../../../shared/wire/bytes.ts';

const OPENED: OpenedMessage = {
  type: 'opened',
  gateway: { id: 'test', name: 'Test', address: '192.0.2.1' },
  local: { address: '198.51.100.1', ike: 40_500, natt: 44_500, l2tp: 41_701 },
  remote: { ike: 500, natt: 4500, l2tp: 1701 },
  channels: ['ike', 'natt', 'l2tp'],
  nat: 'possible',
  mtu: 1500,
  limits: { frameBytes: 131_072, recordBytes: 65_507 },
};

function recorder(): Recorder {
  const made = new Recorder(() => 0);
  made.opened(OPENED);
  return made;
}

/** An ESP packet with its sequence number. */
function esp(sequence: number, length = 64): Bytes {
  const bytes = new Uint8Array(length);
  bytes.set(fromHex('01020304'));
  new DataView(bytes.buffer).setUint32(4, sequence);
  return bytes;
}

/** UDP, L2TP and PPP around IPv4; or an L2TP control message. */
const CARRIES_IP = fromHex(`06a506a5002c0000 000200010002 ff030021 45${'00'.repeat(19)}`);
const CONTROL = fromHex('06a506a500140000 c802000c0001000000000000');

function send(to: Recorder, sequence: number, plaintext: Bytes, length?: number): void {
  const packet = esp(sequence, length);
  to.datagram('out', Channel.natt, packet, 0, packet.length);
  to.espPlaintext('out', packet.subarray(0, 8), 17, plaintext);
}

const counts = ({ control, traffic, dropped }: PacketStore) => [
  control.size,
  traffic.size,
  dropped,
];

describe('the recorder', () => {
  test('keeps how a tunnel began, however much passes through it', () => {
    const made = recorder();
    made.control('out', '{"type":"open","gateway":"test"}');
    send(made, 1, CONTROL);
    const { packets } = TRAFFIC_LIMIT;
    for (let sequence = 2; sequence < packets + 12; sequence++) send(made, sequence, CARRIES_IP);
    expect(counts(made.store)).toEqual([2, packets, 10]);
    expect(made.store.get(1)).toMatchObject({ kind: 'control' });
    expect(made.store.get(3)).toBeUndefined();
  });

  test('is bounded in bytes as well, and counts what it dropped', () => {
    const made = recorder();
    const big = concat(CARRIES_IP, new Uint8Array(60_000));
    for (let sequence = 1; sequence <= 400; sequence++) send(made, sequence, big, 60_000);
    expect(made.store.bytes).toBeLessThanOrEqual(TRAFFIC_LIMIT.bytes);
    expect(made.store.packets + made.store.dropped).toBe(400);
    for (let i = 0; i < 200; i++) made.control('in', 'x'.repeat(30_000));
    expect(made.store.control.bytes).toBeLessThanOrEqual(CONTROL_LIMIT.bytes);
    made.clear();
    expect(counts(made.store)).toEqual([0, 0, 0]);
    expect(made.store.bytes).toBe(0);
  });

  test('gives the plaintext to the packet that was opened, not to its repetition', () => {
    const made = recorder();
    const packet = esp(7);
    made.datagram('in', Channel.natt, packet, 0, packet.length);
    made.datagram('in', Channel.natt, packet, 0, packet.length);
    made.espPlaintext('in', packet.subarray(0, 8), 17, CARRIES_IP);
    const [first, second] = made.store.inOrder();
    expect(first).toMatchObject({ inner: { nextHeader: 17, bytes: CARRIES_IP } });
    expect(second).not.toHaveProperty('inner');
  });

  test('copies what it is shown', () => {
    const made = recorder();
    const packet = concat(fromHex('ffff'), esp(1));
    made.datagram('out', Channel.natt, packet, 2, packet.length);
    packet.fill(0);
    expect(made.store.inOrder()[0]).toMatchObject({ bytes: esp(1) });
  });

  test('keeps the newest keys, copied, and wipes them when it forgets', () => {
    const made = recorder();
    const cipherKey = new Uint8Array(16).fill(1);
    for (let i = 0; i < KEYS_LIMIT + 5; i++) {
      made.ikeKey(Uint8Array.of(i >>> 8, i), new Uint8Array(8), cipherKey);
      made.espSa('in', { spi: 1000 + i, cipher: 'aes-gcm-16', cipherKey });
    }
    cipherKey.fill(2);
    const { ikeKeys, espKeys } = made;
    expect([ikeKeys.length, espKeys.length]).toEqual([KEYS_LIMIT, KEYS_LIMIT]);
    expect(espKeys[0]!.parameters.spi).toBe(1005);
    expect(ikeKeys[0]!.cipherKey).toEqual(new Uint8Array(16).fill(1));
    made.clear();
    expect(ikeKeys.every((key) => key.cipherKey.every((byte) => byte === 0))).toBe(true);
    expect(espKeys[0]!.parameters.cipherKey).toEqual(new Uint8Array(16));
    expect(made.espKeys).toEqual([]);
  });
});
