/**
 * The way the packets take, as a picture: the conduit runs from tab to gateway, through the relay.
 * Decorative: the status line says the same in words.
 */
import type { VNode } from 'preact';
import { STAGES } from '../worker/api.ts';
import { GatewayIcon, LockIcon, RelayIcon, TabIcon } from './icons.tsx';
import type { View } from './view.ts';

/** How far the way is open: not at all, to the relay, to the gateway, or all of it. */
type Reach = 'none' | 'relay' | 'gateway' | 'through';

export function PathDiagram({ view }: { readonly view: View }): VNode {
  return (
    <div class={`path reaches-${reach(view)}`} aria-hidden="true">
      <span class="path-node">
        <TabIcon />
        This tab
      </span>
      <span class="path-pipe" />
      <span class="path-node path-relay">
        <RelayIcon />
        Relay
      </span>
      <span class="path-pipe" />
      <span class="path-node">
        {view.kind === 'connected' ? <LockIcon /> : <GatewayIcon />}
        Gateway
      </span>
    </div>
  );
}

function reach(view: View): Reach {
  if (view.kind === 'connected') return 'through';
  if (view.kind !== 'connecting') return 'none';
  return STAGES.indexOf(view.stage) < STAGES.indexOf('ike-phase-2') ? 'relay' : 'gateway';
}
