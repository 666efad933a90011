import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeChapValue, decodeMsChapResponse } from '../../../shared/ppp/chap-packet.ts';
import { authenticatorResponse, formatSuccess, ntResponse } from '../../../shared/ppp/mschapv2.ts';
import { encodeReply } from '../../../shared/ppp/pap-packet.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';
import { chap, events, lcp, lines, only, pap, Script, spoken, text } from './script.ts';

const PAP = '0304c023';
const MD5 = '0305c22305';
const MSCHAPV2 = '0305c22381';
const CHALLENGE = '000102030405060708090a0b0c0d0e0f';

describe('signing in with PAP', () => {
  it('sends name and password, and passes on the gateway’s words', () => {
    const script = new Script();
    expect(spoken(script.linkUp(PAP))).toContain('c023 1 05616c69636507616c6963657077');
    const outputs = script.says(pap, 2, 1, encodeReply(2, 1, text('Hello \u202eevil')).body);
    expect(outputs).toContainEqual({
      kind: 'authenticated',
      method: 'pap',
      message: 'Hello  evil',
    });
  });

  it('repeats itself ever more slowly, and gives up after two minutes', () => {
    const script = new Script();
    script.linkUp(PAP);
    const times: number[] = [];
    while (script.ppp.failure === undefined) {
      const asked = lines(script.wait());
      if (asked[0]?.protocol === pap) times.push(script.now - 1000);
    }
    expect(times).toEqual([3000, 9000, 21_000, 45_000, 93_000]);
    expect(script.now).toBe(121_000);
    expect(script.ppp.failure).toEqual({
      code: 'PPP_NEGOTIATION_FAILED',
      detail: 'the peer does not answer (PAP)',
    });
  });

  it('waits as long as it is told', () => {
    const script = new Script({ timing: { authentication: 10_000 } });
    script.linkUp(PAP);
    while (script.ppp.failure === undefined) script.wait();
    expect(script.now).toBe(11_000);
  });

  it('is refused', () => {
    const script = new Script();
    script.linkUp(PAP);
    expect(events(script.says(pap, 3, 9, '00')), 'another identifier').toEqual(['stale-reply']);
    expect(spoken(script.says(pap, 3, 1, concat(Uint8Array.of(3), text('No!'))))).toEqual([
      'c021 5',
    ]);
    expect(script.ppp.failure).toEqual({ code: 'PPP_AUTH_FAILED', detail: 'No!' });
  });

  it('takes a hang-up for a refusal', () => {
    const script = new Script();
    script.linkUp(PAP);
    script.says(lcp, 5, 1, text('Authentication failed'));
    expect(script.ppp.failure).toEqual({
      code: 'PPP_AUTH_FAILED',
      detail: 'Authentication failed',
    });
  });
});

function challenge(hex = CHALLENGE): string {
  const value = fromHex(hex);
  return toHex(concat(Uint8Array.of(value.length), value, text('gateway')));
}

describe('signing in with CHAP-MD5', () => {
  it('answers a challenge', () => {
    const script = new Script();
    script.linkUp(MD5);
    const response = only(script.says(chap, 1, 5, challenge()), chap, 2);
    const { value, name } = decodeChapValue(response);
    const expected = createHash('md5').update(Uint8Array.of(5)).update('alicepw');
    expect(toHex(value)).toBe(expected.update(fromHex(CHALLENGE)).digest('hex'));
    expect(name).toEqual(text('alice'));
    expect(response.id).toBe(5);
    expect(script.says(chap, 3, 5, text('Hi'))).toContainEqual({
      kind: 'authenticated',
      method: 'chap-md5',
      message: 'Hi',
    });
  });

  it('answers a later challenge too, and is then refused', () => {
    const script = new Script();
    script.linkUp(MD5);
    script.says(chap, 1, 5, challenge());
    script.says(chap, 3, 5);
    const again = script.says(chap, 1, 6, challenge('aabb'));
    expect(only(again, chap, 2).id).toBe(6);
    expect(events(script.says(chap, 3, 6))).toEqual(['proved-again']);
    script.says(chap, 1, 7, challenge('ccdd'));
    script.says(chap, 4, 7, text('account expired'));
    expect(script.ppp.failure).toEqual({ code: 'PPP_AUTH_FAILED', detail: 'account expired' });
  });

  it('drops what is malformed, too early or of another time', () => {
    const script = new Script();
    script.linkUp(MD5);
    expect(events(script.says(chap, 3, 5)), 'no challenge yet').toEqual(['stale-reply']);
    expect(events(script.says(chap, 1, 5, '00'))).toEqual(['malformed-packet']);
    expect(events(script.says(chap, 1, 5, '10aabb'))).toEqual(['malformed-packet']);
    script.says(chap, 1, 5, challenge());
    expect(events(script.says(chap, 3, 4))).toEqual(['stale-reply']);
    expect(events(script.says(chap, 9, 5))).toEqual(['unexpected-code']);
    expect(events(script.says(pap, 2, 5))).toEqual(['out-of-phase']);
  });

  it('gives up on a gateway that never asks', () => {
    const script = new Script();
    script.linkUp(MD5);
    while (script.ppp.failure === undefined) script.wait();
    expect(script.now).toBe(121_000);
  });
});

