import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../shared/wire/bytes.ts';
import { events, ipcp, kinds, lcp, lines, only, Script, spoken, text } from './script.ts';

const MRU = '01040578';

describe('LCP', () => {
  it('begins with a request of its own, in a whole frame', () => {
    const outputs = new Script().up();
    expect(kinds(outputs)).toEqual(['stage', 'transmit']);
    expect(spoken(outputs)[0]).toMatch(/^c021 1 010405780506[0-9a-f]{8}$/);
  });

  it('asks again with the same identifier, ten times, soon at first and then every three seconds', () => {
    const script = new Script();
    const first = only(script.up(), lcp, 1);
    for (let i = 1; i < 10; i++) expect(only(script.wait(), lcp, 1)).toEqual(first);
    expect(script.now).toBe(1000 + 500 + 1000 + 2000 + 6 * 3000);
    const end = script.wait();
    expect(end.at(-1)).toMatchObject({
      kind: 'closed',
      failure: { code: 'PPP_NEGOTIATION_FAILED' },
    });
    expect(script.ppp.deadline).toBeUndefined();
  });

  it('asks for less when its options are rejected, and under a new identifier', () => {
    const script = new Script();
    const first = only(script.up(), lcp, 1);
    const magic = first.body.slice(4);
    const second = only(script.says(lcp, 4, first.id, magic), lcp, 1);
    expect(second.body).toEqual(fromHex(MRU));
    expect(second.id).not.toBe(first.id);
    const third = only(script.says(lcp, 4, second.id, MRU), lcp, 1);
    expect(third.body).toEqual(fromHex(''));
  });

  it.each([
    ['a smaller MRU is taken', '01040500', /^010405000506/],
    ['a larger MRU is not', '010405dc', /^010405780506/],
    ['a useless MRU is not', '01040010', /^010405780506/],
    ['options that were not asked for are ignored', '0304c023', /^010405780506/],
  ])('when its request is Nakked: %s', (_, nak, next) => {
    const script = new Script();
    const { id } = only(script.up(), lcp, 1);
    expect(spoken(script.says(lcp, 3, id, nak))[0]?.slice(7)).toMatch(next);
  });

  it('changes its magic number when that is Nakked', () => {
    const script = new Script();
    const { id, body } = only(script.up(), lcp, 1);
    const next = only(script.says(lcp, 3, id, '050600000001'), lcp, 1);
    expect(next.body.slice(4)).not.toEqual(body.slice(4));
  });

  it('gives up on a peer that refuses without end', () => {
    const script = new Script();
    let outputs = script.up();
    let rounds = 0;
    while (lines(outputs).some(({ packet }) => packet.code === 1)) {
      outputs = script.says(lcp, 3, only(outputs, lcp, 1).id, '01040500');
      rounds++;
    }
    expect(rounds).toBe(11);
    expect(spoken(outputs)).toEqual(['c021 5']);
    expect(script.ppp.failure).toEqual({
      code: 'PPP_NEGOTIATION_FAILED',
      detail: 'the peer refuses every request (LCP)',
    });
  });

  it.each([
    ['nothing', '', ['2']],
    ['MRU, ACCM, magic, PFC, ACFC', '010405dc0206ffffffff05060000000107020802', null],
    ['Callback', '0d0306', ['4 0d0306']],
    ['MRRU and endpoint', '110405dc130301010405dc', ['4 110405dc130301']],
    ['quality reports', '0408c02500000064', ['4 0408c02500000064']],
    ['an option of a wrong length', '010305', ['4 010305']],
    ['too small an MRU', '01040010', ['3 01040080']],
    ['EAP', '0304c227', ['3 0305c22381']],
    ['EAP with an unknown option', '0304c2270d0306', ['4 0d0306']],
    ['MS-CHAPv1', '0305c22380', ['3 0305c22381']],
    ['PAP, allowed though not the best', '0304c023', null],
  ])('is asked for %s', (_, options, answers) => {
    const script = new Script();
    script.up();
    const said = spoken(script.says(lcp, 1, 9, options));
    expect(said).toEqual((answers ?? [`2 ${options}`]).map((answer) => `c021 ${answer}`));
  });

  it.each(['00000000', 'own'])('does not let the peer have the magic number %s', (magic) => {
    const script = new Script();
    const own = only(script.up(), lcp, 1).body.slice(4);
    const asked = magic === 'own' ? own : fromHex(`0506${magic}`);
    const nak = only(script.says(lcp, 1, 9, asked), lcp, 3);
    expect(nak.body.slice(0, 2)).toEqual(fromHex('0506'));
    expect(nak.body).not.toEqual(asked);
  });

  it('rejects what it has Nakked five times', () => {
    const script = new Script();
    script.up();
    const codes = Array.from(
      { length: 7 },
      (_, i) => lines(script.says(lcp, 1, i, '01040010'))[0]?.packet.code,
    );
    expect(codes).toEqual([3, 3, 3, 3, 3, 4, 4]);
  });

  it('does not count copies of a request', () => {
    const script = new Script();
    script.up();
    for (let i = 0; i < 20; i++)
      expect(spoken(script.says(lcp, 1, 9, '0304c227'))).toEqual(['c021 3 0305c22381']);
  });

  it('asks once for the best method when it is to insist, and then takes what there is', () => {
    const script = new Script({ insist: true });
    script.up();
    const nak = ['c021 3 0305c22381'];
    expect(spoken(script.says(lcp, 1, 8, '0305c22305'))).toEqual(nak);
    // The same request again: our answer was lost.
    expect(spoken(script.says(lcp, 1, 8, '0305c22305'))).toEqual(nak);
    expect(script.ppp.heldOut).toBe(true);
    expect(spoken(script.says(lcp, 1, 9, '0305c22305'))).toEqual(['c021 2 0305c22305']);
  });

  it('has not held out when nothing that is allowed was offered', () => {
    const script = new Script({ insist: true, methods: ['mschapv2'] });
    script.up();
    script.says(lcp, 1, 8, '0304c023');
    expect(script.ppp.heldOut).toBe(false);
  });

  it('suggests every allowed method before it gives up', () => {
    const script = new Script();
    script.up();
    const said = Array.from(
      { length: 6 },
      (_, id) => spoken(script.says(lcp, 1, id, '0304c227'))[0],
    );
    expect(said).toEqual([
      'c021 3 0305c22381',
      'c021 3 0305c22305',
      'c021 3 0304c023',
      'c021 3 0305c22381',
      'c021 3 0305c22305',
      'c021 5',
    ]);
    expect(script.ppp.failure).toEqual({
      code: 'PPP_NO_AUTH_PROTOCOL',
      detail: 'the peer asks for EAP',
    });
  });

  it('blames the method when the peer hangs up over it', () => {
    const script = new Script();
    script.up();
    script.says(lcp, 1, 1, '0304c227');
    script.says(lcp, 5, 2, text('no'));
    expect(script.ppp.failure?.code).toBe('PPP_NO_AUTH_PROTOCOL');
  });

  it('blames the method as well when it is the layer below that goes down', () => {
    const script = new Script();
    script.up();
    expect(script.ppp.refusal('CDN')).toBeUndefined();
    script.says(lcp, 1, 1, '0304c227');
    expect(script.ppp.refusal('CDN')?.code).toBe('PPP_NO_AUTH_PROTOCOL');
    expect(script.ppp.failure).toBeUndefined();
  });

  it('does not go on without signing in after a refusal', () => {
    const script = new Script();
    const request = only(script.up(), lcp, 1);
    script.says(lcp, 1, 1, '0304c227');
    script.says(lcp, 2, request.id, request.body);
    script.says(lcp, 1, 2, '');
    expect(script.ppp.failure?.code).toBe('PPP_NO_AUTH_PROTOCOL');
  });

  it('drops stale and altered replies', () => {
    const script = new Script();
    const { id, body } = only(script.up(), lcp, 1);
    expect(events(script.says(lcp, 2, id + 1, body))).toEqual(['stale-reply']);
    expect(events(script.says(lcp, 2, id, MRU))).toEqual(['ack-differs-from-request']);
    expect(events(script.says(lcp, 4, id, '0d0306'))).toEqual(['reject-of-what-was-not-asked']);
    expect(events(script.says(lcp, 4, id, ''))).toEqual(['reject-of-what-was-not-asked']);
    expect(script.says(lcp, 2, id, body)).toEqual([]);
    expect(events(script.says(lcp, 2, id, body)), 'a copy').toEqual(['stale-reply']);
  });
});

