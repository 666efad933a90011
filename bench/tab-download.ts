/**
 * What the tab's worker does for a download, without browser and relay: frames into the tunnel machine, from a gateway of the
 * tests' in the same thread, in virtual time. Prints the time in the machine for each packet, by packets in a frame.
 *
 *     npx tsx bench/tab-download.ts [--megabytes N] [--batch N]
 */
import { parseArgs } from 'node:util';
import { Channel, UDP_CHANNEL_NAMES } from '../shared/relay/channels.ts';
import { encodeControl } from '../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../shared/relay/frames.ts';
import { Tunnel, type TunnelInput, type TunnelOutput } from '../shared/vpn/tunnel.ts';
import type { Bytes } from '../shared/wire/bytes.ts';
import { earliest } from '../shared/wire/machine.ts';
import { type Datagram, GATEWAY_INNER, Gateway } from '../tests/support/gateway.ts';
import { SeededRandom } from '../tests/support/random.ts';
import { wasmSuite } from '../tests/support/wasm-suite.ts';
import { median } from './harness/statistics.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '4' },
    batch: { type: 'string' },
    rounds: { type: 'string', default: '9' },
  },
});
const PSK = new TextEncoder().encode('bench');
const LATENCY = 1;
const PORT = 80;
const WIRE = { ike: 40_500, natt: 44_500, l2tp: 41_701 };

class Lab {
  readonly #gateway: Gateway;
  readonly #tunnel: Tunnel;
  #up: { at: number; datagram: Datagram }[] = [];
  #down: { at: number; datagram: Datagram }[] = [];
  #now = 0;
  #socket = 0;
  #connected = false;
  #ended = false;
  batch = 1;
  micros = 0;
  packets = 0;
  frames = 0;

  constructor(gateway: Gateway, tunnel: Tunnel) {
    this.#gateway = gateway;
    this.#tunnel = tunnel;
    this.#input({ kind: 'start' });
    this.#run(() => this.#connected);
  }

  download(batch: number): number {
    this.batch = batch;
    this.micros = 0;
    this.packets = 0;
    this.#ended = false;
    this.#input({
      kind: 'network',
      input: { kind: 'tcp-connect', socket: ++this.#socket, address: GATEWAY_INNER, port: PORT },
    });
    this.#run(() => this.#ended);
    return this.micros / this.packets;
  }

  #input(input: TunnelInput): void {
    const before = process.cpuUsage();
    const outputs = this.#tunnel.handle(input, this.#now);
    const { user, system } = process.cpuUsage(before);
    this.micros += user + system;
    for (const output of outputs) this.#react(output);
  }

  #react(output: TunnelOutput): void {
    if (output.kind === 'control') {
      const message = JSON.parse(output.text);
      if (message.type !== 'open') return;
      const text = encodeControl({
        type: 'opened' as const,
        gateway: { id: 'g', name: 'Bench', address: '192.0.2.1' },
        local: { address: '198.51.100.1', ...WIRE },
        remote: { ike: 500, natt: 4500, l2tp: 1701 },
        nat: 'possible',
        channels: UDP_CHANNEL_NAMES,
        mtu: 1500,
        limits: { frameBytes: 131_072, recordBytes: 65_507 },
      });
      this.#told = text;
    } else if (output.kind === 'frame') {
      forEachRecord(output.bytes, (channel, start, end) => {
        const datagram = { channel, bytes: output.bytes.slice(start, end) };
        this.#up.push({ at: this.#now + LATENCY, datagram });
      });
    } else if (output.kind === 'connected') this.#connected = true;
    else if (output.kind === 'closed') throw new Error(JSON.stringify(output));
    else if (output.kind === 'network') {
      const { output: ip } = output;
      if (ip.kind === 'tcp-data') {
        const { socket, bytes } = ip;
        this.#input({
          kind: 'network',
          input: { kind: 'tcp-consumed', socket, length: bytes.length },
        });
      } else if (ip.kind === 'tcp-end') {
        this.#input({ kind: 'network', input: { kind: 'tcp-shutdown', socket: ip.socket } });
      } else if (ip.kind === 'tcp-closed') this.#ended = true;
    }
  }
  #told: string | undefined;

  #run(done: () => boolean): void {
    while (!done()) {
      if (this.#told !== undefined) {
        const text = this.#told;
        this.#told = undefined;
        this.#input({ kind: 'control', text });
      }
      const next = earliest(
        this.#tunnel.deadline,
        this.#gateway.deadline,
        this.#up[0]?.at,
        this.#down[0]?.at,
      );
      if (next === undefined) throw new Error('nothing to happen');
      this.#now = Math.max(this.#now, next);
      for (const { datagram } of take(this.#up, this.#now)) {
        this.#fromGateway(this.#gateway.receive(datagram.channel, datagram.bytes, this.#now));
      }
      if ((this.#gateway.deadline ?? Infinity) <= this.#now) {
        this.#fromGateway(this.#gateway.timeout(this.#now));
      }
      const arrived = take(this.#down, this.#now);
      for (let i = 0; i < arrived.length; i += this.batch) {
        const writer = new FrameWriter();
        for (const { datagram } of arrived.slice(i, i + this.batch)) {
          writer.append(datagram.channel, datagram.bytes, 0, datagram.bytes.length);
          if (datagram.channel === Channel.natt && datagram.bytes.length > 1000) this.packets++;
        }
        this.frames++;
        this.#input({ kind: 'frame', bytes: writer.take()!.slice() as Bytes });
      }
      if ((this.#tunnel.deadline ?? Infinity) <= this.#now) this.#input({ kind: 'timeout' });
    }
  }

  #fromGateway(datagrams: readonly Datagram[]): void {
    for (const datagram of datagrams) this.#down.push({ at: this.#now + LATENCY, datagram });
  }
}

function take<T extends { at: number }>(queue: T[], now: number): T[] {
  let count = 0;
  while (count < queue.length && queue[count]!.at <= now) count++;
  return queue.splice(0, count);
}

const lab = new Lab(
  new Gateway({
    suite: await wasmSuite(new SeededRandom(1), 'strict'),
    random: new SeededRandom(2),
    preSharedKey: PSK,
    clientAddress: Uint8Array.of(198, 51, 100, 1),
    clientPorts: WIRE,
    innerPort: WIRE.natt,
    accounts: { alice: 'wonderland' },
    methods: ['mschapv2'],
    port: PORT,
    content: new Uint8Array(Number(values.megabytes) * 1_000_000),
    phase1: [{ cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 2 }],
    phase2: [{ cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' }],
  }),
  new Tunnel({
    suite: await wasmSuite(new SeededRandom(3), 'strict'),
    random: new SeededRandom(4),
    gateway: 'g',
    credentials: { kind: 'pre-shared-key', key: PSK },
    userName: 'alice',
    password: 'wonderland',
    authMethods: ['mschapv2'],
    innerPort: WIRE.natt,
  }),
);
const batches = values.batch === undefined ? [1, 4, 16, 32] : [Number(values.batch)];
for (const batch of batches) lab.download(batch);
const laps = batches.map(() => [] as number[]);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [i, batch] of batches.entries()) laps[i]!.push(lab.download(batch));
}
batches.forEach((batch, i) => {
  console.log(
    `${batch} packets in a frame: ${median(laps[i]!).toFixed(2)} (least ${Math.min(...laps[i]!).toFixed(2)}) µs for each`,
  );
});
