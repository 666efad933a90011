/** IKE in both roles: somebody between the two, somebody who only adds, and a gateway that knows the key and lies. */
import fc from 'fast-check';
import { settleConfig } from '../../shared/ike/config.ts';
import { IkeContext } from '../../shared/ike/context.ts';
import { Ike } from '../../shared/ike/ike.ts';
import type { IkeSa } from '../../shared/ike/ike-sa.ts';
import type { IkeInput, IkeOutput } from '../../shared/ike/io.ts';
import { MainModeResponder } from '../../shared/ike/main-mode-responder.ts';
import { phase2Proposal } from '../../shared/ike/phase2-transforms.ts';
import { decodeMessage, encodeMessage } from '../../shared/isakmp/message.ts';
import { ExchangeType, HeaderFlag } from '../../shared/isakmp/numbers.ts';
import { decodePayloads, encodePayloads, type Payload, payloadType } from '../../shared/isakmp/payload.ts';
import { type Bytes, concat, EMPTY } from '../../shared/wire/bytes.ts';
import { DecodeError, ProtocolError } from '../../shared/wire/errors.ts';
import { ikeConfig, QUICK_PHASE2 } from '../sim/ike-pair.ts';
import { campaign } from './support/campaign.ts';
import { actions, Duel, injections } from './support/duel.ts';
import { insist } from './support/insist.ts';
import { mutate, mutations, octets } from './support/mutation.ts';
import { Watched } from './support/watch.ts';

const SECRETS = ['a shared secret', Buffer.from('a shared secret').toString('hex')];

function duel(seed: number): Duel<IkeInput, IkeOutput> {
  const pair = new Duel<IkeInput, IkeOutput>(
    new Ike(ikeConfig('initiator', seed)),
    new Ike(ikeConfig('responder', seed + 1)),
    {
      message: (output) =>
        output.kind === 'transmit'
          ? { kind: 'datagram', channel: output.channel, bytes: output.bytes }
          : undefined,
      invented: (bytes) => ({ kind: 'datagram', channel: 'natt', bytes }),
      timeout: { kind: 'timeout' },
      commands: [
        { kind: 'start' },
        { kind: 'unreachable' },
        { kind: 'alive' },
        { kind: 'rekey-child' },
        { kind: 'timeout' },
        { kind: 'alive' },
        { kind: 'rekey-child' },
        { kind: 'close' },
      ],
      secrets: SECRETS,
    },
  );
  pair.give('client', { kind: 'start' });
  return pair;
}

campaign({
  name: 'ike, somebody in the middle',
  share: 0.35,
  input: fc.record({
    seed: fc.nat({ max: 7 }),
    prefix: fc.nat({ max: 12 }),
    script: fc.array(actions, { maxLength: 30 }),
  }),
  check: ({ seed, prefix, script }) => {
    const pair = duel(seed);
    pair.deliver(prefix);
    for (const action of script) pair.do(action);
    for (const side of ['client', 'server'] as const) {
      if (pair.closed(side) === 0) pair.give(side, { kind: 'close' });
      insist(pair.closed(side) === 1, 'not closed');
    }
  },
});

campaign({
  name: 'ike, somebody who adds',
  share: 0.35,
  input: fc.record({
    seed: fc.nat({ max: 7 }),
    /** What is added behind each message that arrives. */
    script: fc.array(fc.array(injections, { maxLength: 3 }), { maxLength: 14 }),
  }),
  check: ({ seed, script }) => {
    const pair = duel(seed);
    for (const added of script) {
      pair.deliver(1);
      for (const action of added) pair.doLate(action);
    }
    const connected = () =>
      pair.has('client', 'child-established') && pair.has('server', 'child-established');
    insist(pair.settle(connected, 30_000), 'not connected');
    insist(pair.closed('client') + pair.closed('server') === 0, 'closed');
  },
});

/** A gateway that keeps to the rules up to the IKE SA, which it hands over. */
class Liar {
  readonly client: Watched<IkeInput, IkeOutput>;
  readonly #context = new IkeContext(settleConfig(ikeConfig('responder', 2)));
  readonly #mainMode = new MainModeResponder(this.#context);
  sa: IkeSa | undefined;
  /** The client's Quick Mode messages, as they came. */
  readonly quickModes: Bytes[] = [];

