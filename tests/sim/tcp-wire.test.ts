/** Two stacks of ours over the wire that the kernel is tested with, in virtual time. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../support/net/clock.ts';
import { OwnHost } from '../support/net/own-host.ts';
import { patternHash } from '../support/net/pattern.ts';
import { wantedRecording } from '../support/net/pcap-writer.ts';
import { Wire } from '../support/net/wire.ts';
import { exchange } from '../support/net/work.ts';

const MTU = 1400;
const BYTES = 4_000_000;

describe('a stream that is limited by its window', () => {
  it.each([1, 2, 3, 4])('arrives to its last byte (seed %i)', async (seed) => {
    const clock = new VirtualClock();
    const hosts = ['10.77.0.1', '10.77.0.2'].map(
      (address) => new OwnHost({ clock, address, mtu: MTU, seed }),
    ) as [OwnHost, OwnHost];
    // Losses make windows that are no whole number of bytes.
    const conditions = { latency: 25, loss: 0.0005 };
    new Wire({
      clock,
      ends: hosts,
      there: { ...conditions, seed },
      back: { ...conditions, seed: seed + 1 },
      recording: wantedRecording(`stream ${seed}`),
    });
    const ends = await clock.until(exchange(...hosts, 80, { bytes: BYTES }, {}), 20_000);
    expect(ends[1]).toMatchObject({ received: BYTES, hash: patternHash(BYTES) });
  });
});