/** The gateway's side, computed from the response. */
function proof(response: Bytes, password = 'alicepw', userName = 'alice'): string {
  const { peerChallenge, ntResponse: received } = decodeMsChapResponse(response);
  const authenticatorChallenge = fromHex(CHALLENGE);
  const exchange = { userName, password, authenticatorChallenge, peerChallenge };
  expect(received).toEqual(ntResponse(exchange, nodePrimitives));
  const proved = authenticatorResponse(exchange, received, nodePrimitives);
  return formatSuccess({ response: proved, text: 'Welcome' });
}

function challenged(config: ConstructorParameters<typeof Script>[0] = {}): {
  script: Script;
  value: Bytes;
} {
  const script = new Script(config);
  script.linkUp(MSCHAPV2);
  const response = only(script.says(chap, 1, 5, challenge()), chap, 2);
  return { script, value: decodeChapValue(response).value };
}

describe('signing in with MS-CHAPv2', () => {
  it('verifies the gateway, then goes on', () => {
    const { script, value } = challenged();
    const outputs = script.says(chap, 3, 5, text(proof(value)));
    expect(outputs).toContainEqual({
      kind: 'authenticated',
      method: 'mschapv2',
      message: 'Welcome',
    });
  });

  it.each([
    ['CORP\\alice', 'alice'],
    ['alice@hub', 'alice@hub'],
  ])('as %s hashes %s and sends the name whole', (userName, hashed) => {
    const { script, value } = challenged({ credentials: { userName, password: 'alicepw' } });
    expect(script.says(chap, 3, 5, text(proof(value, 'alicepw', hashed)))).toContainEqual(
      expect.objectContaining({ kind: 'authenticated' }),
    );
  });

  it.each([
    ['proves it with another password', undefined],
    ['proves nothing', 'M=Welcome'],
    ['says nothing', ''],
    ['sends zeros', `S=${'0'.repeat(40)} M=ok`],
  ])('hangs up on a gateway that %s', (_, message) => {
    const { script, value } = challenged();
    const wrong = () => proof(value).replace(/[0-9A-F]/, (digit) => (digit === '0' ? '1' : '0'));
    expect(spoken(script.says(chap, 3, 5, text(message ?? wrong())))).toEqual(['c021 5']);
    expect(script.ppp.failure).toEqual({ code: 'PPP_PEER_NOT_AUTHENTIC' });
  });

  it('gives the same answer to a copy of the challenge, and another to another', () => {
    const { script, value } = challenged();
    const copy = only(script.says(chap, 1, 5, challenge()), chap, 2);
    expect(decodeChapValue(copy).value).toEqual(value);
    const other = only(script.says(chap, 1, 6, challenge('ff'.repeat(16))), chap, 2);
    expect(decodeChapValue(other).value).not.toEqual(value);
  });

  it('says it again when no verdict comes', () => {
    const { script } = challenged();
    expect(spoken(script.wait())[0]).toMatch(/^c223 2 /);
    expect(script.now).toBe(4000);
  });

  it('drops a challenge of another length', () => {
    const script = new Script();
    script.linkUp(MSCHAPV2);
    expect(events(script.says(chap, 1, 5, challenge('0011')))).toEqual(['malformed-packet']);
  });

  it.each([
    [`E=691 R=1 C=${CHALLENGE} V=3 M=Bad password`, 'PPP_AUTH_FAILED', 'Bad password'],
    [`E=691 R=0 C=${CHALLENGE} V=3`, 'PPP_AUTH_FAILED', undefined],
    [
      `E=648 R=0 C=${CHALLENGE} V=3 M=Change it`,
      'PPP_PASSWORD_EXPIRED',
      'the password has expired: Change it',
    ],
    [`E=647 R=0 C=${CHALLENGE} V=3`, 'PPP_AUTH_FAILED', 'the account is disabled'],
    ['E=649', 'PPP_AUTH_FAILED', 'the account may not dial in'],
    ['no reason given', 'PPP_AUTH_FAILED', 'no reason given'],
    ['', 'PPP_AUTH_FAILED', undefined],
    [`E=691 M=${'x'.repeat(500)}`, 'PPP_AUTH_FAILED', `${'x'.repeat(200)}…`],
  ])('reports the refusal %j', (message, code, detail) => {
    const { script } = challenged();
    script.says(chap, 4, 5, text(message));
    expect(script.ppp.failure).toEqual(detail === undefined ? { code } : { code, detail });
  });

  it('tells no secret in a trace or a failure', () => {
    const { script, value } = challenged();
    const outputs = [
      ...script.says(chap, 4, 4, text('E=691')),
      ...script.says(chap, 3, 5, text('S=')),
      ...script.wait(),
      ...script.wait(),
    ];
    const told = JSON.stringify([
      outputs.filter(({ kind }) => kind !== 'transmit'),
      script.ppp.failure,
    ]);
    expect(told).not.toContain('alicepw');
    expect(told).not.toContain(toHex(value));
  });
});

