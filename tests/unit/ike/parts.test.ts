import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMERS, settleConfig } from '../../../shared/ike/config.ts';
import { IkeContext } from '../../../shared/ike/context.ts';
import { DeadPeerDetection } from '../../../shared/ike/dpd.ts';
import { notificationFailure } from '../../../shared/ike/failures.ts';
import {
  encapsulationMode,
  natDiscoveryPayloads,
  readNatDiscovery,
} from '../../../shared/ike/nat-traversal.ts';
import { randomMessageId, randomSpi } from '../../../shared/ike/quick-mode.ts';
import { responderLifetime } from '../../../shared/ike/responder-lifetime.ts';
import { Retransmission } from '../../../shared/ike/retransmission.ts';
import { readVendorIds, vendorIdPayloads } from '../../../shared/ike/vendor-ids.ts';
import { NotifyType } from '../../../shared/isakmp/numbers.ts';
import {
  decodePayloads,
  encodePayloads,
  type Payload,
  payloadType,
  type ReceivedPayload,
} from '../../../shared/isakmp/payload.ts';
import { type Bytes, EMPTY, fromHex } from '../../../shared/wire/bytes.ts';
import { ikeConfig } from '../../sim/ike-pair.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

function received(payloads: readonly Payload[]): readonly ReceivedPayload[] {
  return decodePayloads(payloadType(payloads[0]), encodePayloads(payloads));
}

function vendorIds(...hex: string[]): readonly ReceivedPayload[] {
  return received(hex.map((each) => ({ kind: 'vendor-id', data: fromHex(each) })));
}

describe('vendor ids', () => {
  const RFC3947 = '4a131c81070358455c5728f20e95452f';
  const DRAFT03 = '7d9419a65310ca6f2c179d9215529d56';
  const DRAFT02 = 'cd60464335df21f87cfdb2fc68b6a448';
  const DRAFT02_N = '90cb80913ebb696e086381b5ec427b1f';

  test('are the digests of what they name', () => {
    const digest = (text: string): Bytes =>
      nodePrimitives.hash('md5', new TextEncoder().encode(text));
    expect(digest('RFC 3947')).toEqual(fromHex(RFC3947));
    expect(digest('draft-ietf-ipsec-nat-t-ike-03')).toEqual(fromHex(DRAFT03));
    expect(digest('draft-ietf-ipsec-nat-t-ike-02')).toEqual(fromHex(DRAFT02));
    expect(digest('draft-ietf-ipsec-nat-t-ike-02\n')).toEqual(fromHex(DRAFT02_N));
  });

  test.each([
    ['all of ours', [RFC3947, DRAFT02, DRAFT03], 'RFC 3947', 4],
    ['draft 03', [DRAFT02_N, DRAFT03], 'draft 03', 61444],
    ['draft 02', [DRAFT02], 'draft 02', 61444],
    ['draft 02 with a line feed', [DRAFT02_N], 'draft 02', 61444],
    ['none', ['00'], undefined, 2],
  ])('%s', (_name, ids, dialect, mode) => {
    const found = readVendorIds(vendorIds(...ids), 'on');
    expect(found.dialect?.name).toBe(dialect);
    expect(found.dpd).toBe(false);
    expect(encapsulationMode(found.dialect)).toBe(mode);
  });

  test('what we announce is what we understand', () => {
    const found = readVendorIds(received(vendorIdPayloads('on')), 'force');
    expect(found.dialect?.name).toBe('RFC 3947');
    expect(found.dpd).toBe(true);
  });

  test('switched off, NAT traversal is neither announced nor seen', () => {
    const silent = readVendorIds(received(vendorIdPayloads('off')), 'on');
    const deaf = readVendorIds(received(vendorIdPayloads('on')), 'off');
    expect([silent, deaf]).toEqual(
      Array(2).fill({ dialect: undefined, dpd: true, fragments: true }),
    );
  });
});

