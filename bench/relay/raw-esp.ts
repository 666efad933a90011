/**
 * ESP as IP protocol 50 beside the same packets in UDP without segmentation offload: up, through the addon, out of a
 * network namespace. At the other end of its wire nobody takes them: what a system spends on a packet that arrives,
 * for a raw socket a copy among others, it would spend in the relay's time, and it is not the relay's.
 */
import { preparedTools } from '../../scripts/support/tools.ts';
import { CHANNEL_NAMES } from '../../shared/relay/channels.ts';
import { sweep } from '../../tests/interop/support/namespace.ts';
import { GATEWAY_ADDRESS, startNetwork } from '../../tests/interop/support/network.ts';
import { type RaceOptions, race } from '../harness/race.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { hasAddon } from './contenders.ts';
import { Line } from './line.ts';
import type { ProtocolName } from './protocols.ts';

/** Why it cannot be measured here. */
export function rawEspObstacle(): string | undefined {
  if (!(CHANNEL_NAMES as readonly string[]).includes('esp')) return 'the relay has no such channel';
  if (!hasAddon()) return 'the addon is not built';
  if (process.getuid?.() !== 0) return 'network namespaces and raw sockets need root';
  try {
    preparedTools();
  } catch (error) {
    return String(error);
  }
  return undefined;
}

/** The device of `startNetwork`, and a station that is not on its wire: the system there drops at once what is for it. */
const DEVICE = 'wan0';
const NOBODY = '02:00:00:00:00:01';

export async function rawEspRows(options: RaceOptions): Promise<Row[]> {
  sweep();
  const network = startNetwork();
  const { client } = network;
  client.ip('neigh', 'replace', GATEWAY_ADDRESS, 'lladdr', NOBODY, 'dev', DEVICE);
  const place = {
    gateway: GATEWAY_ADDRESS,
    within: [preparedTools().ip, 'netns', 'exec', client.name],
    device: DEVICE,
  };
  const lines: Line[] = [];
  const start = async (name: string, protocol: ProtocolName): Promise<Line> => {
    const contender = { name, program: 'bench/relay/culvert-server.ts', protocol };
    const line = await Line.start(contender, 'up', 1, place);
    lines.push(line);
    return line;
  };
  try {
    const raw = await start('raw ESP', 'raw');
    const udp = await start('UDP without GSO', 'unequal');
    const laps = await race(
      { raw: () => raw.cpuPerPacket(), udp: () => udp.cpuPerPacket() },
      options,
    );
    return [
      rowOf(
        {
          bench: 'relay',
          case: 'up, raw ESP onto a wire, 1 session',
          where: 'Node',
          unit: 'µs CPU/packet',
        },
        laps.raw!,
        { 'UDP without GSO': laps.udp! },
      ),
    ];
  } finally {
    await Promise.all(lines.map((line) => line.stop()));
    network.destroy();
  }
}
