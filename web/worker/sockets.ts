/**
 * The TCP/IP stack in promises and streams, for the applications in the worker and for `dial`. It owns no stack:
 * its driver runs the machine, and hands the machine's outputs back. Only what browsers and Node share is used.
 */
import { type Failure, TunnelError } from '../../shared/errors.ts';
import { formatAddress, parseAddress } from '../../shared/ip/address.ts';
import { type DnsRecord, type RecordType, reverseName } from '../../shared/ip/dns-message.ts';
import type {
  IpInput,
  IpOutput,
  PingOutput,
  SocketOutput,
  UdpOutput,
} from '../../shared/ip/messages.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import type { ConnectionInfo } from './api.ts';
import { isPort } from './arguments.ts';
import { describeConnection } from './connection-info.ts';
import { Race, type Schedule } from './race.ts';
import { StreamSocket, type TcpSocket } from './tcp-socket.ts';
import { type Hop, type ProbeResult, type TracerouteOptions, trace } from './traceroute.ts';
import { DatagramSocket, type UdpSocket } from './udp-socket.ts';

export type { SocketInfo, TcpSocket } from './tcp-socket.ts';
export type { UdpMessage, UdpSocket } from './udp-socket.ts';

export interface PingResult {
  /** Address that answered. */
  readonly address: string;
  readonly roundTripMillis: number;
  /** Bytes of payload that came back. */
  readonly bytes: number;
  readonly ttl: number;
}

export interface UdpOptions {
  /** A random one when missing. */
  readonly localPort?: number;
  /** Name or address, and port, of the one host to talk to. */
  readonly remote?: { readonly host: string; readonly port: number };
  readonly signal?: AbortSignal;
}

const DEFAULT_PING_TIMEOUT = 5000;
const DEFAULT_PING_BYTES = 56;
const TRACEROUTE_TIMEOUT = 1000;

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** A connection of the stack's: one of a race until it has won. */
interface Attempt {
  /** What the caller asked for. */
  readonly host: string;
  readonly stream: StreamSocket;
  readonly race: Race;
  opened: boolean;
}

export class Sockets {
  readonly #send: (input: IpInput) => void;
  readonly #schedule: Schedule;
  readonly #attempts = new Map<number, Attempt>();
  readonly #datagrams = new Map<number, DatagramSocket>();
  readonly #open = new Set<StreamSocket | DatagramSocket>();
  readonly #queries = new Map<number, Settle<readonly DnsRecord[]>>();
  readonly #pings = new Map<number, (output: PingOutput) => void>();
  readonly #inspections: Settle<readonly ConnectionInfo[]>[] = [];
  #hasIpv6 = false;
  #next = 1;
  #gone: Failure | undefined;

  /** `send` runs the machine with an input; the outputs come back through `dispatch`, during the call or later. */
  constructor(send: (input: IpInput) => void, schedule: Schedule = afterwards) {
    this.#send = send;
    this.#schedule = schedule;
  }

