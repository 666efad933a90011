/**
 * What the page and the tunnel worker say to each other over comlink. Types only, apart from `STAGES`:
 * the page must not pull in the protocol core.
 */
import type { ProxyMarked } from 'comlink';
import type { Failure } from '../../shared/errors.ts';
import type {
  PacketDetails,
  PacketPage,
  PacketQuery,
  RecordingState,
} from '../../shared/inspect/view.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';

/** What a person waits for while connecting, in order. */
export const STAGES = [
  'relay',
  'ike-phase-1',
  'ike-phase-2',
  'l2tp',
  'ppp-link',
  'ppp-authentication',
  'ppp-address',
] as const;
export type Stage = (typeof STAGES)[number];

/** A certificate or a bare key in place of the pre-shared key. */
export interface KeySignIn {
  /** As the user picked them: the worker reads them. */
  readonly files: readonly File[];
  readonly passphrase: string;
  /** What the gateway knows a bare key by; a certificate's subject otherwise. */
  readonly identity: string;
  /** What the gateway's certificate has to say that it is called; anything when empty. */
  readonly gatewayName: string;
  /** SHA-256 of the gateway's certificate that the user accepted, in hexadecimal. */
  readonly accepted?: string;
  /** Whether a revocation list among the files has to cover it. */
  readonly requireRevocationList: boolean;
}

/** What the user knows about a gateway's ESP and no negotiation tells. */
export interface EspSettings {
  /** It cuts HMAC-SHA-256 to 96 bits instead of 128. */
  readonly truncatedSha256: boolean;
  /** It wants sequence numbers of 64 bits. */
  readonly extendedSequenceNumbers: boolean;
}

/** What old gateways want and only the user may allow, for this one call. */
export interface WeakSignIn {
  /** Aggressive mode, under a group's name; `group` is the Diffie-Hellman group, which cannot be negotiated. */
  readonly aggressive?: { readonly name: string; readonly group: AggressiveGroup };
  readonly xauth?: { readonly userName: string; readonly password: string };
}

export type AggressiveGroup = 14 | 19 | 20 | 5 | 2;

export interface ConnectRequest {
  /** WebSocket address of the relay, e.g. `wss://portal.example/culvert`. */
  readonly relay: string;
  /** The profile's id. */
  readonly gateway: string;
  /** Unused with `keys`. */
  readonly preSharedKey: string;
  readonly keys?: KeySignIn;
  readonly userName: string;
  readonly password: string;
  readonly esp: EspSettings;
  /** The user's consent, for this gateway, to hand it the password itself; nothing that a peer sends can set it. */
  readonly allowPap: boolean;
  readonly weak?: WeakSignIn;
}

/** What was agreed on, in the field's usual names. */
export interface Session {
  readonly gateway: { readonly id: string; readonly name: string; readonly address: string };
  /** IPv4 address the gateway assigned, dotted. */
  readonly address: string;
  /** IPv6 addresses that lead beyond the gateway, which come later or not at all. */
  readonly ipv6Addresses: readonly string[];
  readonly peerAddress: string;
  readonly nameServers: readonly string[];
  /** e.g. `AES-CBC-256, SHA2-256, MODP-2048, pre-shared key`. */
  readonly ike: string;
  /** e.g. `AES-CBC-256, HMAC-SHA1-96`. */
  readonly esp: string;
  /** e.g. `UDP 4500`. */
  readonly transport: string;
  /** e.g. `MS-CHAPv2`. */
  readonly authentication: string;
  /** Largest IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** Algorithms among the above that RFC 8221 or 8247 advise against. */
  readonly weak: readonly string[];
  /** What could not be found out about the gateway, in a sentence or two. */
  readonly caveat?: string;
  /** When it was connected, as `Date` counts. */
  readonly since: number;
}

export type TunnelState =
  | { readonly kind: 'idle'; readonly failure?: Failure }
  | { readonly kind: 'connecting'; readonly stage: Stage }
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'disconnecting' };

export interface PingReply {
  /** Address that answered, dotted. */
  readonly address: string;
  readonly roundTripMillis: number;
  readonly bytes: number;
  readonly ttl: number;
}

