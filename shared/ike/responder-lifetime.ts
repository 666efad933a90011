/** RESPONDER-LIFETIME: the responder of either phase wants the SA to end sooner than it was offered to. RFC 2407 §4.6.3.1. */
import { type Attribute, decodeAttributes, encodeAttributes } from '../isakmp/attribute.ts';
import {
  IPSEC_DOI,
  NotifyType,
  Phase1Attribute,
  Phase2Attribute,
  ProtocolId,
} from '../isakmp/numbers.ts';
import type { Payload, ReceivedPayload } from '../isakmp/payload.ts';
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { isShorter, type Lifetime, lifetimeAttributes, readLifetime, shorter } from './lifetime.ts';

/**
 * The lifetime of a RESPONDER-LIFETIME notification, if there is one. About an IKE SA its attributes are numbered as in
 * phase 1 by some and as in phase 2 by others: both are understood. What is malformed says nothing: the exchange
 * that it came with is authentic and has moved on.
 * @rfc 2407 §4.6.3.1
 */
export function responderLifetime(payloads: readonly ReceivedPayload[]): Lifetime {
  for (const { payload } of payloads) {
    if (payload.kind !== 'notification' || payload.doi !== IPSEC_DOI) continue;
    if (payload.notifyType !== NotifyType['RESPONDER-LIFETIME']) continue;
    const attributes = readAttributes(payload.data);
    return shorter(
      readLifetime(attributes, Phase2Attribute),
      readLifetime(attributes, Phase1Attribute),
    );
  }
  return {};
}

/**
 * The notification, where what we allow is shorter than what was offered. `spi` is both cookies, or the SPI that we chose.
 * @rfc 2407 §4.6.3.1
 */
export function responderLifetimePayloads(
  phase: 1 | 2,
  spi: Bytes,
  offered: Lifetime,
  allowed: Lifetime,
): readonly Payload[] {
  if (!isShorter(allowed, offered)) return [];
  const writer = new Writer();
  const attributes = lifetimeAttributes(
    shorter(allowed, offered),
    phase === 1 ? Phase1Attribute : Phase2Attribute,
  );
  encodeAttributes(writer, attributes);
  return [
    {
      kind: 'notification',
      doi: IPSEC_DOI,
      protocolId: phase === 1 ? ProtocolId.isakmp : ProtocolId.ipsecEsp,
      notifyType: NotifyType['RESPONDER-LIFETIME'],
      spi,
      data: writer.finish(),
    },
  ];
}

function readAttributes(data: Bytes): readonly Attribute[] {
  try {
    return decodeAttributes(new Reader(data));
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
