/** The page alone, with a scripted worker: every state a person can meet, as real Chromium shows it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  appear,
  axeViolations,
  type Credentials,
  connect,
  connected,
  detail,
  disconnect,
  fetchResult,
  fetchUrl,
  fillSignIn,
  mainButton,
  overflow,
  ping,
  screenshots,
  status,
} from '../page.ts';
import { launch, openPage } from '../support/browser.ts';
import { screenshotFolder } from '../support/environment.ts';
import { type GatewaysAnswer, type StagedPortal, stagePortal } from '../support/staged-portal.ts';

const GATEWAYS: GatewaysAnswer = {
  json: {
    gateways: [
      { id: 'demo', name: 'Head office' },
      { id: 'weak', name: 'Old branch office' },
      { id: 'stuck', name: 'Slow branch office' },
      { id: 'wrong-key', name: 'Branch office' },
      { id: 'wrong-password', name: 'Warehouse' },
      { id: 'pap-only', name: 'Old factory' },
      { id: 'rude', name: 'Rude branch office' },
      { id: 'new-certificate', name: 'New office' },
      { id: 'wrong-name', name: 'Other office' },
    ],
  },
};

let folder: string;
let portal: StagedPortal;
let browser: Browser;
let page: Page;
let complaints: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-portal-'));
  portal = await stagePortal(folder, GATEWAYS);
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await portal?.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  portal.gateways = GATEWAYS;
  ({ page, complaints } = await openPage(browser, portal.url));
});

afterEach(async () => {
  await page.context().close();
});

function signIn(gateway: string): Credentials {
  return { gateway, preSharedKey: 'sesame street', userName: 'alice', password: 'wonderland' };
}

async function attempt(gateway: string): Promise<void> {
  await fillSignIn(page, signIn(gateway));
  await mainButton(page, 'Connect').click();
}

/** Accessible and free of sideways scrolling in every appearance; leaves pictures behind. */
async function looksRight(name: string): Promise<void> {
  for (const appearance of ['light', 'dark', 'phone'] as const) {
    await appear(page, appearance);
    expect(await axeViolations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  }
  await screenshots(page, screenshotFolder(), `staged-${name}`);
}

describe('signing in with a key file', () => {
  async function chooseKeys(gateway: string): Promise<void> {
    await page.getByLabel('Gateway', { exact: true }).selectOption(gateway);
    await page.getByLabel('a certificate or key file').check();
    await page.getByLabel('User name', { exact: true }).fill('alice');
    await page.getByLabel('Password', { exact: true }).fill('wonderland');
  }

  /** As a person would: dragged from the desktop onto the field. */
  async function drop(name: string): Promise<void> {
    const dataTransfer = await page.evaluateHandle((fileName) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['key'], fileName));
      return transfer;
    }, name);
    await page.locator('.drop-zone').dispatchEvent('drop', { dataTransfer });
  }

  test('files are dropped, listed, and left out again; without one nothing is dialled', async () => {
    await chooseKeys('new-certificate');
    await drop('alice.p12');
    await drop('ca.pem');
    const files = page.getByRole('list', { name: 'Files chosen' });
    expect(await files.getByRole('listitem').count()).toBe(2);
    await looksRight('key-files');
    await page.getByRole('button', { name: 'Leave out alice.p12' }).click();
    await page.getByRole('button', { name: 'Leave out ca.pem' }).click();
    await mainButton(page, 'Connect').click();
    await page.getByText('Choose the file with your key.').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a key is made, saved, and taken; a public half that cannot be had is explained', async () => {
    await chooseKeys('demo');
    await page.getByText('A key without a certificate', { exact: true }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Make an ECDSA-256 key' }).click();
    expect(await readFile(await (await download).path(), 'utf8')).toBe('a key');
    await page.getByText('BEGIN PUBLIC KEY').waitFor();
    await page.getByRole('button', { name: 'Leave out culvert-ecdsa-256.key' }).waitFor();
    await looksRight('key-made');
    await page.getByRole('button', { name: 'Show the public half' }).click();
    await page.getByText('KEY_FILE_WRONG_PASSPHRASE').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a new certificate is shown, accepted once, and listed', async () => {
    await chooseKeys('new-certificate');
    await drop('alice.p12');
    await mainButton(page, 'Connect').click();
    const alert = page.getByRole('alert');
    await alert.getByText('vpn.example.org, 203.0.113.5').waitFor();
    expect(await alert.innerText()).toContain('01:23:45:67');
    await looksRight('certificate');
    await page.getByRole('button', { name: 'Accept this certificate' }).click();
    await mainButton(page, 'Connect').click();
    await status(page).getByText('Connected', { exact: true }).waitFor();
    await page.getByText('has not been looked up').waitFor();
    await looksRight('revocation-not-looked-up');
    await disconnect(page);
    await page.getByRole('button', { name: 'Forget the certificate of New office' }).click();
    await mainButton(page, 'Connect').click();
    await alert.getByText('IKE_CERTIFICATE_NEW').waitFor();
    expect(complaints).toEqual([]);
  });

  test('one that no list covers is refused where that is asked for', async () => {
    await chooseKeys('demo');
    await drop('alice.p12');
    await page.getByLabel('Refuse it unless a revocation list covers it').check();
    await mainButton(page, 'Connect').click();
    await page.getByRole('alert').getByText('IKE_CERTIFICATE_REVOCATION_UNKNOWN').waitFor();
    expect(await page.getByRole('button', { name: 'Accept this certificate' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('one with another name cannot be accepted', async () => {
    await chooseKeys('wrong-name');
    await drop('alice.p12');
    await mainButton(page, 'Connect').click();
    await page.getByRole('alert').getByText('IKE_CERTIFICATE_WRONG_NAME').waitFor();
    expect(await page.getByRole('button', { name: 'Accept this certificate' }).count()).toBe(0);
  });
});

describe('signing in', () => {
  test('an empty form names every missing field and moves to the first', async () => {
    await page.getByText('Choose…').waitFor({ state: 'attached' });
    await looksRight('ready');
    await mainButton(page, 'Connect').click();
    const gateway = page.getByLabel('Gateway', { exact: true });
    expect(await gateway.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await page.locator('[aria-invalid=true]').count()).toBe(4);
    await looksRight('form-errors');
    await gateway.selectOption('demo');
    expect(await page.locator('[aria-invalid=true]').count()).toBe(3);
  });

  test('the fields tell the browser what they are for', async () => {
    const attribute = (label: string): Promise<string | null> =>
      page.getByLabel(label, { exact: true }).getAttribute('autocomplete');
    expect(await attribute('Pre-shared key')).toBe('off');
    expect(await attribute('User name')).toBe('username');
    expect(await attribute('Password')).toBe('current-password');
  });

  test('the key can be shown and is hidden again before connecting', async () => {
    await fillSignIn(page, signIn('stuck'));
    const key = page.getByLabel('Pre-shared key', { exact: true });
    expect(await key.getAttribute('type')).toBe('password');
    await page.getByRole('button', { name: 'Show key' }).click();
    expect(await key.getAttribute('type')).toBe('text');
    await mainButton(page, 'Connect').click();
    expect(await key.getAttribute('type')).toBe('password');
  });

  test('walks through the stages to `Connected` and keeps secrets out of sight', async () => {
    const titles = await connect(page, signIn('demo'));
    expect(titles).toEqual([
      'Asking the relay for the gateway…',
      'Agreeing on keys with the gateway…',
      'Setting up the encrypted channel…',
      'Opening the tunnel inside the encrypted channel…',
      'Agreeing on the link…',
      'Signing in with user name and password…',
      'Waiting for an address…',
      'Connected',
    ]);
    expect(await detail(page, 'Assigned address')).toBe('10.30.0.11');
    expect(await detail(page, 'Name servers')).toBe('10.30.0.1, 10.30.0.2');
    expect(page.url()).toBe(portal.url);
    const stored = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    expect(stored).toBe('[{},{},""]');
    expect(complaints).toEqual([]);
    await looksRight('connected');
  });

  test('what only some gateways need is out of sight, and remembered for the gateway it was set for', async () => {
    const advanced = page.getByText(/^Advanced/);
    const short = page.getByLabel('Short check of SHA-256 (96 bits)');
    const extended = page.getByLabel('64-bit packet numbers (ESN)');
    await fillSignIn(page, signIn('demo'));
    expect(await short.isVisible()).toBe(false);
    await advanced.press('Enter');
    await short.press(' ');
    await extended.check();
    await page.getByText('(in use)').waitFor();
    await looksRight('advanced');
    await mainButton(page, 'Connect').click();
    await connected(page);
    expect(await detail(page, 'ESP')).toBe('AES-CBC-256, HMAC-SHA2-256-96, ESN');
    await disconnect(page);
    await page.getByLabel('Gateway', { exact: true }).selectOption('weak');
    expect(await short.isChecked()).toBe(false);
    await page.reload();
    await fillSignIn(page, signIn('demo'));
    await advanced.click();
    expect(await short.isChecked()).toBe(true);
    await short.uncheck();
    await extended.uncheck();
    expect(await page.evaluate(() => localStorage.getItem('culvert.esp-settings'))).toBe('[]');
    expect(complaints).toEqual([]);
  });

  test('a group name and XAUTH are sent only where each is ticked', async () => {
    const details = page.getByText('Group name and XAUTH', { exact: true });
    const groupName = page.getByLabel('Group name', { exact: true });
    const groupConsent = page.getByLabel('Use aggressive mode all the same');
    const xauthPassword = page.getByLabel('XAUTH password', { exact: true });
    const xauthConsent = page.getByLabel('Hand over the XAUTH password all the same');
    const focused = (field: Locator) =>
      field.evaluate((element) => element === document.activeElement);
    await fillSignIn(page, signIn('demo'));
    expect(await groupName.isVisible()).toBe(false);
    await details.press('Enter');
    await groupName.fill('staff');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await focused(groupConsent)).toBe(true);
    await page.getByLabel('Key exchange group').selectOption('1024 bits, old (group 2)');
    await page.getByLabel('XAUTH user name', { exact: true }).fill('bob');
    expect(await xauthPassword.getAttribute('type')).toBe('password');
    expect(await xauthPassword.getAttribute('autocomplete')).toBe('off');
    await looksRight('weak-fields');
    await details.click();
    expect(await groupName.isVisible()).toBe(false);
    await mainButton(page, 'Connect').click();
    await page.getByText('Read this and tick it, or leave the group name empty.').waitFor();
    expect(await focused(groupConsent)).toBe(true);
    expect(await page.locator('[aria-invalid=true]').count()).toBe(3);
    await looksRight('weak-fields-errors');
    await page.keyboard.press(' ');
    await xauthPassword.fill('builder');
    await xauthConsent.check();
    expect(await page.locator('[aria-invalid=true]').count()).toBe(0);
    await mainButton(page, 'Connect').click();
    await connected(page);
    const ike = await detail(page, 'IKE');
    expect(ike).toContain('aggressive mode');
    expect(ike).toContain('XAUTH');
    expect(await page.locator('mark').count()).toBe(2);
    await page.getByText('lets whoever reads along try guesses').waitFor();
    await page.getByText('hands its password to whoever knows the pre-shared key').waitFor();
    await looksRight('weak-sign-in');
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }]));
    expect(stored).toBe('[{}]');
    await disconnect(page);
    await page.getByRole('button', { name: 'Forget key and password' }).click();
    expect(await xauthPassword.inputValue()).toBe('');
    expect(await groupConsent.isChecked()).toBe(false);
    expect(await xauthConsent.isChecked()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test('a group name belongs to one gateway and to a pre-shared key', async () => {
    const groupName = page.getByLabel('Group name', { exact: true });
    await fillSignIn(page, signIn('demo'));
    await page.getByText('Group name and XAUTH', { exact: true }).click();
    await groupName.fill('staff');
    await page.getByLabel('a certificate or key file').check();
    expect(await groupName.isVisible()).toBe(false);
    await page.getByLabel('a pre-shared key').check();
    expect(await groupName.inputValue()).toBe('staff');
    await page.getByLabel('Gateway', { exact: true }).selectOption('weak');
    await page.getByText('Group name and XAUTH', { exact: true }).click();
    expect(await groupName.inputValue()).toBe('');
    expect(complaints).toEqual([]);
  });

  test('Enter signs in, and the focus is not lost when the form goes out of sight', async () => {
    await fillSignIn(page, signIn('demo'));
    await page.getByLabel('Password', { exact: true }).press('Enter');
    await status(page).getByText('Connected', { exact: true }).waitFor();
    const button = mainButton(page, 'Disconnect');
    await expect
      .poll(() => button.evaluate((element) => element === document.activeElement))
      .toBe(true);
  });

  test('a double click on `Connect` does not cancel', async () => {
    await fillSignIn(page, signIn('demo'));
    await mainButton(page, 'Connect').dblclick();
    await status(page).getByText('Connected', { exact: true }).waitFor();
  });

  test('connecting can be cancelled', async () => {
    await attempt('stuck');
    await status(page).getByText('Setting up the encrypted channel…').waitFor();
    await looksRight('connecting');
    await mainButton(page, 'Cancel').click();
    await mainButton(page, 'Connect').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('weak algorithms are marked and explained', async () => {
    await connect(page, signIn('weak'));
    expect(await page.locator('mark').count()).toBe(3);
    await page.getByText('3DES-CBC works on 64-bit blocks').waitFor();
    await looksRight('weak-algorithms');
  });
});

describe('failures', () => {
  test('are told with cause, advice, detail and code; typed text stays', async () => {
    await attempt('wrong-key');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    const text = await alert.innerText();
    expect(text).toContain('could not prove their identity');
    expect(text).toContain('Probably the pre-shared key is wrong;');
    expect(text).toContain('capital letters and spaces count');
    expect(text).toContain('no answer to message 5; PAYLOAD-MALFORMED');
    expect(text).toContain('IKE_AUTHENTICATION_FAILED');
    const key = page.getByLabel('Pre-shared key', { exact: true });
    expect(await key.inputValue()).toBe('sesame street');
    expect(await page.getByText('Agree on keys (failed here)').count()).toBe(1);
    await looksRight('failure');
    await connect(page, signIn('demo'));
    expect(await alert.count()).toBe(0);
  });

  test('show a gateway’s text as plain text of bounded length', async () => {
    await attempt('rude');
    const alert = page.getByRole('alert');
    await alert.getByText('L2TP_REFUSED').waitFor();
    const text = await alert.innerText();
    expect(text).toContain('<img src=x onerror="document.title=1">');
    expect(text).not.toMatch(/[^\P{C}\n]/u);
    expect(text.length).toBeLessThan(1_200);
    expect(await alert.getByRole('img').count()).toBe(0);
    expect(await page.title()).toBe('Culvert');
    await looksRight('rude-gateway');
  });

  test('a network that goes away while connected is named', async () => {
    await connect(page, signIn('demo'));
    await page.context().setOffline(true);
    await page.getByRole('alert').getByText('TAB_OFFLINE').waitFor();
    await page.context().setOffline(false);
    await connect(page, signIn('demo'));
  });

  test('a tunnel that breaks takes the tools away and says why', async () => {
    await connect(page, signIn('demo'));
    await page.getByLabel('Host', { exact: true }).fill('drop.test');
    await page.getByRole('button', { name: 'Ping', exact: true }).click();
    await page.getByRole('alert').getByText('IKE_DEAD_PEER').waitFor();
    expect(await status(page).innerText()).toContain('The tunnel has ended');
    expect(await page.getByRole('heading', { name: 'Tools' }).count()).toBe(0);
  });

  test('a relay that does not answer can be asked again', async () => {
    portal.gateways = { status: 502 };
    await page.reload();
    await page.getByRole('alert').getByText('RELAY_UNREACHABLE').waitFor();
    await looksRight('relay-unreachable');
    portal.gateways = GATEWAYS;
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('Choose…').waitFor({ state: 'attached' });
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('a relay without gateways says what its operator should do', async () => {
    portal.gateways = { json: { gateways: [] } };
    await page.reload();
    await page.getByText('No gateway is configured yet.').waitFor();
    await looksRight('no-gateway');
    portal.gateways = { json: { gateways: [{ id: 'demo', name: 'Head office' }] } };
    await page.getByRole('button', { name: 'Look again' }).click();
    await expect.poll(() => page.getByLabel('Gateway', { exact: true }).inputValue()).toBe('demo');
  });

  test('a worker that cannot be loaded is no silent page', async () => {
    await page.route('**/fake-worker*', (route) => route.abort());
    await page.reload();
    const alert = page.getByRole('alert');
    await alert.getByText('INTERNAL').waitFor();
    expect(await alert.innerText()).toContain('could not be loaded');
  });
});

describe('a browser that lacks something', () => {
  test.each([
    ['WebAssembly', 'WebAssembly'],
    ['Worker', 'web workers'],
    ['WebSocket', 'WebSocket'],
    ['BigInt', 'BigInt'],
  ])('without %s it says so instead of starting', async (name, shown) => {
    await page.addInitScript((each) => Reflect.deleteProperty(window, each), name);
    await page.reload();
    const alert = page.getByRole('alert');
    await alert.getByText(`missing: ${shown}`).waitFor();
    await alert.getByText('BROWSER_UNSUPPORTED').waitFor();
    expect(await page.getByLabel('Gateway', { exact: true }).count()).toBe(0);
    await looksRight('browser-unsupported');
    expect(complaints).toEqual([]);
  });

  test('a page that is not secure warns of it, and works', async () => {
    await page.addInitScript(() =>
      Object.defineProperty(window, 'isSecureContext', { value: false }),
    );
    await page.reload();
    await page.getByRole('alert').getByText('PAGE_NOT_SECURE').waitFor();
    await mainButton(page, 'Connect').waitFor();
    await looksRight('page-not-secure');
  });

  test('a program that is not understood, or does not come, leaves no empty page', async () => {
    const notJavaScript = { contentType: 'text/javascript', body: 'a browser of the past' };
    await page.route('**/start-*.js', (route) => route.fulfill(notJavaScript));
    await page.reload();
    await page.getByRole('alert').getByText('BROWSER_UNSUPPORTED').waitFor();
    const notStarted = page.getByText('Culvert has not started');
    await page.route('**/start-*.js', () => new Promise(() => {}));
    await page.reload();
    await notStarted.waitFor();
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.route('**/*.js', (route) => route.abort());
    await page.reload();
    await notStarted.waitFor();
    await looksRight('not-started');
  });
});

describe('consent', () => {
  test('to PAP is explained, given, remembered and taken back', async () => {
    await attempt('pap-only');
    const alert = page.getByRole('alert');
    await alert.getByText('handed the password itself').waitFor();
    await looksRight('pap-question');
    await alert.getByRole('button', { name: 'Allow PAP for this gateway' }).click();
    await alert.getByText('PAP is now allowed for Old factory.').waitFor();
    const consents = page.getByRole('region', { name: 'Allowed to ask for the password itself' });
    await consents.getByText('Old factory').waitFor();
    await looksRight('pap-allowed');
    await mainButton(page, 'Connect').click();
    await status(page).getByText('Connected', { exact: true }).waitFor();
    expect(await detail(page, 'Authentication')).toContain('PAP');
    await page.getByText('PAP hands the password itself to the gateway').waitFor();
    await disconnect(page);

    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    expect(stored).toContain('pap-only');
    for (const secret of ['sesame', 'wonderland', 'alice']) expect(stored).not.toContain(secret);
    await page.reload();
    await connect(page, signIn('pap-only'));
    await disconnect(page);
    await consents.getByRole('button', { name: 'Revoke for Old factory' }).click();
    expect(await consents.count()).toBe(0);
    await mainButton(page, 'Connect').click();
    await alert.getByText('PPP_NO_AUTH_PROTOCOL').waitFor();
  });

  test('is offered for nothing else', async () => {
    await attempt('wrong-password');
    await page.getByRole('alert').getByText('PPP_AUTH_FAILED').waitFor();
    expect(await page.getByRole('button', { name: /Allow/ }).count()).toBe(0);
  });
});

describe('a machine that many use', () => {
  test('key and password are still there after the tunnel, and can be forgotten', async () => {
    await connect(page, signIn('demo'));
    await disconnect(page);
    await mainButton(page, 'Connect').click();
    await status(page).getByText('Connected', { exact: true }).waitFor();
    await disconnect(page);
    await page.getByRole('button', { name: 'Forget key and password' }).click();
    await page.getByText('Key and password are forgotten.').waitFor();
    const value = (label: string) => page.getByLabel(label, { exact: true }).inputValue();
    expect(await value('Pre-shared key')).toBe('');
    expect(await value('Password')).toBe('');
    expect(await value('User name')).toBe('alice');
    await mainButton(page, 'Connect').click();
    expect(await page.locator('[aria-invalid=true]').count()).toBe(2);
  });
});

describe('tools', () => {
  beforeEach(async () => {
    await connect(page, signIn('demo'));
  });

  test('ping shows four replies and their summary', async () => {
    const { rows, summary } = await ping(page, '10.30.0.1');
    expect(rows).toEqual(Array.from({ length: 4 }, () => '10.30.0.1\t4.20 ms\t64'));
    expect(summary).toBe('4 of 4 answered; min / avg / max 4.20 ms / 4.20 ms / 4.20 ms.');
  });

  test('connections are shown while one looks, and asked for only then', async () => {
    const rows = () => page.getByRole('region', { name: 'Open connections' }).getByRole('row');
    const received = async () =>
      Number.parseFloat(await rows().nth(1).getByRole('cell').nth(2).innerText());
    const button = page.getByRole('button', { name: 'Show connections' });
    expect(await button.getAttribute('aria-expanded')).toBe('false');
    await button.click();
    await rows().first().waitFor();
    expect(await rows().allInnerTexts()).toEqual([
      'Remote\tState\tSent\tReceived\tRound trip\tWindow\tResent',
      expect.stringMatching(
        /^10\.30\.0\.1:80\s*intranet\.test\s*ESTABLISHED\t512 bytes\t\d\.0 kB\t4\.20 ms\t14\.6 kB\t3$/,
      ),
      '[2001:db8:42::9]:443\tSYN-SENT\t0 bytes\t0 bytes\t–\t–\t–',
    ]);
    const first = await received();
    await expect.poll(received).toBeGreaterThan(first);
    await looksRight('connections');
    await page.getByRole('button', { name: 'Hide connections' }).click();
    expect(await page.getByRole('region', { name: 'Open connections' }).count()).toBe(0);
    await button.click();
    await rows().first().waitFor();
    const last = await received();
    await page.getByRole('button', { name: 'Hide connections' }).click();
    await page.waitForTimeout(2_500);
    await button.click();
    await rows().first().waitFor();
    // One question since, not one for each second that it was closed.
    expect(await received()).toBe(last + 1);
    expect(complaints).toEqual([]);
  });

  test('ping can be stopped', async () => {
    await page.getByLabel('Host', { exact: true }).fill('10.30.0.1');
    await page.getByRole('button', { name: 'Ping', exact: true }).click();
    const results = page.getByRole('region', { name: 'Ping results' });
    await results.getByText('4.20 ms').first().waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await results.getByText('stopped early').waitFor();
  });

  test('ping of an unknown name says so once', async () => {
    const { summary } = await ping(page, 'nowhere.test');
    expect(summary).toBe('0 of 1 answered.');
    const results = page.getByRole('region', { name: 'Ping results' });
    expect(await results.innerText()).toContain('NAME_NOT_FOUND');
  });

  test('fetch shows HTML as text and runs none of it', async () => {
    const figures = await fetchUrl(page, 'intranet.test/page');
    expect(figures.status).toBe('200 OK');
    const result = fetchResult(page);
    expect(await result.locator('pre').innerText()).toContain('<script>');
    expect(await result.getByRole('cell', { name: 'set-cookie' }).count()).toBe(2);
    await looksRight('fetched-text');
    await fetchUrl(page, 'http://intranet.test/picture.svg');
    const image = result.getByRole('img');
    await expect
      .poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth))
      .toBe(320);
    expect(await page.title()).toBe('Culvert');
    await looksRight('fetched-picture');
    expect(complaints).toEqual([]);
  });

  test('a body can be saved whole', async () => {
    await fetchUrl(page, 'http://intranet.test/big.bin');
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save body' }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toBe('big.bin');
    expect((await readFile(await download.path())).length).toBe(20_000_000);
  });

  test('a fetch under way shows its bytes, a failed one its reason', async () => {
    await page.getByLabel('URL', { exact: true }).fill('http://intranet.test/slow');
    await page.getByRole('button', { name: 'Fetch', exact: true }).click();
    await fetchResult(page).getByText('10.0 MB of 20.0 MB').waitFor();
    await looksRight('fetching');
    const tools = page.getByRole('region', { name: 'Fetch', exact: true });
    await tools.getByRole('button', { name: 'Cancel' }).click();
    await fetchResult(page).getByText('Cancelled after 10.0 MB.').waitFor();
    expect((await fetchUrl(page, 'http://intranet.test/page')).status).toBe('200 OK');
    await disconnect(page);
    await connect(page, signIn('demo'));
    await expect(fetchUrl(page, 'http://intranet.test/refused')).rejects.toThrow(
      'CONNECTION_REFUSED',
    );
  });

  test('what cannot be pinged or fetched is said at the field', async () => {
    await page.getByLabel('Host', { exact: true }).fill('http://intranet/');
    await page.getByLabel('Host', { exact: true }).press('Enter');
    await page.getByText('without http://').waitFor();
    await page.getByLabel('URL', { exact: true }).fill('ftp://intranet/');
    await page.getByLabel('URL', { exact: true }).press('Enter');
    await page.getByText('Only http:// and https://').waitFor();
  });

  test('leaving is questioned while connected, and only then', async () => {
    let questions = 0;
    page.on('dialog', async (dialog) => {
      questions += 1;
      await dialog.accept();
    });
    await page.reload();
    expect(questions).toBe(1);
    await page.getByLabel('User name', { exact: true }).fill('alice');
    await page.reload();
    expect(questions).toBe(1);
  });
});
