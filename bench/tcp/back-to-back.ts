/** Two stacks in one thread, joined by nothing: what a byte through TCP costs its sender and receiver together. */
import { type IpInput, type IpOutput, IpStack } from '../../shared/ip/stack.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import type { Packet, PacketSink } from '../../shared/wire/packet.ts';
import { nodePrimitives } from '../../tests/support/node-primitives.ts';
import { SeededRandom } from '../../tests/support/random.ts';
import { CLIENT, MTU, SERVER } from './shape.ts';

const PORT = 80;
const SOCKET = 1;
const HEADROOM = 64;
/** More packets than a window has. */
const SLOTS = 8192;
/** Packets that one side gets in a row, as a WebSocket frame brings them. */
const BATCH = 32;
const WRITE: Bytes = new Uint8Array(65_536).map((_, i) => (i * 31) ^ (i >>> 8));

/** The packets of one direction, in slots that are used again and again, as the tunnel's are. */
class Lane implements PacketSink {
  readonly mtu: number = MTU;
  readonly #slots: readonly Packet[] = Array.from({ length: SLOTS }, () => ({
    bytes: new Uint8Array(HEADROOM + MTU),
    start: 0,
    end: 0,
  }));
  #sent = 0;
  #taken = 0;

  take(): Packet {
    const slot = this.#slots[this.#sent % SLOTS]!;
    slot.start = HEADROOM;
    slot.end = HEADROOM;
    return slot;
  }

  send(): void {
    this.#sent++;
    if (this.#sent - this.#taken > SLOTS) throw new RangeError('more packets than slots');
  }

  next(): Packet | undefined {
    return this.#taken < this.#sent ? this.#slots[this.#taken++ % SLOTS] : undefined;
  }
}

export class BackToBack {
  readonly #up = new Lane();
  readonly #down = new Lane();
  readonly #client = stackOf(CLIENT, this.#up);
  readonly #server = stackOf(SERVER, this.#down);
  #socket = 0;
  #received = 0;
  #toWrite = 0;

  constructor() {
    this.#tell(this.#server, { kind: 'tcp-listen', listener: 1, port: PORT });
    this.#tell(this.#client, { kind: 'tcp-connect', socket: SOCKET, address: SERVER, port: PORT });
    while (this.#socket === 0) this.#step();
  }

  /** Sends `bytes` from client to server and waits until they are there. */
  transfer(bytes: number): void {
    const until = this.#received + bytes;
    this.#toWrite += bytes;
    this.#write();
    while (this.#received < until) this.#step();
  }

  #step(): void {
    this.#carry(this.#up, this.#server);
    this.#carry(this.#down, this.#client);
    for (const stack of [this.#client, this.#server]) {
      if ((stack.deadline ?? Number.POSITIVE_INFINITY) <= performance.now()) {
        this.#tell(stack, { kind: 'timeout' });
      }
    }
  }

  #carry(lane: Lane, to: IpStack): void {
    const packets: Packet[] = [];
    while (packets.length < BATCH) {
      const packet = lane.next();
      if (packet === undefined) break;
      packets.push(packet);
    }
    if (packets.length > 0) this.#tell(to, { kind: 'packets', packets });
  }

  #tell(stack: IpStack, input: IpInput): void {
    for (const output of stack.handle(input, performance.now())) this.#react(output);
  }

  #react(output: IpOutput): void {
    switch (output.kind) {
      case 'tcp-accepted':
        this.#socket = output.socket;
        return;
      case 'tcp-data':
        this.#received += output.bytes.length;
        this.#tell(this.#server, {
          kind: 'tcp-consumed',
          socket: output.socket,
          length: output.bytes.length,
        });
        return;
      case 'tcp-wrote':
        this.#toWrite -= output.length;
        if (output.length === WRITE.length) this.#write();
        return;
      case 'tcp-writable':
        this.#write();
        return;
      case 'tcp-closed':
        throw new Error(`closed: ${output.failure?.code}`);
    }
  }

  #write(): void {
    if (this.#toWrite === 0) return;
    const bytes = WRITE.subarray(0, this.#toWrite);
    this.#tell(this.#client, { kind: 'tcp-write', socket: SOCKET, bytes });
  }
}

function stackOf(address: Bytes, sink: PacketSink): IpStack {
  return new IpStack({
    address,
    nameServers: [],
    random: new SeededRandom(1),
    sink,
    primitives: nodePrimitives,
  });
}
