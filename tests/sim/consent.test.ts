/** What a gateway or a relay asks for can tighten what the tab does, never loosen it. */
import { describe, expect, test } from 'vitest';
import { nobleSuite } from '../../shared/crypto/noble.ts';
import type { AuthMethod } from '../../shared/ppp/ppp.ts';
import { PppProtocol } from '../../shared/ppp/protocol.ts';
import { concat, toHex } from '../../shared/wire/bytes.ts';
import type { GatewayConfig } from '../support/gateway.ts';
import { Laboratory } from '../support/laboratory.ts';
import { SeededRandom } from '../support/random.ts';
import { QUICK_PHASE1 } from './failure-cases.ts';

const KEY = new TextEncoder().encode('a key that nobody guesses');
const PASSWORD = 'wonderland';
/** As the worker asks for them without and with consent. */
const WITHOUT: readonly AuthMethod[] = ['mschapv2', 'chap-md5'];
const WITH: readonly AuthMethod[] = ['mschapv2', 'chap-md5', 'pap'];

interface Attempt {
  readonly lab: Laboratory;
  /** PPP frames the gateway received, each as protocol number and information field. */
  readonly heard: (readonly [protocol: number, information: Uint8Array])[];
}

async function attempt(
  allowed: readonly AuthMethod[],
  offered: readonly AuthMethod[],
): Promise<Attempt> {
  const heard: Attempt['heard'] = [];
  const gateway: GatewayConfig = {
    suite: nobleSuite(new SeededRandom(1)),
    random: new SeededRandom(2),
    preSharedKey: KEY,
    clientAddress: Uint8Array.of(198, 51, 100, 1),
    clientPorts: { ike: 40_500, natt: 44_500 },
    innerPort: 50_000,
    accounts: { alice: PASSWORD },
    methods: offered,
    port: 80,
    content: new Uint8Array(10),
    phase1: [QUICK_PHASE1],
    misbehaviour: {
      ppp: (protocol, information) => {
        heard.push([protocol, information]);
        return undefined;
      },
    },
  };
  const lab = new Laboratory({
    tunnel: {
      suite: nobleSuite(new SeededRandom(3)),
      random: new SeededRandom(4),
      gateway: 'test',
      credentials: { kind: 'pre-shared-key', key: KEY },
      userName: 'alice',
      password: PASSWORD,
      authMethods: allowed,
      innerPort: 50_000,
    },
    gateway,
    link: { seed: 1, latency: 20 },
  });
  await Promise.resolve();
  lab.run(() => lab.session !== undefined || lab.closed !== undefined, 60_000);
  return { lab, heard };
}

function toldPassword({ heard }: Attempt): boolean {
  const all = toHex(concat(...heard.map(([, information]) => new Uint8Array(information))));
  return all.includes(toHex(new TextEncoder().encode(PASSWORD)));
}

describe('without consent', () => {
  test('a gateway that asks for PAP alone is refused, and hears no password', async () => {
    const refused = await attempt(WITHOUT, ['pap']);
    expect(refused.lab.closed?.failure).toEqual({
      code: 'PPP_NO_AUTH_PROTOCOL',
      detail: 'the peer asks for PAP',
      wants: 'pap',
    });
    expect(refused.heard.some(([protocol]) => protocol === PppProtocol.pap)).toBe(false);
    expect(toldPassword(refused)).toBe(false);
  });

  test('a gateway that asks for PAP first is signed in to with what it has better', async () => {
    const connected = await attempt(WITHOUT, ['pap', 'mschapv2']);
    expect(connected.lab.session?.authentication).toBe('MS-CHAPv2');
    expect(toldPassword(connected)).toBe(false);
  });
});

describe('with consent', () => {
  test('PAP is used where there is nothing better, and shown as weak', async () => {
    const connected = await attempt(WITH, ['pap']);
    expect(connected.lab.session).toMatchObject({ authentication: 'PAP' });
    expect(connected.lab.session?.weak).toContain('PAP');
    expect(toldPassword(connected)).toBe(true);
  });

  test('a gateway that has something better is not told the password', async () => {
    const connected = await attempt(WITH, ['pap', 'mschapv2']);
    expect(connected.lab.session?.authentication).toBe('MS-CHAPv2');
    expect(toldPassword(connected)).toBe(false);
  });
});
