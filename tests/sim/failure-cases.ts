/**
 * Ways in which connecting or a tunnel can fail, as data: what is done to it, what the person is told, and after how
 * long at most, in virtual time. `failures.test.ts` plays them; `npm run docs` prints them in `docs/errors.md`.
 */
import type { TunnelErrorCode } from '../../shared/errors.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import { espTransforms } from '../../shared/ike/phase2-transforms.ts';
import type { Avp, ResultCode } from '../../shared/l2tp/avp.ts';
import { decodeControl, encodeControl } from '../../shared/l2tp/message.ts';
import { MessageType } from '../../shared/l2tp/numbers.ts';
import { ChapCode } from '../../shared/ppp/chap-packet.ts';
import {
  ControlCode,
  decodeControlPacket,
  encodeControlPacket,
} from '../../shared/ppp/control-packet.ts';
import { formatFailure } from '../../shared/ppp/mschapv2.ts';
import { encodeFrame, PppProtocol } from '../../shared/ppp/protocol.ts';
import { Channel } from '../../shared/relay/channels.ts';
import { REFUSALS, type RefusalCode } from '../../shared/relay/close-codes.ts';
import { encodeControl as encodeRelayControl } from '../../shared/relay/control.ts';
import type { Stage } from '../../shared/vpn/stack-config.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { utf8Encode } from '../../shared/wire/text.ts';
import type { GatewayConfig, Misbehaviour } from '../support/gateway.ts';
import type { Laboratory, LaboratoryOptions } from '../support/laboratory.ts';

export type Moment = Exclude<Stage, 'relay'> | 'connected';

export interface FailureCase {
  /** What happens, in words. */
  readonly failure: string;
  readonly code: TunnelErrorCode;
  /** Longest time from the failure, or from the start, to the message. */
  readonly within: Millis;
  readonly detail?: RegExp;
  readonly user?: {
    readonly preSharedKey?: string;
    readonly name?: string;
    readonly password?: string;
  };
  readonly gateway?: Partial<GatewayConfig>;
  /** There is no gateway; who answers in its place, if anybody does. */
  readonly absent?: Pick<LaboratoryOptions, 'stranger'>;
  /** The relay's answer to `open`. */
  readonly answer?: LaboratoryOptions['answer'];
  /** When `inject` is called. */
  readonly at?: Moment;
  readonly inject?: (lab: Laboratory) => void;
}

/** Quick to compute, and among what is offered. */
export const QUICK_PHASE1: Phase1Transform = {
  cipher: 'aes-cbc',
  keyBits: 128,
  hash: 'sha1',
  group: 2,
};

/** What a hostile gateway would like on the screen. */
const NASTY_TEXT = `No\u0000\u001b[31m \u202egnp.exe\u2066<img src=x onerror=alert(1)>\r\n${'A'.repeat(700)}`;

const CONNECTING: readonly Moment[] = [
  'ike-phase-1',
  'ike-phase-2',
  'l2tp',
  'ppp-link',
  'ppp-authentication',
  'ppp-address',
];

const RELAY: readonly FailureCase[] = [
  {
    failure: 'The relay does not answer the tab’s request',
    code: 'RELAY_UNREACHABLE',
    within: 10_000,
    answer: () => undefined,
  },
  ...['{"type":"opened"}', 'not JSON', '{"type":"opened","allowPap":true}', ''].map(
    (told): FailureCase => ({
      failure: 'The relay answers with something else than it should',
      code: 'RELAY_REFUSED',
      within: 0,
      detail: /not understood/,
      answer: () => told,
    }),
  ),
  ...(Object.keys(REFUSALS) as RefusalCode[]).map(
    (code): FailureCase => ({
      failure: 'The relay refuses',
      code: REFUSALS[code].outcome,
      within: 0,
      detail: new RegExp(code),
      answer: () => encodeRelayControl({ type: 'refused', code, message: `because of ${code}` }),
    }),
  ),
  ...[...CONNECTING, 'connected' as const].map(
    (at): FailureCase => ({
      failure: 'The connection to the relay breaks',
      code: 'RELAY_CLOSED',
      within: 0,
      at,
      inject: (lab) => lab.input({ kind: 'relay-closed', failure: { code: 'RELAY_CLOSED' } }),
    }),
  ),
];