  dispatch(output: IpOutput): void {
    switch (output.kind) {
      case 'resolved':
        take(this.#queries, output.query)?.resolve(output.records);
        return;
      case 'resolve-failed':
        take(this.#queries, output.query)?.reject(TunnelError.of(output.failure));
        return;
      case 'ping-reply':
      case 'ping-expired':
      case 'ping-failed':
        take(this.#pings, output.ping)?.(output);
        return;
      case 'connections':
        this.#inspections
          .shift()
          ?.resolve(
            output.connections.map((each) =>
              describeConnection(each, this.#attempts.get(each.socket)?.host),
            ),
          );
        return;
      case 'ipv6-addresses':
        this.#hasIpv6 = output.addresses.length > 0;
        return;
      case 'tcp-opened':
      case 'tcp-data':
      case 'tcp-end':
      case 'tcp-wrote':
      case 'tcp-writable':
      case 'tcp-closed':
        this.#dispatchTcp(output);
        return;
      case 'udp-opened':
      case 'udp-data':
      case 'udp-undelivered':
      case 'udp-failed':
        this.#dispatchUdp(output);
        return;
    }
  }

  /** The tunnel went away: all that is pending, and all that is asked from now on, fails with `failure`. */
  closeAll(failure: Failure): void {
    this.#gone = failure;
    const reason = TunnelError.of(failure);
    for (const socket of [...this.#open]) socket.fail(reason);
    for (const query of this.#queries.values()) query.reject(reason);
    for (const inspection of this.#inspections.splice(0)) inspection.reject(reason);
    for (const [ping, settle] of this.#pings) settle({ kind: 'ping-failed', ping, failure });
    this.#open.clear();
    this.#attempts.clear();
    this.#datagrams.clear();
    this.#queries.clear();
    this.#pings.clear();
  }

  /**
   * Connects to a name or an address; of a name's addresses the first that answers wins. The promises and streams
   * of the socket fail with `TunnelError`, or with the signal's reason.
   */
  connect(host: string, port: number, options: { signal?: AbortSignal } = {}): TcpSocket {
    if (!isPort(port)) throw new RangeError('port');
    const race: Race = new Race({
      families: this.#families(host),
      schedule: this.#schedule,
      number: () => this.#next++,
      attempt: (socket, address) => {
        this.#attempts.set(socket, { host, stream, race, opened: false });
        this.#send({ kind: 'tcp-connect', socket, address, port });
      },
      cancel: (socket) => {
        this.#attempts.delete(socket);
        this.#send({ kind: 'tcp-abort', socket });
      },
      lost: (failure) => stream.fail(TunnelError.of(failure)),
    });
    const stream = new StreamSocket(() => race.end());
    this.#follow(stream, options.signal);
    if (options.signal?.aborted !== true) this.#search(host, race, stream);
    return stream;
  }

  /** A UDP socket, connected to one host when `options.remote` is given. Fails like `connect`. */
  udp(options: UdpOptions = {}): UdpSocket {
    const { localPort, remote, signal } = options;
    const ports = [localPort, remote?.port].filter((each) => each !== undefined);
    if (!ports.every(isPort)) throw new RangeError('port');
    let number = 0;
    const socket: DatagramSocket = new DatagramSocket(() => {
      this.#datagrams.delete(number);
      if (number !== 0) this.#send({ kind: 'udp-close', socket: number });
    });
    this.#follow(socket, signal);
    const open = async () => {
      const found = remote && (await this.#firstAddress(remote.host));
      // It may be closed by now.
      if (socket.isOver) return;
      this.#assertUsable();
      number = this.#next++;
      this.#datagrams.set(number, socket);
      const to = remote && found && { address: found, port: remote.port };
      socket.attach(number, to, this.#send);
      this.#send({
        kind: 'udp-open',
        socket: number,
        ...(localPort !== undefined && { port: localPort }),
      });
    };
    open().catch((error: unknown) => socket.fail(error));
    return socket;
  }

  /**
   * Records of one type; with an address instead of a name, `PTR` asks for its name. Throws `TunnelError`,
   * `NAME_NOT_FOUND` when there are none.
   */
  lookup(host: string, type: RecordType): Promise<readonly DnsRecord[]> {
    const address = type === 'PTR' ? parseAddress(host) : undefined;
    const name = address === undefined ? asciiName(host) : reverseName(address);
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      const query = this.#next++;
      this.#queries.set(query, { resolve, reject });
      this.#send({ kind: 'resolve', query, name, type });
    });
  }

  /** Addresses of a name, at least one, as text. */
  async resolve(name: string): Promise<string[]> {
    const literal = parseAddress(name);
    if (literal !== undefined) return [formatAddress(literal)];
    const types: readonly RecordType[] = this.#hasIpv6 ? ['AAAA', 'A'] : ['A'];
    const found = await Promise.allSettled(types.map((type) => this.#lookupAddresses(name, type)));
    const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    const [first] = found;
    if (addresses.length === 0 && first?.status === 'rejected') throw first.reason;
    return addresses.map(formatAddress);
  }

  /** One echo request. The time is the stack's clock's. */
  async ping(
    host: string,
    options: { timeoutMillis?: number; bytes?: number } = {},
  ): Promise<PingResult> {
    const { bytes = DEFAULT_PING_BYTES, timeoutMillis = DEFAULT_PING_TIMEOUT } = options;
    const output = await this.#echo(await this.#firstAddress(host), bytes, timeoutMillis);
    if (output.kind === 'ping-failed') throw TunnelError.of(output.failure);
    if (output.kind === 'ping-expired') {
      throw new TunnelError('UNREACHABLE', 'the packet was forwarded too often');
    }
    return {
      address: formatAddress(output.address),
      roundTripMillis: output.roundTrip,
      bytes: output.length,
      ttl: output.ttl,
    };
  }

  /** The way to a host, hop by hop as it is found. */
  async *traceroute(
    host: string,
    options: TracerouteOptions = {},
  ): AsyncGenerator<Hop, void, void> {
    const address = await this.#firstAddress(host);
    yield* trace(async (ttl): Promise<ProbeResult> => {
      const output = await this.#echo(address, DEFAULT_PING_BYTES, TRACEROUTE_TIMEOUT, ttl);
      const probe =
        output.address === undefined || output.roundTrip === undefined
          ? undefined
          : { address: formatAddress(output.address), roundTripMillis: output.roundTrip };
      if (output.kind === 'ping-failed') return { kind: 'failed', failure: output.failure, probe };
      return { kind: output.kind === 'ping-reply' ? 'arrived' : 'passed', probe: probe! };
    }, options);
  }

  #echo(address: Bytes, length: number, timeout: Millis, ttl?: number): Promise<PingOutput> {
    return new Promise((resolve) => {
      this.#assertUsable();
      const ping = this.#next++;
      this.#pings.set(ping, resolve);
      this.#send({
        kind: 'ping',
        ping,
        address,
        length,
        timeout,
        ...(ttl !== undefined && { ttl }),
      });
    });
  }

  /** Every TCP connection there is now. */
  connections(): Promise<readonly ConnectionInfo[]> {
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      this.#inspections.push({ resolve, reject });
      this.#send({ kind: 'inspect' });
    });
  }

  // ---- Addresses

  #families(host: string): number {
    return this.#hasIpv6 && parseAddress(host) === undefined ? 2 : 1;
  }

  /** Tells the race of every family's addresses as they are found. @rfc 8305 §3 */
  #search(host: string, race: Race, stream: StreamSocket): void {
    const literal = parseAddress(host);
    if (literal !== undefined) {
      // Not before the caller has the socket.
      queueMicrotask(() => {
        if (this.#gone === undefined) race.found(0, [literal]);
        else stream.fail(TunnelError.of(this.#gone));
      });
      return;
    }
    const types: readonly RecordType[] = this.#families(host) === 2 ? ['AAAA', 'A'] : ['A'];
    for (const [family, type] of types.entries()) {
      this.#lookupAddresses(host, type).then(
        (addresses) => race.found(family, addresses),
        (error: unknown) => {
          if (error instanceof TunnelError) race.found(family, [], error.failure);
          else stream.fail(error);
        },
      );
    }
  }

  async #lookupAddresses(name: string, type: RecordType): Promise<readonly Bytes[]> {
    const records = await this.lookup(name, type);
    return records.flatMap((each) => ('address' in each ? [each.address] : []));
  }

  async #firstAddress(host: string): Promise<Bytes> {
    const [first] = await this.resolve(host);
    return parseAddress(first!)!;
  }

  // ---- Sockets

  /** Until it closes, the socket ends with the tunnel and with its signal. */
  #follow(socket: StreamSocket | DatagramSocket, signal: AbortSignal | undefined): void {
    const onAbort = () => socket.abandon(signal?.reason);
    this.#open.add(socket);
    const forget = () => {
      this.#open.delete(socket);
      signal?.removeEventListener('abort', onAbort);
    };
    socket.closed.then(forget, forget);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort);
  }