describe('LCP, once open', () => {
  it('answers echoes with its own magic number', () => {
    const script = new Script();
    const magic = only(script.up(), lcp, 1).body.slice(6);
    expect(script.says(lcp, 9, 3, '000000016162'), 'before it is open').toEqual([]);
    const open = new Script();
    open.toNetwork();
    const reply = only(open.says(lcp, 9, 3, '000000016162'), lcp, 10);
    expect(reply.id).toBe(3);
    expect(reply.body).toEqual(Uint8Array.of(...magic, 0x61, 0x62));
    expect(events(open.says(lcp, 9, 3, '0000'))).toEqual(['malformed-packet']);
  });

  it('ignores Identification, Time-Remaining, Discard-Request and unasked Echo-Replies', () => {
    const script = new Script();
    script.toOpen();
    for (const code of [10, 11, 12, 13])
      expect(lines(script.says(lcp, code, 1, '00000001')), `code ${code}`).toEqual([]);
  });

  it('rejects unknown codes', () => {
    const script = new Script();
    script.toOpen();
    expect(spoken(script.says(lcp, 14, 5, 'abcd'))).toEqual(['c021 7 0e050006abcd']);
    expect(spoken(script.says(ipcp, 9, 5))).toEqual(['8021 7 09050004']);
    const long = only(script.says(lcp, 99, 1, new Uint8Array(900)), lcp, 7);
    expect(long.body).toHaveLength(64);
  });

  it('rejects unknown protocols in the network phase alone', () => {
    const ccp = fromHex('ff0380fd0101000a120601000060');
    const early = new Script();
    early.up();
    expect(events(early.raw(ccp))).toEqual(['out-of-phase']);
    const signing = new Script();
    signing.linkUp('0304c023');
    expect(events(signing.raw(ccp))).toEqual(['out-of-phase']);
    const script = new Script();
    script.toNetwork();
    expect(spoken(script.raw(ccp))).toEqual(['c021 8 80fd0101000a120601000060']);
    expect(spoken(script.raw(fromHex('80570101000a')))).toEqual(['c021 8 80570101000a']);
    expect(spoken(script.raw(fromHex('5760000000')))).toEqual(['c021 8 005760000000']);
  });

  it.each([
    ['IPCP', '8021', 'PPP_NEGOTIATION_FAILED'],
    ['IPv4', '0021', 'PPP_NEGOTIATION_FAILED'],
    ['LCP', 'c021', 'PPP_NEGOTIATION_FAILED'],
    ['CCP, which nobody uses', '80fd', undefined],
  ])('obeys a Protocol-Reject of %s', (_, protocol, code) => {
    const script = new Script();
    script.toNetwork();
    script.says(lcp, 8, 1, `${protocol}0101`);
    expect(script.ppp.failure?.code).toBe(code);
  });

  it('does not obey one that comes before LCP is open', () => {
    const script = new Script();
    script.up();
    expect(events(script.says(lcp, 8, 1, '80210101'))).toEqual(['protocol-reject-too-early']);
    expect(script.ppp.failure).toBeUndefined();
  });

  it('obeys a Code-Reject: no more echoes, or the end', () => {
    const script = new Script();
    script.toOpen();
    expect(lines(script.says(lcp, 7, 1, '09010008'))).toEqual([]);
    for (let i = 0; i < 10; i++) expect(lines(script.wait())).toEqual([]);
    expect(lines(script.says(lcp, 7, 1, '01010004'))[0]?.packet.code).toBe(5);
  });

  it('has a reason for an end that a Code-Reject brings about', () => {
    const script = new Script();
    script.up();
    // Our Configure-Request, rejected as a code.
    expect(script.says(lcp, 7, 1, '01010004').at(-1)).toEqual({
      kind: 'closed',
      failure: { code: 'PPP_NEGOTIATION_FAILED', detail: 'LCP ended' },
    });
  });

  it('asks for a sign of life after silence, and any frame or packet is one', () => {
    const script = new Script();
    script.toOpen();
    expect(script.ppp.deadline).toBe(31_000);
    script.now = 20_000;
    const packet = { bytes: fromHex('ff0300214500'), start: 0, end: 6 };
    script.ppp.decapsulate(packet, script.now);
    expect(script.ppp.deadline).toBe(50_000);
    for (let i = 0; i < 20; i++) {
      expect(only(script.wait(), lcp, 9).body).toHaveLength(4);
      script.now += 10;
      script.says(lcp, 10, 1, '00000000');
    }
    expect(script.ppp.failure).toBeUndefined();
  });

  it('asks once after a long sleep', () => {
    const script = new Script();
    script.toOpen();
    script.now = 500_000;
    expect(lines(script.ppp.handle({ kind: 'timeout' }, script.now))).toHaveLength(1);
    expect(script.ppp.deadline).toBe(530_000);
  });

  it('starts over when the peer does', () => {
    const script = new Script();
    script.toOpen();
    const outputs = script.says(lcp, 1, 77, MRU);
    expect(outputs.filter(({ kind }) => kind === 'stage')).toEqual([
      { kind: 'stage', stage: 'link' },
    ]);
    expect(spoken(outputs)).toEqual([expect.stringMatching(/^c021 1 /), `c021 2 ${MRU}`]);
    const packet = { bytes: fromHex('ff0300214500'), start: 0, end: 6 };
    expect(script.ppp.decapsulate(packet, script.now), 'the network is down').toBe(0);
    const request = lines(outputs)[0]!.packet;
    const again = script.says(lcp, 2, request.id, request.body);
    expect(again).toContainEqual({ kind: 'stage', stage: 'network' });
  });

  it('repeats the Ack of a request that it has acknowledged, and stays open', () => {
    const script = new Script();
    script.toOpen();
    expect(spoken(script.says(lcp, 1, 1, ''))).toEqual(['c021 2']);
    expect(spoken(script.says(ipcp, 1, 1, '03060a1e00fe'))).toEqual(['8021 2 03060a1e00fe']);
    const packet = { bytes: fromHex('ff0300214500'), start: 0, end: 6 };
    expect(script.ppp.decapsulate(packet, script.now)).toBe(0x0021);
  });
});

