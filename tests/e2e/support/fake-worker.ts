/**
 * A tunnel worker that only acts: the page's own tests need every state, also those no gateway gives on demand.
 * The gateway's id chooses the scene, the host or path chooses what the tools are told.
 */
import { expose, type ProxyMarked, proxy } from 'comlink';
import type { CertificateSummary, Failure } from '../../../shared/errors.ts';
import {
  describePhase2,
  espTransforms,
  type Phase2Transform,
} from '../../../shared/ike/phase2-transforms.ts';
import type { Tap } from '../../../shared/vpn/tap.ts';
import {
  type ConnectionInfo,
  type ConnectRequest,
  type FetchReply,
  type MadeKey,
  type Outcome,
  type PingReply,
  type PublicHalf,
  type Session,
  type SocketHandle,
  STAGES,
  type Stage,
  type TunnelApi,
  type TunnelState,
} from '../../../web/worker/api.ts';
import { InspectorService } from '../../../web/worker/inspector-service.ts';
import { simulateSession } from '../../support/simulated-session.ts';

const STEP_MILLIS = 20;

/** What a hostile gateway would like on the screen. */
const RUDE_TEXT = `StopCCN: \u202egnp.exe\u0007\u001b[31m <img src=x onerror="document.title=1"> ${'A'.repeat(10_000)}`;

const CERTIFICATE: CertificateSummary = {
  subject: 'O=Example, CN=vpn.example.org',
  issuer: `O=Example, CN=${RUDE_TEXT}`,
  names: ['vpn.example.org', '203.0.113.5'],
  notBefore: Date.UTC(2026, 0, 1),
  notAfter: Date.UTC(2028, 0, 1),
  key: 'RSA-2048',
  fingerprint: '0123456789abcdef'.repeat(4),
};

/** Where a scene ends early, and how; `undefined` means it waits there. */
type Scene = readonly [at: Stage, failure: Failure | undefined];

const SCENES: Readonly<Record<string, Scene>> = {
  stuck: ['ike-phase-2', undefined],
  'wrong-key': [
    'ike-phase-1',
    { code: 'IKE_AUTHENTICATION_FAILED', detail: 'no answer to message 5; PAYLOAD-MALFORMED' },
  ],
  'pap-only': [
    'ppp-link',
    { code: 'PPP_NO_AUTH_PROTOCOL', detail: 'the peer asks for PAP', wants: 'pap' },
  ],
  'new-certificate': ['ike-phase-1', certificateFailure('IKE_CERTIFICATE_NEW')],
  'wrong-name': ['ike-phase-1', certificateFailure('IKE_CERTIFICATE_WRONG_NAME')],
  rude: ['l2tp', { code: 'L2TP_REFUSED', detail: RUDE_TEXT }],
  'wrong-password': ['ppp-authentication', { code: 'PPP_AUTH_FAILED', detail: 'E=691 R=0' }],
};

function certificateFailure(code: 'IKE_CERTIFICATE_NEW' | 'IKE_CERTIFICATE_WRONG_NAME'): Failure {
  const wants = code === 'IKE_CERTIFICATE_NEW' && ({ wants: 'certificate' } as const);
  return { code, certificate: CERTIFICATE, ...wants };
}

const UNCOVERED: Scene = [
  'ike-phase-1',
  { code: 'IKE_CERTIFICATE_REVOCATION_UNKNOWN', certificate: CERTIFICATE },
];

