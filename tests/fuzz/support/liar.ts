/** A gateway that knows the pre-shared key, keeps to the rules of main mode, and says what it likes afterwards. */
import type { CipherChain } from '../../../shared/ike/cipher-chain.ts';
import { type IkeConfig, settleConfig } from '../../../shared/ike/config.ts';
import { IkeContext } from '../../../shared/ike/context.ts';
import type { XauthAccount } from '../../../shared/ike/credentials.ts';
import { Ike } from '../../../shared/ike/ike.ts';
import type { IkeSa } from '../../../shared/ike/ike-sa.ts';
import type { IkeInput, IkeOutput } from '../../../shared/ike/io.ts';
import { MainModeResponder } from '../../../shared/ike/main-mode-responder.ts';
import { phase2Proposal } from '../../../shared/ike/phase2-transforms.ts';
import { decodeMessage, encodeMessage } from '../../../shared/isakmp/message.ts';
import { EncapsulationMode, ExchangeType, HeaderFlag } from '../../../shared/isakmp/numbers.ts';
import { decodePayloads, type Payload, payloadType } from '../../../shared/isakmp/payload.ts';
import { type Bytes, concat, EMPTY } from '../../../shared/wire/bytes.ts';
import { DecodeError, ProtocolError } from '../../../shared/wire/errors.ts';
import { ikeConfig, QUICK_PHASE2 } from '../../sim/ike-pair.ts';
import { Watched } from './watch.ts';

const KEY = 'a shared secret';

/** What no trace and no failure may show. */
export const SECRETS: readonly string[] = [KEY, Buffer.from(KEY).toString('hex')];

/** A gateway that keeps to the rules up to the IKE SA, which it hands over. */
export class Liar {
  readonly client: Watched<IkeInput, IkeOutput>;
  readonly #context: IkeContext;
  readonly #mainMode: MainModeResponder;
  sa: IkeSa | undefined;
  /** Message 1 of each Quick Mode of the client's. */
  readonly quickModes: Bytes[] = [];
  /** Message ids of Quick Modes that are known, of either side. */
  readonly #begun = new Set<number>();

  /** With `xauth` both ends agree on XAUTH behind main mode. */
  constructor(seed: number, xauth?: XauthAccount) {
    const config = (role: 'initiator' | 'responder', number: number): IkeConfig => {
      const plain = ikeConfig(role, number);
      if (xauth === undefined) return plain;
      const own = role === 'initiator' ? { xauth } : { admits: () => true };
      return { ...plain, credentials: { ...plain.credentials, ...own } };
    };
    this.#context = new IkeContext(settleConfig(config('responder', 99)));
    this.#mainMode = new MainModeResponder(this.#context);
    const secrets = [...SECRETS, ...(xauth ? [xauth.password] : [])];
    this.client = new Watched(new Ike(config('initiator', seed)), 1_000, { secrets });
    this.take(this.client.handle({ kind: 'start' }));
  }

  take(outputs: readonly IkeOutput[]): void {
    for (const output of outputs) if (output.kind === 'transmit') this.#receive(output);
  }

  tell(bytes: Bytes): void {
    if (bytes.length >= 28)
      this.#begun.add(new DataView(bytes.buffer, bytes.byteOffset).getUint32(20));
    this.take(this.client.handle({ kind: 'datagram', channel: 'natt', bytes }));
  }

  pass(millis: number): void {
    this.client.pass(this.client.now + millis, { kind: 'timeout' }, (outputs) =>
      this.take(outputs),
    );
  }

  #receive({ bytes, channel }: Extract<IkeOutput, { kind: 'transmit' }>): void {
    const message = decodeMessage(bytes);
    if (message.header.exchangeType === ExchangeType.quickMode) {
      const { messageId } = message.header;
      if (!this.#begun.has(messageId)) this.quickModes.push(bytes);
      this.#begun.add(messageId);
    }
    if (message.header.exchangeType !== ExchangeType.identityProtection) return;
    try {
      this.sa ??= this.#mainMode.receive({ message, bytes, channel }, 0);
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof ProtocolError)) throw error;
    }
    for (const output of this.#context.drain()) {
      if (output.kind === 'transmit') this.tell(output.bytes);
    }
  }
}

