/**
 * Run where the loopback device is slow: fills a socket's buffer and tells, as JSON, what became of 4000 ESP packets,
 * of ten IKE messages after them, and of as many IKE messages as fill the reserve.
 */
import { NativeSockets } from '../../../relay/native-sockets.ts';

const sockets = NativeSockets.load()!;

async function tally(): Promise<{
  counts: { sent: number; full: number; failed: number };
  send: (count: number, isIke: boolean) => { sent: number; full: number; failed: number };
}> {
  let counts = { sent: 0, full: 0, failed: 0 };
  const socket = await sockets.connect('127.0.0.1', 9, {
    received() {},
    foreign() {},
    sent: (count) => {
      counts.sent += count;
    },
    full: (count) => {
      counts.full += count;
    },
    failed: (_code, count) => {
      counts.failed += count;
    },
  });
  const frame = Buffer.alloc(1400);
  return {
    counts,
    send(count, isIke) {
      counts = { sent: 0, full: 0, failed: 0 };
      for (let i = 0; i < count; i++) socket.send(frame, 0, frame.length, isIke);
      sockets.flush();
      return counts;
    },
  };
}

const { send } = await tally();
const esp = send(4000, false);
const ike = send(10, true);
const more = send(4000, true);
console.log(JSON.stringify({ esp, ike, more }));
process.exit(0);
