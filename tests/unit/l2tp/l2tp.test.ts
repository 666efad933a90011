import { describe, expect, it } from 'vitest';
import { type Avp, findAvp } from '../../../shared/l2tp/avp.ts';
import { MAX_PENDING_REFUSALS } from '../../../shared/l2tp/call.ts';
import {
  HELLO_INTERVAL,
  LINGER,
  SETUP_TIMEOUT,
  STOP_TIMEOUT,
} from '../../../shared/l2tp/interface.ts';
import { L2tp } from '../../../shared/l2tp/l2tp.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { SeededRandom } from '../../support/random.ts';
import {
  AVPS,
  lacCalling,
  lacConnected,
  lacWaiting,
  lnsConnected,
  lnsOpen,
  lnsWaiting,
  PEER_SESSION,
  PEER_TUNNEL,
  Script,
} from './script.ts';

const unknown = (fields: Partial<Extract<Avp, { kind: 'unknown' }>>): Avp => ({
  kind: 'unknown',
  mandatory: false,
  hidden: false,
  reserved: 0,
  vendor: 0,
  code: 99,
  body: new Uint8Array(3),
  ...fields,
});

const resultCode = (result: number, error?: number, message?: string): Avp => ({
  kind: 'resultCode',
  value: {
    result,
    ...(error === undefined ? {} : { error }),
    ...(message === undefined ? {} : { message: new Uint8Array(Buffer.from(message)) }),
  },
});

/** The result code of the last message of a name that was sent. */
function said(script: Script, name: string) {
  const sent = script.sent.findLast((item) => item.name === name);
  return findAvp(sent?.message?.avps ?? [], 'resultCode');
}

/** Calls on the deadline until the machine has none. */
function exhaust(script: Script): Script {
  while (script.machine.deadline !== undefined) script.timeout();
  return script;
}

