import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { NativeSockets } from '../../../relay/native-sockets.ts';
import { ADDON_OBSTACLE, addon, because, SocketLog } from './addon.ts';
import { closeAll, eventually, onClose, udpSocket } from './support.ts';

afterEach(closeAll);

const HOST = '127.0.0.1';
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface End {
  readonly socket: Awaited<ReturnType<NativeSockets['connect']>>;
  readonly log: SocketLog;
}

/** A socket toward a port of this host, closed with the test. */
async function connect(port: number, localPort = 0): Promise<End> {
  const log = new SocketLog();
  const socket = await NativeSockets.load()!.connect(HOST, port, log, localPort);
  let open = true;
  const close = socket.close.bind(socket);
  socket.close = () => {
    if (open) close();
    open = false;
  };
  onClose(() => socket.close());
  return { socket, log };
}

/** Two sockets connected to each other. */
async function pair(): Promise<[End, End]> {
  for (;;) {
    const placeholder = await udpSocket(HOST);
    const { port } = placeholder.address();
    const one = await connect(port);
    placeholder.close();
    try {
      return [one, await connect(one.socket.local.port, port)];
    } catch (error) {
      // Another process has that port, at this address or another one.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

/** Sends records of these lengths as one frame, their first bytes 1, 2, 3 and so on. */
function send({ socket }: End, lengths: readonly number[], isIke = false): void {
  const frame = Buffer.alloc(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  lengths.forEach((length, i) => {
    frame[at] = i + 1;
    socket.send(frame, at, at + length, isIke);
    at += length;
  });
  NativeSockets.load()!.flush();
}

/** Lengths of the records of a frame. A GSO run takes 64 at most, and 64 KB. */
const RECORDS: [string, number[]][] = [
  ['one', [1400]],
  ['of one length, one run’s', Array(46).fill(1400)],
  ['of one length, more than one run’s', Array(60).fill(1400)],
  ['of one byte, more than one run’s', Array(70).fill(1)],
  ['of one length, the last one shorter', [...Array(9).fill(1400), 1399]],
  ['of which a shorter one ends the run', [1400, 1400, 100, 1400, 1400, 101, 1400]],
  ['each longer than the one before', [100, 200, 300, 400]],
  ['each shorter than the one before', [400, 300, 200, 100]],
  ['of the largest segment and above', [1472, 1472, 1473, 1473, 1472]],
  ['of the largest size', [65_507, 65_507, 3]],
  ['more than one call takes', Array(1100).fill(20)],
];

const tagged = (lengths: readonly number[]): [number, number][] =>
  lengths.map((length, i) => [(i + 1) & 0xff, length]);

/** Descriptors of this process that are sockets or epoll instances. */
/** UDP sockets connected to `HOST`'s port 9: those of this file alone, whatever other threads open. */
function socketsToDiscard(): number {
  return readFileSync('/proc/self/net/udp', 'utf8').split(' 0100007F:0009 ').length - 1;
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /socket|eventpoll/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;
}

test('the addon is there where the tests are to be complete', () => {
  if (process.env.CI) expect(ADDON_OBSTACLE).toBeUndefined();
});

describe.skipIf(ADDON_OBSTACLE !== undefined)(
  `sockets of the addon${because(ADDON_OBSTACLE)}`,
  () => {
    test.each(RECORDS)('records %s arrive as they were, in order', async (_what, lengths) => {
      const [one, two] = await pair();
      send(one, lengths);
      await eventually(() => two.log.shapes.length === lengths.length);
      expect(two.log.shapes).toEqual(tagged(lengths));
      expect(one.log.counts).toEqual({ sent: lengths.length, full: 0, failed: 0 });
    });

    test.each(RECORDS.filter(([, { length }]) => length < 100))(
      'records %s arrive as they were where datagrams are taken singly',
      async (_what, lengths) => {
        const gateway = await udpSocket(HOST);
        const heard: [number, number][] = [];
        gateway.on('message', (bytes) => heard.push([bytes[0]!, bytes.length]));
        send(await connect(gateway.address().port), lengths);
        await eventually(() => heard.length === lengths.length);
        expect(heard).toEqual(tagged(lengths));
      },
    );

    test('records of several sockets and frames keep to their own', async () => {
      const [one, two] = await pair();
      const [three, four] = await pair();
      const frame = Buffer.from([1, 2, 3, 4]);
      one.socket.send(frame, 0, 1, false);
      three.socket.send(frame, 1, 2, false);
      one.socket.send(frame, 2, 3, false);
      one.socket.send(Buffer.from([9]), 0, 1, false);
      NativeSockets.load()!.flush();
      await eventually(() => two.log.shapes.length === 3 && four.log.shapes.length === 1);
      expect([two.log.shapes, four.log.shapes].map((all) => all.map(([tag]) => tag))).toEqual([
        [1, 3, 9],
        [2],
      ]);
    });

    test('an ICMP error is told, and the next record goes out', async () => {
      const gateway = await udpSocket(HOST);
      const end = await connect(gateway.address().port);
      gateway.close();
      let sent = 0;
      // The system sends so many ICMP errors a second and no more, to all of its programs together.
      await eventually(() => {
        send(end, [10]);
        sent++;
        return end.log.errors.length >= 3;
      });
      expect(new Set(end.log.errors)).toEqual(new Set(['ECONNREFUSED']));
      expect(end.log.counts).toEqual({ sent, full: 0, failed: 0 });
    });

    test('a record the system refuses is counted, the others go out', async () => {
      const [one, two] = await pair();
      send(one, [10, 65_508, 10]);
      await eventually(() => two.log.shapes.length === 2);
      expect(one.log.errors).toEqual(['EMSGSIZE']);
      expect(one.log.counts).toEqual({ sent: 2, full: 0, failed: 1 });
    });

    test('a place that cannot be connected to is refused with the system’s name for it', async () => {
      const sockets = NativeSockets.load()!;
      const refused = sockets.connect('255.255.255.255', 9, new SocketLog());
      await expect(refused).rejects.toMatchObject({ code: 'EACCES' });
      await expect(sockets.connect('vpn.example', 9, new SocketLog())).rejects.toBeInstanceOf(
        TypeError,
      );
    });

    test('a turn takes from every socket its share', async () => {
      const ends = await Promise.all(Array.from({ length: 8 }, pair));
      const load = Array<number>(250).fill(1400);
      for (const [one] of ends) send(one, load);
      const took: number[][] = [];
      while (ends.some(([, two]) => two.log.shapes.length < load.length)) {
        await turn();
        took.push(ends.map(([, two]) => two.log.shapes.length));
      }
      for (const counts of took) {
        const behind = Math.min(...counts);
        // One burst ahead of the slowest: 96 KB and the GRO bundle that was begun.
        expect(Math.max(...counts) - behind).toBeLessThanOrEqual((96 * 1024 + 65_536) / 1400);
      }
    });

    test('a socket that is closed while datagrams wait hears no more of them', async () => {
      const [one, two] = await pair();
      const [three, four] = await pair();
      const received = two.log.received.bind(two.log);
      two.log.received = (bytes, start, end) => {
        received(bytes, start, end);
        two.socket.close();
        four.socket.close();
      };
      // One GRO bundle each.
      send(one, [10, 10, 10]);
      send(three, [10, 10, 10]);
      await eventually(() => two.log.shapes.length > 0 || four.log.shapes.length > 0);
      for (let i = 0; i < 5; i++) await turn();
      expect(two.log.shapes).toEqual([[1, 10]]);
      expect([0, 3]).toContain(four.log.shapes.length);
    });

    test('thousands of sockets leave nothing behind', async () => {
      const sockets = NativeSockets.load()!;
      const log = new SocketLog();
      const round = async (): Promise<void> => {
        const open = await Promise.all(
          Array.from({ length: 100 }, () => sockets.connect(HOST, 9, log)),
        );
        open[0]!.send(Buffer.alloc(10), 0, 10, false);
        sockets.flush();
        for (const socket of open) socket.close();
      };
      await round();
      const before = socketsToDiscard();
      const memory = residentBytes();
      for (let i = 0; i < 30; i++) await round();
      expect(socketsToDiscard()).toBe(before);
      // A kilobyte for each of 3000 sockets would be 3 MB.
      expect(residentBytes() - memory).toBeLessThan(16 * 1024 * 1024);
    });

    test('a thread that ends takes its sockets with it', async () => {
      const before = descriptors();
      for (let i = 0; i < 3; i++) {
        const worker = new Worker(
          `const { parentPort, workerData } = require('node:worker_threads');
         const set = require(workerData).start(() => {});
         for (let i = 0; i < 50; i++) set.openUdp('127.0.0.1', 9, 0);
         parentPort.postMessage('open');
         setInterval(() => {}, 1000);`,
          {
            eval: true,
            workerData: new URL('../../../relay/native/build/datagrams.node', import.meta.url)
              .pathname,
          },
        );
        await new Promise((resolve) => worker.once('message', resolve));
        await worker.terminate();
      }
      await eventually(() => descriptors() <= before);
    });

    test('wrong arguments throw', () => {
      const set = addon().start(() => {}) as unknown as Record<
        string,
        (...args: unknown[]) => unknown
      >;
      const id = set.openUdp!(HOST, 9, 0);
      const ranges = new Int32Array(set.ranges as unknown as ArrayBuffer);
      ranges.set([0, 11]);
      for (const wrong of [
        () => set.openUdp!(HOST, 0, 0),
        () => set.openUdp!(HOST, 9),
        () => set.openUdp!(9, 9, 0),
        () => set.openUdp!('1'.repeat(200), 9, 0),
        () => set.openEsp!(HOST),
        () => set.localPort!(-1),
        () => set.localPort!(1e6),
        () => set.send!(id, 'text', 1, false),
        () => set.send!(id, Buffer.alloc(10), 1, false),
        () => set.send!(id, Buffer.alloc(20), 1025, false),
        () => set.close!('x'),
        () => addon().start(1 as never),
      ]) {
        expect(wrong).toThrow(TypeError);
      }
      set.close!(id);
      expect(() => set.close!(id)).toThrow(TypeError);
    });

    const lab = laboratoryObstacle();

    test.skipIf(lab !== undefined)(
      `what the system does not take is dropped, IKE last${because(lab)}`,
      () => {
        // A device that sends 1 Mbit/s, in a network namespace of its own.
        const script = new URL('./full-buffer.ts', import.meta.url).pathname;
        const { stdout, stderr } = spawnSync(
          'unshare',
          [
            '-n',
            'sh',
            '-c',
            `ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 16kb limit 100mb && exec "$0" --import tsx "$1"`,
            process.execPath,
            script,
          ],
          { encoding: 'utf8' },
        );
        expect(stderr).toBe('');
        const { esp, ike, more } = JSON.parse(stdout);
        expect(esp.full).toBeGreaterThan(0);
        expect(esp.sent + esp.full).toBe(4000);
        expect(ike).toEqual({ sent: 10, full: 0, failed: 0 });
        expect(more.full).toBeGreaterThan(0);
      },
    );
  },
);

/** Why there is no namespace with a slow device. */
function laboratoryObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root';
  const { status } = spawnSync('unshare', [
    '-n',
    'tc',
    'qdisc',
    'add',
    'dev',
    'lo',
    'root',
    'tbf',
    'rate',
    '1mbit',
    'burst',
    '16kb',
    'limit',
    '1mb',
  ]);
  return status === 0 ? undefined : 'it needs unshare and tc, and tbf in the kernel';
}

function residentBytes(): number {
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
