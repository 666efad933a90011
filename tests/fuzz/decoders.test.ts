/** Every decoder: whatever it is given, it answers or throws `DecodeError`, and in a time that fits the size. */
import fc from 'fast-check';
import { ConfigError, parseConfig } from '../../relay/config.ts';
import { hasShape } from '../../relay/shape.ts';
import { noblePrimitives } from '../../shared/crypto/noble.ts';
import { plainText } from '../../shared/errors.ts';
import {
  choosePhase1,
  PHASE1_TRANSFORMS,
  phase1Proposal,
} from '../../shared/ike/phase1-transforms.ts';
import {
  choosePhase2,
  PHASE2_TRANSFORMS,
  phase2Proposal,
} from '../../shared/ike/phase2-transforms.ts';
import { Reassembly } from '../../shared/ike/reassembly.ts';
import { responderLifetime } from '../../shared/ike/responder-lifetime.ts';
import { decodeReply, encodeQuestion, type RecordType } from '../../shared/ip/dns-message.ts';
import { IpHeader } from '../../shared/ip/header.ts';
import { decodeIcmp } from '../../shared/ip/icmp.ts';
import { decodeIpv4, decodeQuotedIpv4 } from '../../shared/ip/ipv4.ts';
import { decodeIpv6, decodeQuotedIpv6 } from '../../shared/ip/ipv6.ts';
import {
  decodeNeighborSolicitation,
  decodeRouterAdvertisement,
} from '../../shared/ip/neighbor-discovery.ts';
import { decodeSegment, Segment } from '../../shared/ip/tcp/segment.ts';
import { fragmentMessage, isFragment } from '../../shared/isakmp/fragment.ts';
import { decodeClearBody, decodeMessage, encodeClearMessage } from '../../shared/isakmp/message.ts';
import type { Payload } from '../../shared/isakmp/payload.ts';
import { icrq, sccrq, stopccn } from '../../shared/l2tp/compose.ts';
import { DataSession } from '../../shared/l2tp/data.ts';
import { judge } from '../../shared/l2tp/judge.ts';
import { decodeControl, encodeControl } from '../../shared/l2tp/message.ts';
import { decodeCertificate, summarize } from '../../shared/pki/certificate.ts';
import { decodeRevocationList } from '../../shared/pki/crl.ts';
import { decodePrivateKey } from '../../shared/pki/key.ts';
import { decodePem } from '../../shared/pki/pem.ts';
import { decodeChapValue, decodeMsChapResponse } from '../../shared/ppp/chap-packet.ts';
import { decodeConfigOptions } from '../../shared/ppp/config-option.ts';
import { decodeControlPacket } from '../../shared/ppp/control-packet.ts';
import { decodeIpcpOption } from '../../shared/ppp/ipcp-option.ts';
import { decodeIpv6cpOption } from '../../shared/ppp/ipv6cp-option.ts';
import { decodeLcpOption } from '../../shared/ppp/lcp-option.ts';
import { parseFailure, parseSuccess } from '../../shared/ppp/mschapv2.ts';
import { decodeAuthenticateRequest, decodeReplyMessage } from '../../shared/ppp/pap-packet.ts';
import { headerLength, protocolNumber } from '../../shared/ppp/protocol.ts';
import { decodeControlFromRelay, decodeControlFromTab } from '../../shared/relay/control.ts';
import { forEachRecord } from '../../shared/relay/frames.ts';
import { stripUdp } from '../../shared/vpn/inner-udp.ts';
import { type Bytes, EMPTY, fromHex } from '../../shared/wire/bytes.ts';
import { utf8Decode } from '../../shared/wire/text.ts';
import { Writer } from '../../shared/wire/writer.ts';
import { pkiDer, pkiFile } from '../support/pki.ts';
import { fuzz } from './support/campaign.ts';
import { insist, refusing } from './support/insist.ts';
import { INSPECTED } from './support/inspected.ts';
import { mutate, mutations, octets } from './support/mutation.ts';

/** The largest input, a UDP payload, must not take longer than this: what is quadratic shows. */
const MOST_MILLIS = 400;

/** What a decoder is, and messages that it takes. */
interface Target {
  readonly decode: (bytes: Bytes) => unknown;
  readonly valid: readonly Bytes[];
}

