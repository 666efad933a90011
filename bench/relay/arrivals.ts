/** What has come through a relay on the way up, as the system counts it: proc(5). Nobody has to read it for that. */
import { readFileSync } from 'node:fs';

/** Datagrams that were dropped at each of the ports of an address, as the process sees it. */
export function packetsDropped(
  pid: number,
  address: string,
  ports: readonly number[],
): readonly number[] {
  const drops = new Map(
    table(pid, 'udp').map((fields) => [fields[1] ?? '', Number(fields.at(-1))] as const),
  );
  return ports.map((port) => {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    return drops.get(`${hexAddress(address)}:${hex}`) ?? 0;
  });
}

/** Packets that a device in the process's network namespace has sent. */
export function packetsSent(pid: number, device: string): number {
  const fields = table(pid, 'dev').find(([name]) => name === `${device}:`);
  return Number(fields?.[SENT_PACKETS]);
}

/** Behind the name eight columns of what was received, then bytes and packets of what was sent. */
const SENT_PACKETS = 10;

function table(pid: number, name: 'udp' | 'dev'): readonly (readonly string[])[] {
  const lines = readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n');
  return lines.map((line) => line.trim().split(/\s+/));
}

/** As /proc has it: in the processor's byte order. */
function hexAddress(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return bytes.reverse().join('').toUpperCase();
}
