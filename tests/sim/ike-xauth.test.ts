/** XAUTH behind main mode and aggressive mode: the client's machine, and a gateway that does and asks what a test wants. */
import { describe, expect, test } from 'vitest';
import { AggressiveResponder } from '../../shared/ike/aggressive-responder.ts';
import { settleConfig } from '../../shared/ike/config.ts';
import { IkeContext } from '../../shared/ike/context.ts';
import type { Aggressive, Credentials, XauthAccount } from '../../shared/ike/credentials.ts';
import { groupIdentity } from '../../shared/ike/credentials.ts';
import { Ike } from '../../shared/ike/ike.ts';
import { IkeSa } from '../../shared/ike/ike-sa.ts';
import { deleteIke, sealInformational } from '../../shared/ike/informational.ts';
import type { IkeOutput } from '../../shared/ike/io.ts';
import { MainModeResponder } from '../../shared/ike/main-mode-responder.ts';
import type { Phase1 } from '../../shared/ike/phase1.ts';
import type { Attribute } from '../../shared/isakmp/attribute.ts';
import { decodeMessage, encodeMessage } from '../../shared/isakmp/message.ts';
import { ConfigType, ExchangeType, XauthAttribute } from '../../shared/isakmp/numbers.ts';
import type { Attributes } from '../../shared/isakmp/payload.ts';
import { type Bytes, EMPTY } from '../../shared/wire/bytes.ts';
import { utf8Decode, utf8Encode } from '../../shared/wire/text.ts';
import { SeededRandom } from '../support/random.ts';
import { IkePair, ikeConfig, type PairOptions, type Side } from './ike-pair.ts';

const ACCOUNT = { userName: 'alice', password: 'wonderland' };
const AGGRESSIVE: Aggressive = { identity: groupIdentity('staff'), group: 2 };
const MODES = ['main mode', 'aggressive mode'] as const;

function credentials(
  mode: (typeof MODES)[number],
  xauth: Pick<Credentials, 'xauth' | 'admits'>,
): Credentials {
  const plain = { kind: 'pre-shared-key', key: utf8Encode('sesame'), ...xauth } as const;
  return mode === 'main mode' ? plain : { ...plain, aggressive: AGGRESSIVE };
}

/** Of a gateway that knows one account. */
const admits = ({ userName, password }: XauthAccount): boolean =>
  userName === ACCOUNT.userName && password === ACCOUNT.password;

const { type, userName, userPassword, passcode, message, challenge, status } = XauthAttribute;
const ask = (...types: number[]): readonly Attribute[] =>
  types.map((each) => ({ kind: 'variable', type: each, value: EMPTY }));
const NAME_AND_PASSWORD = ask(userName, userPassword);
const verdict = (value: number): readonly Attribute[] => [{ kind: 'basic', type: status, value }];

/** A client, and a gateway whose phase 1 is answered for it; the rest a test says. */
class Scene {
  readonly client: Ike;
  readonly outputs: IkeOutput[] = [];
  readonly #context: IkeContext;
  readonly #random = new SeededRandom(77);
  readonly #phase1: Phase1;
  #sa: IkeSa | undefined;
  #messageId = 1;
  now = 1000;

  constructor(mode: (typeof MODES)[number]) {
    const ours = credentials(mode, { xauth: ACCOUNT });
    const theirs = credentials(mode, { admits });
    this.client = new Ike({ ...ikeConfig('initiator', 5), credentials: ours });
    const config = settleConfig({ ...ikeConfig('responder', 6), credentials: theirs });
    this.#context = new IkeContext(config);
    const Responder = mode === 'main mode' ? MainModeResponder : AggressiveResponder;
    this.#phase1 = new Responder(this.#context);
    this.give({ kind: 'start' });
  }