describe('letting a peer sign in', () => {
  const server = {
    accounts: (name: string) => (name === 'alice' ? 'alicepw' : undefined),
    address: fromHex('0a000001'),
    assign: fromHex('0a000002'),
    nameServers: [],
    hostName: 'gateway',
  };

  function gateway(method: 'pap' | 'chap-md5' | 'mschapv2') {
    const script = new Script({
      role: 'server',
      methods: [method],
      server,
      random: new SeededRandom(3),
    });
    return { script, outputs: script.linkUp('') };
  }

  it('gives the same verdict on a copy of the response, and judges no other', () => {
    const { script, outputs } = gateway('chap-md5');
    const asked = only(outputs, chap, 1);
    const { value: asks, name } = decodeChapValue(asked);
    expect(name).toEqual(text('gateway'));
    const hash = nodePrimitives.hash('md5', Uint8Array.of(asked.id), text('alicepw'), asks);
    const response = toHex(concat(Uint8Array.of(16), hash, text('alice')));
    expect(events(script.says(chap, 2, asked.id + 1, response))).toEqual(['stale-reply']);
    const verdict = only(script.says(chap, 2, asked.id, response), chap, 3);
    expect(only(script.says(chap, 2, asked.id, response), chap, 3)).toEqual(verdict);
    const wrong = toHex(concat(Uint8Array.of(16), new Uint8Array(16), text('alice')));
    expect(only(script.says(chap, 2, asked.id, wrong), chap, 3), 'no oracle').toEqual(verdict);
  });

  it('asks ten times', () => {
    const { script, outputs } = gateway('mschapv2');
    const asked = only(outputs, chap, 1);
    for (let i = 1; i < 10; i++) expect(only(script.wait(), chap, 1)).toEqual(asked);
    script.wait();
    expect(script.ppp.failure?.code).toBe('PPP_NEGOTIATION_FAILED');
  });

  it('waits two minutes for PAP', () => {
    const { script } = gateway('pap');
    script.wait();
    expect(script.now).toBe(121_000);
    expect(script.ppp.failure?.code).toBe('PPP_NEGOTIATION_FAILED');
  });

  it('drops malformed proofs', () => {
    const { script, outputs } = gateway('mschapv2');
    const { id } = only(outputs, chap, 1);
    expect(events(script.says(chap, 2, id, '0100'))).toEqual(['malformed-packet']);
    expect(events(script.says(chap, 1, id, '0100'))).toEqual(['unexpected-code']);
    const other = gateway('pap').script;
    expect(events(other.says(pap, 1, 1, '05616c'))).toEqual(['malformed-packet']);
    expect(events(other.says(pap, 2, 1, '00'))).toEqual(['unexpected-code']);
  });
});