const header = {
  initiatorCookie: fromHex('0102030405060708'),
  responderCookie: fromHex('1112131415161718'),
  exchangeType: 2,
  flags: 0,
  messageId: 0,
};
const natt: Payload = { kind: 'nat-discovery', draft: false, hash: new Uint8Array(20) };
const payloads: readonly Payload[] = [
  {
    kind: 'security-association',
    proposals: [phase1Proposal(PHASE1_TRANSFORMS, 1, { seconds: 28_800 })],
  },
  { kind: 'vendor-id', data: fromHex('4a131c81070358455c5728f20e95452f') },
  { kind: 'key-exchange', data: new Uint8Array(128) },
  { kind: 'certificate', encoding: 4, data: new Uint8Array(40) },
  { kind: 'certificate-request', encoding: 4, data: new Uint8Array(20) },
  { kind: 'signature', data: new Uint8Array(64) },
  { kind: 'nonce', data: new Uint8Array(32) },
  natt,
  { kind: 'identification', idType: 1, protocolId: 17, port: 1701, data: new Uint8Array(4) },
  { kind: 'delete', doi: 1, protocolId: 3, spiSize: 4, spis: [new Uint8Array(4), EMPTY.slice()] },
];
const quick: readonly Payload[] = [
  {
    kind: 'security-association',
    proposals: [
      phase2Proposal(PHASE2_TRANSFORMS, fromHex('01020304'), { encapsulation: 4, lifetime: {} }),
    ],
  },
  {
    kind: 'notification',
    doi: 1,
    protocolId: 3,
    notifyType: 24_576,
    spi: fromHex('01020304'),
    data: fromHex('800100018002003c'),
  },
];
const offer = {
  hostName: fromHex('686f7374'),
  vendorName: fromHex('76'),
  tunnelId: 7,
  challenge: new Uint8Array(16),
};
const control = {
  kind: 'message',
  tunnelId: 1,
  sessionId: 2,
  ns: 3,
  nr: 4,
  mandatory: true,
} as const;
const packet = (protocol: number, payload: string): Bytes => {
  const bytes = fromHex(`4500 0000 0001 4000 40 00 0000 0a1e00fe 0a1e000a ${payload}`);
  bytes[3] = bytes.length;
  bytes[9] = protocol;
  return bytes;
};
const packet6 = (next: number, payload: string): Bytes => {
  const addresses = `${'20010db8'.padEnd(31, '0')}1 ${'20010db8'.padEnd(31, '0')}2`;
  const bytes = fromHex(`6000 0000 0000 00 40 ${addresses} ${payload}`);
  bytes[5] = bytes.length - 40;
  bytes[6] = next;
  return bytes;
};
const linkLocal = fromHex(`${'fe80'.padEnd(31, '0')}2${'fe80'.padEnd(31, '0')}1`);
const session = new DataSession(
  { localTunnelId: 1, peerTunnelId: 2, localSessionId: 3, peerSessionId: 4 },
  'follow-peer',
);
const scratch = new IpHeader();
const segment = new Segment();

