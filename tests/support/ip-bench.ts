/** An IPv4 stack under test against packets written the long way. */
import { parseAddress } from '../../shared/ip/address.ts';
import { type IpInput, type IpOutput, IpStack } from '../../shared/ip/stack.ts';
import { type Bytes, concat, fromHex } from '../../shared/wire/bytes.ts';
import { asPacket, CopyingSink } from './ip-pair.ts';
import { nodePrimitives } from './node-primitives.ts';
import { SeededRandom } from './random.ts';

export const OURS = parseAddress('192.168.0.1')!;
export const OTHER = parseAddress('192.168.0.199')!;
export const SERVERS = [parseAddress('10.0.0.53')!, parseAddress('10.0.0.54')!];

/** One stack, its packets, and whatever the test puts in. */
export class Bench {
  readonly sent: Bytes[] = [];
  readonly stack: IpStack;
  now = 0;

  constructor(address: Bytes = OURS, nameServers: Bytes[] = SERVERS, searchList: string[] = []) {
    this.stack = new IpStack({
      address,
      nameServers,
      searchList,
      random: new SeededRandom(3),
      sink: new CopyingSink(1400, (bytes) => this.sent.push(bytes)),
      primitives: nodePrimitives,
    });
  }

  tell(input: IpInput): IpOutput[] {
    return [...this.stack.handle(input, this.now)];
  }

  receive(bytes: Bytes): IpOutput[] {
    return this.tell({ kind: 'packets', packets: [asPacket(bytes)] });
  }

  expire(): IpOutput[] {
    this.now = this.stack.deadline!;
    return this.tell({ kind: 'timeout' });
  }
}

export function dropped(detail: string): IpOutput[] {
  return [{ kind: 'trace', layer: 'ip', event: 'dropped', detail }];
}

export function sum16(bytes: Bytes): Bytes {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return Uint8Array.of((~sum >> 8) & 0xff, ~sum & 0xff);
}

interface Ip {
  readonly protocol: number;
  readonly from: Bytes;
  readonly to?: Bytes;
  readonly data: Bytes;
  readonly fragment?: number;
  readonly options?: Bytes;
}

/** An IP packet, written the long way. */
export function ip({
  protocol,
  from,
  to = OURS,
  data,
  fragment = 0,
  options = fromHex(''),
}: Ip): Bytes {
  const length = 20 + options.length + data.length;
  const header = concat(
    Uint8Array.of(0x45 + options.length / 4, 0, length >> 8, length, 0x12, 0x34),
    Uint8Array.of(fragment >> 8, fragment, 64, protocol, 0, 0),
    from,
    to,
    options,
  );
  header.set(sum16(header), 10);
  return concat(header, data);
}

/** An ICMP message with its checksum. */
export function icmp(head: string, data: Bytes): Bytes {
  const message = concat(fromHex(head), data);
  message.set(sum16(message), 2);
  return message;
}
