import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PppOutput } from '../../../shared/ppp/ppp.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { Script } from './script.ts';

interface Capture {
  readonly frames: readonly (readonly ['client' | 'gateway', string])[];
  readonly address: string;
  readonly peerAddress: string;
  readonly nameServers: readonly string[];
}

const capture: Capture = JSON.parse(
  readFileSync(new URL('../../vectors/ppp-softether.json', import.meta.url), 'utf8'),
);

describe('a captured session with SoftEther', () => {
  it('goes frame by frame as it went', () => {
    const script = new Script({ methods: ['pap'] });
    const outputs: PppOutput[] = [...script.up()];
    const said = () =>
      outputs.flatMap((output) => (output.kind === 'transmit' ? [toHex(output.bytes)] : []));
    const magic = said()[0]!.slice(-8);
    const expected: string[] = [];
    for (const [who, frame] of capture.frames) {
      const hex = frame.replace('magic', magic);
      if (who === 'client') expected.push(hex);
      else outputs.push(...script.raw(fromHex(hex)));
    }
    // Its echo carries the magic number 0 although it rejected ours: so does our reply.
    expect(said()).toEqual(expected);
    expect(outputs.find(({ kind }) => kind === 'network-up')).toEqual({
      kind: 'network-up',
      address: fromHex(capture.address),
      peerAddress: fromHex(capture.peerAddress),
      nameServers: capture.nameServers.map(fromHex),
      mtu: 1400,
    });
  });
});
