/** The control messages we send, with the AVPs RFC 2661 §6 asks of each; none is ever hidden. */
import type { Bytes } from '../wire/bytes.ts';
import type { Avp, ResultCode } from './avp.ts';
import { type Outgoing, RECEIVE_WINDOW } from './channel.ts';
import { Framing, MessageType, PROTOCOL_VERSION } from './numbers.ts';

/** What the ICCN claims the line does, in bits a second; nobody measures it. */
const CONNECT_SPEED = 100_000_000;

export interface TunnelOffer {
  readonly hostName: Bytes;
  readonly vendorName: Bytes;
  readonly tunnelId: number;
  readonly challenge: Bytes | undefined;
}

/** @rfc 2661 §6.1 */
export function sccrq(offer: TunnelOffer): Outgoing {
  return { type: MessageType.SCCRQ, sessionId: 0, avps: start(offer) };
}

/** @rfc 2661 §6.2 */
export function sccrp(offer: TunnelOffer, response: Bytes | undefined): Outgoing {
  const avps = [...start(offer), ...answer(response)];
  return { type: MessageType.SCCRP, sessionId: 0, avps };
}

/** @rfc 2661 §6.3 */
export function scccn(response: Bytes | undefined): Outgoing {
  return { type: MessageType.SCCCN, sessionId: 0, avps: answer(response) };
}

/** @rfc 2661 §6.4 */
export function stopccn(tunnelId: number, resultCode: ResultCode): Outgoing {
  const avps: Avp[] = [
    { kind: 'assignedTunnelId', value: tunnelId },
    { kind: 'resultCode', value: resultCode },
  ];
  return { type: MessageType.StopCCN, sessionId: 0, avps };
}

/** @rfc 2661 §6.5 */
export function hello(): Outgoing {
  return { type: MessageType.HELLO, sessionId: 0, avps: [] };
}

/** @rfc 2661 §6.6 */
export function icrq(sessionId: number, callSerialNumber: number): Outgoing {
  const avps: Avp[] = [
    { kind: 'assignedSessionId', value: sessionId },
    { kind: 'callSerialNumber', value: callSerialNumber },
  ];
  return { type: MessageType.ICRQ, sessionId: 0, avps };
}

/** @rfc 2661 §6.7 */
export function icrp(peerSessionId: number, sessionId: number): Outgoing {
  const avps: Avp[] = [{ kind: 'assignedSessionId', value: sessionId }];
  return { type: MessageType.ICRP, sessionId: peerSessionId, avps };
}

/** `framing` is what the peer said it takes: synchronous is claimed where it may be. @rfc 2661 §6.8 */
export function iccn(peerSessionId: number, framing: number): Outgoing {
  const onlyAsync = (framing & (Framing.sync | Framing.async)) === Framing.async;
  const avps: Avp[] = [
    { kind: 'txConnectSpeed', value: CONNECT_SPEED },
    { kind: 'framingType', value: onlyAsync ? Framing.async : Framing.sync },
  ];
  return { type: MessageType.ICCN, sessionId: peerSessionId, avps };
}

/** @rfc 2661 §6.12 */
export function cdn(peerSessionId: number, sessionId: number, resultCode: ResultCode): Outgoing {
  const avps: Avp[] = [
    { kind: 'resultCode', value: resultCode },
    { kind: 'assignedSessionId', value: sessionId },
  ];
  return { type: MessageType.CDN, sessionId: peerSessionId, avps };
}

function start({ hostName, vendorName, tunnelId, challenge }: TunnelOffer): Avp[] {
  const avps: Avp[] = [
    { kind: 'protocolVersion', value: { version: PROTOCOL_VERSION, revision: 0 } },
    { kind: 'framingCapabilities', value: Framing.sync | Framing.async },
    { kind: 'hostName', value: hostName },
    { kind: 'vendorName', value: vendorName },
    { kind: 'assignedTunnelId', value: tunnelId },
    { kind: 'receiveWindowSize', value: RECEIVE_WINDOW },
  ];
  if (challenge !== undefined) avps.push({ kind: 'challenge', value: challenge });
  return avps;
}

function answer(response: Bytes | undefined): Avp[] {
  return response === undefined ? [] : [{ kind: 'challengeResponse', value: response }];
}
