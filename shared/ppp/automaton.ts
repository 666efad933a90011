/**
 * The option negotiation automaton of PPP as the RFC prints it: one table, shared by LCP and every network
 * control protocol. `negotiation.ts` runs it.
 * Left out: the restart option (`r`) and the passive option (`p`), which only change when a link manager
 * may act, and the log entry for crossed connections (`x`); none changes an action or a next state.
 * @rfc 1661 §4.1
 */

/** States in the RFC's numbering. @rfc 1661 §4.2 */
export const State = {
  initial: 0,
  starting: 1,
  closed: 2,
  stopped: 3,
  closing: 4,
  stopping: 5,
  reqSent: 6,
  ackRcvd: 7,
  ackSent: 8,
  opened: 9,
} as const;
export type State = (typeof State)[keyof typeof State];

/** Events by the RFC's abbreviations. @rfc 1661 §4.3 */
export type Event =
  | 'Up'
  | 'Down'
  | 'Open'
  | 'Close'
  | 'TO+'
  | 'TO-'
  | 'RCR+'
  | 'RCR-'
  | 'RCA'
  | 'RCN'
  | 'RTR'
  | 'RTA'
  | 'RUC'
  | 'RXJ+'
  | 'RXJ-'
  | 'RXR';

/** Actions by the RFC's abbreviations. @rfc 1661 §4.4 */
type Action =
  | 'tlu'
  | 'tld'
  | 'tls'
  | 'tlf'
  | 'irc'
  | 'zrc'
  | 'scr'
  | 'sca'
  | 'scn'
  | 'str'
  | 'sta'
  | 'scj'
  | 'ser';

interface Transition {
  readonly actions: readonly Action[];
  readonly next: State;
}

type Row = readonly (Transition | undefined)[];

function to(next: State, ...actions: readonly Action[]): Transition {
  return { actions, next };
}

const _ = undefined;

type Rows = Readonly<Record<Event, Row>>;

/** Columns 0 to 5, as the RFC's first page has them: Initial, Starting, Closed, Stopped, Closing, Stopping. */
const FIRST_PAGE: Rows = {
  Up: [to(2), to(6, 'irc', 'scr'), _, _, _, _],
  Down: [_, _, to(0), to(1, 'tls'), to(0), to(1)],
  Open: [to(1, 'tls'), to(1), to(6, 'irc', 'scr'), to(3), to(5), to(5)],
  Close: [to(0), to(0, 'tlf'), to(2), to(2), to(4), to(4)],
  'TO+': [_, _, _, _, to(4, 'str'), to(5, 'str')],
  'TO-': [_, _, _, _, to(2, 'tlf'), to(3, 'tlf')],
  'RCR+': [_, _, to(2, 'sta'), to(8, 'irc', 'scr', 'sca'), to(4), to(5)],
  'RCR-': [_, _, to(2, 'sta'), to(6, 'irc', 'scr', 'scn'), to(4), to(5)],
  RCA: [_, _, to(2, 'sta'), to(3, 'sta'), to(4), to(5)],
  RCN: [_, _, to(2, 'sta'), to(3, 'sta'), to(4), to(5)],
  RTR: [_, _, to(2, 'sta'), to(3, 'sta'), to(4, 'sta'), to(5, 'sta')],
  RTA: [_, _, to(2), to(3), to(2, 'tlf'), to(3, 'tlf')],
  RUC: [_, _, to(2, 'scj'), to(3, 'scj'), to(4, 'scj'), to(5, 'scj')],
  'RXJ+': [_, _, to(2), to(3), to(4), to(5)],
  'RXJ-': [_, _, to(2, 'tlf'), to(3, 'tlf'), to(2, 'tlf'), to(3, 'tlf')],
  RXR: [_, _, to(2), to(3), to(4), to(5)],
};

/** Columns 6 to 9, as its second page has them: Req-Sent, Ack-Rcvd, Ack-Sent, Opened. */
const SECOND_PAGE: Rows = {
  Up: [_, _, _, _],
  Down: [to(1), to(1), to(1), to(1, 'tld')],
  Open: [to(6), to(7), to(8), to(9)],
  Close: [
    to(4, 'irc', 'str'),
    to(4, 'irc', 'str'),
    to(4, 'irc', 'str'),
    to(4, 'tld', 'irc', 'str'),
  ],
  'TO+': [to(6, 'scr'), to(6, 'scr'), to(8, 'scr'), _],
  'TO-': [to(3, 'tlf'), to(3, 'tlf'), to(3, 'tlf'), _],
  'RCR+': [to(8, 'sca'), to(9, 'sca', 'tlu'), to(8, 'sca'), to(8, 'tld', 'scr', 'sca')],
  'RCR-': [to(6, 'scn'), to(7, 'scn'), to(6, 'scn'), to(6, 'tld', 'scr', 'scn')],
  RCA: [to(7, 'irc'), to(6, 'scr'), to(9, 'irc', 'tlu'), to(6, 'tld', 'scr')],
  RCN: [to(6, 'irc', 'scr'), to(6, 'scr'), to(8, 'irc', 'scr'), to(6, 'tld', 'scr')],
  RTR: [to(6, 'sta'), to(6, 'sta'), to(6, 'sta'), to(5, 'tld', 'zrc', 'sta')],
  RTA: [to(6), to(6), to(8), to(6, 'tld', 'scr')],
  RUC: [to(6, 'scj'), to(7, 'scj'), to(8, 'scj'), to(9, 'scj')],
  'RXJ+': [to(6), to(6), to(8), to(9)],
  'RXJ-': [to(3, 'tlf'), to(3, 'tlf'), to(3, 'tlf'), to(5, 'tld', 'irc', 'str')],
  RXR: [to(6), to(7), to(8), to(9, 'ser')],
};

/** The cell of an event in a state; `undefined` where the RFC prints a dash: it cannot happen there. */
export function transition(event: Event, state: State): Transition | undefined {
  const column = state - State.reqSent;
  return column < 0 ? FIRST_PAGE[event][state] : SECOND_PAGE[event][column];
}

/** States in which the Restart timer runs. @rfc 1661 §4.1 */
export function timerRuns(state: State): boolean {
  return transition('TO+', state) !== undefined;
}
