import { describe, expect, it } from 'vitest';
import type { Avp } from '../../../shared/l2tp/avp.ts';
import type { MessageName } from '../../../shared/l2tp/numbers.ts';
import {
  type CallEvent,
  type CallState,
  type Cell,
  CONTROL_CONNECTION,
  INCOMING_CALL,
  type TunnelEvent,
  type TunnelState,
} from '../../../shared/l2tp/state-tables.ts';
import {
  AVPS,
  lacCalling,
  lacConnected,
  lacWaiting,
  lnsCalled,
  lnsConnected,
  lnsOpen,
  lnsWaiting,
  Script,
} from './script.ts';

/** `state event: what is sent or done -> next state`, as the RFC prints it; `bad-` is "not acceptable". */
type Row = string;

const RFC_7_2_1: readonly Row[] = [
  'idle local-open: send-sccrq -> wait-ctl-reply',
  'idle sccrq: send-sccrp -> wait-ctl-conn',
  'idle bad-sccrq: send-stopccn clean-up -> idle',
  'idle sccrp bad-sccrp: send-stopccn clean-up -> idle',
  'idle scccn bad-scccn: clean-up -> idle',
  'wait-ctl-reply sccrp: send-scccn tunnel-open -> established',
  'wait-ctl-reply bad-sccrp: send-stopccn clean-up -> idle',
  'wait-ctl-reply scccn bad-scccn: send-stopccn clean-up -> idle',
  'wait-ctl-conn scccn: tunnel-open -> established',
  'wait-ctl-conn bad-scccn: send-stopccn clean-up -> idle',
  'wait-ctl-conn sccrp bad-sccrp sccrq bad-sccrq: send-stopccn clean-up -> idle',
  'established local-open: tunnel-open -> established',
  'established admin-close: send-stopccn clean-up -> idle',
  'established sccrq bad-sccrq sccrp bad-sccrp scccn bad-scccn: send-stopccn clean-up -> idle',
  'idle stopccn: clean-up -> idle',
  'wait-ctl-reply stopccn: clean-up -> idle',
  'wait-ctl-conn stopccn: clean-up -> idle',
  'established stopccn: clean-up -> idle',
];

/** Cells the RFC leaves open. */
const OURS_7_2_1: readonly Row[] = [
  'idle admin-close: clean-up -> idle',
  'wait-ctl-reply sccrq bad-sccrq admin-close: send-stopccn clean-up -> idle',
  'wait-ctl-conn admin-close: send-stopccn clean-up -> idle',
];

const RFC_7_4_1: readonly Row[] = [
  'idle incoming-call: open-tunnel -> wait-tunnel',
  'idle iccn bad-iccn icrp bad-icrp cdn: clean-up -> idle',
  'wait-tunnel local-close: clean-up -> idle',
  'wait-tunnel tunnel-open: send-icrq -> wait-reply',
  'wait-reply icrp: send-iccn prepare-for-data -> established',
  'wait-reply bad-icrp: send-cdn clean-up -> idle',
  'wait-reply icrq bad-icrq: send-cdn clean-up -> idle',
  'wait-reply cdn iccn bad-iccn: clean-up -> idle',
  'wait-reply local-close: send-cdn clean-up -> idle',
  'established cdn: clean-up -> idle',
  'established icrq bad-icrq icrp bad-icrp iccn bad-iccn: send-cdn clean-up -> idle',
  'established local-close: send-cdn clean-up -> idle',
];

const OURS_7_4_1: readonly Row[] = ['idle icrq bad-icrq: send-cdn clean-up -> idle'];

const RFC_7_4_2: readonly Row[] = [
  'idle icrq: send-icrp -> wait-connect',
  'idle bad-icrq: send-cdn clean-up -> idle',
  'idle icrp bad-icrp: send-cdn clean-up -> idle',
  'idle iccn bad-iccn: clean-up -> idle',
  'wait-connect iccn: prepare-for-data -> established',
  'wait-connect bad-iccn: send-cdn clean-up -> idle',
  'wait-connect icrq bad-icrq icrp bad-icrp: send-cdn clean-up -> idle',
  'idle cdn: clean-up -> idle',
  'wait-connect cdn: clean-up -> idle',
  'established cdn: clean-up -> idle',
  'wait-connect local-close: send-cdn clean-up -> idle',
  'established local-close: send-cdn clean-up -> idle',
  'established icrq bad-icrq icrp bad-icrp iccn bad-iccn: send-cdn clean-up -> idle',
];