describe('the end', () => {
  it('acknowledges a Terminate-Request, waits, and says why', () => {
    const script = new Script();
    script.toOpen();
    const outputs = script.says(lcp, 5, 6, text('Session\u0007 timeout'));
    expect(spoken(outputs)).toEqual(['c021 6']);
    expect(script.ppp.failure).toEqual({ code: 'PPP_CLOSED_BY_PEER', detail: 'Session  timeout' });
    expect(script.ppp.deadline).toBe(4000);
    expect(spoken(script.says(lcp, 5, 6)), 'a copy').toEqual(['c021 6']);
    expect(script.wait()).toEqual([{ kind: 'closed', failure: script.ppp.failure }]);
  });

  it('answers before it asks when the peer ends it early', () => {
    const script = new Script();
    script.up();
    expect(spoken(script.says(lcp, 5, 6))).toEqual(['c021 6', 'c021 5']);
    expect(kinds(script.says(lcp, 6, 3))).toEqual(['closed']);
  });

  it('asks twice to be let go, then goes', () => {
    const script = new Script();
    script.toOpen();
    expect(spoken(script.close())).toEqual(['c021 5']);
    expect(script.close()).toEqual([]);
    expect(spoken(script.wait())).toEqual(['c021 5']);
    expect(script.wait()).toEqual([{ kind: 'closed' }]);
    expect(script.now).toBe(1000 + 500 + 1000);
  });

  it('does nothing after that', () => {
    const script = new Script();
    script.toOpen();
    script.close();
    script.says(lcp, 6, 1);
    expect(script.ppp.deadline).toBeUndefined();
    expect(events(script.says(lcp, 1, 1))).toEqual(['frame-while-down']);
    expect(script.ppp.handle({ kind: 'timeout' }, 1e9)).toEqual([]);
    expect(script.close()).toEqual([]);
    expect(script.up()).toEqual([]);
  });
});

