/** Everything that crosses the interfaces of a namespace, recorded by tcpdump. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { preparedTools } from '../../../scripts/support/tools.ts';
import { Daemon } from './daemon.ts';
import type { Namespace } from './namespace.ts';

/** Packets reach tcpdump a little after they were sent. */
const SETTLE_MS = 300;
const STOP_WAIT_MS = 10_000;

export interface Capture {
  /** Ends the recording. Throws when the kernel dropped a packet: the recording would prove nothing. */
  stop(): Promise<Buffer>;
}

/**
 * Starts a recording; resolves when it runs.
 *
 * @param device An interface, or `any`.
 * @param folder Where the file may lie meanwhile.
 * @param filter What is recorded, in pcap-filter(7)'s words; everything without.
 */
export async function startCapture(
  namespace: Namespace,
  device: string,
  folder: string,
  filter: readonly string[] = [],
): Promise<Capture> {
  const file = join(folder, 'capture.pcap');
  // Without immediate mode packets wait for a second in a buffer that is lost at the end.
  const args = [
    '-i',
    device,
    '--immediate-mode',
    '-B',
    '32768',
    '-Z',
    'root',
    '-U',
    '-w',
    file,
    ...filter,
  ];
  const daemon = new Daemon('tcpdump', namespace.spawn(preparedTools().tcpdump, args));
  await daemon.until('listening', () => daemon.log.includes('listening on'));
  return {
    stop: async () => {
      await delay(SETTLE_MS);
      daemon.signal('SIGINT');
      await daemon.ended(STOP_WAIT_MS);
      if (!/^0 packets dropped by kernel/m.test(daemon.log)) throw new Error(daemon.log);
      return readFileSync(file);
    },
  };
}
