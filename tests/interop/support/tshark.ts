/** What Wireshark reads in a recording of raw IP packets. */
import { mustRun } from '../../../scripts/support/command.ts';
import { preparedTools } from '../../../scripts/support/tools.ts';

/** Checksums are verified; what the tests' ports or bytes would make of the payload elsewhere is not asked. */
const OPTIONS = [
  ...['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
  ...['-n', '-d', 'tcp.port==1-65535,data'],
];

/** Wireshark's severity “error”: malformed, a wrong length, a bad checksum. Losses and the like are below it. */
const ERROR = '8388608';

const FIELDS = {
  number: 'frame.number',
  source: 'ip.src',
  flags: 'tcp.flags',
  /** In bytes, scaled. */
  window: 'tcp.window_size',
  scale: 'tcp.options.wscale.shift',
  timestamp: 'tcp.options.timestamp.tsval',
  sackPermitted: 'tcp.options.sack_perm',
  sack: 'tcp.options.sack_le',
  severities: '_ws.expert.severity',
  messages: '_ws.expert.message',
} as const;

/** A packet's fields as Wireshark prints them: empty when it has none, with commas when it has several. */
export type Dissection = Readonly<Record<keyof typeof FIELDS, string>>;

export async function dissect(file: string): Promise<Dissection[]> {
  const fields = Object.values(FIELDS).flatMap((name) => ['-e', name]);
  const args = ['-r', file, ...OPTIONS, '-T', 'fields', ...fields];
  const lines = (await mustRun(preparedTools().tshark, args)).split('\n').slice(0, -1);
  return lines.map((line) => {
    const values = line.split('\t');
    const entries = Object.keys(FIELDS).map((name, i) => [name, values[i] ?? '']);
    return Object.fromEntries(entries) as Dissection;
  });
}

/** Those that Wireshark finds fault with. */
export function faulty(packets: readonly Dissection[]): Dissection[] {
  return packets.filter(({ severities }) => severities.split(',').includes(ERROR));
}
