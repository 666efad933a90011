/**
 * The intranet's name server: addresses of its hosts, and their names by address, over UDP and TCP. The network has no way
 * out, so this server is the only one there is: what it does not know does not exist.
 * Left out: EDNS, zone transfers, recursion.
 * @rfc 1034 §3.7, 1035 §4, 2308 §2, 7766 §5
 */
import { AUTHORITATIVE_ANSWER, decode, encode, RECURSION_DESIRED } from '@leichtgewicht/dns-packet';
import { formatAddress } from '../../shared/ip/address.ts';
import { reverseName } from '../../shared/ip/dns-message.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import type { Host } from '../network/host.ts';
import type { TcpDuplex } from '../network/tcp-duplex.ts';
import { DOMAIN, HOSTS, type HostEntry, hostName } from './hosts.ts';

const PORT = 53;

/** Seconds for which an answer may be remembered: the addresses are the same at every start. */
const TTL = 300;

/** Longest query that is looked at: one question with a name of the longest kind is a third of it. */
const QUERY_LIMIT = 1024;

/** How long a TCP connection may be silent. @rfc 7766 §6.2.3 */
const IDLE_MILLIS = 10_000;

/** @rfc 1035 §4.1.1 */
const RCODE = { noError: 0, formatError: 1, nameError: 3, notImplemented: 4 } as const;

type Message = ReturnType<typeof decode>;
type Records = NonNullable<Parameters<typeof encode>[0]['answers']>;

/** Answers on the host's UDP and TCP port 53. */
export function serveNames(host: Host, entries: readonly HostEntry[]): void {
  const names = new Names(entries);
  const port = host.bind(PORT, ({ address, port: source, bytes }) => {
    const reply = names.answer(bytes);
    if (reply !== undefined) port.send({ address, port: source, bytes: reply });
  });
  host.listen(PORT, (connection) => serveStream(connection, names));
}

export class Names {
  readonly #addresses = new Map<string, string>();
  readonly #reverse = new Map<string, string>();

  constructor(entries: readonly HostEntry[]) {
    for (const entry of entries) {
      this.#addresses.set(hostName(entry), formatAddress(entry.address));
      this.#reverse.set(reverseName(entry.address), hostName(entry));
    }
  }

  /** The reply to one query; `undefined` where there is nothing to be said to it. */
  answer(bytes: Bytes): Bytes | undefined {
    // What has no header has no number to be answered under, and a reply is not a question.
    if (bytes.length < 12 || bytes.length > QUERY_LIMIT || bytes[2]! >>> 7 === 1) return undefined;
    const id = (bytes[0]! << 8) | bytes[1]!;
    const opcode = (bytes[2]! >>> 3) & 0xf;
    if (opcode !== 0) return reply(id, RCODE.notImplemented);
    let message: Message;
    try {
      message = decode(bytes);
    } catch {
      return reply(id, RCODE.formatError);
    }
    const [question] = message.questions ?? [];
    if (question === undefined || message.questions?.length !== 1) {
      return reply(id, RCODE.formatError);
    }
    const { name, type } = question;
    const answers = this.#records(name.toLowerCase(), name, type);
    const rcode = answers === undefined ? RCODE.nameError : RCODE.noError;
    const flags = message.flag_rd === true ? RECURSION_DESIRED : 0;
    return reply(id, rcode, flags, { questions: [question], answers: answers ?? [] });
  }

  /** Records of a name, perhaps none; `undefined` where there is no such name. */
  #records(key: string, name: string, type: string): Records | undefined {
    const address = this.#addresses.get(key);
    const pointer = this.#reverse.get(key);
    if (address !== undefined) {
      return type === 'A' ? [{ type: 'A', class: 'IN', name, ttl: TTL, data: address }] : [];
    }
    if (pointer === undefined) return undefined;
    return type === 'PTR' ? [{ type: 'PTR', class: 'IN', name, ttl: TTL, data: pointer }] : [];
  }
}

/** Without an answer, the SOA record says for how long that may be remembered. @rfc 2308 §3 */
function reply(
  id: number,
  rcode: number,
  flags = 0,
  body?: { questions: Message['questions']; answers: Records },
): Bytes {
  const nothing = body !== undefined && body.answers.length === 0;
  const message = encode({
    type: 'response',
    id,
    flags: AUTHORITATIVE_ANSWER | flags | rcode,
    ...(body?.questions !== undefined && { questions: body.questions }),
    ...(body !== undefined && { answers: body.answers }),
    ...(nothing && { authorities: [AUTHORITY] }),
  });
  return new Uint8Array(message);
}

const AUTHORITY: Records[number] = {
  type: 'SOA',
  class: 'IN',
  // Of the root: the network is the world.
  name: '.',
  ttl: TTL,
  data: {
    mname: hostName(HOSTS.nameServer),
    rname: `hostmaster.${DOMAIN}`,
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    minimum: TTL,
  },
};

/** Queries of two bytes of length and a message, one after the other. @rfc 1035 §4.2.2 */
function serveStream(connection: TcpDuplex, names: Names): void {
  let rest: Buffer = Buffer.alloc(0);
  connection.setTimeout(IDLE_MILLIS, () => connection.destroy());
  connection.on('end', () => connection.end());
  connection.on('data', (piece: Buffer) => {
    rest = Buffer.concat([rest, piece]);
    while (rest.length >= 2) {
      const length = rest.readUInt16BE(0);
      if (length > QUERY_LIMIT) {
        connection.resetAndDestroy();
        return;
      }
      if (rest.length < 2 + length) return;
      const message = names.answer(Uint8Array.from(rest.subarray(2, 2 + length)));
      rest = rest.subarray(2 + length);
      if (message === undefined) continue;
      const size = Uint8Array.of(message.length >>> 8, message.length);
      // Who asks without reading the answers is cut off rather than waited for.
      if (!connection.write(Buffer.concat([size, message]))) connection.resetAndDestroy();
    }
  });
}
