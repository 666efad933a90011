/** A recording as a pcapng file: what was on the wire, and beside it what was inside, decrypted. */
import type { Bytes } from '../wire/bytes.ts';
import { ipPacket, outerPacket } from './outer-headers.ts';
import { type CaptureInterface, type CapturePacket, LINKTYPE_RAW, writePcapng } from './pcapng.ts';
import { innerIp, type RecordedPacket } from './recorded.ts';

const INTERFACES: readonly CaptureInterface[] = [
  {
    name: 'outer',
    description: 'Between relay and gateway, as on the wire; IP and UDP headers reconstructed',
    linkType: LINKTYPE_RAW,
  },
  { name: 'inner', description: 'IP inside the tunnel, decrypted', linkType: LINKTYPE_RAW },
  {
    name: 'l2tp',
    description: 'L2TP and PPP control inside ESP, decrypted',
    linkType: LINKTYPE_RAW,
  },
];
const OUTER = 0;
const INNER = 1;
const L2TP = 2;

/** The messages between tab and relay, which are no packets, are not in it. */
export function captureFile(packets: readonly RecordedPacket[]): Bytes {
  return writePcapng('Culvert', INTERFACES, capturePackets(packets));
}

function* capturePackets(packets: readonly RecordedPacket[]): Generator<CapturePacket> {
  for (const packet of packets) {
    if (packet.kind === 'control') continue;
    const { time, direction, channel, path, inner } = packet;
    const outer = outerPacket(path, direction, channel, packet.bytes);
    yield { interface: OUTER, time, direction, bytes: outer };
    if (inner === undefined) continue;
    const ip = innerIp(inner);
    if (ip !== undefined) yield { interface: INNER, time, direction, bytes: ip };
    else {
      const bytes = ipPacket(path, direction, inner.nextHeader, inner.bytes);
      yield { interface: L2TP, time, direction, bytes };
    }
  }
}