const PROPOSAL = (spi: Uint8Array): Payload => ({
  kind: 'security-association',
  proposals: [
    phase2Proposal([QUICK_PHASE2], concat(spi), {
      encapsulation: EncapsulationMode.udpTransport,
      lifetime: { seconds: 3_600 },
    }),
  ],
});
const LIFETIME: Payload = {
  kind: 'notification',
  doi: 1,
  protocolId: 3,
  notifyType: 24_576,
  spi: new Uint8Array(4),
  data: Uint8Array.of(0x80, 1, 0, 1, 0x80, 2, 0, 60),
};

/** What a gateway says when it behaves. */
export function honest(kind: string, spi: Uint8Array, sa: IkeSa): readonly Payload[] {
  const { initiatorCookie, responderCookie } = sa.parameters.exchange;
  const cookies = concat(initiatorCookie, responderCookie);
  const nonce: Payload = { kind: 'nonce', data: new Uint8Array(32) };
  const notification = { kind: 'notification', doi: 1, protocolId: 1, spi: cookies } as const;
  switch (kind) {
    case 'alive':
      return [{ ...notification, notifyType: 36_136, data: concat(spi) }];
    case 'error':
      return [{ ...notification, notifyType: 14, data: EMPTY }];
    case 'delete':
      return [{ kind: 'delete', doi: 1, protocolId: 3, spiSize: 4, spis: [concat(spi)] }];
    case 'identities':
      return [
        PROPOSAL(spi),
        nonce,
        { kind: 'identification', idType: 1, protocolId: 17, port: 1701, data: new Uint8Array(4) },
        { kind: 'identification', idType: 1, protocolId: 17, port: 1701, data: new Uint8Array(4) },
      ];
    default:
      return [PROPOSAL(spi), nonce, LIFETIME];
  }
}

/** Payloads, damaged, under the right hash and the right key. */
export function signed(
  sa: IkeSa,
  exchangeType: number,
  messageId: number,
  nonce: Bytes,
  payloads: readonly Payload[],
  body: Bytes,
): Bytes {
  const first = payloadType(payloads[0]);
  let end = body.length;
  try {
    end = decodePayloads(first, body).at(-1)?.end ?? 0;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  const data = sa.hash(messageId, nonce, body.slice(0, end));
  const hash = Uint8Array.of(first, 0, 0, data.length + 4, ...data);
  const { initiatorCookie, responderCookie } = sa.parameters.exchange;
  const flags = HeaderFlag.encryption;
  const header = { initiatorCookie, responderCookie, exchangeType, flags, messageId };
  return encodeMessage({
    header,
    firstPayload: 8,
    body: sa.chain(messageId).encrypt(concat(hash, body)),
  });
}

/** Message 2 of the client's Quick Mode. Answers the chain of that exchange, as it is after it. */
export function answer(
  liar: Liar,
  sa: IkeSa,
  message1: Bytes,
  payloads: readonly Payload[],
  body: Bytes,
): CipherChain | undefined {
  const message = decodeMessage(message1);
  const { messageId } = message.header;
  const chain = sa.chain(messageId);
  const opened = sa.open(message, chain, EMPTY);
  const nonce = opened?.find(({ payload }) => payload.kind === 'nonce')?.body;
  if (nonce === undefined) return undefined;
  const first = payloadType(payloads[0]);
  const data = sa.hash(messageId, nonce, body);
  const plain = concat(Uint8Array.of(first, 0, 0, data.length + 4), data, body);
  const { header } = message;
  liar.tell(encodeMessage({ header, firstPayload: 8, body: chain.encrypt(plain) }));
  return chain;
}