/** One line a cell. */
function cells(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const [left = '', right = ''] = row.split(': ');
    const [state, ...events] = left.split(' ');
    return events.map((event) => `${state} ${event}: ${right}`);
  });
}

function printed(table: Record<string, Record<string, Cell<string, string>>>): string[] {
  return Object.entries(table).flatMap(([state, row]) =>
    Object.entries(row).map(
      ([event, { actions, next }]) => `${state} ${event}: ${actions.join(' ')} -> ${next}`,
    ),
  );
}

describe('the tables are the RFC’s, and what we add is listed', () => {
  it.each([
    ['§7.2.1', CONTROL_CONNECTION, [...RFC_7_2_1, ...OURS_7_2_1]],
    ['§7.4.1', INCOMING_CALL.lac, [...RFC_7_4_1, ...OURS_7_4_1]],
    ['§7.4.2', INCOMING_CALL.lns, RFC_7_4_2],
  ])('%s', (_section, table, rows) => {
    expect(printed(table).sort()).toEqual(cells(rows).sort());
  });
});

const UNKNOWN_AVP: Avp = {
  kind: 'unknown',
  mandatory: true,
  hidden: false,
  reserved: 0,
  vendor: 0,
  code: 99,
  body: new Uint8Array(0),
};

const STOP: readonly Avp[] = [{ kind: 'resultCode', value: { result: 6 } }];
const DISCONNECT: readonly Avp[] = [{ kind: 'resultCode', value: { result: 3 } }];

type Feed = (script: Script) => Script;

/** A message in sequence, addressed to the tunnel and the call; `bad` with an AVP that is not understood. */
function feed(name: MessageName, avps: readonly Avp[]): { good: Feed; bad: Feed } {
  const header = (script: Script) =>
    ['ICRQ', 'ICRP', 'ICCN', 'CDN'].includes(name) ? { sessionId: script.sessionId } : {};
  return {
    good: (script) => script.message(name, avps, header(script)),
    bad: (script) => script.message(name, [...avps, UNKNOWN_AVP], header(script)),
  };
}

const sccrq = feed('SCCRQ', AVPS.SCCRQ);
const sccrp = feed('SCCRP', AVPS.SCCRP);
const scccn = feed('SCCCN', []);
const icrq = feed('ICRQ', AVPS.ICRQ);
const icrp = feed('ICRP', AVPS.ICRP);
const iccn = feed('ICCN', AVPS.ICCN);

const TUNNEL_FEEDS: Readonly<Record<TunnelEvent, Feed>> = {
  'local-open': (script) => script.open(),
  sccrq: sccrq.good,
  'bad-sccrq': sccrq.bad,
  sccrp: sccrp.good,
  'bad-sccrp': sccrp.bad,
  scccn: scccn.good,
  'bad-scccn': scccn.bad,
  'admin-close': (script) => script.close(),
  stopccn: (script) => script.message('StopCCN', STOP),
};

const CALL_FEEDS: Readonly<Record<CallEvent, Feed>> = {
  'incoming-call': (script) => script.open(),
  'tunnel-open': (script) => script.message('SCCRP', AVPS.SCCRP).acknowledge(),
  icrq: icrq.good,
  'bad-icrq': icrq.bad,
  icrp: icrp.good,
  'bad-icrp': icrp.bad,
  iccn: iccn.good,
  'bad-iccn': iccn.bad,
  cdn: feed('CDN', DISCONNECT).good,
  'local-close': (script) => script.close(),
};

/**
 * What is on the wire after a cell's actions, and no more: acknowledged until nothing is left to say. A session
 * that ends takes the tunnel with it.
 */
const ON_THE_WIRE: Readonly<Record<string, string>> = {
  'send-sccrq': 'SCCRQ',
  'send-sccrp': 'SCCRP',
  'send-scccn': 'SCCCN',
  'send-stopccn': 'StopCCN',
  'send-icrq': 'ICRQ',
  'send-icrp': 'ICRP',
  'send-iccn': 'ICCN',
  'send-cdn': 'CDN',
};

