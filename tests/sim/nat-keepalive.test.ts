/** NAT keepalives, both ways. RFC 3948 §2.3 and §4. */
import { expect, test } from 'vitest';
import { Channel } from '../../shared/relay/channels.ts';
import { FrameWriter, forEachRecord } from '../../shared/relay/frames.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import type { Laboratory } from '../support/laboratory.ts';
import { quickLaboratory } from '../support/quick-laboratory.ts';

const KEEPALIVE: Bytes = Uint8Array.of(0xff);

async function connected(): Promise<Laboratory> {
  const lab = quickLaboratory();
  await Promise.resolve();
  lab.run(() => lab.session !== undefined, 60_000);
  lab.run(() => false, 2_000);
  return lab;
}

/** A second, whether anything happens in it or not. */
function second(lab: Laboratory): void {
  const until = lab.now + 1_000;
  lab.run(() => lab.closed !== undefined, 1_000);
  lab.now = until;
}

/** Records that left the tab since its `from`th frame. */
function records(lab: Laboratory, from: number): { channel: number; bytes: Bytes }[] {
  const found: { channel: number; bytes: Bytes }[] = [];
  for (const frame of lab.sent.slice(from)) {
    forEachRecord(frame, (channel, start, end) => {
      found.push({ channel, bytes: frame.slice(start, end) });
    });
  }
  return found;
}

test('is one byte, on UDP 4500, after 20 s of silence', async () => {
  const lab = await connected();
  const before = lab.sent.length;
  // The gateway says something that needs no answer, so that we have no reason to ask.
  for (let i = 0; i < 21; i++) {
    lab.fromGateway(lab.gateway!.sendIp(Uint8Array.of(0x45, 0, 0, 4)));
    second(lab);
  }
  // IKE asks on its own account whether the gateway is there; a NAT's mapping is ESP's to keep.
  const sent = records(lab, before).filter(({ bytes }) => bytes[0] !== 0);
  expect(sent).toEqual([{ channel: Channel.natt, bytes: KEEPALIVE }]);
});

test('that arrives says nothing, and keeps no dead gateway alive', async () => {
  const lab = await connected();
  lab.unplugged = true;
  for (let i = 0; i < 180 && lab.closed === undefined; i++) {
    const writer = new FrameWriter();
    writer.append(Channel.natt, KEEPALIVE, 0, KEEPALIVE.length);
    lab.input({ kind: 'frame', bytes: writer.take()! });
    second(lab);
  }
  expect(lab.closed?.failure?.code).toMatch(/DEAD_PEER$/);
});