describe('NAT discovery', () => {
  const client = settleConfig({ ...ikeConfig('initiator', 1), natTraversal: 'on' });
  const server = settleConfig({
    ...ikeConfig('responder', 1),
    remoteAddress: client.localAddress,
  });
  const input = {
    primitives: nodePrimitives,
    hash: 'sha1',
    initiatorCookie: fromHex('0102030405060708'),
    responderCookie: fromHex('1112131415161718'),
  } as const;
  const { dialect } = readVendorIds(received(vendorIdPayloads('on')), 'on');
  const payloads = received(natDiscoveryPayloads(input, client, 'ike', dialect!));

  test('the hash is HASH(CKY-I | CKY-R | IP | Port)', () => {
    const { remoteAddress, localAddress } = client;
    const hash = (address: Bytes, port: string): Bytes => {
      const { initiatorCookie, responderCookie } = input;
      return nodePrimitives.hash('sha1', initiatorCookie, responderCookie, address, fromHex(port));
    };
    expect(payloads.map(({ body }) => body)).toEqual([
      hash(remoteAddress, '01f4'),
      hash(localAddress, '9c40'),
    ]);
  });

  test('nobody behind a NAT', () => {
    expect(readNatDiscovery(input, server, 'ike', payloads)).toEqual({
      local: false,
      remote: false,
    });
  });

  test('each behind a NAT', () => {
    const elsewhere = Uint8Array.of(10, 1, 1, 1);
    const moved = (change: object) =>
      readNatDiscovery(input, { ...server, ...change }, 'ike', payloads);
    expect(moved({ localAddress: elsewhere })).toEqual({ local: true, remote: false });
    expect(moved({ remoteAddress: elsewhere })).toEqual({ local: false, remote: true });
    expect(moved({ remotePorts: { ike: 1, natt: 1 } })).toEqual({ local: false, remote: true });
  });

  test('several sources: one right one is enough', () => {
    const wrong: Payload = { kind: 'nat-discovery', draft: false, hash: new Uint8Array(20) };
    const [destination, source] = payloads.map(({ payload }) => payload);
    const many = received([destination!, wrong, source!]);
    expect(readNatDiscovery(input, server, 'ike', many).remote).toBe(false);
  });

  test('no payloads find nothing, unless encapsulation is forced', () => {
    expect(readNatDiscovery(input, server, 'ike', [])).toEqual({ local: false, remote: false });
    const forced = { ...server, natTraversal: 'force' as const };
    expect(readNatDiscovery(input, forced, 'ike', [])).toEqual({ local: true, remote: false });
  });
});

test('retransmission backs off and gives up', () => {
  const timers = { ...DEFAULT_TIMERS, retransmitFirst: 100, retransmitMost: 400, tries: 4 };
  const retransmission = new Retransmission(timers, 'ike', EMPTY, 0);
  const times: number[] = [];
  for (;;) {
    const now = retransmission.deadline;
    expect(retransmission.due(now - 1)).toBe('wait');
    const due = retransmission.due(now);
    times.push(now);
    if (due === 'exhausted') break;
    expect(due).toBe('send');
  }
  expect(times).toEqual([100, 300, 700, 1100]);
});

test('a long sleep is one missed deadline, not the end', () => {
  const dpd = new DeadPeerDetection(DEFAULT_TIMERS, new SeededRandom(1), 0);
  const first = dpd.timeout(600_000);
  expect(first).toEqual(expect.any(Number));
  expect(dpd.acknowledges((first as number) + 1)).toBe(false);
  expect(dpd.acknowledges(first as number)).toBe(true);
  dpd.heard(600_100);
  expect(dpd.deadline).toBe(600_100 + DEFAULT_TIMERS.dpdIdle);
  expect(dpd.timeout(601_000)).toBeUndefined();
});

