/** The stages of connecting in plain words, and what the step list shows for each of them. */
import { STAGES, type Stage } from '../worker/api.ts';

export interface StageText {
  /** What is happening now, for the status line. */
  readonly doing: string;
  /** The step's name in the list. */
  readonly label: string;
  /** What the field calls it. */
  readonly term: string;
}

export const STAGE_TEXT: Readonly<Record<Stage, StageText>> = {
  relay: {
    doing: 'Asking the relay for the gateway…',
    label: 'Reach the relay',
    term: 'WebSocket',
  },
  'ike-phase-1': {
    doing: 'Agreeing on keys with the gateway…',
    label: 'Agree on keys',
    term: 'IKE phase 1',
  },
  'ike-phase-2': {
    doing: 'Setting up the encrypted channel…',
    label: 'Set up the encrypted channel',
    term: 'IKE phase 2, ESP',
  },
  l2tp: {
    doing: 'Opening the tunnel inside the encrypted channel…',
    label: 'Open the tunnel',
    term: 'L2TP',
  },
  'ppp-link': {
    doing: 'Agreeing on the link…',
    label: 'Agree on the link',
    term: 'PPP LCP',
  },
  'ppp-authentication': {
    doing: 'Signing in with user name and password…',
    label: 'Sign in',
    term: 'PPP authentication',
  },
  'ppp-address': {
    doing: 'Waiting for an address…',
    label: 'Get an address',
    term: 'PPP IPCP',
  },
};

export type StepState = 'waiting' | 'current' | 'done' | 'failed';

export interface Step extends StageText {
  readonly stage: Stage;
  readonly state: StepState;
}

/**
 * The step list while `at` is under way (or, with `failed`, where it ended).
 * Without `at` every step is still waiting.
 */
export function steps(at: Stage | undefined, failed: boolean): readonly Step[] {
  const current = at === undefined ? -1 : STAGES.indexOf(at);
  return STAGES.map((stage, index) => ({
    ...STAGE_TEXT[stage],
    stage,
    state:
      current === -1 || index > current
        ? 'waiting'
        : index < current
          ? 'done'
          : failed
            ? 'failed'
            : 'current',
  }));
}
