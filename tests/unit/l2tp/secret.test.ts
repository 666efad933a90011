import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Avp, encodeAvp, findAvp } from '../../../shared/l2tp/avp.ts';
import { SharedSecret } from '../../../shared/l2tp/secret.ts';
import { type Bytes, concat, fromHex } from '../../../shared/wire/bytes.ts';
import { Writer } from '../../../shared/wire/writer.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { AVPS, lacWaiting, lnsWaiting, type Script } from './script.ts';

const secret = new Uint8Array(Buffer.from('tunnel secret'));
const shared = new SharedSecret(secret, nodePrimitives);
const config = { secret, primitives: nodePrimitives };
const challenge = fromHex('00112233445566778899aabbccddeeff');

function md5(...parts: Uint8Array[]): Bytes {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** RFC 2661 §4.3, the hiding side, written from the formulas there: b(i), c(i). */
function hide(code: number, value: Bytes, vector: Bytes, padding: number): Avp {
  const plain = concat(
    Uint8Array.of(value.length >>> 8, value.length),
    value,
    new Uint8Array(padding).fill(0x5a),
  );
  const chunks: Bytes[] = [];
  for (let at = 0; at < plain.length; at += 16) {
    const before = chunks.at(-1);
    const b =
      before === undefined
        ? md5(Uint8Array.of(code >>> 8, code), secret, vector)
        : md5(secret, before);
    chunks.push(plain.slice(at, at + 16).map((octet, i) => octet ^ b[i]!));
  }
  const body = concat(...chunks);
  return { kind: 'unknown', mandatory: true, hidden: true, reserved: 0, vendor: 0, code, body };
}

describe('hidden AVPs', () => {
  const vector: Avp = { kind: 'randomVector', value: fromHex('0102030405060708') };

  it.each([0, 4, 12, 13, 40])('are revealed, with %i octets of padding', (padding) => {
    const value = new Uint8Array(Buffer.from('a rather long host name of two blocks'));
    const avps = [
      vector,
      hide(7, value, vector.value as Bytes, padding),
      hide(9, fromHex('1234'), vector.value as Bytes, padding),
    ];
    expect(shared.reveal(avps)).toEqual([
      vector,
      { kind: 'hostName', value },
      { kind: 'assignedTunnelId', value: 0x1234 },
    ]);
  });

  it('use the random vector closest before them', () => {
    const other: Avp = { kind: 'randomVector', value: fromHex('99') };
    const avps = [vector, other, hide(9, fromHex('0007'), other.value as Bytes, 0)];
    expect(shared.reveal(avps).at(-1)).toEqual({ kind: 'assignedTunnelId', value: 7 });
  });

  it.each([
    ['no vector before it', [hide(9, fromHex('0007'), fromHex('99'), 0), vector]],
    ['another vector', [vector, hide(9, fromHex('0007'), fromHex('99'), 0)]],
    [
      'too short',
      [
        vector,
        {
          kind: 'unknown',
          mandatory: true,
          hidden: true,
          reserved: 0,
          vendor: 0,
          code: 9,
          body: fromHex('01'),
        } as Avp,
      ],
    ],
  ])('stay hidden: %s', (_name, avps) => {
    expect(shared.reveal(avps)).toEqual(avps);
  });

  it('reach the machine in clear', () => {
    const avps = AVPS.SCCRQ.filter(({ kind }) => kind !== 'assignedTunnelId');
    const hidden = hide(9, fromHex('0101'), vector.value as Bytes, 6);
    const waiting = lacWaiting(config);
    const proof = shared.respond(2, challengeOf(waiting));
    waiting.message('SCCRP', [
      ...avps,
      vector,
      hidden,
      { kind: 'challengeResponse', value: proof },
    ]);
    expect(waiting.took()).toContain('SCCCN');
  });
});

function challengeOf(script: Script): Bytes {
  return findAvp(script.sent[0]?.message?.avps ?? [], 'challenge')!;
}

function started(script: Script): boolean {
  return script.outputs.some((output) => output.kind === 'stage' && output.stage === 'session');
}

describe('tunnel authentication', () => {
  const answered = (script: Script, type: number): Avp[] => [
    { kind: 'challengeResponse', value: shared.respond(type, challengeOf(script)) },
  ];

  it('is MD5 over message type, secret and challenge', () => {
    expect(shared.respond(3, challenge)).toEqual(md5(Uint8Array.of(3), secret, challenge));
  });

  it('of the LAC: answers a challenge and checks the answer to its own', () => {
    const script = lacWaiting(config);
    const avps: Avp[] = [...answered(script, 2), { kind: 'challenge', value: challenge }];
    script.message('SCCRP', [...AVPS.SCCRP, ...avps]);
    const scccn = script.sent.find(({ name }) => name === 'SCCCN')?.message;
    const response = findAvp(scccn?.avps ?? [], 'challengeResponse');
    expect(response).toEqual(md5(Uint8Array.of(3), secret, challenge));
  });

  it('of the LNS', () => {
    const script = lnsWaiting(config);
    expect(started(script)).toBe(false);
    expect(started(script.message('SCCCN', answered(script, 3)))).toBe(true);
  });

  it.each([
    ['none', []],
    ['of another secret', [{ kind: 'challengeResponse', value: md5(challenge) }]],
  ] as [string, Avp[]][])('fails on a response that is %s', (_name, avps) => {
    for (const script of [
      lacWaiting(config).message('SCCRP', [...AVPS.SCCRP, ...avps]),
      lnsWaiting(config).message('SCCCN', avps),
    ]) {
      const stop = script.sent.at(-1);
      expect(stop?.name).toBe('StopCCN');
      expect(findAvp(stop?.message?.avps ?? [], 'resultCode')).toEqual({ result: 4 });
      script.acknowledge().timeout();
      expect(script.event('closed')?.failure).toEqual({
        code: 'L2TP_REFUSED',
        detail: 'the other side did not prove that it knows the tunnel secret',
      });
    }
  });

  it('fails on the response to another message type', () => {
    const script = lnsWaiting(config);
    script.message('SCCCN', answered(script, 2));
    expect(script.took().at(-1)).toBe('StopCCN');
  });

  it('is refused where no secret is configured', () => {
    const script = lacWaiting();
    script.message('SCCRP', [...AVPS.SCCRP, { kind: 'challenge', value: challenge }]);
    script.acknowledge().timeout();
    expect(script.event('closed')?.failure).toEqual({
      code: 'L2TP_REFUSED',
      detail: 'a tunnel secret is asked for, and none is configured',
    });
  });

  it('sends nothing hidden, and no secret', () => {
    const script = lacWaiting(config);
    const writer = new Writer();
    for (const avp of script.sent[0]?.message?.avps ?? []) {
      expect(avp.kind).not.toBe('unknown');
      encodeAvp(writer, avp);
    }
    expect(Buffer.from(writer.finish()).includes('tunnel secret')).toBe(false);
  });
});