test('dead peer detection repeats one question, and numbers the next one higher', () => {
  const dpd = new DeadPeerDetection(DEFAULT_TIMERS, new SeededRandom(1), 0);
  const asked: unknown[] = [];
  for (;;) {
    const due = dpd.timeout(dpd.deadline);
    asked.push(due);
    if (due === 'dead') break;
  }
  expect(asked).toEqual([...Array(DEFAULT_TIMERS.dpdTries).fill(asked[0]), 'dead']);
  dpd.heard(1_000_000);
  expect(dpd.timeout(dpd.deadline)).toBe((asked[0] as number) + 1);
});

test('only a new question of the peer’s is a sign of life', () => {
  const dpd = new DeadPeerDetection(DEFAULT_TIMERS, new SeededRandom(1), 0);
  expect([5, 5, 4, 6].map((sequence) => dpd.asks(sequence))).toEqual([true, false, false, true]);
});

describe('suspicion', () => {
  test('the first stays, unreachability gives way, progress clears', () => {
    const context = new IkeContext(settleConfig(ikeConfig('initiator', 1)));
    context.suspect({ code: 'IKE_UNREACHABLE' }, 10);
    context.suspect({ code: 'IKE_REFUSED' }, 20);
    context.suspect({ code: 'IKE_NO_PROPOSAL_CHOSEN' }, 30);
    expect(context.suspicion).toEqual({ code: 'IKE_REFUSED' });
    expect(context.suspicionDeadline).toBe(20 + DEFAULT_TIMERS.suspicion);
    context.clearUnreachable();
    expect(context.suspicion).toBeDefined();
    context.clearSuspicion();
    expect(context.suspicionDeadline).toBeUndefined();
  });
});

test('notifications as failures', () => {
  const config = settleConfig(ikeConfig('initiator', 1));
  const codes = (stage: 'proposal' | 'authentication' | 'quick-mode') =>
    (['NO-PROPOSAL-CHOSEN', 'INVALID-PAYLOAD-TYPE', 'INVALID-ID-INFORMATION'] as const).map(
      (name) => notificationFailure(config, stage, NotifyType[name]).code,
    );
  expect(codes('proposal')).toEqual(['IKE_NO_PROPOSAL_CHOSEN', 'IKE_REFUSED', 'IKE_REFUSED']);
  expect(codes('authentication')).toEqual([
    'IKE_NO_PROPOSAL_CHOSEN',
    'IKE_AUTHENTICATION_FAILED',
    'IKE_REFUSED',
  ]);
  expect(codes('quick-mode')).toEqual([
    'IKE_NO_PROPOSAL_CHOSEN',
    'IKE_QUICK_MODE_FAILED',
    'IKE_QUICK_MODE_FAILED',
  ]);
});

describe('RESPONDER-LIFETIME', () => {
  const notification = (data: string, notifyType: number, doi = 1): Payload => ({
    kind: 'notification',
    doi,
    protocolId: 3,
    notifyType,
    spi: EMPTY,
    data: fromHex(data),
  });
  const lifetime = NotifyType['RESPONDER-LIFETIME'];

  test.each([
    ['numbered as in phase 2', notification('80010001 8002012c', lifetime), { seconds: 300 }],
    [
      'numbered as in phase 1',
      notification('800b0001 000c0004 00000e10', lifetime),
      { seconds: 3_600 },
    ],
    ['of kilobytes', notification('80010002 00020004 0003d090', lifetime), { kilobytes: 250_000 }],
    ['of another DOI', notification('80010001 8002012c', lifetime, 0), {}],
    ['that is another notification', notification('80010001 8002012c', 24578), {}],
  ])('%s', (_name, payload, expected) => {
    expect(responderLifetime(received([payload]))).toEqual(expected);
  });
});

test('SPIs and message ids are drawn until they are not reserved', () => {
  const scripted = (...hex: string[]) => ({ bytes: () => fromHex(hex.shift()!) });
  expect(randomSpi(scripted('00000000', '000000ff', '00000100'))).toEqual(fromHex('00000100'));
  expect(randomMessageId(scripted('00000000', '00000007'))).toBe(7);
});