  #dispatchTcp(output: Exclude<SocketOutput, { kind: 'tcp-accepted' }>): void {
    const { socket } = output;
    const attempt = this.#attempts.get(socket);
    if (attempt === undefined) return;
    const { stream, race } = attempt;
    if (output.kind === 'tcp-closed') this.#attempts.delete(socket);
    if (output.kind === 'tcp-opened') {
      attempt.opened = true;
      stream.attach({ socket, send: this.#send }, output);
      race.won(socket);
    } else if (output.kind === 'tcp-closed' && !attempt.opened) {
      race.failed(socket, output.failure ?? { code: 'UNREACHABLE' });
    } else {
      stream.dispatch(output);
    }
  }

  #dispatchUdp(output: UdpOutput): void {
    this.#datagrams.get(output.socket)?.dispatch(output);
  }

  #assertUsable(): void {
    if (this.#gone !== undefined) throw TunnelError.of(this.#gone);
  }
}

const afterwards: Schedule = (millis, callback) => {
  const timer = setTimeout(callback, millis);
  return () => clearTimeout(timer);
};

/** A name as it stands in the DNS; what is no name is left for the resolver to refuse. @rfc 5891 §5 */
function asciiName(host: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what ASCII is
  if (/^[\x00-\x7f]*$/.test(host) || !URL.canParse(`http://${host}/`)) return host;
  return new URL(`http://${host}/`).hostname;
}

function take<T>(map: Map<number, T>, key: number): T | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