const IKE: readonly FailureCase[] = [
  { failure: 'The gateway is silent', code: 'IKE_NO_RESPONSE', within: 31_000, absent: {} },
  {
    failure: 'The gateway’s host answers that nothing listens (ICMP)',
    code: 'IKE_UNREACHABLE',
    within: 5_100,
    absent: { stranger: () => [{ type: 'unreachable', channel: 'ike', reason: 'ECONNREFUSED' }] },
  },
  {
    failure: 'The gateway answers garbage',
    code: 'IKE_NO_RESPONSE',
    within: 31_000,
    absent: {
      stranger: ({ bytes }) =>
        [Uint8Array.of(1, 2, 3), bytes.map((byte) => byte ^ 0x55), garbledBody(bytes), bytes].map(
          (answer) => ({ channel: Channel.ike, bytes: answer }),
        ),
    },
  },
  {
    failure: 'No common proposal for IKE',
    code: 'IKE_NO_PROPOSAL_CHOSEN',
    within: 5_100,
    detail:
      /^offered for IKE: .*AES-CBC-256.*MODP-2048.*; the gateway answered NO-PROPOSAL-CHOSEN$/,
    gateway: { phase1: [{ ...QUICK_PHASE1, keyBits: 192, hash: 'sha512' }] },
  },
  {
    failure: 'No common proposal for ESP',
    code: 'IKE_NO_PROPOSAL_CHOSEN',
    within: 1_000,
    detail: /^offered for ESP: .*AES-GCM-16-256.*; the gateway answered NO-PROPOSAL-CHOSEN$/,
    gateway: { phase2: [{ cipher: 'aes-ctr', keyBits: 192, integrity: 'hmac-md5-96' }] },
  },
  {
    failure: 'Wrong pre-shared key',
    code: 'IKE_AUTHENTICATION_FAILED',
    within: 6_000,
    user: { preSharedKey: 'another key' },
  },
  {
    failure: 'The gateway falls silent in main mode, as some do at a wrong pre-shared key',
    code: 'IKE_AUTHENTICATION_FAILED',
    within: 32_000,
    // Message 5 is the first on UDP 4500.
    gateway: {
      misbehaviour: { datagram: (channel) => (channel === Channel.natt ? [] : undefined) },
    },
  },
];

const TRUNCATED = espTransforms({ truncatedSha256: true }, [
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-256-128' },
]);