const TARGETS: Readonly<Record<string, Target>> = {
  ...INSPECTED,
  isakmp: {
    decode: (bytes) => {
      const message = decodeMessage(bytes);
      if (isFragment(message)) {
        new Reassembly().add(message, 0);
        return;
      }
      const found = decodeClearBody(message);
      for (const { payload } of found) {
        if (payload.kind !== 'security-association') continue;
        choosePhase1(payload.proposals, PHASE1_TRANSFORMS, 1);
        choosePhase2(payload.proposals, PHASE2_TRANSFORMS, [3, 4], 'any');
      }
      responderLifetime(found);
    },
    valid: [
      encodeClearMessage(header, payloads.slice(0, -1)),
      encodeClearMessage(header, quick),
      ...fragmentMessage(encodeClearMessage(header, quick), 552),
    ],
  },
  certificate: {
    decode: (bytes) => {
      const certificate = decodeCertificate(bytes);
      insist(summarize(certificate, noblePrimitives).fingerprint.length === 64, 'a summary');
    },
    valid: (['gateway.crt', 'ecgateway.crt', 'sub.crt'] as const).map(pkiDer),
  },
  'revocation list': { decode: decodeRevocationList, valid: [pkiDer('root.crl')] },
  'private key': {
    decode: decodePrivateKey,
    valid: (['client.key', 'ecclient.key', 'client.trad', 'ecclient.trad'] as const).map(pkiDer),
  },
  PEM: {
    decode: (bytes) => decodePem(utf8Decode(bytes)),
    valid: [pkiFile('client.crt').bytes],
  },
  l2tp: {
    decode: (bytes) => {
      const message = decodeControl(bytes);
      if (message.kind === 'message') judge('SCCRQ', message, undefined);
    },
    valid: [sccrq(offer), stopccn(7, { result: 1, error: 2 }), icrq(3, 4)].map((outgoing) =>
      encodeControl({ ...control, ...outgoing }),
    ),
  },
  'l2tp data': {
    decode: (bytes) => {
      const cursor = { bytes, start: 0, end: bytes.length };
      if (session.decapsulate(cursor)) insist(cursor.start < cursor.end, 'an empty packet');
      insist(cursor.end <= bytes.length, 'beyond the end');
    },
    valid: [
      fromHex('0002 0001 0003 ff03'),
      fromHex('4a02 0014 0001 0003 00000000 0002 0000 ff03c021'),
    ],
  },
  'inner udp': {
    decode: (bytes) => {
      const cursor = { bytes, start: 0, end: bytes.length };
      stripUdp(cursor, 1701);
      insist(cursor.start <= cursor.end && cursor.end <= bytes.length, 'cursor');
    },
    valid: [fromHex('06a5 06a5 000c 0000 00020001')],
  },
  ppp: {
    decode: (bytes) => {
      const length = headerLength(bytes, 0, bytes.length);
      if (length > 0) protocolNumber(bytes, 0, length);
      const each = decodeControlPacket(bytes.slice(length));
      decodeReplyMessage(each);
      for (const decode of [
        () =>
          decodeConfigOptions(each.body).map((o) => [
            decodeLcpOption(o),
            decodeIpcpOption(o),
            decodeIpv6cpOption(o),
          ]),
        () => decodeMsChapResponse(decodeChapValue(each).value),
        () => decodeAuthenticateRequest(each),
      ]) {
        refusing(decode);
      }
    },
    valid: [
      fromHex('ff03c021 0101 0012 0104 0578 0305 c22381 0506 01020304'),
      fromHex('ff038021 0101 0016 0306 00000000 8106 00000000 8306 00000000'),
      fromHex('ff03c223 0201 000a 04 01020304 61'),
      fromHex('c023 0101 000a 02 6162 02 6162'),
    ],
  },
  ip: {
    decode: (bytes) => {
      decodeQuotedIpv4(scratch, bytes, 0, bytes.length);
      const { dataStart } = scratch;
      refusing(() => decodeIcmp(scratch, bytes));
      refusing(() => decodeSegment(segment, bytes, dataStart, bytes.length));
      refusing(() => decodeIpv4(scratch, bytes, 0, bytes.length));
    },
    valid: [
      packet(1, '0800 f7ff 0000 0000'),
      packet(
        6,
        '0050 c000 00000001 00000002 a012 ffff 0000 0000 020405b4 0402 080a 00000001 00000002 0303 07 00',
      ),
    ],
  },
  ipv6: {
    decode: (bytes) => {
      refusing(() => decodeQuotedIpv6(scratch, bytes, 0, bytes.length));
      decodeIpv6(scratch, bytes, 0, bytes.length);
      insist(scratch.dataStart <= scratch.dataEnd && scratch.dataEnd <= bytes.length, 'payload');
      decodeIcmp(scratch, bytes);
    },
    valid: [
      packet6(58, '8000 0000 0001 0002'),
      packet6(0, '3c00 0502 0000 0100 2b00 0104 0000 0000 3a00 0000 0000 0000 8000 0000 0001 0002'),
      packet6(44, '0600 0011 0000 0007 0050 c000'),
    ],
  },
  'neighbour discovery': {
    decode: (bytes) => {
      scratch.version = 6;
      scratch.bytes = linkLocal;
      scratch.addressesAt = 0;
      Object.assign(scratch, { dataStart: 0, dataEnd: bytes.length, ttl: 255 });
      refusing(() => decodeNeighborSolicitation(scratch, bytes));
      const found = decodeRouterAdvertisement(scratch, bytes);
      insist(found.prefixes.length + found.searchList.length <= bytes.length, 'options');
    },
    valid: [
      fromHex(
        `8600 0000 4000 0708 00000000 00000000 0304 40c0 00000e10 00000708 00000000
         20010db8 00010002 00000000 00000000 1903 0000 00000e10 20010db8 00090000 00000000 00000009
         1f02 0000 00000e10 04 636f7270 00 0000`,
      ),
      fromHex('8700 0000 00000000 fe800000 00000000 00000000 00000001'),
    ],
  },
  dns: {
    decode: (bytes) => {
      for (const type of ['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT'] as const) {
        refusing(() => decodeReply(bytes, 0x0102, { name: 'a.example', type }));
      }
    },
    valid: [
      answer('A', 'c00c 0001 0001 0000003c 0004 0a000001'),
      answer('A', 'c00c 0005 0001 0000003c 0002 c00c'),
      answer('SRV', 'c00c 0021 0001 0000003c 000a 0001 0002 0185 01 61 c00c'),
      answer('TXT', 'c00c 0010 0001 0000003c 0006 02 7631 02 7632'),
    ],
  },
  frames: {
    decode: (bytes) => {
      forEachRecord(bytes, (channel, start, end) => {
        insist(start < end && end <= bytes.length, 'record');
        hasShape(channel, bytes, start, end);
      });
    },
    valid: [fromHex('00 0004 01020304 01 0001 ff 03 0002 0102')],
  },
  texts: {
    decode: (bytes) => {
      const text = utf8Decode(bytes);
      insist(plainText(text).length <= 1000, 'a long text');
      parseSuccess(text);
      parseFailure(text);
    },
    valid: [
      'S=0123456789ABCDEF0123456789ABCDEF01234567 M=Welcome',
      'E=691 R=1 C=0123456789ABCDEF0123456789ABCDEF V=3 M=Failed',
    ].map((text) => new Uint8Array(Buffer.from(text))),
  },
  'control of the relay': textTarget(decodeControlFromRelay, [
    '{"type":"unreachable","channel":"ike","reason":"ECONNREFUSED"}',
    '{"type":"refused","code":"RELAY_FULL","message":"Full."}',
    '{"type":"opened","gateway":{"id":"a","name":"A","address":"192.0.2.1"},"local":{"address":"192.0.2.9","ike":1,"natt":2,"l2tp":3},"remote":{"ike":500,"natt":4500,"l2tp":1701},"channels":["ike"],"mtu":1500,"limits":{"frameBytes":9,"recordBytes":9}}',
  ]),
  'control of the tab': textTarget(decodeControlFromTab, ['{"type":"open","gateway":"office"}']),
  'configuration of the relay': textTarget(
    (text) => {
      try {
        parseConfig(text);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        insist(error.problems.length > 0 && error.problems.length <= 20, 'problems');
      }
    },
    [
      '{"listen":{"host":"127.0.0.1","port":8443},"gateways":[{"id":"a","name":"A","address":"192.0.2.1"}]}',
    ],
  ),
};