  constructor(seed: number) {
    this.client = new Watched(new Ike(ikeConfig('initiator', seed)), 1_000, { secrets: SECRETS });
    this.take(this.client.handle({ kind: 'start' }));
  }

  take(outputs: readonly IkeOutput[]): void {
    for (const output of outputs) if (output.kind === 'transmit') this.#receive(output);
  }

  tell(bytes: Bytes): void {
    this.take(this.client.handle({ kind: 'datagram', channel: 'natt', bytes }));
  }

  pass(millis: number): void {
    this.client.pass(this.client.now + millis, { kind: 'timeout' }, (outputs) => this.take(outputs));
  }

  #receive({ bytes, channel }: Extract<IkeOutput, { kind: 'transmit' }>): void {
    const message = decodeMessage(bytes);
    if (message.header.exchangeType === ExchangeType.quickMode) this.quickModes.push(bytes);
    if (message.header.exchangeType !== ExchangeType.identityProtection) return;
    try {
      this.sa ??= this.#mainMode.receive({ message, bytes, channel });
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
  proposals: [phase2Proposal([QUICK_PHASE2], concat(spi), 3)],
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
function honest(kind: string, spi: Uint8Array, sa: IkeSa): readonly Payload[] {
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
function signed(
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

const spi = fc.oneof(
  fc.constantFrom(0, 1, 255, 256, 0xffff_ffff).map((n) => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)),
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
);

campaign({
  name: 'ike, a gateway that lies',
  share: 0.3,
  input: fc.record({
    seed: fc.nat({ max: 3 }),
    script: fc.array(
      fc.record({
        kind: fc.constantFrom('answer', 'begin', 'identities', 'alive', 'error', 'delete'),
        spi,
        messageId: fc.integer({ min: 1, max: 20 }),
        changes: mutations,
        extra: octets(40),
        millis: fc.constantFrom(0, 0, 0, 500, 30_000, 4_000_000),
      }),
      { minLength: 1, maxLength: 24 },
    ),
  }),
  check: ({ seed, script }) => {
    const liar = new Liar(seed);
    const { sa } = liar;
    insist(sa !== undefined, 'no IKE SA');
    for (const { kind, spi, messageId, changes, extra, millis } of script) {
      liar.pass(millis);
      const payloads = honest(kind, spi, sa);
      const body = mutate(concat(encodePayloads(payloads), extra), changes, 60_000);
      const last = liar.quickModes.at(-1);
      if (kind === 'answer' && last !== undefined) answer(liar, sa, last, payloads, body);
      else {
        const exchange =
          kind === 'begin' || kind === 'identities' || kind === 'answer'
            ? ExchangeType.quickMode
            : ExchangeType.informational;
        liar.tell(signed(sa, exchange, messageId, EMPTY, payloads, body));
      }
    }
    const establishes = 4_000_000;
    liar.pass(establishes);
    if (liar.client.closed === 0) liar.take(liar.client.handle({ kind: 'close' }));
    insist(liar.client.closed === 1, 'not closed');
  },
});

/** Message 2 of the client's Quick Mode. */
function answer(
  liar: Liar,
  sa: IkeSa,
  message1: Bytes,
  payloads: readonly Payload[],
  body: Bytes,
): void {
  const message = decodeMessage(message1);
  const { messageId } = message.header;
  const chain = sa.chain(messageId);
  const opened = sa.open(message, chain, EMPTY);
  const nonce = opened?.find(({ payload }) => payload.kind === 'nonce')?.body;
  if (nonce === undefined) return;
  const first = payloadType(payloads[0]);
  const data = sa.hash(messageId, nonce, body);
  const plain = concat(Uint8Array.of(first, 0, 0, data.length + 4), data, body);
  const { header } = message;
  liar.tell(encodeMessage({ header, firstPayload: 8, body: chain.encrypt(plain) }));
}
