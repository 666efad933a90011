/**
 * ESP as IP protocol 50 beside the same packets in UDP without segmentation offload: up, through the addon, between two
 * network namespaces, since on loopback a raw socket gets its own packets too.
 */
import { preparedTools } from '../../scripts/support/tools.ts';
import { CHANNEL_NAMES } from '../../shared/relay/channels.ts';
import { sweep } from '../../tests/interop/support/namespace.ts';
import {
  GATEWAY_ADDRESS,
  RELAY_ADDRESS,
  startNetwork,
} from '../../tests/interop/support/network.ts';
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

export async function rawEspRows(options: RaceOptions): Promise<Row[]> {
  sweep();
  const network = startNetwork();
  const within = (name: string): string[] => [preparedTools().ip, 'netns', 'exec', name];
  const place = {
    gateway: GATEWAY_ADDRESS,
    relay: RELAY_ADDRESS,
    relaySide: within(network.client.name),
    gatewaySide: within(network.gateway.name),
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
          case: 'up, raw ESP between namespaces, 1 session',
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
