/**
 * What the tab's worker does for a download, without browser and relay: frames into the tunnel machine, out of a gateway of the
 * tests' in the same thread, in virtual time. Prints the processor time in the machine for each packet, by packets in a frame.
 *
 *     npx tsx bench/tab-download.ts [--megabytes 4] [--rounds 9] [--batch N]
 */
import { parseArgs } from 'node:util';
import { UDP_CHANNEL_NAMES } from '../shared/relay/channels.ts';
import { encodeControl } from '../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../shared/relay/frames.ts';
import { Tunnel, type TunnelInput, type TunnelOutput } from '../shared/vpn/tunnel.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import { earliest } from '../shared/wire/machine.ts';
import { type Datagram, GATEWAY_INNER, Gateway } from '../tests/support/gateway.ts';
import { SeededRandom } from '../tests/support/random.ts';
import { wasmSuite } from '../tests/support/wasm-suite.ts';
import { median } from './harness/statistics.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '9' },
    batch: { type: 'string' },
  },
});

const LATENCY: Millis = 1;
const PORT = 80;
const PORTS = { ike: 40_500, natt: 44_500, l2tp: 41_701 };
/** Shorter datagrams are no file's. */
const DATA_BYTES = 1000;

/** Datagrams on their way, in order. */
class Way {
  readonly #flying: { readonly at: Millis; readonly datagram: Datagram }[] = [];

  get deadline(): Millis | undefined {
    return this.#flying[0]?.at;
  }

  send(datagrams: readonly Datagram[], now: Millis): void {
    for (const datagram of datagrams) this.#flying.push({ at: now + LATENCY, datagram });
  }

  arrived(now: Millis): Datagram[] {
    const later = this.#flying.findIndex(({ at }) => at > now);
    const count = later < 0 ? this.#flying.length : later;
    return this.#flying.splice(0, count).map(({ datagram }) => datagram);
  }
}

class Download {
  readonly #gateway: Gateway;
  readonly #tunnel: Tunnel;
  readonly #up = new Way();
  readonly #down = new Way();
  /** What the relay will say. */
  readonly #told: string[] = [];
  #now: Millis = 0;
  #socket = 0;
  #isConnected = false;
  #isOver = false;
  #batch = 1;
  #micros = 0;
  #packets = 0;

  constructor(gateway: Gateway, tunnel: Tunnel) {
    this.#gateway = gateway;
    this.#tunnel = tunnel;
    this.#tell({ kind: 'start' });
    this.#run(() => this.#isConnected);
  }

  /** Microseconds for each packet, with at most `batch` of them in a frame. */
  run(batch: number): number {
    this.#batch = batch;
    this.#micros = 0;
    this.#packets = 0;
    this.#isOver = false;
    const socket = ++this.#socket;
    const input = { kind: 'tcp-connect', socket, address: GATEWAY_INNER, port: PORT } as const;
    this.#tell({ kind: 'network', input });
    this.#run(() => this.#isOver);
    return this.#micros / this.#packets;
  }

  #tell(input: TunnelInput): void {
    const before = process.cpuUsage();
    const outputs = this.#tunnel.handle(input, this.#now);
    const { user, system } = process.cpuUsage(before);
    this.#micros += user + system;
    for (const output of outputs) this.#react(output);
  }

  #react(output: TunnelOutput): void {
    switch (output.kind) {
      case 'control':
        this.#told.push(OPENED);
        return;
      case 'frame':
        forEachRecord(output.bytes, (channel, start, end) => {
          this.#up.send([{ channel, bytes: output.bytes.slice(start, end) }], this.#now);
        });
        return;
      case 'connected':
        this.#isConnected = true;
        return;
      case 'closed':
        throw new Error(JSON.stringify(output));
      case 'network':
        return this.#reactToNetwork(output.output);
    }
  }

  #reactToNetwork(output: Extract<TunnelOutput, { kind: 'network' }>['output']): void {
    if (output.kind === 'tcp-closed') this.#isOver = true;
    if (output.kind === 'tcp-end') {
      this.#tell({ kind: 'network', input: { kind: 'tcp-shutdown', socket: output.socket } });
    }
    if (output.kind !== 'tcp-data') return;
    const { socket, bytes } = output;
    const input = { kind: 'tcp-consumed', socket, length: bytes.length } as const;
    this.#tell({ kind: 'network', input });
  }

  #run(done: () => boolean): void {
    while (!done()) {
      for (const text of this.#told.splice(0)) this.#tell({ kind: 'control', text });
      const next = earliest(
        this.#tunnel.deadline,
        this.#gateway.deadline,
        this.#up.deadline,
        this.#down.deadline,
      );
      if (next === undefined) throw new Error('nothing is left to happen');
      this.#now = Math.max(this.#now, next);
      const now = this.#now;
      for (const { channel, bytes } of this.#up.arrived(now)) {
        this.#down.send(this.#gateway.receive(channel, bytes, now), now);
      }
      if ((this.#gateway.deadline ?? Infinity) <= now) {
        this.#down.send(this.#gateway.timeout(now), now);
      }
      this.#deliver(this.#down.arrived(now));
      if ((this.#tunnel.deadline ?? Infinity) <= now) this.#tell({ kind: 'timeout' });
    }
  }

  #deliver(datagrams: readonly Datagram[]): void {
    for (let at = 0; at < datagrams.length; at += this.#batch) {
      const writer = new FrameWriter();
      for (const { channel, bytes } of datagrams.slice(at, at + this.#batch)) {
        writer.append(channel, bytes, 0, bytes.length);
        if (bytes.length > DATA_BYTES) this.#packets++;
      }
      this.#tell({ kind: 'frame', bytes: writer.take()!.slice() });
    }
  }
}

const OPENED = encodeControl({
  type: 'opened',
  gateway: { id: 'bench', name: 'Bench', address: '192.0.2.1' },
  local: { address: '198.51.100.1', ...PORTS },
  remote: { ike: 500, natt: 4500, l2tp: 1701 },
  nat: 'possible',
  channels: UDP_CHANNEL_NAMES,
  mtu: 1500,
  limits: { frameBytes: 131_072, recordBytes: 65_507 },
});

const key = new TextEncoder().encode('bench');
const innerPort = PORTS.natt;
const download = new Download(
  new Gateway({
    preSharedKey: key,
    innerPort,
    suite: await wasmSuite(new SeededRandom(1)),
    random: new SeededRandom(2),
    clientAddress: Uint8Array.of(198, 51, 100, 1),
    clientPorts: PORTS,
    accounts: { alice: 'wonderland' },
    methods: ['mschapv2'],
    port: PORT,
    content: new Uint8Array(Number(values.megabytes) * 1_000_000),
    phase1: [{ cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 2 }],
    phase2: [{ cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' }],
  }),
  new Tunnel({
    credentials: { kind: 'pre-shared-key', key },
    innerPort,
    suite: await wasmSuite(new SeededRandom(3)),
    random: new SeededRandom(4),
    gateway: 'bench',
    userName: 'alice',
    password: 'wonderland',
    authMethods: ['mschapv2'],
  }),
);
const batches = values.batch === undefined ? [1, 4, 16, 32] : [Number(values.batch)];
const laps = batches.map((): number[] => []);
for (const batch of batches) download.run(batch);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [i, batch] of batches.entries()) laps[i]!.push(download.run(batch));
}
for (const [i, batch] of batches.entries()) {
  const [least, middle] = [Math.min(...laps[i]!), median(laps[i]!)].map((each) => each.toFixed(1));
  console.log(`${batch} packets in a frame: ${middle} µs for each (least ${least})`);
}
