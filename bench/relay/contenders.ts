/** The relays that are raced: ours as it runs everywhere and with its addon where that was built, and wisp-js. */
import { existsSync } from 'node:fs';
import type { Contender } from './line.ts';

/** What a relay of ours with more sessions is compared with, as a peer's name. */
export const OURS_ALONE = 'ours, 1 session';

const ADDON = new URL('../../relay/native/build/datagrams.node', import.meta.url);

export function hasAddon(): boolean {
  return existsSync(ADDON);
}

export function contenders(): { ours: readonly Contender[]; peers: readonly Contender[] } {
  const culvert = { program: 'bench/relay/culvert-server.ts', protocol: 'culvert' } as const;
  const ours: Contender[] = [
    { ...culvert, name: 'pure JavaScript', env: { CULVERT_NO_ADDON: '1' } },
  ];
  if (hasAddon()) ours.push({ ...culvert, name: 'addon' });
  return {
    ours,
    peers: [{ name: 'wisp-js', program: 'bench/relay/wisp-server.ts', protocol: 'wisp' }],
  };
}
