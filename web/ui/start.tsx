/** Puts the portal's parts together, shows it, and guards the way out. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import { AcceptedCertificates } from './accepted-certificates.ts';
import { App } from './app.tsx';
import { Consents } from './consents.ts';
import { parseDeepLink } from './deep-link.ts';
import { EspSettingsList } from './esp-settings.ts';
import { loadGateways } from './gateways.ts';
import { loadVisit } from './playground.ts';
import { Portal, type PortalParts } from './portal.ts';
import { LocationError, locateRelay, relayWebSocket } from './relay-location.ts';
import { warning } from './requirements.ts';
import { openTunnel } from './tunnel.ts';

/** Shows the portal in `root`. */
export async function start(root: HTMLElement): Promise<void> {
  const consents = new Consents(storage());
  const certificates = new AcceptedCertificates(storage());
  const espSettings = new EspSettingsList(storage());
  addEventListener('storage', () => {
    consents.reload();
    certificates.reload();
    espSettings.reload();
  });

  const portal = new Portal({
    consents,
    certificates,
    espSettings,
    openTunnel,
    hidden: () => document.hidden,
    ...(await relayParts()),
  });

  portal.follow(parseDeepLink(location.hash));
  addEventListener('hashchange', () => portal.follow(parseDeepLink(location.hash)));

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

  // What the page says while nothing comes.
  root.textContent = '';
  render(<App portal={portal} warning={warning(window)} />, root);
}

async function relayParts(): Promise<Pick<PortalParts, 'relay' | 'loadGateways' | 'loadVisit'>> {
  try {
    const origin = await locateRelay(location.href);
    return {
      relay: relayWebSocket(origin),
      loadGateways: () => loadGateways(origin),
      loadVisit: () => loadVisit(origin),
    };
  } catch (error) {
    if (!(error instanceof LocationError)) throw error;
    // The list of gateways stays empty and says why, so there is nothing to connect to.
    const failure = { code: 'RELAY_UNREACHABLE', detail: error.message } as const;
    return {
      relay: '',
      loadGateways: async () => ({ kind: 'failed', failure }),
      loadVisit: async () => undefined,
    };
  }
}

/** Merely naming it throws where the browser keeps storage from the page. */
function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
