/**
 * What the page shows of the tunnel: the worker's states, remembering where a failure happened.
 * Pure, so that every path through it is a table in the tests.
 */
import type { Failure } from '../../shared/errors.ts';
import type { Session, Stage, TunnelState } from '../worker/api.ts';
import { STAGE_TEXT } from './stages.ts';

/** Where it went wrong: a stage of connecting, an established session, or the page's own worker. */
export type Where = Stage | 'session' | 'worker';

export type View =
  | { readonly kind: 'ready'; readonly failure?: Failure; readonly where?: Where }
  | { readonly kind: 'connecting'; readonly stage: Stage }
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'disconnecting'; readonly where: Where; readonly failure?: Failure };

/** The view after the worker said `state`. */
export function advance(view: View, state: TunnelState): View {
  switch (state.kind) {
    case 'connecting':
    case 'connected':
      return state;
    case 'disconnecting':
      return { kind: 'disconnecting', where: whereOf(view), ...keptFailure(view) };
    case 'idle':
      if (state.failure !== undefined) {
        return { kind: 'ready', failure: state.failure, where: whereOf(view) };
      }
      // A failure that is still on the screen outlives a worker that merely repeats `idle`.
      return { kind: 'ready', where: whereOf(view), ...keptFailure(view) };
  }
}

/** The view after the worker itself broke: nothing of a tunnel is left. */
export function broken(detail: string): View {
  return { kind: 'ready', failure: { code: 'INTERNAL', detail }, where: 'worker' };
}

export interface StatusText {
  readonly title: string;
  readonly note: string;
}

/** The status line. The word `Connected` appears in it only when a tunnel stands. */
export function statusText(view: View): StatusText {
  switch (view.kind) {
    case 'connecting':
      return { title: STAGE_TEXT[view.stage].doing, note: '' };
    case 'connected':
      return { title: 'Connected', note: `to ${view.session.gateway.name}` };
    case 'disconnecting':
      return { title: 'Disconnecting…', note: 'Saying goodbye to the gateway.' };
    case 'ready':
      if (view.failure === undefined) {
        return { title: 'Ready to connect', note: 'These steps follow when you sign in.' };
      }
      if (view.where === 'session') {
        return { title: 'The tunnel has ended', note: 'What you typed is still there.' };
      }
      return { title: 'Could not connect', note: 'What you typed is still there.' };
  }
}

function keptFailure(view: View): { readonly failure?: Failure } {
  const kept = view.kind === 'ready' || view.kind === 'disconnecting' ? view.failure : undefined;
  return kept === undefined ? {} : { failure: kept };
}

function whereOf(view: View): Where {
  switch (view.kind) {
    case 'connecting':
      return view.stage;
    case 'connected':
      return 'session';
    case 'disconnecting':
      return view.where;
    case 'ready':
      return view.where ?? 'relay';
  }
}
