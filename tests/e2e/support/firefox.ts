/**
 * A real Firefox as Debian has it, not one that Playwright has patched: driven through WebDriver BiDi, which Playwright has without
 * saying so. What is missing there: the page's colour scheme and motion cannot be chosen, a screenshot breaks the page's CSP,
 * and files that are saved raise no event; they lie in the folder.
 */
import { type Browser, firefox } from 'playwright-core';
import { firefoxPath } from './environment.ts';

/** Playwright's own side of the browser: it runs in this process. */
interface Internals {
  readonly _connection: { toImpl(browser: Browser): { readonly _browserSession: Session } };
}

interface Session {
  send(method: string, parameters: unknown): Promise<unknown>;
}

/** Files that pages save go to the folder `downloads`. */
export async function launchFirefox(downloads: string): Promise<Browser> {
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: firefoxPath(),
    downloadsPath: downloads,
    // Asked twice from outside of the page for the elements that `aria-labelledby` names, as Playwright does, Firefox 153 dies.
    firefoxUserPrefs: { 'accessibility.ARIAElementReflection.enabled': false },
  });
  const { _browserSession } = (browser as unknown as Internals)._connection.toImpl(browser);
  const session: Session = Object.getPrototypeOf(_browserSession);
  const { send } = session;
  // Sent for every page whether anything was chosen or not, and unknown to Firefox.
  session.send = async function (this: Session, method, parameters) {
    if (method === 'emulation.setMediaFeaturesOverride') return {};
    return await send.call(this, method, parameters);
  };
  return browser;
}
