/** The page's entry: puts the portal's parts together and guards the way out. */
import './theme/index.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { loadGateways } from './gateways.ts';
import { Portal } from './portal.ts';
import { openTunnel } from './tunnel.ts';

const relay = new URL('/culvert', location.href);
relay.protocol = location.protocol === 'http:' ? 'ws:' : 'wss:';

const portal = new Portal({
  relay: relay.href,
  openTunnel,
  loadGateways: () => loadGateways(location.origin),
});

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

effect(() => {
  // Registered only while it matters: a page with such a listener is kept out of the back cache.
  if (portal.view.value.kind !== 'connected') return;
  addEventListener('beforeunload', warn);
  return () => removeEventListener('beforeunload', warn);
});

// The worker may die before the gateway hears of it; then the gateway's own timers clean up.
addEventListener('pagehide', () => {
  if (portal.view.value.kind !== 'ready') portal.disconnect();
});

const root = document.getElementById('portal');
if (root !== null) render(<App portal={portal} />, root);
