import { describe, expect, test } from 'vitest';
import type { Failure } from '../../../shared/errors.ts';
import { STAGE_TEXT, steps } from '../../../web/ui/stages.ts';
import { advance, broken, statusText, type View } from '../../../web/ui/view.ts';
import { type Session, STAGES, type TunnelState } from '../../../web/worker/api.ts';

const session: Session = {
  gateway: { id: 'demo', name: 'Head office', address: '192.0.2.1' },
  address: '10.0.0.2',
  ipv6Addresses: [],
  peerAddress: '10.0.0.1',
  nameServers: [],
  ike: 'AES-CBC-256',
  esp: 'AES-CBC-256',
  transport: 'UDP 4500',
  authentication: 'MS-CHAPv2',
  mtu: 1400,
  weak: [],
  since: 0,
};
const failure: Failure = { code: 'IKE_NO_RESPONSE' };

function walk(...states: TunnelState[]): View {
  return states.reduce(advance, { kind: 'ready' });
}

describe('the view', () => {
  test('remembers the stage at which connecting failed', () => {
    const view = walk(
      { kind: 'connecting', stage: 'relay' },
      { kind: 'connecting', stage: 'ike-phase-1' },
      { kind: 'idle', failure },
    );
    expect(view).toEqual({ kind: 'ready', failure, where: 'ike-phase-1' });
    expect(statusText(view).title).toBe('Could not connect');
  });

  test('tells the end of a session from a failure to connect', () => {
    const view = walk({ kind: 'connected', session }, { kind: 'idle', failure });
    expect(view).toEqual({ kind: 'ready', failure, where: 'session' });
    expect(statusText(view).title).toBe('The tunnel has ended');
  });

  test('has no failure after a tunnel that was ended on purpose', () => {
    const view = walk({ kind: 'connected', session }, { kind: 'disconnecting' }, { kind: 'idle' });
    expect(view).toEqual({ kind: 'ready', where: 'session' });
    expect(statusText(view).title).toBe('Ready to connect');
  });

  test('forgets an old failure when connecting again', () => {
    const view = walk({ kind: 'idle', failure }, { kind: 'connecting', stage: 'relay' });
    expect(view).toEqual({ kind: 'connecting', stage: 'relay' });
  });

  test('keeps a broken worker on the screen while what is left of it ends', () => {
    let view = broken('out of memory');
    view = advance(view, { kind: 'disconnecting' });
    view = advance(view, { kind: 'idle' });
    expect(view).toMatchObject({ kind: 'ready', failure: { code: 'INTERNAL' }, where: 'worker' });
  });
});

describe('the status line', () => {
  test('says `Connected` when and only when a tunnel stands', () => {
    const others: View[] = [
      { kind: 'ready' },
      { kind: 'ready', failure, where: 'session' },
      { kind: 'ready', failure, where: 'l2tp' },
      { kind: 'disconnecting', where: 'session' },
      ...STAGES.map((stage): View => ({ kind: 'connecting', stage })),
    ];
    for (const view of others) {
      const { title, note } = statusText(view);
      expect(`${title} ${note}`).not.toMatch(/connected/i);
    }
    expect(statusText({ kind: 'connected', session }).title).toBe('Connected');
  });

  test('has words of its own for each stage', () => {
    const words = STAGES.map((stage) => STAGE_TEXT[stage].doing);
    expect(new Set(words).size).toBe(STAGES.length);
    for (const word of words) expect(word).toMatch(/…$/);
  });
});

describe('the step list', () => {
  test('is all ahead before anything began', () => {
    expect(steps(undefined, false).map(({ state }) => state)).toEqual(STAGES.map(() => 'waiting'));
  });

  test.each([
    [false, 'current'],
    [true, 'failed'],
  ] as const)('marks the steps around the present one (failed: %s)', (failed, state) => {
    const states = steps('l2tp', failed).map((step) => step.state);
    expect(states).toEqual(['done', 'done', 'done', state, 'waiting', 'waiting', 'waiting']);
  });
});