describe('the data path', () => {
  const script = new Script();
  script.toOpen();

  it('prepends the whole header in place', () => {
    const packet = { bytes: new Uint8Array(16), start: 8, end: 12 };
    script.ppp.encapsulate(packet, 0x0021);
    expect(packet.start).toBe(4);
    expect(packet.bytes.slice(4, 8)).toEqual(fromHex('ff030021'));
    const tight = { bytes: new Uint8Array(16), start: 3, end: 12 };
    expect(() => script.ppp.encapsulate(tight, 0x0021)).toThrow(RangeError);
  });

  it.each([
    ['ff0300214500', 0x0021, 4],
    ['00214500', 0x0021, 2],
    ['214500', 0x0021, 1],
    ['ff03214500', 0x0021, 3],
    ['ff03c0210901', 0xc021, 0],
    ['ff0300571234', 0x0057, 0],
    ['ff0300', 0, 0],
    ['', 0, 0],
  ])('finds in %j the protocol and what is left', (hex, protocol, consumed) => {
    const bytes = fromHex(`00${hex}`);
    const packet = { bytes, start: 1, end: bytes.length };
    expect(script.ppp.decapsulate(packet, 1000)).toBe(protocol);
    expect(packet.start).toBe(1 + consumed);
  });

  it('has no use for data as a frame', () => {
    expect(events(script.raw(fromHex('ff0300214500')))).toEqual(['data-as-frame']);
    expect(events(script.raw(fromHex('ff03')))).toEqual(['malformed-frame']);
  });
});

describe('its caller', () => {
  it('is told of what is missing or does not fit', () => {
    expect(() => new Script({ role: 'server' })).toThrow(TypeError);
    const credentials = { userName: 'ä'.repeat(128), password: '' };
    expect(() => new Script({ credentials })).toThrow(RangeError);
  });
});
