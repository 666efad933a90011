/**
 * The addon (`native/`, plain C over Node-API): what it offers, and loading it. It is built at install where a C
 * compiler exists, on Linux; elsewhere, and where it is not wanted, the relay uses Node's own sockets.
 */
import { createRequire } from 'node:module';

/** What the addon exports. */
export interface Addon {
  /** Sockets of this thread; `readable` is called when some of them have something. */
  start(readable: () => void): NativeSet;
  /**
   * Bounds what the kernel holds unsent on a TCP connection, in bytes, and chooses BBR for a peer elsewhere. Answers
   * 1 if the first was possible, plus 2 if the second was.
   */
  tuneTcp(fd: number, unsentBytes: number): number;
}

/**
 * Sockets by number, and the memory through which packets and their places pass. A negative answer is the system's
 * error number. The layouts are those of `struct arrivals`, `range` and `outcome` in native/datagrams.h.
 */
export interface NativeSet {
  readonly ring: ArrayBuffer;
  /** i32: error, id of the socket it is about, then per message offset, length, segment, id. */
  readonly arrivals: ArrayBuffer;
  /** i32: start and end of each record to send. */
  readonly ranges: ArrayBuffer;
  /** i32: records of the last `send` that were sent, found the buffer full, were refused; error of a refusal. */
  readonly outcome: ArrayBuffer;
  /** A connected UDP socket, from a port of the system's choice where `localPort` is 0. */
  openUdp(address: string, port: number, localPort: number): number;
  /** A way for ESP as protocol 50 between two addresses; one at a time for a pair. */
  openEsp(localAddress: string, remoteAddress: string): number;
  localAddress(id: number): string;
  /** 0 for ESP. */
  localPort(id: number): number;
  /** Sends the first `count` ranges of `bytes`; with `reserve` the part of the buffer that is kept for IKE too. */
  send(id: number, bytes: Uint8Array, count: number, reserve: boolean): number;
  /** Takes one burst: the number of messages in `arrivals`, or -1 when this turn is over. */
  receive(): number;
  /** Whether `readable` is called; what arrives meanwhile waits in the sockets. */
  watch(whether: boolean): void;
  close(id: number): void;
}

/** Set to anything, it keeps the addon out, as `"addon": false` in the configuration does. */
const NO_ADDON_VARIABLE = 'CULVERT_NO_ADDON';

let loaded: Addon | undefined;

/** The addon, if it is there and wanted. */
export function loadAddon(): Addon | undefined {
  if (process.env[NO_ADDON_VARIABLE]) return undefined;
  try {
    loaded ??= createRequire(import.meta.url)('./native/build/datagrams.node') as Addon;
  } catch {
    // Not built, or built elsewhere: there is nothing it does that cannot be done without it.
  }
  return loaded;
}