const L2TP: readonly FailureCase[] = [
  {
    failure: 'The gateway has no L2TP service',
    code: 'L2TP_NO_RESPONSE',
    within: 31_500,
    gateway: { misbehaviour: { l2tp: () => [] } },
  },
  {
    failure: 'The gateway cuts HMAC-SHA-256 to 96 bits, and nobody said so',
    code: 'L2TP_NO_RESPONSE',
    within: 31_500,
    gateway: { phase2: TRUNCATED },
  },
  {
    failure: 'The gateway refuses L2TP (StopCCN)',
    code: 'L2TP_REFUSED',
    within: 1_500,
    detail: /^StopCCN 2: .*No {2}\[31m {2}gnp\.exe <img src=x/,
    gateway: { misbehaviour: { l2tp: stopped } },
  },
  {
    failure: 'The gateway refuses the call (CDN)',
    code: 'L2TP_CALL_REFUSED',
    within: 3_500,
    detail: /^CDN 4: .*No/,
    gateway: { misbehaviour: refusedCall() },
  },
];

const PPP: readonly FailureCase[] = [
  { failure: 'Wrong user name', code: 'PPP_AUTH_FAILED', within: 3_000, user: { name: 'mallory' } },
  {
    failure: 'Wrong password',
    code: 'PPP_AUTH_FAILED',
    within: 3_000,
    user: { password: 'looking glass' },
  },
  {
    failure: 'Wrong password, with a message of the gateway’s',
    code: 'PPP_AUTH_FAILED',
    within: 3_500,
    detail: /^No {2}\[31m {2}gnp\.exe <img src=x onerror=alert\(1\)> +A+…$/,
    gateway: { misbehaviour: { ppp: chapFailure(691) } },
  },
  {
    failure: 'The password has expired',
    code: 'PPP_PASSWORD_EXPIRED',
    within: 3_500,
    detail: /^the password has expired: No/,
    gateway: { misbehaviour: { ppp: chapFailure(648) } },
  },
  {
    failure: 'The gateway does not know the password itself',
    code: 'PPP_PEER_NOT_AUTHENTIC',
    within: 3_500,
    gateway: {
      misbehaviour: {
        ppp: onChapResponse((id) => [ChapCode.success, id, utf8Encode(`S=${'0'.repeat(40)} M=ok`)]),
      },
    },
  },
  {
    failure: 'The gateway has only PAP',
    code: 'PPP_NO_AUTH_PROTOCOL',
    within: 4_000,
    detail: /PAP/,
    gateway: { methods: ['pap'] },
  },
  {
    failure: 'The gateway assigns no address',
    code: 'PPP_NO_ADDRESS',
    within: 3_500,
    gateway: { misbehaviour: { ppp: onIpcpRequest(ControlCode.configureReject) } },
  },
  {
    failure: 'The gateway’s addresses are all in use (Nak of 0.0.0.0)',
    code: 'PPP_NO_ADDRESS',
    within: 4_000,
    // Address option: type 3, length 6.
    gateway: {
      misbehaviour: {
        ppp: onIpcpRequest(ControlCode.configureNak, Uint8Array.of(3, 6, 0, 0, 0, 0)),
      },
    },
  },
  deaf('The gateway’s PPP never begins', PppProtocol.lcp, 'PPP_NEGOTIATION_FAILED', 31_000),
  {
    failure: 'The gateway never says whether user and password are right',
    code: 'PPP_NEGOTIATION_FAILED',
    within: 125_000,
    at: 'ppp-authentication',
    inject: (lab) => {
      lab.gateway!.misbehaviour = { mute: ['ppp'] };
    },
  },
  {
    failure: 'The gateway never answers about an address',
    code: 'PPP_NEGOTIATION_FAILED',
    within: 31_000,
    at: 'ppp-address',
    // Silent, not only deaf: who hears no answer gives up at the same moment, and might say so first.
    inject: (lab) => {
      lab.gateway!.misbehaviour = { mute: ['ppp'] };
    },
  },
];

const ENDINGS: readonly FailureCase[] = [
  ...CONNECTING.slice(1).map((at) => hangUp(at, 'ike', 'IKE_CLOSED_BY_PEER')),
  hangUp('connected', 'ike', 'IKE_CLOSED_BY_PEER'),
  hangUp('ppp-link', 'l2tp', 'L2TP_CLOSED_BY_PEER'),
  hangUp('ppp-authentication', 'l2tp', 'PPP_AUTH_FAILED'),
  hangUp('ppp-address', 'l2tp', 'L2TP_CLOSED_BY_PEER'),
  hangUp('connected', 'l2tp', 'L2TP_CLOSED_BY_PEER'),
  {
    failure: 'The gateway ends it (LCP Terminate)',
    code: 'PPP_CLOSED_BY_PEER',
    within: 5_000,
    detail: /^No {2}\[31m {2}gnp\.exe/,
    gateway: {
      misbehaviour: {
        ppp: (protocol, information) => {
          const { code, id } = decodeControlPacket(information);
          if (protocol !== PppProtocol.lcp || code !== ControlCode.configureRequest)
            return undefined;
          return [frame(protocol, [ControlCode.terminateRequest, id, utf8Encode(NASTY_TEXT)])];
        },
      },
    },
  },
  hangUp('ppp-authentication', 'ppp', 'PPP_AUTH_FAILED'),
  hangUp('ppp-address', 'ppp', 'PPP_CLOSED_BY_PEER'),
  hangUp('connected', 'ppp', 'PPP_CLOSED_BY_PEER'),
];

const DEATHS: readonly FailureCase[] = [
  dies('ike-phase-2', 'IKE_QUICK_MODE_FAILED', 31_000),
  dies('l2tp', 'L2TP_NO_RESPONSE', 34_000),
  dies('ppp-link', 'PPP_NEGOTIATION_FAILED', 33_000),
  dies('ppp-authentication', 'IKE_DEAD_PEER', 43_000),
  dies('ppp-address', 'PPP_NEGOTIATION_FAILED', 33_000),
  dies('connected', 'IKE_DEAD_PEER', 43_000),
  {
    failure: 'The gateway’s service is stopped while connected (ICMP says so)',
    code: 'IKE_DEAD_PEER',
    within: 23_000,
    at: 'connected',
    inject: (lab) => {
      lab.unplugged = true;
      const type = 'unreachable';
      const text = encodeRelayControl({ type, channel: 'natt', reason: 'ECONNREFUSED' });
      lab.input({ kind: 'control', text });
    },
  },
  {
    failure: 'The gateway’s L2TP and PPP die while connected, its IKE lives on',
    code: 'L2TP_DEAD_PEER',
    within: 52_000,
    at: 'connected',
    inject: (lab) => {
      lab.gateway!.misbehaviour = { mute: ['l2tp', 'ppp'] };
    },
  },
];

export const FAILURE_CASES: readonly FailureCase[] = [
  ...RELAY,
  ...IKE,
  ...L2TP,
  ...PPP,
  ...ENDINGS,
  ...DEATHS,
];

function hangUp(at: Moment, layer: 'ike' | 'l2tp' | 'ppp', code: TunnelErrorCode): FailureCase {
  const name = { ike: 'IKE Delete', l2tp: 'CDN and StopCCN', ppp: 'LCP Terminate' }[layer];
  return {
    failure: `The gateway ends it (${name})`,
    code,
    // What a Terminate-Ack is given to arrive, RFC 1661 §4.1 (Terminate-Request in state Opened).
    within: layer === 'ppp' ? 4_000 : 1_000,
    at,
    inject: (lab) => lab.fromGateway(lab.gateway!.hangUp(lab.now, layer)),
  };
}

function dies(at: Moment, code: TunnelErrorCode, within: Millis): FailureCase {
  const failure =
    at === 'connected' ? 'The gateway dies while connected' : 'The gateway dies while connecting';
  return {
    failure,
    code,
    within,
    at,
    inject: (lab) => {
      lab.unplugged = true;
    },
  };
}

function deaf(
  failure: string,
  protocol: number,
  code: TunnelErrorCode,
  within: Millis,
): FailureCase {
  const ppp: PppAnswer = (which) => (which === protocol ? [] : undefined);
  return { failure, code, within, gateway: { misbehaviour: { ppp } } };
}

/** The client's own message with its cookies, marked as an answer; behind the header nothing makes sense. */
function garbledBody(bytes: Bytes): Bytes {
  return bytes.map((byte, at) => (at < 8 ? byte : at < 16 ? 0x77 : at < 28 ? byte : byte ^ 0xa5));
}

/** StopCCN in answer to SCCRQ. */
function stopped(bytes: Bytes): readonly Bytes[] | undefined {
  const message = decodeControl(bytes);
  if (message.kind === 'zlb') return [];
  const avp = message.avps.find(({ kind }) => kind === 'assignedTunnelId');
  const avps: Avp[] = [
    { kind: 'assignedTunnelId', value: 77 },
    { kind: 'resultCode', value: { result: 2, error: 6, message: utf8Encode(NASTY_TEXT) } },
  ];
  const tunnelId = avp?.kind === 'assignedTunnelId' ? avp.value : 0;
  const { StopCCN: type } = MessageType;
  return [
    encodeControl({
      kind: 'message',
      tunnelId,
      sessionId: 0,
      ns: 0,
      nr: 1,
      type,
      mandatory: true,
      avps,
    }),
  ];
}

/** CDN in answer to ICRQ; the tunnel is the machine's. */
function refusedCall(): Misbehaviour {
  let tunnelId = 0;
  return {
    l2tp: (bytes) => {
      const message = decodeControl(bytes);
      if (message.kind === 'zlb') return undefined;
      for (const avp of message.avps) {
        if (avp.kind === 'assignedTunnelId') tunnelId = avp.value;
      }
      if (message.type !== MessageType.ICRQ) return undefined;
      const session = message.avps.find(({ kind }) => kind === 'assignedSessionId');
      const sessionId = session?.kind === 'assignedSessionId' ? session.value : 0;
      const value: ResultCode = { result: 4, error: 6, message: utf8Encode(NASTY_TEXT) };
      const avps: Avp[] = [
        { kind: 'resultCode', value },
        { kind: 'assignedSessionId', value: 78 },
      ];
      const { CDN: type } = MessageType;
      const nr = message.ns + 1;
      return [
        encodeControl({
          kind: 'message',
          tunnelId,
          sessionId,
          ns: 1,
          nr,
          type,
          mandatory: true,
          avps,
        }),
      ];
    },
  };
}

function chapFailure(error: number): PppAnswer {
  const text = formatFailure(error, new Uint8Array(16), NASTY_TEXT);
  return onChapResponse((id) => [ChapCode.failure, id, utf8Encode(text)]);
}

type PppAnswer = NonNullable<Misbehaviour['ppp']>;

type Packet = readonly [code: number, id: number, body: Bytes];

function onChapResponse(answer: (id: number) => Packet): PppAnswer {
  return (protocol, information) => {
    if (protocol !== PppProtocol.chap) return undefined;
    return [frame(protocol, answer(decodeControlPacket(information).id))];
  };
}

/** Answers the client's IPCP requests with `options`, or with their own. */
function onIpcpRequest(code: number, options?: Bytes): PppAnswer {
  return (protocol, information) => {
    const packet = decodeControlPacket(information);
    if (protocol !== PppProtocol.ipcp || packet.code !== ControlCode.configureRequest)
      return undefined;
    return [frame(protocol, [code, packet.id, options ?? packet.body])];
  };
}

function frame(protocol: number, [code, id, body]: Packet): Bytes {
  return encodeFrame(protocol, encodeControlPacket({ code, id, body }));
}
