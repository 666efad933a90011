/**
 * The state tables of the control connection and of incoming calls, as data. RFC 2661 §7.2.1, §7.4.1, §7.4.2.
 *
 * An event the RFC splits into acceptable and not acceptable is two events here, `x` and `bad-x`; where it does
 * not, both have the same cell. A cell that is absent is one the RFC does not print: nothing happens. Rows that
 * are ours say so. `idle` is where a tunnel or a call ends as well as where it begins; ours do not begin again.
 * Left out: the tie breaker (a VPN gateway does not open tunnels to its clients) and outgoing calls.
 */

export interface Cell<State, Action> {
  readonly actions: readonly Action[];
  readonly next: State;
}

type Table<State extends string, Event extends string, Action> = {
  readonly [S in State]: { readonly [E in Event]?: Cell<State, Action> };
};

export type TunnelState = 'idle' | 'wait-ctl-reply' | 'wait-ctl-conn' | 'established';

export type TunnelEvent =
  | 'local-open'
  | 'sccrq'
  | 'bad-sccrq'
  | 'sccrp'
  | 'bad-sccrp'
  | 'scccn'
  | 'bad-scccn'
  | 'admin-close'
  | 'stopccn';

export type TunnelAction =
  | 'send-sccrq'
  | 'send-sccrp'
  | 'send-scccn'
  | 'send-stopccn'
  | 'tunnel-open'
  | 'clean-up';

const cell = <State, Action>(next: State, ...actions: Action[]): Cell<State, Action> => ({
  actions,
  next,
});

const stop: Cell<'idle', 'send-stopccn' | 'clean-up'> = cell('idle', 'send-stopccn', 'clean-up');
const cleanUp: Cell<'idle', 'clean-up'> = cell('idle', 'clean-up');
const disconnect: Cell<'idle', 'send-cdn' | 'clean-up'> = cell('idle', 'send-cdn', 'clean-up');

/** @rfc 2661 §7.2.1 */
export const CONTROL_CONNECTION: Table<TunnelState, TunnelEvent, TunnelAction> = {
  idle: {
    'local-open': cell('wait-ctl-reply', 'send-sccrq'),
    sccrq: cell('wait-ctl-conn', 'send-sccrp'),
    'bad-sccrq': stop,
    sccrp: stop,
    'bad-sccrp': stop,
    scccn: cleanUp,
    'bad-scccn': cleanUp,
    // Ours: a close before anything was sent.
    'admin-close': cleanUp,
    stopccn: cleanUp,
  },
  'wait-ctl-reply': {
    sccrp: cell('established', 'send-scccn', 'tunnel-open'),
    'bad-sccrp': stop,
    // Ours: addressed to our tunnel it is out of sequence (§7.1), not the collision the RFC's row is about.
    sccrq: stop,
    'bad-sccrq': stop,
    scccn: stop,
    'bad-scccn': stop,
    // Ours: the RFC prints no close before the tunnel stands.
    'admin-close': stop,
    stopccn: cleanUp,
  },
  'wait-ctl-conn': {
    scccn: cell('established', 'tunnel-open'),
    'bad-scccn': stop,
    sccrp: stop,
    'bad-sccrp': stop,
    sccrq: stop,
    'bad-sccrq': stop,
    // Ours, as above.
    'admin-close': stop,
    stopccn: cleanUp,
  },
  established: {
    'local-open': cell('established', 'tunnel-open'),
    'admin-close': stop,
    sccrq: stop,
    'bad-sccrq': stop,
    sccrp: stop,
    'bad-sccrp': stop,
    scccn: stop,
    'bad-scccn': stop,
    stopccn: cleanUp,
  },
};

type LacCallState = 'idle' | 'wait-tunnel' | 'wait-reply' | 'established';
type LnsCallState = 'idle' | 'wait-connect' | 'established';
export type CallState = LacCallState | LnsCallState;

export type CallEvent =
  | 'incoming-call'
  | 'tunnel-open'
  | 'icrq'
  | 'bad-icrq'
  | 'icrp'
  | 'bad-icrp'
  | 'iccn'
  | 'bad-iccn'
  | 'cdn'
  | 'local-close';

export type CallAction =
  | 'open-tunnel'
  | 'send-icrq'
  | 'send-icrp'
  | 'send-iccn'
  | 'send-cdn'
  | 'prepare-for-data'
  | 'clean-up';

/** @rfc 2661 §7.4.1 */
const LAC_INCOMING_CALL: Table<LacCallState, CallEvent, CallAction> = {
  idle: {
    'incoming-call': cell('wait-tunnel', 'open-tunnel'),
    icrp: cleanUp,
    'bad-icrp': cleanUp,
    iccn: cleanUp,
    'bad-iccn': cleanUp,
    cdn: cleanUp,
    // Ours: an LNS that calls us as if it were a LAC is told no.
    icrq: disconnect,
    'bad-icrq': disconnect,
  },
  'wait-tunnel': {
    'tunnel-open': cell('wait-reply', 'send-icrq'),
    'local-close': cleanUp,
  },
  'wait-reply': {
    icrp: cell('established', 'send-iccn', 'prepare-for-data'),
    'bad-icrp': disconnect,
    icrq: disconnect,
    'bad-icrq': disconnect,
    iccn: cleanUp,
    'bad-iccn': cleanUp,
    cdn: cleanUp,
    'local-close': disconnect,
  },
  established: {
    icrq: disconnect,
    'bad-icrq': disconnect,
    icrp: disconnect,
    'bad-icrp': disconnect,
    iccn: disconnect,
    'bad-iccn': disconnect,
    cdn: cleanUp,
    'local-close': disconnect,
  },
};

/** @rfc 2661 §7.4.2 */
const LNS_INCOMING_CALL: Table<LnsCallState, CallEvent, CallAction> = {
  idle: {
    icrq: cell('wait-connect', 'send-icrp'),
    'bad-icrq': disconnect,
    icrp: disconnect,
    'bad-icrp': disconnect,
    iccn: cleanUp,
    'bad-iccn': cleanUp,
    cdn: cleanUp,
  },
  'wait-connect': {
    iccn: cell('established', 'prepare-for-data'),
    'bad-iccn': disconnect,
    icrq: disconnect,
    'bad-icrq': disconnect,
    icrp: disconnect,
    'bad-icrp': disconnect,
    cdn: cleanUp,
    'local-close': disconnect,
  },
  established: {
    icrq: disconnect,
    'bad-icrq': disconnect,
    icrp: disconnect,
    'bad-icrp': disconnect,
    iccn: disconnect,
    'bad-iccn': disconnect,
    cdn: cleanUp,
    'local-close': disconnect,
  },
};

/** The table of each role; a state it does not know has no row. */
export const INCOMING_CALL: Readonly<
  Record<'lac' | 'lns', Partial<Table<CallState, CallEvent, CallAction>>>
> = { lac: LAC_INCOMING_CALL, lns: LNS_INCOMING_CALL };