  give(input: Parameters<Ike['handle']>[0]): readonly IkeOutput[] {
    const outputs = this.client.handle(input, this.now);
    this.outputs.push(...outputs);
    for (const output of outputs) {
      if (output.kind !== 'transmit' || this.#sa !== undefined) continue;
      this.#answerPhase1(output.bytes, output.channel);
    }
    return outputs;
  }

  get sa(): IkeSa {
    return this.#sa!;
  }

  get failure() {
    return this.outputs.flatMap((output) => (output.kind === 'closed' ? [output.failure] : []))[0];
  }

  get stands(): boolean {
    return this.outputs.some(({ kind }) => kind === 'ike-established');
  }

  /** Asks, and answers what the client replied; its bytes as they were sent are in `asked`. */
  say(configType: number, attributes: readonly Attribute[], messageId = this.#messageId++) {
    const chain = this.sa.chain(messageId);
    const payload: Attributes = { kind: 'attributes', configType, identifier: 9, attributes };
    const asked = this.sa.seal(ExchangeType.transaction, messageId, chain, EMPTY, [payload]);
    const replies = this.tell(asked);
    const reply = replies.find((bytes) => exchangeOf(bytes) === ExchangeType.transaction);
    const opened = reply && this.sa.open(decodeMessage(reply), chain, EMPTY);
    const first = opened?.[0]?.payload;
    return { asked, reply, attributes: first?.kind === 'attributes' ? first : undefined };
  }

  tell(bytes: Bytes): readonly Bytes[] {
    return this.give({ kind: 'datagram', channel: 'natt', bytes }).flatMap((output) =>
      output.kind === 'transmit' ? [output.bytes] : [],
    );
  }

  remove(): void {
    this.tell(sealInformational(this.sa, this.#random, [deleteIke(this.sa)]));
  }

  wait(millis: number): void {
    const end = this.now + millis;
    for (;;) {
      const { deadline } = this.client;
      if (deadline === undefined || deadline > end) break;
      this.now = Math.max(this.now, deadline);
      this.give({ kind: 'timeout' });
    }
    this.now = end;
  }

  #answerPhase1(bytes: Bytes, channel: 'ike' | 'natt'): void {
    const arrived = decodeMessage(bytes);
    const outcome = this.#phase1.receive({ message: arrived, bytes, channel }, this.now);
    if (outcome instanceof IkeSa) this.#sa = outcome;
    for (const output of this.#context.drain()) {
      if (output.kind !== 'transmit') continue;
      this.give({ kind: 'datagram', channel, bytes: output.bytes });
    }
  }
}

function exchangeOf(bytes: Bytes): number {
  return decodeMessage(bytes).header.exchangeType;
}

function texts(attributes: Attributes | undefined): readonly string[] {
  return (attributes?.attributes ?? []).map((each) =>
    each.kind === 'variable' ? utf8Decode(each.value) : String(each.value),
  );
}

describe.each(MODES)('behind %s', (mode) => {
  test('name and password are given, and Quick Mode waits for the verdict', () => {
    const scene = new Scene(mode);
    expect(scene.stands).toBe(false);
    const { attributes } = scene.say(ConfigType.request, NAME_AND_PASSWORD);
    expect(attributes).toMatchObject({ configType: ConfigType.reply, identifier: 9 });
    expect(texts(attributes)).toEqual(['alice', 'wonderland']);
    expect(scene.stands).toBe(false);
    const { attributes: acknowledged } = scene.say(ConfigType.set, verdict(1));
    expect(acknowledged).toMatchObject({ configType: ConfigType.acknowledge, identifier: 9 });
    expect(scene.stands).toBe(true);
    const sent = scene.outputs.flatMap((each) => (each.kind === 'transmit' ? [each.bytes] : []));
    expect(sent.map(exchangeOf)).toContain(ExchangeType.quickMode);
  });

  test('one question after the other, with a type, is answered, too', () => {
    const scene = new Scene(mode);
    const typed = [{ kind: 'basic', type, value: 0 } as const, ...ask(userName)];
    expect(texts(scene.say(ConfigType.request, typed).attributes)).toEqual(['0', 'alice']);
    expect(texts(scene.say(ConfigType.request, ask(passcode)).attributes)).toEqual(['wonderland']);
    scene.say(ConfigType.set, verdict(1));
    expect(scene.stands).toBe(true);
  });

  test('a question that comes again gets the same answer, then and later', () => {
    const scene = new Scene(mode);
    const { asked, reply } = scene.say(ConfigType.request, NAME_AND_PASSWORD);
    expect(scene.tell(asked)).toEqual([reply]);
    const passed = scene.say(ConfigType.set, verdict(1));
    expect(scene.tell(passed.asked)).toEqual([passed.reply]);
    expect(scene.tell(asked)).toEqual([reply]);
    expect(scene.failure).toBeUndefined();
  });

  test('a wrong password is said, with the gateway’s words, and the gateway is told that it is over', () => {
    const scene = new Scene(mode);
    scene.say(ConfigType.request, NAME_AND_PASSWORD);
    const words = {
      kind: 'variable',
      type: message,
      value: utf8Encode('locked\u0007 for an hour'),
    };
    scene.say(ConfigType.set, [...verdict(0), words as Attribute]);
    expect(scene.failure?.code).toBe('IKE_XAUTH_FAILED');
    expect(scene.failure?.detail).toMatch(/FAIL; the gateway says: locked.* for an hour$/);
    expect(scene.failure?.detail).not.toContain('\u0007');
  });

  test.each([
    ['asks for the password again', [NAME_AND_PASSWORD, NAME_AND_PASSWORD], 'asks again'],
    ['keeps asking for the name', Array(7).fill(ask(userName)), 'keeps asking'],
    ['sends a challenge', [ask(userName, userPassword, challenge)], 'challenge'],
    ['wants another type', [[{ kind: 'basic', type, value: 2 }]], 'challenge'],
  ] as const)('a gateway that %s', (_name, questions, words) => {
    const scene = new Scene(mode);
    for (const question of questions as readonly (readonly Attribute[])[]) {
      scene.say(ConfigType.request, question);
    }
    expect(scene.failure?.code).toBe('IKE_XAUTH_FAILED');
    expect(scene.failure?.detail).toContain(words);
  });

  test('a gateway that deletes its IKE SA instead of a verdict', () => {
    const scene = new Scene(mode);
    scene.say(ConfigType.request, NAME_AND_PASSWORD);
    scene.remove();
    expect(scene.failure?.code).toBe('IKE_XAUTH_FAILED');
  });

  test('a gateway that never asks', () => {
    const scene = new Scene(mode);
    scene.wait(61_000);
    expect(scene.failure).toEqual({
      code: 'IKE_XAUTH_FAILED',
      detail: 'the gateway did not ask for the XAUTH password',
    });
  });

  test('what is forged, truncated, in clear, or an answer to nothing changes nothing', () => {
    const scene = new Scene(mode);
    const chain = scene.sa.chain(50);
    const attributes = verdict(1);
    const payload: Attributes = { kind: 'attributes', configType: 3, identifier: 1, attributes };
    const genuine = scene.sa.seal(ExchangeType.transaction, 50, chain, EMPTY, [payload]);
    for (const at of [0, 8, 18, 19, 23, 30, genuine.length - 1]) {
      const forged = genuine.slice();
      forged[at]! ^= 1;
      scene.tell(forged);
      expect(scene.stands, `byte ${at}`).toBe(false);
    }
    scene.tell(genuine.slice(0, -16));
    scene.say(ConfigType.reply, NAME_AND_PASSWORD);
    scene.say(ConfigType.acknowledge, verdict(1));
    expect([scene.stands, scene.failure]).toEqual([false, undefined]);
    scene.tell(genuine);
    expect(scene.stands).toBe(true);
  });

  test('the answers kept are bounded', () => {
    const scene = new Scene(mode);
    const answered = Array.from({ length: 40 }, () =>
      scene.say(ConfigType.set, ask(message)),
    ).filter(({ reply }) => reply !== undefined);
    expect(answered.length).toBe(8);
    expect(scene.failure).toBeUndefined();
  });
});

test('a gateway that wants XAUTH of a client without it', () => {
  const isQuickMode = (bytes: Bytes): boolean => exchangeOf(bytes) === ExchangeType.quickMode;
  const pair = new IkePair({ tap: (_from, bytes) => (isQuickMode(bytes) ? [] : [bytes]) });
  pair.give('client', { kind: 'start' });
  pair.run(() => pair.sent.client.some(isQuickMode));
  const { header, ...rest } = decodeMessage(pair.sent.client.find(isQuickMode)!);
  const asking = { ...header, exchangeType: ExchangeType.transaction };
  const bytes = encodeMessage({ ...rest, header: asking });
  pair.give('client', { kind: 'datagram', channel: 'natt', bytes });
  pair.run(() => pair.closed('client') !== undefined);
  expect(pair.closed('client')?.failure).toEqual({ code: 'IKE_XAUTH_REQUIRED' });
});

const SIDES = ['client', 'server'] as const;

describe.each(MODES)('both ends, behind %s', (mode) => {
  function xauthPair({ client, server, ...rest }: PairOptions = {}, account = ACCOUNT): IkePair {
    return new IkePair({
      ...rest,
      client: { credentials: credentials(mode, { xauth: account }), ...client },
      server: { credentials: credentials(mode, { admits }), ...server },
    });
  }

  /** How often the gateway has asked, by message ids. */
  function transactions(pair: IkePair, side: Side): number {
    const asked = pair.sent[side].filter((each) => exchangeOf(each) === ExchangeType.transaction);
    return new Set(asked.map((bytes) => decodeMessage(bytes).header.messageId)).size;
  }

  const renewed = (pair: IkePair, side: Side) => pair.traces(side, 'ike-renewed');
  const short = { ikeLifetime: { seconds: 120 } };

  test('a tunnel stands once the account is right', () => {
    const pair = xauthPair();
    expect(pair.connect()).toBe(true);
    expect(transactions(pair, 'server')).toBe(2);
    expect(pair.all('client', 'ike-established')[0]?.authentication).toContain('XAUTH');
  });

  test('its IKE SA is offered to live for less than three hours, after which strongSwan ends what nobody renews', () => {
    const pair = xauthPair();
    pair.connect();
    expect(pair.all('client', 'ike-established')[0]?.lifetime).toEqual({ seconds: 7_200 });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'and does where one message in ten is lost (seed %i)',
    (seed) => {
      expect(xauthPair({ seed, link: { loss: 0.1, duplication: 0.1 } }).connect()).toBe(true);
    },
  );

  test.each([
    { ...ACCOUNT, password: 'guessed' },
    { ...ACCOUNT, userName: 'mallory' },
  ])('another account is refused, and nothing stands: $userName, $password', (account) => {
    const pair = xauthPair({}, account);
    pair.give('client', { kind: 'start' });
    pair.run(() => pair.closed('client') !== undefined && pair.closed('server') !== undefined);
    expect(pair.closed('client')?.failure?.code).toBe('IKE_XAUTH_FAILED');
    expect(pair.closed('server')?.failure?.code).toBe('IKE_XAUTH_FAILED');
    expect(pair.all('server', 'ike-established')).toEqual([]);
  });

  test.each(SIDES)('the %s renews the IKE SA, and the account is asked for each time', (side) => {
    const pair = xauthPair({ [side]: short });
    expect(pair.connect()).toBe(true);
    expect(pair.run(() => renewed(pair, 'client').length >= 3, 600_000)).toBe(true);
    pair.run(() => false, 5_000);
    expect([pair.closed('client'), pair.closed('server')]).toEqual([undefined, undefined]);
    expect(renewed(pair, 'server').length).toBe(renewed(pair, 'client').length);
    expect(transactions(pair, 'server')).toBe(2 + 2 * renewed(pair, 'server').length);
    expect(pair.traces('client', 'xauth-not-asked')).toEqual([]);
  });

  /** The gateway is the first to renew, since the client's first messages get lost. */
  function renewedByServer(options: PairOptions = {}): IkePair {
    const pair: IkePair = xauthPair({
      ...options,
      tap: (from, bytes) => {
        const { header } = decodeMessage(bytes);
        const isFirst = header.responderCookie.every((byte) => byte === 0);
        const isLost = from === 'client' && isFirst && pair.children('server') > 0;
        return isLost ? [] : [bytes];
      },
    });
    expect(pair.connect()).toBe(true);
    pair.run(() => renewed(pair, 'server').length > 0, 300_000);
    pair.run(() => false, 5_000);
    return pair;
  }

  test('the gateway begins the renewal, and the client, now the responder, answers', () => {
    const pair = renewedByServer({ client: short });
    expect(SIDES.map((side) => renewed(pair, side)[0])).toEqual(['peer', 'us']);
    expect(transactions(pair, 'server')).toBe(4);
    expect(pair.run(() => pair.children('client') > 1, 120_000)).toBe(true);
    expect(pair.closed('client')).toBeUndefined();
  });

  test('where the account is not valid any more the old IKE SA is not renewed, and the tunnel has its time', () => {
    let isValid = true;
    const server = credentials(mode, { admits: (account) => isValid && admits(account) });
    const pair = xauthPair({ client: short, server: { credentials: server } });
    pair.connect();
    isValid = false;
    pair.run(() => pair.traces('client', 'renewal-failed').length > 0, 120_000);
    expect(pair.traces('client', 'renewal-failed')[0]).toBe('XAUTH-STATUS says FAIL');
    expect([pair.closed('client'), pair.closed('server')]).toEqual([undefined, undefined]);
    expect(renewed(pair, 'server')).toEqual([]);
    isValid = true;
    expect(pair.run(() => renewed(pair, 'client').length > 0, 120_000)).toBe(true);
    expect(pair.closed('client')).toBeUndefined();
  });

  test('a gateway that does not ask again, as Cisco’s do not, is taken to be content; a late question is answered', () => {
    const isContent = () => pair.traces('client', 'xauth-not-asked').length > 0;
    const pair: IkePair = xauthPair({
      client: short,
      tap: (from, bytes) => {
        const isQuestion = from === 'server' && exchangeOf(bytes) === ExchangeType.transaction;
        return isQuestion && pair.children('client') > 0 && !isContent() ? [] : [bytes];
      },
    });
    pair.connect();
    const before = transactions(pair, 'client');
    expect(pair.run(isContent, 120_000)).toBe(true);
    expect(renewed(pair, 'client')).toEqual(['us']);
    expect([transactions(pair, 'client'), renewed(pair, 'server')]).toEqual([before, []]);
    expect(pair.run(() => pair.children('client') > 1 && pair.children('server') > 1)).toBe(true);
    expect(renewed(pair, 'server')).toEqual(['peer']);
    pair.run(() => false, 30_000);
    expect([pair.closed('client'), pair.closed('server')]).toEqual([undefined, undefined]);
  });
});