const names = Object.keys(TARGETS);

fuzz({
  name: 'decoders',
  input: fc.record({
    target: fc.constantFrom(...names),
    base: fc.nat({ max: 8 }),
    changes: mutations,
    /** Instead of a message that was valid. */
    bytes: fc.option(octets(400), { nil: undefined, freq: 4 }),
  }),
  check: ({ target: name, base, changes, bytes }) => {
    const { decode, valid } = TARGETS[name]!;
    const message = mutate(bytes ?? valid[base % valid.length]!, changes);
    const begin = performance.now();
    refusing(() => decode(message));
    const millis = performance.now() - begin;
    insist(millis < MOST_MILLIS, `${name} took ${millis} ms for ${message.length} bytes`);
  },
});

function textTarget(decode: (text: string) => unknown, valid: readonly string[]): Target {
  return {
    decode: (bytes) => decode(Buffer.from(bytes).toString('utf8')),
    valid: valid.map((text) => new Uint8Array(Buffer.from(text))),
  };
}

/** An answer to the question with one record. */
function answer(type: RecordType, record: string): Bytes {
  const question = encodeQuestion(0x0102, { name: 'a.example', type }).slice(12);
  const head = new Writer().u16(0x0102).u16(0x8180).u16(1).u16(1).u16(0).u16(0);
  return head.bytes(question).bytes(fromHex(record)).finish();
}
