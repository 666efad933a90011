/**
 * The IKE SA: whose cookies, which keys, which way out; and how messages under it are sealed and opened.
 * RFC 2409 §5.5 and §5.7, appendix B.
 */
import type { Primitives } from '../crypto/suite.ts';
import { encodeMessage, type Header, type Message } from '../isakmp/message.ts';
import { HeaderFlag } from '../isakmp/numbers.ts';
import {
  decodePayloads,
  encodePayloads,
  type Payload,
  payloadType,
  type ReceivedPayload,
} from '../isakmp/payload.ts';
import { type Bytes, concat, constantTimeEqual, EMPTY } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { CipherChain } from './cipher-chain.ts';
import type { IkeChannel } from './io.ts';
import {
  messageHash,
  type Phase1Exchange,
  type Phase1Keys,
  phase1Iv,
  phase2Iv,
} from './key-material.ts';
import type { Lifetime } from './lifetime.ts';
import type { NatDialect, NatFindings } from './nat-traversal.ts';
import type { Phase1Transform } from './phase1-transforms.ts';
import type { IkeTap, TapPoint } from './tap.ts';

interface IkeSaParameters {
  readonly primitives: Primitives;
  readonly transform: Phase1Transform;
  readonly exchange: Phase1Exchange;
  readonly keys: Phase1Keys;
  readonly nat: NatFindings;
  /** Set when ESP and IKE travel over port 4500. */
  readonly dialect: NatDialect | undefined;
  /** Our address as the phase 2 identities have it, 4 bytes. */
  readonly phase2Address: Bytes;
  /** Both ends announced dead peer detection. */
  readonly dpd: boolean;
  readonly taps: TapPoint<IkeTap>;
}

export class IkeSa {
  readonly parameters: IkeSaParameters;
  /** Main mode's own chain; its last block is where every later exchange begins. */
  readonly phase1: CipherChain;
  /** Where our messages go. */
  channel: IkeChannel;
  lifetime: Lifetime;
  /** Type and value of the identity that the peer proved. */
  peerIdentity: Bytes = EMPTY;
  /** What could not be found out about it, in words. */
  caveat: string | undefined;
  /** Bytes that this SA's key has encrypted and decrypted, as a kilobyte lifetime counts them. */
  #octets = 0;

  constructor(parameters: IkeSaParameters, channel: IkeChannel, lifetime: Lifetime) {
    const { primitives, transform, exchange, keys, taps } = parameters;
    this.parameters = parameters;
    this.channel = channel;
    this.lifetime = lifetime;
    const iv = phase1Iv(primitives, transform, exchange);
    this.phase1 = new CipherChain(primitives, transform, keys.cipherKey, iv, taps);
    const { initiatorCookie, responderCookie } = exchange;
    taps.tap?.ikeKey(initiatorCookie, responderCookie, keys.cipherKey);
  }

  get octets(): number {
    return this.#octets;
  }

  /** Both cookies: the SPI of an IKE SA. */
  get cookies(): Bytes {
    const { initiatorCookie, responderCookie } = this.parameters.exchange;
    return concat(initiatorCookie, responderCookie);
  }

  /** Whether a header names this SA. */
  owns({ initiatorCookie, responderCookie }: Header): boolean {
    const { exchange } = this.parameters;
    return (
      constantTimeEqual(initiatorCookie, exchange.initiatorCookie) &&
      constantTimeEqual(responderCookie, exchange.responderCookie)
    );
  }

  /** A fresh chain for the exchange `messageId`. */
  chain(messageId: number): CipherChain {
    const { primitives, transform, keys, taps } = this.parameters;
    const iv = phase2Iv(primitives, transform, this.phase1.lastBlock, messageId);
    return new CipherChain(primitives, transform, keys.cipherKey, iv, taps);
  }

  /** The hash of a message after phase 1: `nonce` is what goes between message id and payloads. @rfc 2409 §5.5 */
  hash(messageId: number, nonce: Bytes, payloads: Bytes): Bytes {
    const { primitives, transform, keys } = this.parameters;
    return messageHash(primitives, transform.hash, keys, messageId, nonce, payloads);
  }

  /** A message of HASH and `payloads`, encrypted. */
  seal(
    exchangeType: number,
    messageId: number,
    chain: CipherChain,
    nonce: Bytes,
    payloads: readonly Payload[],
  ): Bytes {
    const data = this.hash(messageId, nonce, encodePayloads(payloads));
    return this.sealPayloads(exchangeType, messageId, chain, [{ kind: 'hash', data }, ...payloads]);
  }

  /** A message of just these payloads, encrypted. */
  sealPayloads(
    exchangeType: number,
    messageId: number,
    chain: CipherChain,
    payloads: readonly Payload[],
  ): Bytes {
    const { initiatorCookie, responderCookie } = this.parameters.exchange;
    const flags = HeaderFlag.encryption;
    const body = chain.encrypt(encodePayloads(payloads));
    this.#octets += body.length;
    return encodeMessage({
      header: { initiatorCookie, responderCookie, exchangeType, flags, messageId },
      firstPayload: payloadType(payloads[0]),
      body,
    });
  }

  /**
   * The payloads behind HASH of an encrypted message, and moves the chain; `undefined` and nothing moved when
   * the hash is wrong. Throws `DecodeError` on what does not decrypt to payloads.
   */
  open(message: Message, chain: CipherChain, nonce: Bytes): readonly ReceivedPayload[] | undefined {
    const plaintext = chain.decrypt(message.body);
    const [first, ...rest] = decodePayloads(message.firstPayload, plaintext);
    if (first?.payload.kind !== 'hash') throw new DecodeError('no hash payload first');
    const covered = plaintext.slice(first.end, rest.at(-1)?.end ?? first.end);
    const expected = this.hash(message.header.messageId, nonce, covered);
    if (!constantTimeEqual(first.payload.data, expected)) return undefined;
    chain.advance(message.body);
    this.#octets += message.body.length;
    return rest;
  }
}