function wire(actions: readonly string[]): string[] {
  return actions.flatMap((action) => ON_THE_WIRE[action] ?? []);
}

function takes(script: Script): string[] {
  const names: string[] = [];
  for (let took = script.took(); took.length > 0; took = script.acknowledge().took()) {
    names.push(...took.filter((name) => name !== 'ZLB'));
  }
  return names;
}

describe('the machine walks §7.2.1', () => {
  const start: Readonly<Record<TunnelState, () => Script>> = {
    idle: () => new Script({ role: 'lns' }),
    'wait-ctl-reply': () => lacWaiting(),
    'wait-ctl-conn': () => lnsWaiting(),
    established: () => lnsOpen(),
  };
  for (const state of Object.keys(start) as TunnelState[]) {
    for (const event of Object.keys(TUNNEL_FEEDS) as TunnelEvent[]) {
      it(`${state}, ${event}`, () => {
        // Only a LAC opens.
        const opens = state === 'idle' && event === 'local-open';
        const script = opens ? new Script() : start[state]();
        script.took();
        TUNNEL_FEEDS[event](script);
        const cell = CONTROL_CONNECTION[state][event];
        const role = opens || state === 'wait-ctl-reply' ? 'lac' : 'lns';
        const expected = wire(cell?.actions ?? []);
        // What a waiting LAC does next with an open tunnel is its call's table.
        if (role === 'lac' && cell?.actions.includes('tunnel-open')) expected.push('ICRQ');
        expect(takes(script)).toEqual(expected);
        const ended = cell?.actions.includes('clean-up') === true;
        const strays = state === 'idle' && ['scccn', 'bad-scccn', 'stopccn'].includes(event);
        if (script.machine.deadline !== undefined && expected.includes('StopCCN')) script.timeout();
        expect(script.event('closed') !== undefined).toBe(ended && !strays);
      });
    }
  }

  it('listens on after a stray message', () => {
    const script = new Script({ role: 'lns' }).message('SCCCN');
    script.ns = 0;
    expect(script.message('SCCRQ', AVPS.SCCRQ).took()).toEqual(['SCCRP']);
  });
});

describe('the machine walks §7.4', () => {
  const start: Readonly<Record<'lac' | 'lns', Partial<Record<CallState, () => Script>>>> = {
    lac: {
      idle: () => new Script(),
      'wait-tunnel': () => lacWaiting(),
      'wait-reply': () => lacCalling(),
      established: () => lacConnected(),
    },
    lns: {
      idle: () => lnsOpen(),
      'wait-connect': () => lnsCalled(),
      established: () => lnsConnected(),
    },
  };
  /** What the driver cannot do: a message to a call before there is a tunnel, an event of the other role. */
  const UNREACHABLE = [
    /^lac (idle|wait-tunnel) (bad-)?(icr.|iccn|cdn)$/,
    /^lac idle (tunnel-open|local-close)$/,
    /^lac (wait-reply|established) tunnel-open$/,
    /^lns .* tunnel-open$/,
    /^lns idle local-close$/,
  ];
  for (const role of ['lac', 'lns'] as const) {
    for (const state of Object.keys(start[role]) as CallState[]) {
      for (const event of Object.keys(CALL_FEEDS) as CallEvent[]) {
        if (UNREACHABLE.some((pattern) => pattern.test(`${role} ${state} ${event}`))) continue;
        it(`${role} ${state}, ${event}`, () => {
          const script = start[role][state]!();
          script.took();
          CALL_FEEDS[event](script);
          const cell = INCOMING_CALL[role][state]?.[event];
          const actions = cell?.actions ?? [];
          const expected = wire(actions);
          if (actions.includes('open-tunnel')) expected.push('SCCRQ');
          if (event === 'tunnel-open') expected.unshift('SCCCN');
          const ended = actions.includes('clean-up') && state !== 'idle';
          if (ended) expected.push('StopCCN');
          expect(takes(script)).toEqual(expected);
          if (ended) script.timeout();
          expect(script.event('closed') !== undefined).toBe(ended);
          const established = state === 'established' || cell?.next === 'established';
          expect(script.event('session-established') !== undefined).toBe(established);
        });
      }
    }
  }
});