class FakeTunnel implements TunnelApi {
  readonly #listeners = new Map<number, (state: TunnelState) => void>();
  #state: TunnelState = { kind: 'idle' };
  #inspected = 0;
  /** The real one: it is shown a simulated session in place of the tunnel. */
  readonly inspector: InspectorService & ProxyMarked = proxy(
    new InspectorService(() => this.#now()),
  );
  #now = (): number => Date.now();

  async connect(request: ConnectRequest): Promise<void> {
    const allowed = request.allowPap || request.keys?.accepted === CERTIFICATE.fingerprint;
    const scene = request.keys?.requireRevocationList ? UNCOVERED : SCENES[request.gateway];
    const [end, failure] = (!allowed && scene) || [];
    for (const stage of STAGES) {
      this.#become({ kind: 'connecting', stage });
      if (stage === end) {
        if (failure !== undefined) this.#become({ kind: 'idle', failure });
        return;
      }
      await sleep(STEP_MILLIS);
      if (this.#state.kind !== 'connecting') return;
    }
    this.inspector.attach((tap) => void this.#perform(tap, request.allowPap));
    this.#become({ kind: 'connected', session: session(request) });
  }

  /** Shows whoever records a whole session at once. */
  async #perform(tap: Tap | undefined, allowPap: boolean): Promise<void> {
    if (tap === undefined) return;
    const start = Date.now();
    const record = (now: () => number): Tap => {
      this.#now = () => start + now();
      return tap;
    };
    await simulateSession(record, allowPap ? { method: 'pap' } : {});
  }

  async disconnect(): Promise<void> {
    this.#become({ kind: 'disconnecting' });
    await sleep(STEP_MILLIS);
    this.#become({ kind: 'idle' });
  }

  subscribe(listener: (state: TunnelState) => void): number {
    const id = this.#listeners.size;
    this.#listeners.set(id, listener);
    listener(this.#state);
    return id;
  }

  async makeKey(): Promise<Outcome<MadeKey>> {
    const file = new File(['a key'], 'culvert-ecdsa-256.key');
    const pem = `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(64)}\n-----END PUBLIC KEY-----\n`;
    return { ok: true, value: { file, pem } };
  }

  async publicHalf(): Promise<Outcome<PublicHalf>> {
    return { ok: false, failure: { code: 'KEY_FILE_WRONG_PASSPHRASE' } };
  }

  unsubscribe(id: number): void {
    this.#listeners.delete(id);
  }

  async ping(host: string): Promise<Outcome<PingReply>> {
    await sleep(STEP_MILLIS);
    if (host === 'silent.test') return { ok: false, failure: { code: 'TIMED_OUT' } };
    if (host === 'nowhere.test') return { ok: false, failure: { code: 'NAME_NOT_FOUND' } };
    if (host === 'drop.test') {
      this.#become({ kind: 'idle', failure: { code: 'IKE_DEAD_PEER' } });
      return { ok: false, failure: { code: 'NOT_CONNECTED' } };
    }
    return { ok: true, value: { address: '10.30.0.1', roundTripMillis: 4.2, bytes: 64, ttl: 64 } };
  }

  async connections(): Promise<Outcome<readonly ConnectionInfo[]>> {
    this.#inspected++;
    const waiting: ConnectionInfo = {
      id: 2,
      remote: '[2001:db8:42::9]:443',
      state: 'SYN-SENT',
      sent: 0,
      received: 0,
    };
    const open: ConnectionInfo = {
      id: 1,
      host: 'intranet.test',
      remote: '10.30.0.1:80',
      state: 'ESTABLISHED',
      sent: 512,
      // So that a test sees how often it was asked.
      received: 1000 * this.#inspected,
      sender: { roundTripMillis: 4.2, window: 14_600, retransmissions: 3 },
    };
    return { ok: true, value: [open, waiting] };
  }

  async connectTcp(): Promise<Outcome<SocketHandle>> {
    return { ok: false, failure: { code: 'CONNECTION_REFUSED' } };
  }

  async closeTcp(): Promise<void> {}

  networkLost(): void {
    this.#become({ kind: 'idle', failure: { code: 'TAB_OFFLINE' } });
  }

  /** The page turns away on its own. */
  cancelFetch(): void {}

  async fetch(
    _id: string,
    url: string,
    progress?: (received: number, total: number | undefined) => void,
  ): Promise<Outcome<FetchReply>> {
    const { pathname } = new URL(url);
    if (pathname === '/refused') return { ok: false, failure: { code: 'CONNECTION_REFUSED' } };
    const [type, body] = content(pathname);
    progress?.(body.length / 2, body.length);
    await sleep(pathname === '/slow' ? 60_000 : STEP_MILLIS);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
    return {
      ok: true,
      value: {
        url,
        status: 200,
        statusText: 'OK',
        headers: [
          ['server', 'nginx/1.22.1'],
          ['content-type', type],
          ['content-length', String(body.length)],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'a=1'],
        ],
        size: body.length,
        sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''),
        body,
        millis: 48,
      },
    };
  }

  #become(state: TunnelState): void {
    this.#state = state;
    for (const listener of this.#listeners.values()) listener(state);
  }
}

const CAVEAT =
  'Whether the gateway’s certificate was revoked has not been looked up: a tab cannot fetch the list that it names (http://crl.example.org/ca.crl). It is looked up where that list is among your files.';

/** What a gateway that nobody has to make allowances for agrees on. */
const AES_SHA256: Phase2Transform = {
  cipher: 'aes-cbc',
  keyBits: 256,
  integrity: 'hmac-sha2-256-128',
};

function session({ gateway, allowPap, esp, keys, weak: allowed }: ConnectRequest): Session {
  const weak = gateway === 'weak';
  const phase1 = [
    ...(allowed?.aggressive ? ['aggressive mode'] : []),
    ...(allowed?.xauth ? ['XAUTH'] : []),
  ];
  return {
    gateway: { id: gateway, name: 'Head office', address: '192.0.2.10' },
    address: '10.30.0.11',
    ipv6Addresses: [],
    peerAddress: '10.30.0.254',
    nameServers: ['10.30.0.1', '10.30.0.2'],
    ike: [
      `AES-CBC-256, SHA2-256, ${weak ? 'MODP-1024' : 'MODP-2048'}, pre-shared key`,
      ...phase1,
    ].join(', '),
    esp: weak ? '3DES-CBC, HMAC-MD5-96' : describePhase2(espTransforms(esp, [AES_SHA256])[0]!),
    transport: 'UDP 4500',
    authentication: allowPap ? 'PAP' : 'MS-CHAPv2',
    mtu: 1358,
    weak: [
      ...phase1,
      ...(allowPap ? ['PAP'] : weak ? ['MODP-1024', '3DES-CBC', 'HMAC-MD5-96'] : []),
    ],
    since: Date.now(),
    ...(keys && { caveat: CAVEAT }),
  };
}

function content(path: string): readonly [type: string, body: Uint8Array<ArrayBuffer>] {
  const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
  if (path === '/picture.svg') {
    return [
      'image/svg+xml',
      text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="120">' +
          '<script>document.title="run"</script>' +
          '<rect width="320" height="120" fill="#2c9c8c"/></svg>',
      ),
    ];
  }
  if (path === '/big.bin' || path === '/slow') {
    return ['application/octet-stream', new Uint8Array(20_000_000)];
  }
  const script = '<script>document.title = "run"</script>';
  const line = '<p>Opening hours of the canteen: 11:30 to 14:00.</p>\n';
  return ['text/html; charset=utf-8', text(`<h1>Intranet</h1>\n${script}\n${line.repeat(12)}`)];
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

const tunnel = new FakeTunnel();
self.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (data instanceof MessagePort) expose(tunnel, data);
});
