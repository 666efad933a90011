/** A whole session in virtual time with somebody recording: dialled, used for a ping and a page, and ended. */
import { nobleSuite } from '../../shared/crypto/noble.ts';
import type { EspSettings } from '../../shared/ike/phase2-transforms.ts';
import type { AuthMethod } from '../../shared/ppp/ppp.ts';
import type { Tap } from '../../shared/vpn/tap.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { GATEWAY_INNER, type GatewayConfig } from './gateway.ts';
import { Laboratory } from './laboratory.ts';
import { SeededRandom } from './random.ts';

export const SESSION_PASSWORD = 'wonderland';

export interface SessionOptions {
  readonly method?: AuthMethod;
  readonly phase2?: GatewayConfig['phase2'];
  /** What the client knows of the gateway's ESP; `phase2` has to agree with it. */
  readonly esp?: EspSettings;
  /** The relay has raw ESP, and there is no NAT. */
  readonly rawEsp?: boolean;
  /** What the web server answers; whatever it is asked. */
  readonly content?: Bytes;
}

const CONTENT = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nOpen from 11:30 to 14:00.\n';

/** Runs the session; what `record` makes, of a clock that begins at 0, is told everything. */
export async function simulateSession(
  record: (now: () => Millis) => Tap,
  options: SessionOptions = {},
): Promise<Laboratory> {
  const { method = 'mschapv2', phase2, esp, rawEsp = false, content = utf8(CONTENT) } = options;
  const preSharedKey = utf8('a key that nobody guesses');
  let lab: Laboratory | undefined;
  const tap = record(() => lab?.now ?? 0);
  lab = new Laboratory({
    tunnel: {
      suite: nobleSuite(new SeededRandom(1)),
      random: new SeededRandom(2),
      gateway: 'test',
      credentials: { kind: 'pre-shared-key', key: preSharedKey },
      userName: 'alice',
      password: SESSION_PASSWORD,
      authMethods: [method],
      ...(esp && { esp }),
    },
    gateway: {
      suite: nobleSuite(new SeededRandom(3)),
      random: new SeededRandom(4),
      preSharedKey,
      clientAddress: Uint8Array.of(198, 51, 100, 1),
      clientPorts: { ike: 40_500, natt: 44_500 },
      innerPort: rawEsp ? 41_701 : 44_500,
      accounts: { alice: SESSION_PASSWORD },
      methods: [method],
      port: 80,
      content,
      // Quick to compute.
      phase1: [{ cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 2 }],
      ...(phase2 && { phase2 }),
      ...(rawEsp && { natTraversal: 'off' as const }),
    },
    ...(rawEsp && { esp: { nat: 'none' as const } }),
    link: { seed: 5, latency: 20, jitter: 0, loss: 0 },
    tap,
  });
  // The relay's answer comes in a microtask.
  await Promise.resolve();
  use(lab);
  return lab;
}

/** What a person would do with it. */
function use(lab: Laboratory): void {
  lab.run(() => lab.session !== undefined || lab.closed !== undefined, 60_000);
  lab.ip({ kind: 'ping', ping: 1, address: GATEWAY_INNER, length: 56, timeout: 5_000 });
  lab.ip({ kind: 'resolve', query: 1, name: 'wiki.intranet.test', type: 'A' });
  lab.run(() => false, 200);
  lab.ip({ kind: 'tcp-connect', socket: 1, address: GATEWAY_INNER, port: 80 });
  lab.run(() => lab.network.some(({ kind }) => kind === 'tcp-opened'), 1_000);
  lab.ip({ kind: 'tcp-write', socket: 1, bytes: utf8('GET /menu HTTP/1.1\r\nHost: wiki\r\n\r\n') });
  lab.run(() => false, 1_000);
  lab.input({ kind: 'close' });
  lab.run(() => lab.closed !== undefined, 10_000);
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
