/** The relays that are raced: ours as it runs everywhere and with its addon where that was built, and wisp-js. */
import { existsSync } from 'node:fs';
import type { Contender } from './line.ts';

const ADDON = new URL('../../relay/native/build/datagrams.node', import.meta.url);

export function contenders(): { ours: readonly Contender[]; peers: readonly Contender[] } {
  const culvert = { program: 'bench/relay/culvert-server.ts', protocol: 'culvert' } as const;
  const ours: Contender[] = [
    { ...culvert, name: 'pure JavaScript', env: { CULVERT_NO_ADDON: '1' } },
  ];
  if (existsSync(ADDON)) ours.push({ ...culvert, name: 'addon' });
  return {
    ours,
    peers: [{ name: 'wisp-js', program: 'bench/relay/wisp-server.ts', protocol: 'wisp' }],
  };
}