describe('setting up', () => {
  it('as a LAC sends SCCRQ, SCCCN and ICRQ, ICCN', () => {
    const script = lacWaiting();
    expect(script.sent[0]?.message?.tunnelId).toBe(0);
    expect(script.took()).toEqual(['SCCRQ']);
    expect(script.message('SCCRP', AVPS.SCCRP).took()).toEqual(['SCCCN', 'ICRQ']);
    script.message('ICRP', AVPS.ICRP);
    const iccn = script.sent[0]?.message;
    expect([iccn?.tunnelId, iccn?.sessionId]).toEqual([PEER_TUNNEL, PEER_SESSION]);
    expect(findAvp(iccn?.avps ?? [], 'framingType')).toBe(1);
    expect(script.took()).toEqual(['ICCN']);
    expect(script.event('session-established')).toEqual({
      kind: 'session-established',
      localTunnelId: script.tunnelId,
      peerTunnelId: PEER_TUNNEL,
      localSessionId: script.sessionId,
      peerSessionId: PEER_SESSION,
      peerHostName: 'gateway',
    });
  });

  it('as a LNS answers', () => {
    const script = lnsConnected();
    expect(script.took()).toEqual(['SCCRP', 'ZLB', 'ICRP', 'ZLB']);
    expect(script.event('session-established')?.peerHostName).toBe('gateway');
  });

  it('names its stages, and lets the ICCN leave before the session is told', () => {
    const { outputs } = lacConnected();
    const stages = outputs.flatMap((o) => (o.kind === 'stage' ? [o.stage] : []));
    expect(stages).toEqual(['tunnel', 'session']);
    const kinds = outputs.map(({ kind }) => kind);
    expect(kinds.lastIndexOf('transmit')).toBeLessThan(kinds.indexOf('session-established'));
  });

  it('asks for the framing the gateway takes', () => {
    const avps = AVPS.SCCRP.map(
      (avp): Avp => (avp.kind === 'framingCapabilities' ? { ...avp, value: 2 } : avp),
    );
    const script = lacWaiting().message('SCCRP', avps).acknowledge().message('ICRP', AVPS.ICRP);
    const iccn = script.sent.find(({ name }) => name === 'ICCN')?.message;
    expect(findAvp(iccn?.avps ?? [], 'framingType')).toBe(2);
  });

  it('keeps to the window of the peer', () => {
    const window: Avp = { kind: 'receiveWindowSize', value: 1 };
    const script = lacWaiting().message('SCCRP', [...AVPS.SCCRP, window]);
    expect(script.took()).toEqual(['SCCRQ', 'SCCCN']);
    expect(script.acknowledge().took()).toEqual(['ICRQ']);
  });

  it('goes without what a gateway forgets', () => {
    const script = lacWaiting().message('SCCRP', [
      { kind: 'assignedTunnelId', value: PEER_TUNNEL },
    ]);
    expect(script.took()).toContain('SCCCN');
  });

  it('never has the same ids twice', () => {
    const random = new SeededRandom(1);
    const ids = Array.from({ length: 8 }, () => lacWaiting({ random }).tunnelId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('ignores a second open', () => {
    expect(lacWaiting().open().took()).toEqual(['SCCRQ']);
  });

  it('shows a host name as plain text', () => {
    const hostName = new Uint8Array([0x1b, 0x5b, 0xc3, 0xbc, 0]);
    const avps = AVPS.SCCRP.map(
      (avp): Avp => (avp.kind === 'hostName' ? { ...avp, value: hostName } : avp),
    );
    const script = lacWaiting().message('SCCRP', avps).acknowledge().message('ICRP', AVPS.ICRP);
    expect(script.event('session-established')?.peerHostName).toBe('[ü');
  });

  it('refuses a configuration that cannot work', () => {
    const random = new SeededRandom(1);
    expect(() => new L2tp({ role: 'lac', random, hostName: '' })).toThrow(RangeError);
    expect(() => new L2tp({ role: 'lac', random, hostName: 'ä'.repeat(128) })).toThrow(RangeError);
    const secret = new Uint8Array(3);
    expect(() => new L2tp({ role: 'lac', random, hostName: 'x', secret })).toThrow(TypeError);
  });
});

describe('what the peer says reaches the user', () => {
  it.each([
    [
      'StopCCN during establishment',
      () => lacWaiting().message('StopCCN', [resultCode(2, 4, 'full')]),
      'L2TP_REFUSED',
      'StopCCN 2: General error (error 4: Insufficient resources to handle this operation now): full',
    ],
    [
      'StopCCN of 8 octets, without error code',
      () => lacCalling().message('StopCCN', [resultCode(4)]),
      'L2TP_REFUSED',
      'StopCCN 4: Requester is not authorized to establish a control channel',
    ],
    [
      'a version as error code',
      () => lacWaiting().message('StopCCN', [resultCode(5, 0x100)]),
      'L2TP_REFUSED',
      'StopCCN 5: The protocol version of the requester is not supported',
    ],
    [
      'what SoftEther says',
      () => lacConnected().message('StopCCN', [resultCode(0, 0x600, '\0\0\0\0')]),
      'L2TP_CLOSED_BY_PEER',
      'StopCCN 0: Reserved (error 1536: unknown error code)',
    ],
    [
      'StopCCN without a result code',
      () => lacConnected().message('StopCCN'),
      'L2TP_CLOSED_BY_PEER',
      'StopCCN without a result code',
    ],
    [
      'CDN during establishment',
      () => lacCalling().message('CDN', [resultCode(4)]),
      'L2TP_CALL_REFUSED',
      'CDN 4: Call failed due to lack of appropriate facilities being available (temporary condition)',
    ],
    [
      'CDN without a session id',
      () => lacCalling().message('CDN', [resultCode(99)], { sessionId: 0 }),
      'L2TP_CALL_REFUSED',
      'CDN 99: unknown result code',
    ],
    [
      'CDN afterwards',
      () => lacConnected().message('CDN', [resultCode(2, 7, '192.0.2.9\u202e')]),
      'L2TP_CLOSED_BY_PEER',
      'CDN 2: Call disconnected for the reason indicated in error code (error 7: Try another): 192.0.2.9',
    ],
  ])('%s', (_name, run, code, detail) => {
    const script = run();
    expect(script.took()).not.toHaveLength(0);
    exhaust(script.acknowledge());
    expect(script.event('closed')?.failure).toEqual({ code, detail });
  });

  it('bounds its length', () => {
    const script = lacWaiting().message('StopCCN', [resultCode(2, 6, 'x'.repeat(1000))]);
    expect(script.event('closed')?.failure?.detail?.length).toBeLessThan(210);
  });
});

describe('what is wrong with the peer', () => {
  it.each([
    [
      'a mandatory AVP',
      unknown({ mandatory: true }),
      'mandatory AVP 99 in SCCRP is not understood',
    ],
    [
      'a vendor’s',
      unknown({ mandatory: true, vendor: 9, code: 7 }),
      'mandatory AVP 7 of vendor 9 in SCCRP is not understood',
    ],
    [
      'a hidden one',
      unknown({ mandatory: true, hidden: true, code: 7 }),
      'mandatory AVP 7 in SCCRP is hidden',
    ],
  ])('%s', (_name, avp, detail) => {
    const script = lacWaiting().message('SCCRP', [...AVPS.SCCRP, avp]);
    expect(said(script, 'StopCCN')).toMatchObject({ result: 2, error: 8 });
    expect(said(script, 'StopCCN')?.message).toEqual(new Uint8Array(Buffer.from(detail)));
    exhaust(script.acknowledge());
    expect(script.event('closed')?.failure).toEqual({ code: 'L2TP_REFUSED', detail });
  });

  it('an AVP without the M bit is not', () => {
    const odd = [unknown({}), unknown({ hidden: true, code: 7 }), unknown({ reserved: 5 })];
    const script = lacWaiting().message('SCCRP', [...odd, ...AVPS.SCCRP]);
    expect(script.took()).toContain('SCCCN');
  });

  it('another protocol version', () => {
    const avps = AVPS.SCCRP.map(
      (avp): Avp =>
        avp.kind === 'protocolVersion' ? { ...avp, value: { version: 2, revision: 0 } } : avp,
    );
    expect(said(lacWaiting().message('SCCRP', avps), 'StopCCN')).toEqual({ result: 5, error: 256 });
  });

  it('no tunnel id, no session id', () => {
    expect(said(lacWaiting().message('SCCRP'), 'StopCCN')).toMatchObject({ result: 2, error: 3 });
    const script = lacCalling().message('ICRP');
    expect(said(script, 'CDN')).toMatchObject({ result: 2, error: 3 });
    exhaust(script.acknowledge().acknowledge());
    expect(script.event('closed')?.failure?.code).toBe('L2TP_CALL_REFUSED');
  });

  it('a message out of sequence', () => {
    const script = lacConnected().message('SCCRP', AVPS.SCCRP);
    exhaust(script.acknowledge());
    expect(script.event('closed')?.failure).toEqual({
      code: 'L2TP_CLOSED_BY_PEER',
      detail: 'SCCRP in established',
    });
  });

  it('a message type that is mandatory and unknown', () => {
    const script = lacConnected().message('HELLO', [], { type: 99 });
    expect(said(script, 'StopCCN')).toMatchObject({ result: 2, error: 8 });
    const ignored = lacConnected().message('HELLO', [], { type: 99, mandatory: false });
    expect(ignored.took().at(-1)).toBe('ZLB');
    expect(ignored.event('closed')).toBeUndefined();
  });

  it('a Hello with a mandatory AVP', () => {
    const script = lacConnected().message('HELLO', [unknown({ mandatory: true })]);
    expect(script.took().slice(-2)).toEqual(['CDN', 'StopCCN']);
  });
});

describe('what is tolerated', () => {
  it.each(['SLI', 'WEN'] as const)('%s, whatever is in it', (name) => {
    const avps = [unknown({ mandatory: true }), unknown({ mandatory: true, code: 35 })];
    const script = lacConnected().message(name, avps);
    expect(script.took().at(-1)).toBe('ZLB');
    expect(script.event('closed')).toBeUndefined();
  });

  it('messages out of order and repeated', () => {
    const script = lacWaiting();
    script.message('SCCRP', AVPS.SCCRP).acknowledge();
    script.took();
    // Hello overtakes ICRP.
    script.ns = 2;
    script.message('HELLO');
    expect(script.took()).toEqual([]);
    script.ns = 1;
    script.message('ICRP', AVPS.ICRP);
    expect(script.took()).toEqual(['ICCN']);
    script.ns = 1;
    expect(script.message('ICRP', AVPS.ICRP).took()).toEqual(['ZLB']);
    expect(script.traces()).toEqual(expect.arrayContaining(['early', 'duplicate']));
  });

  it('a SCCRQ repeated before our id was known', () => {
    const script = lnsWaiting();
    script.ns = 0;
    script.tunnelId = 0;
    script.took();
    expect(script.message('SCCRQ', AVPS.SCCRQ).took()).toEqual(['ZLB']);
  });

  it('a StopCCN before our id was known', () => {
    const script = lnsWaiting();
    const avps: Avp[] = [{ kind: 'assignedTunnelId', value: PEER_TUNNEL }, resultCode(1)];
    script.message('StopCCN', avps, { tunnelId: 0 });
    expect(script.event('closed')?.failure?.code).toBe('L2TP_REFUSED');
  });
});

describe('what is dropped and traced', () => {
  it.each([
    ['malformed', (script: Script) => script.datagram(fromHex('c802 ffff'))],
    ['unknown-tunnel', (script: Script) => script.message('HELLO', [], { tunnelId: 9 })],
    ['unknown-tunnel', (script: Script) => script.message('SCCRQ', AVPS.SCCRQ, { tunnelId: 0 })],
    ['refused', (script: Script) => script.message('HELLO', [], { ns: 100 })],
    ['refused', (script: Script) => script.message('HELLO', [], { nr: 100 })],
  ])('%s', (event, run) => {
    const script = lacConnected();
    script.took();
    run(script);
    expect(script.traces().at(-1)).toBe(event);
    expect(script.took()).toEqual([]);
  });

  it('a message of another call', () => {
    const script = lacConnected();
    script.message('CDN', [resultCode(1)], { sessionId: 9 });
    expect(script.traces().at(-1)).toBe('unknown-session');
    expect(script.event('closed')).toBeUndefined();
  });
});

describe('another call', () => {
  const call = (id: number): Avp[] => [
    { kind: 'assignedSessionId', value: id },
    { kind: 'callSerialNumber', value: 1 },
  ];

  it('is refused while the LNS has one', () => {
    const script = lnsConnected();
    script.acknowledge().took();
    script.message('ICRQ', call(77));
    const cdn = script.sent.at(-1);
    expect([cdn?.name, cdn?.message?.sessionId]).toEqual(['CDN', 77]);
    expect(said(script, 'CDN')).toEqual({ result: 4 });
    expect(script.event('closed')).toBeUndefined();
  });

  it.each(['ICRQ', 'OCRQ'] as const)('is refused by a LAC: %s', (name) => {
    const script = lacConnected();
    script.took();
    expect(script.message(name, call(77)).took()).toEqual(['CDN']);
    expect(script.event('closed')).toBeUndefined();
  });

  it('is refused only so often to a peer that acknowledges nothing', () => {
    const script = lnsConnected();
    script.acknowledge().took();
    const nr = script.nr;
    for (let id = 300; id < 400; id++) script.message('ICRQ', call(id), { nr });
    const answers = new Set(script.took());
    expect([...answers]).toEqual(['CDN', 'ZLB']);
    // Acknowledge everything: what was held back is bounded.
    let held = 0;
    for (let took = ['CDN']; took.length > 0; took = script.acknowledge().took()) {
      held += took.length;
    }
    expect(held).toBeLessThanOrEqual(MAX_PENDING_REFUSALS);
  });

  it('can follow a refused one', () => {
    const script = lnsOpen().message('ICRQ', [...call(5), unknown({ mandatory: true })]);
    expect(script.took().at(-1)).toBe('CDN');
    script.message('ICRQ', AVPS.ICRQ).message('ICCN', AVPS.ICCN);
    expect(script.event('session-established')?.peerSessionId).toBe(PEER_SESSION);
  });
});

describe('silence', () => {
  it('before the session is no response', () => {
    const script = exhaust(lacWaiting());
    expect(script.now).toBe(31_000);
    expect(script.took()).toEqual(Array.from({ length: 6 }, () => 'SCCRQ'));
    expect(script.event('closed')?.failure).toEqual({ code: 'L2TP_NO_RESPONSE' });
  });

  it('is no response also from a gateway that only acknowledges', () => {
    const script = lacWaiting().acknowledge();
    script.timeout();
    expect(script.now).toBe(SETUP_TIMEOUT);
    expect(script.took().at(-1)).toBe('StopCCN');
    exhaust(script);
    expect(script.now).toBe(SETUP_TIMEOUT + STOP_TIMEOUT);
    expect(script.event('closed')?.failure).toEqual({ code: 'L2TP_NO_RESPONSE' });
  });

  it('is asked about after a minute and answered', () => {
    const script = lacConnected();
    script.took();
    for (let round = 1; round <= 3; round++) {
      expect(script.timeout().took()).toEqual(['HELLO']);
      expect(script.now).toBe(round * HELLO_INTERVAL);
      script.acknowledge();
    }
  });

  it('afterwards is a dead peer', () => {
    const script = exhaust(lacConnected());
    expect(script.now).toBe(HELLO_INTERVAL + 31_000);
    expect(script.event('closed')?.failure).toEqual({ code: 'L2TP_DEAD_PEER' });
  });

  it('ends with any message, also data', () => {
    const script = lacConnected();
    script.now = 30_000;
    script.acknowledge();
    expect(script.machine.deadline).toBe(90_000);
    const { localTunnelId, localSessionId } = script.event('session-established')!;
    const ids = [localTunnelId, localSessionId].map((id) => id.toString(16).padStart(4, '0'));
    const bytes = fromHex(`0002 ${ids.join('')} ff03`);
    const packet = { bytes, start: 0, end: bytes.length };
    expect(script.machine.decapsulate(packet, 50_000)).toBe(true);
    expect(script.machine.deadline).toBe(110_000);
    // Another session's do not count, except as dropped.
    expect(script.machine.decapsulate({ bytes, start: 2, end: bytes.length }, 70_000)).toBe(false);
    expect(script.machine.deadline).toBe(110_000);
    expect(script.machine.droppedData).toBe(1);
  });

  it('is measured with the intervals given', () => {
    const script = lacConnected({ helloInterval: 5000 });
    expect(script.machine.deadline).toBe(5000);
    expect(lacWaiting({ setupTimeout: 500 }).machine.deadline).toBe(500);
    expect(lacConnected({ stopTimeout: 700 }).close().machine.deadline).toBe(700);
  });

  it('answers Hellos of the peer', () => {
    const script = lacConnected();
    script.took();
    expect(script.message('HELLO').took()).toEqual(['ZLB']);
  });
});

describe('closing', () => {
  it('sends CDN and StopCCN and waits for the peer’s own', () => {
    const script = lacConnected();
    script.took();
    expect(script.close().took()).toEqual(['CDN', 'StopCCN']);
    expect(script.event('closed')).toBeUndefined();
    // As SoftEther does: its CDN acknowledges ours, then comes its StopCCN.
    expect(script.message('CDN', [resultCode(3)]).took()).toEqual(['ZLB']);
    expect(script.event('closed')).toBeUndefined();
    expect(script.machine.deadline).toBeGreaterThanOrEqual(script.now + 500);
    expect(script.message('StopCCN', [resultCode(6)]).took()).toEqual(['ZLB']);
    expect(script.event('closed')).toEqual({ kind: 'closed' });
    expect(script.machine.deadline).toBeUndefined();
  });

  it('does not wait long for a peer that has nothing to say', () => {
    const script = exhaust(lacConnected().close().acknowledge());
    expect(script.now).toBe(LINGER);
    expect(script.event('closed')).toEqual({ kind: 'closed' });
  });

  it('nor for one that is gone', () => {
    const script = exhaust(lacConnected().close());
    expect(script.now).toBe(STOP_TIMEOUT);
    expect(script.event('closed')).toEqual({ kind: 'closed' });
  });

  it('before anything was sent is over at once', () => {
    const script = new Script().close();
    expect(script.outputs).toEqual([{ kind: 'closed' }]);
  });

  it('while setting up says so', () => {
    expect(lacWaiting().close().took()).toEqual(['SCCRQ', 'StopCCN']);
    expect(lacCalling().acknowledge().close().took().slice(-2)).toEqual(['CDN', 'StopCCN']);
    expect(lnsOpen().acknowledge().close().took().at(-1)).toBe('StopCCN');
  });

  it('happens once', () => {
    const script = exhaust(lacConnected().close().close().acknowledge().close());
    script.open().close();
    expect(script.outputs.filter(({ kind }) => kind === 'closed')).toHaveLength(1);
  });

  it('acknowledges a StopCCN before it is told, and repeats of it after', () => {
    const script = lacConnected();
    script.took();
    script.message('StopCCN', [resultCode(1)]);
    expect(script.took()).toEqual(['ZLB']);
    const kinds = script.outputs.map(({ kind }) => kind);
    expect(kinds.lastIndexOf('transmit')).toBeLessThan(kinds.indexOf('closed'));
    script.ns--;
    expect(script.message('StopCCN', [resultCode(1)]).took()).toEqual(['ZLB']);
  });

  it('passes no more data up, and what still goes down harms nobody', () => {
    const script = lacConnected().close();
    const bytes = new Uint8Array(64);
    const packet = { bytes, start: 32, end: 40 };
    script.machine.encapsulate(packet);
    expect(packet.start).toBe(26);
    expect(script.machine.decapsulate({ bytes, start: 26, end: 40 }, 0)).toBe(false);
  });
});

describe('the data path', () => {
  it('does not exist before the session', () => {
    const { machine } = lacCalling();
    const packet = { bytes: new Uint8Array(32), start: 16, end: 20 };
    expect(() => machine.encapsulate(packet)).toThrow(RangeError);
    expect(machine.decapsulate(packet, 0)).toBe(false);
    expect(machine.droppedData).toBe(1);
  });

  it('is numbered where Sequencing Required was received', () => {
    const avps: Avp[] = [...AVPS.ICCN, { kind: 'sequencingRequired', value: true }];
    const script = lnsOpen().message('ICRQ', AVPS.ICRQ).message('ICCN', avps);
    const packet = { bytes: new Uint8Array(32), start: 16, end: 20 };
    script.machine.encapsulate(packet);
    expect(toHex(packet.bytes.slice(packet.start, 16))).toBe('08020101020200000000');
  });
});