export interface FetchReply {
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Bytes of the body. */
  readonly size: number;
  /** Lower-case hexadecimal digest of the body. */
  readonly sha256: string;
  /** The body, or its first `BODY_LIMIT` bytes. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly millis: number;
}

/** One TCP connection as it is now. */
export interface ConnectionInfo {
  readonly id: number;
  /** The name it was made to, where it was one. */
  readonly host?: string;
  /** Address and port: `10.30.0.1:80`, `[2001:db8::1]:80`. */
  readonly remote: string;
  /** In the words of RFC 9293: `ESTABLISHED`, `CLOSE-WAIT` … */
  readonly state: string;
  /** Bytes that the peer has acknowledged, and that have arrived in order. */
  readonly sent: number;
  readonly received: number;
  /** Missing before the connection stands. */
  readonly sender?: {
    readonly roundTripMillis: number;
    /** Bytes that may be on the way: cwnd. */
    readonly window: number;
    /** Segments sent again. */
    readonly retransmissions: number;
  };
}

/** A TCP connection handed to another window's thread: its streams are transferred, and back-pressure with them. */
export interface SocketHandle {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Closing it ends our direction alone; aborting it ends the connection. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}

/** The two kinds of bare keys that the page makes. */
export type KeyKind = 'RSA-3072' | 'ECDSA-256';

/** The public half of a key, as gateways' configurations take it. */
export interface PublicHalf {
  /** SubjectPublicKeyInfo: strongSwan and others. */
  readonly pem: string;
  /** `0s…` as Libreswan has it; RSA alone. */
  readonly rsaSigKey?: string;
}

export interface MadeKey extends PublicHalf {
  /** PKCS#8, not encrypted: what the user has to keep. */
  readonly file: File;
}

/** Most bytes of a body that are kept for display and download; the digest always covers all. */
export const BODY_LIMIT: number = 64 * 1024 * 1024;

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

/** What the page gets of a recording with one question. */
export interface PacketView {
  readonly state: RecordingState;
  readonly page: PacketPage;
}

/** The tunnel's packets, while somebody has them recorded. Everything stays in the worker but what is asked for. */
export interface InspectorApi {
  /** Begins or ends a recording; what there is stays. At first there is none. */
  record(on: boolean): void;
  /** Forgets packets and keys. */
  clear(): void;
  /** `undefined` while nothing has changed since the version `seen`. */
  look(query: PacketQuery, seen?: number): PacketView | undefined;
  /** `undefined` for a packet that has made room for newer ones. */
  details(id: number): PacketDetails | undefined;
  /** A pcapng file. It holds what was decrypted. */
  capture(): Bytes;
  /** Wireshark's key tables, as text. */
  keyTables(): string;
}

/** One tunnel; every window that holds a port shares it. */
export interface TunnelApi {
  /** Starts connecting; what becomes of it arrives as states. Ignored unless idle. */
  connect(request: ConnectRequest): void;
  /** Ends the tunnel in order, at most 3 s; pending work fails with `NOT_CONNECTED`. */
  disconnect(): Promise<void>;
  /** Calls `listener` with the present state and every later one. Answers an id for `unsubscribe`. */
  subscribe(listener: (state: TunnelState) => void): number;
  unsubscribe(id: number): void;
  /**
   * The browser says that its network is gone. Connecting ends at once with `TAB_OFFLINE`, a tunnel after a moment
   * in which the network may come back; with a relay on this device nothing ends for that alone.
   */
  networkLost(): void;
  ping(host: string): Promise<Outcome<PingReply>>;
  /**
   * Opens a TCP connection. `closed` is called once both directions are done, with what ended them when it was no
   * orderly end: errors of transferred streams have lost their code.
   */
  connectTcp(
    host: string,
    port: number,
    closed: (failure?: Failure) => void,
  ): Promise<Outcome<SocketHandle>>;
  /** Ends a connection of `connectTcp` at once. */
  closeTcp(id: number): Promise<void>;
  /** Every TCP connection but those that only wait for stragglers. */
  connections(): Promise<Outcome<readonly ConnectionInfo[]>>;
  /**
   * One GET request; `progress` gets the bytes so far and the whole, when known. `id` is the caller's own, unlike
   * any other's, for `cancelFetch`.
   */
  fetch(
    id: string,
    url: string,
    progress?: (received: number, total: number | undefined) => void,
  ): Promise<Outcome<FetchReply>>;
  /** Ends a request under way: it answers `CANCELLED`. */
  cancelFetch(id: string): void;
  readonly inspector: InspectorApi & ProxyMarked;
  makeKey(kind: KeyKind): Promise<Outcome<MadeKey>>;
  /** Of the private key among the files. */
  publicHalf(files: readonly File[], passphrase: string): Promise<Outcome<PublicHalf>>;
}
