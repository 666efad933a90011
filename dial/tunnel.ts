/** A tunnel from Node: the driver with `ws` below and sockets above. */
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import type { Primitives } from '../shared/crypto/suite.ts';
import { type Failure, TunnelError } from '../shared/errors.ts';
import type { Credentials } from '../shared/ike/credentials.ts';
import { keyCredentials } from '../shared/ike/key-credentials.ts';
import { allowWeak } from '../shared/ike/weak-sign-in.ts';
import { formatAddress } from '../shared/ip/address.ts';
import type { IpOutput } from '../shared/ip/messages.ts';
import { RELAY_SUBPROTOCOL } from '../shared/relay/channels.ts';
import type { Session } from '../shared/vpn/session.ts';
import type { Stage } from '../shared/vpn/stack-config.ts';
import type { TunnelOutput } from '../shared/vpn/tunnel.ts';
import type { Random } from '../shared/wire/bytes.ts';
import { bestBuild, loadWasmSuite } from '../wasm/index.ts';
import { type RelaySocket, TunnelDriver } from '../web/worker/driver.ts';
import { Sockets } from '../web/worker/sockets.ts';
import { describeCertificate } from './describe.ts';
import type { Options, SignInMethod } from './options.ts';

export interface OpenTunnel {
  readonly sockets: Sockets;
  /** Resolves when there is an IPv6 address. */
  readonly ipv6: Promise<void>;
  /** Resolves when the user ends the tunnel, rejects with a `TunnelError` when something else does. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const STAGE_TEXT: Readonly<Record<Stage, string>> = {
  relay: 'asking the relay for the gateway',
  'ike-phase-1': 'IKE phase 1',
  'ike-phase-2': 'IKE phase 2',
  l2tp: 'L2TP tunnel and session',
  'ppp-link': 'PPP link',
  'ppp-authentication': 'PPP authentication',
  'ppp-address': 'PPP address',
};

const random: Random = {
  bytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
};

/** Dials and waits until there is an address. Throws `TunnelError`; SIGINT and SIGTERM end the tunnel in order. */
export async function openTunnel(options: Options): Promise<OpenTunnel> {
  const wasm = await readFile(
    new URL(`../wasm/build/culvert.${bestBuild()}.wasm`, import.meta.url),
  );
  const suite = await loadWasmSuite(wasm, random);
  let settle: { connected: () => void; failed: (error: TunnelError) => void; ipv6: () => void };
  let ipv6!: Promise<void>;
  const connected = new Promise<void>((connected, failed) => {
    ipv6 = new Promise((ipv6) => {
      settle = { connected, failed, ipv6 };
    });
  });
  let closed: { orderly: () => void; failed: (error: TunnelError) => void };
  const ended = new Promise<void>((resolve, reject) => {
    closed = { orderly: resolve, failed: reject };
  });
  // Nobody waits for it while a command runs; its failure then reaches that command through its socket.
  ended.catch(() => {});

  const driver = new TunnelDriver({
    // Compression would read the data later than `send`.
    socket: new WebSocket(options.relay, RELAY_SUBPROTOCOL, {
      perMessageDeflate: false,
    }) as unknown as RelaySocket,
    now: () => performance.now(),
    emit: handle,
    suite,
    random,
    gateway: options.gateway,
    credentials: allowWeak(credentialsOf(options.method, suite), options.weak),
    userName: options.user,
    password: options.password,
    authMethods: options.allowPap ? ['mschapv2', 'chap-md5', 'pap'] : ['mschapv2', 'chap-md5'],
    forceEncapsulation: options.forceEncapsulation,
    ...(options.phase1 && { phase1: options.phase1 }),
    esp: options.esp,
    searchList: options.searchList,
    ...(options.ikeLifetime !== undefined && { ikeLifetime: { seconds: options.ikeLifetime } }),
    ...(options.espLifetime !== undefined && { childLifetime: { seconds: options.espLifetime } }),
    ...(options.innerPort !== undefined && { innerPort: options.innerPort }),
  });
  const sockets = new Sockets((input) => driver.network(input));
  const interrupt = () => driver.run({ kind: 'close' });
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

  function handle(output: Exclude<TunnelOutput, { kind: 'control' | 'frame' }>): void {
    if (output.kind === 'stage') console.error(STAGE_TEXT[output.stage]);
    else if (output.kind === 'network') {
      if (output.output.kind === 'ipv6-addresses') {
        console.error(describeIpv6(output.output));
        if (output.output.addresses.length > 0) settle.ipv6();
      }
      sockets.dispatch(output.output);
    } else if (output.kind === 'connected') {
      console.error(describe(output.session));
      settle.connected();
    } else if (output.kind === 'closed') {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      const failure: Failure = output.failure ?? { code: 'NOT_CONNECTED' };
      if (failure.certificate) console.error(describeCertificate(failure.certificate));
      const error = TunnelError.of(failure);
      sockets.closeAll(failure);
      settle.failed(error);
      if (output.failure) closed.failed(error);
      else closed.orderly();
    } else if (process.env.CULVERT_TRACE) {
      console.error(`trace ${output.layer} ${output.event} ${output.detail ?? ''}`);
    }
  }

  await connected;
  return {
    sockets,
    ipv6,
    ended,
    close: () => {
      driver.run({ kind: 'close' });
      return ended.catch(() => {});
    },
  };
}

function credentialsOf(method: SignInMethod, primitives: Primitives): Credentials {
  if (method.kind === 'pre-shared-key') {
    return { kind: method.kind, key: new TextEncoder().encode(method.preSharedKey) };
  }
  return keyCredentials(method, primitives, Date.now() - performance.now());
}

function describeIpv6({ addresses }: Extract<IpOutput, { kind: 'ipv6-addresses' }>): string {
  return `IPv6: address ${addresses.map(formatAddress).join(' ') || 'none'}`;
}

function describe(session: Session): string {
  const { address, peerAddress, nameServers, ike, esp, transport, authentication, mtu, caveat } =
    session;
  return [
    `connected: address ${address}, peer ${peerAddress}, name servers ${nameServers.join(' ') || 'none'}`,
    `IKE ${ike}; ESP ${esp} over ${transport}; ${authentication}; MTU ${mtu}`,
    ...(caveat === undefined ? [] : [caveat]),
  ].join('\n');
}
