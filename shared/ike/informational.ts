/** Informational exchanges: what we send in them and what the peer's say. RFC 2408 §4.8, RFC 2409 §5.7, RFC 3706 §5. */
import type { Message } from '../isakmp/message.ts';
import {
  ExchangeType,
  IPSEC_DOI,
  LAST_ERROR_NOTIFY,
  NotifyType,
  ProtocolId,
} from '../isakmp/numbers.ts';
import type { Delete, Notification, Payload, ReceivedPayload } from '../isakmp/payload.ts';
import { type Bytes, constantTimeEqual, EMPTY, type Random } from '../wire/bytes.ts';
import type { IkeSa } from './ike-sa.ts';
import { randomMessageId, spiBytes, spiNumber } from './quick-mode.ts';

/** What an authentic informational message amounts to, one per payload that means something. */
export type Notice =
  | { readonly kind: 'error'; readonly notifyType: number }
  | { readonly kind: 'are-you-there'; readonly sequence: number }
  | { readonly kind: 'acknowledged'; readonly sequence: number }
  | { readonly kind: 'ike-deleted' }
  | { readonly kind: 'child-deleted'; readonly spi: number };

/** The payloads as one encrypted message under a message id of its own. */
export function sealInformational(sa: IkeSa, random: Random, payloads: readonly Payload[]): Bytes {
  const messageId = randomMessageId(random);
  return sa.seal(ExchangeType.informational, messageId, sa.chain(messageId), EMPTY, payloads);
}

/** `undefined` when the message is not authentic. Throws `DecodeError` on what does not decrypt to payloads. */
export function openInformational(sa: IkeSa, message: Message): readonly Notice[] | undefined {
  const payloads = sa.open(message, sa.chain(message.header.messageId), EMPTY);
  return payloads?.flatMap(({ payload }) => readNotices(sa, payload));
}

/** The error notification of a message that nobody authenticated, if it has one. */
export function errorNotification(payloads: readonly ReceivedPayload[]): Notification | undefined {
  for (const { payload } of payloads) {
    if (payload.kind === 'notification' && isError(payload.notifyType)) return payload;
  }
  return undefined;
}

/** @rfc 2408 §3.15 */
export function deleteChildren(spis: readonly number[]): Payload {
  const { ipsecEsp } = ProtocolId;
  return {
    kind: 'delete',
    doi: IPSEC_DOI,
    protocolId: ipsecEsp,
    spiSize: 4,
    spis: spis.map(spiBytes),
  };
}

/** @rfc 2408 §3.15 */
export function deleteIke(sa: IkeSa): Payload {
  const { isakmp } = ProtocolId;
  return {
    kind: 'delete',
    doi: IPSEC_DOI,
    protocolId: isakmp,
    spiSize: 16,
    spis: [sa.cookies],
  };
}

/** R-U-THERE or its acknowledgement. @rfc 3706 §5.3 */
export function livenessNotification(
  sa: IkeSa,
  name: 'R-U-THERE' | 'R-U-THERE-ACK',
  sequence: number,
): Payload {
  return {
    kind: 'notification',
    doi: IPSEC_DOI,
    protocolId: ProtocolId.isakmp,
    notifyType: NotifyType[name],
    spi: sa.cookies,
    data: spiBytes(sequence),
  };
}

/** A refusal. @rfc 2408 §3.14 */
export function refusal(notifyType: number): Payload {
  return {
    kind: 'notification',
    doi: IPSEC_DOI,
    protocolId: ProtocolId.isakmp,
    notifyType,
    spi: EMPTY,
    data: EMPTY,
  };
}

function readNotices(sa: IkeSa, payload: Payload): readonly Notice[] {
  switch (payload.kind) {
    case 'notification':
      return readNotification(sa, payload);
    case 'delete':
      return readDelete(sa, payload);
    default:
      return [];
  }
}

/** INITIAL-CONTACT, REPLAY-STATUS and whatever else is not an error says nothing to one host behind a NAT. */
function readNotification(sa: IkeSa, { notifyType, spi, data }: Notification): readonly Notice[] {
  if (isError(notifyType)) return [{ kind: 'error', notifyType }];
  const asks = notifyType === NotifyType['R-U-THERE'];
  if (!asks && notifyType !== NotifyType['R-U-THERE-ACK']) return [];
  if (data.length !== 4 || !constantTimeEqual(spi, sa.cookies)) return [];
  const kind = asks ? 'are-you-there' : 'acknowledged';
  return [{ kind, sequence: spiNumber(data) }];
}

function readDelete(sa: IkeSa, { protocolId, spis }: Delete): readonly Notice[] {
  if (protocolId === ProtocolId.isakmp) {
    return spis.some((spi) => constantTimeEqual(spi, sa.cookies)) ? [{ kind: 'ike-deleted' }] : [];
  }
  if (protocolId !== ProtocolId.ipsecEsp) return [];
  return spis
    .filter((spi) => spi.length === 4)
    .map((spi) => ({ kind: 'child-deleted', spi: spiNumber(spi) }));
}

function isError(notifyType: number): boolean {
  return notifyType > 0 && notifyType <= LAST_ERROR_NOTIFY;
}
